//! Keeps panics and pthread_cancel() out of the library's frames, and turns results into statuses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::output;
use super::types::{oss_error, oss_status};
use crate::error::{Error, Result};
use crate::os::cancellation;

/// Runs `work`, fills `error` (which may be null) and returns the status. A panic becomes `OSS_INTERNAL`. A thread that is
/// cancelled meanwhile ends after the call.
///
/// # Safety
/// `error` is null or points to an `oss_error` that may be written.
pub(super) unsafe fn guard(error: *mut oss_error, work: impl FnOnce() -> Result<oss_status>) -> oss_status {
    let _deferred = cancellation::Deferred::new();
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Error::from_panic(&*payload)));
    let status = match &outcome {
        Ok(status) => *status,
        Err(failure) => output::status(failure.kind()),
    };
    // SAFETY: as the caller promises.
    unsafe { output::write(error, || output::error(status, outcome.as_ref().err())) };
    status
}

/// Runs `work` for a function that cannot report anything.
pub(super) fn guard_silently(work: impl FnOnce()) {
    let _deferred = cancellation::Deferred::new();
    // The payload's own drop could panic as well: it is leaked rather than dropped.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        let mut error = output::error(oss_status::OSS_OK, None);
        // SAFETY: `error` lives on this stack.
        let status = unsafe { guard(&mut error, || panic!("boom {}", 7)) };
        assert_eq!(status, oss_status::OSS_INTERNAL);
        assert_eq!(error.status, oss_status::OSS_INTERNAL as i32);
        assert!(output::text(&error.message).contains("boom 7"));
    }

    #[test]
    fn success_clears_the_error() {
        let failure = Error::new(ErrorKind::Network, "old");
        let mut error = output::error(oss_status::OSS_NETWORK, Some(&failure));
        // SAFETY: as above.
        let status = unsafe { guard(&mut error, || Ok(oss_status::OSS_OK)) };
        assert_eq!((status, error.status, error.message[0]), (oss_status::OSS_OK, 0, 0));
        // SAFETY: null is allowed.
        assert_eq!(unsafe { guard(std::ptr::null_mut(), || Ok(oss_status::OSS_OK)) }, oss_status::OSS_OK);
    }
}
