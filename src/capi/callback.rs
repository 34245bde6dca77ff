//! The progress callback of calls that return when the upload has ended.

use std::ffi::c_void;
use std::time::Duration;

use super::output;
use super::types::*;
use crate::upload::{Outcome, Upload};

/// How often it is called.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The user's callback with its data, for one call.
pub(super) struct Callback {
    on_progress: oss_progress_fn,
    user_data: *mut c_void,
}

impl Callback {
    pub(super) fn new(on_progress: oss_progress_fn, user_data: *mut c_void) -> Callback {
        Callback { on_progress, user_data }
    }

    /// Waits for the end of the upload.
    ///
    /// # Safety
    /// The callback may be called with `user_data` on this thread.
    pub(super) unsafe fn report_until_end(&self, upload: &Upload) -> Outcome {
        loop {
            let outcome = upload.wait(PROGRESS_INTERVAL);
            // SAFETY: as the caller promises.
            unsafe { self.report(upload) };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// # Safety
    /// As above.
    unsafe fn report(&self, upload: &Upload) {
        let Some(on_progress) = self.on_progress else { return };
        let progress = output::progress(&upload.progress());
        // SAFETY: as the caller promises.
        match unsafe { on_progress(&progress, self.user_data) } {
            OSS_CONTINUE => {}
            OSS_CANCEL => upload.cancel(),
            _ => upload.pause(),
        }
    }
}
