//! How to stop a batch, and what it has in work.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::sync::{Mutex, MutexGuard, unpoisoned};
use crate::transfer::{Control, Meter, StopRequest};
use crate::upload::CANCELLED;

/// So many uploads that could not be removed are named.
const MOST_NAMED: usize = 3;

/// The uploads that are in work, and whether they may be.
#[derive(Debug)]
pub(crate) struct BatchControl {
    /// Stops what belongs to no upload: the walk, and what reads files to compare them.
    pub own: Control,
    state: Mutex<ControlState>,
}

#[derive(Debug, Default)]
struct ControlState {
    last_id: u64,
    uploads: HashMap<u64, RunningUpload>,
    /// Why the batch ends before its files do, besides what the user asked for.
    failure: Option<Error>,
    /// What uploads that were cancelled have left on the server.
    left: Vec<String>,
}

/// An upload in work.
#[derive(Clone, Debug)]
pub(crate) struct RunningUpload {
    pub control: Arc<Control>,
    /// Of a large file: its progress is part of the batch's.
    pub large: Option<(Arc<Meter>, Arc<str>)>,
}

impl BatchControl {
    pub(crate) fn new() -> Self {
        BatchControl { own: Control::new(), state: Mutex::default() }
    }

    pub(crate) fn pause(&self) {
        self.own.pause();
        self.each(Control::pause);
    }

    pub(crate) fn cancel(&self) {
        self.own.cancel();
        self.each(Control::cancel);
    }

    /// Ends the batch with this error; the first one counts. Uploads in work are left as by a pause.
    pub(crate) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.pause();
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// An upload has ended, since the batch was to be stopped.
    pub(crate) fn stopped(&self, key: &str, error: &Error) {
        if let Some(left) = error.message().strip_prefix(CANCELLED).and_then(|rest| rest.strip_prefix("; ")) {
            self.lock().left.push(format!("{key}: {left}"));
        }
    }

    /// The batch was cancelled: the error names what is left on the server.
    pub(crate) fn cancelled(&self) -> Error {
        let state = self.lock();
        let error = Error::new(ErrorKind::Cancelled, "the batch was cancelled");
        let error = state.left.iter().take(MOST_NAMED).fold(error, |error, left| error.hint(left));
        match state.left.len().saturating_sub(MOST_NAMED) {
            0 => error,
            more => error.hint(format_args!("parts of {more} other files are still on the server")),
        }
    }

    pub(crate) fn stop_request(&self) -> StopRequest {
        self.own.stop_request()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop_request() != StopRequest::None
    }

    /// Takes note of an upload, as long as the returned value lives.
    pub(crate) fn enter(&self, upload: RunningUpload) -> Entered<'_> {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        let control = upload.control.clone();
        state.uploads.insert(id, upload);
        drop(state);
        match self.stop_request() {
            StopRequest::None => {}
            StopRequest::Pause => control.pause(),
            StopRequest::Cancel => control.cancel(),
        }
        Entered { control: self, id }
    }

    /// The large files in work.
    pub(crate) fn large(&self) -> Vec<(Arc<Meter>, Arc<str>)> {
        self.lock().uploads.values().filter_map(|upload| upload.large.clone()).collect()
    }

    fn each(&self, stop: fn(&Control)) {
        self.lock().uploads.values().for_each(|upload| stop(&upload.control));
    }

    fn lock(&self) -> MutexGuard<'_, ControlState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

pub(crate) struct Entered<'a> {
    control: &'a BatchControl,
    id: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.control.lock().uploads.remove(&self.id);
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
