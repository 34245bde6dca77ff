//! What is left on the server and on disk when an upload ends, starts over, or takes the place of an earlier one.
//!
//! Parts and checkpoint are kept together, for a later call to resume, or removed together. They are removed when the user
//! cancels, and when no later call could use them.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::{Found, Header, Journal, Saved};
use super::job::Job;
use super::orphans;
use super::remote::Remote;
use super::round::Round;
use super::state::UploadState;
use crate::error::{Error, ErrorKind};
use crate::events::EventKind;
use crate::oss::ObjectRef;
use crate::sync::atomic::AtomicBool;
use crate::transfer::StopRequest;

/// How the message of an upload that was cancelled begins. What follows says what could not be removed.
pub(crate) const CANCELLED: &str = "the upload was cancelled";
const ORPHAN: &str = "an upload without parts may be left on the server";

impl Job {
    /// The upload has failed or was stopped. Leaves things as the user expects them; the error says how they are.
    pub(super) fn clean_up(&self, journal: Option<&Journal>, error: Error, state: &mut UploadState) -> Error {
        let stop_request = self.control.stop_request();
        let keeps = stop_request != StopRequest::Cancel && can_be_resumed(&error);
        let error = match stop_request {
            StopRequest::None => error,
            StopRequest::Pause => Error::new(ErrorKind::Paused, "the upload was paused").with_retryable(true),
            StopRequest::Cancel => Error::new(ErrorKind::Cancelled, CANCELLED),
        };
        match journal {
            // An upload that was not heard of may only now be opened: the next call looks for it.
            Some(journal) if keeps && (state.open.is_some() || !state.orphans_since.is_empty()) => {
                // The checkpoint tells of one upload at most, and there may be others.
                let left = self.remove_orphans(state);
                left.into_iter().fold(keep(journal, error), Error::hint)
            }
            _ => self.leave_nothing(journal, error, state),
        }
    }

    /// The file could not be opened. What an earlier call has kept stays as it is, unless the user has cancelled.
    pub(super) fn never_began(&self, location: Option<&Path>, error: Error, state: &mut UploadState) -> Error {
        let is_cancelled = self.control.stop_request() == StopRequest::Cancel;
        let journal = location.filter(|_| is_cancelled).and_then(|location| {
            let opened = self.while_leased(&AtomicBool::new(true), |wait| Journal::open_existing(location, wait));
            let (journal, found) = opened.ok()??;
            let Found::Usable(saved) = found else { return None };
            state.open = Some(saved).filter(|saved| self.is_this(saved)).and_then(|saved| saved.upload_id);
            state.open.is_some().then_some(journal)
        });
        self.clean_up(journal.as_ref(), error, state)
    }

    /// Removes what was sent from the server, and says what could not be removed. Not interrupted by a stop request, which
    /// it carries out.
    pub(super) fn abort(&self, state: &mut UploadState) -> Vec<String> {
        let mut left = Vec::from_iter(self.remove_orphans(state));
        if let Some(id) = state.open.take()
            && let Err(failure) = self.remote(Arc::default()).abort(&id)
        {
            left.push(still_there(&id, &failure));
            state.result.upload_id = id;
        }
        left
    }

    /// Removes uploads that may have been opened beside the one that is, and says if it could not. Then the next call of this
    /// tries again.
    pub(super) fn remove_orphans(&self, state: &mut UploadState) -> Option<String> {
        if state.orphans_since.is_empty() {
            return None;
        }
        match orphans::remove(&self.remote(Arc::default()), state.open.as_deref(), &state.orphans_since) {
            Ok(()) => {
                state.orphans_since.clear();
                None
            }
            Err(failure) => Some(format!("{ORPHAN} ({failure})")),
        }
    }

    /// Tells that all is sent again, and why. What could not be removed is told as well: nobody else will.
    pub(super) fn restarted(&self, reason: &str, left: Vec<String>, state: &mut UploadState) {
        let reason = left.into_iter().fold(reason.to_owned(), |reason, left| format!("{reason}; {left}"));
        self.events.tell(EventKind::Restarted, |event| event.message.clone_from(&reason));
        state.result.restart_reason = reason;
    }

    fn leave_nothing(&self, journal: Option<&Journal>, error: Error, state: &mut UploadState) -> Error {
        let mut error = self.abort(state).into_iter().fold(error, Error::hint);
        if let Some(Err(failure)) = journal.map(Journal::remove) {
            error = error.hint(failure);
        }
        error
    }

    /// The checkpoint is that of an earlier call of this upload.
    fn is_this(&self, saved: &Saved) -> bool {
        let (header, options) = (&saved.header, &self.request.options);
        let is_this_object = (&header.endpoint, &header.bucket, &header.key)
            == (&self.endpoint.to_string(), &options.bucket, &options.object_key);
        is_this_object && header.file().is_some_and(|file| file.path == self.request.path())
    }
}

impl Round<'_> {
    /// What an earlier call has left is of no use, and is removed; nothing is told when it left nothing.
    pub(super) fn start_over(&mut self, reason: &str, saved: Option<&Saved>, wanted: &Header) {
        self.state.open = None;
        self.state.orphans_since = Vec::from_iter(saved.and_then(|saved| unheard_of(saved, wanted)));
        // Also when the user wants to stop: nobody will know of it any more. Orphans are looked for again when all has ended.
        let left = saved.and_then(|saved| abandon(&self.job.remote(Arc::default()), saved, wanted));
        let _ = self.job.remove_orphans(self.state);
        if !reason.is_empty() {
            self.job.restarted(reason, Vec::from_iter(left), self.state);
        }
    }
}

/// An earlier process may have been killed between Initiate and the record of its response, soon after this time.
pub(super) fn unheard_of(saved: &Saved, wanted: &Header) -> Option<SystemTime> {
    (saved.upload_id.is_none() && is_same_object(&saved.header, wanted)).then_some(saved.header.observed)
}

fn is_same_object(a: &Header, b: &Header) -> bool {
    (&a.endpoint, &a.bucket, &a.key) == (&b.endpoint, &b.bucket, &b.key)
}

/// Removes the parts of an earlier upload: its checkpoint is about to be overwritten. Says what could not be removed.
fn abandon(remote: &Remote<'_>, saved: &Saved, wanted: &Header) -> Option<String> {
    let Saved { header, upload_id, .. } = saved;
    match upload_id {
        Some(upload_id) if header.endpoint != wanted.endpoint => {
            Some(format!("its parts are still at the other endpoint, as upload {upload_id}"))
        }
        Some(upload_id) => {
            let object = ObjectRef { bucket: &header.bucket, key: &header.key };
            remote.abort_of(object, upload_id).err().map(|failure| still_there(upload_id, &failure))
        }
        // See unheard_of.
        None if is_same_object(header, wanted) => None,
        None => Some(format!("{ORPHAN} for {}/{} at {}", header.bucket, header.key, header.endpoint)),
    }
}

fn still_there(upload_id: &str, failure: &Error) -> String {
    format!("its parts are still on the server, as upload {upload_id} ({failure})")
}

/// Whether a later call could go on after this error. It could not with the parts of a file that is another now, nor
/// without the upload id in the checkpoint, nor with a file that cannot be uploaded though the system finds no fault.
fn can_be_resumed(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::FileChanged | ErrorKind::Checkpoint => false,
        ErrorKind::Io => error.os_errno() != 0,
        _ => true,
    }
}

fn keep(journal: &Journal, error: Error) -> Error {
    journal.flush();
    let error = match journal.trouble() {
        Some(trouble) => error.hint(trouble),
        None => error,
    };
    error.hint(format_args!("start it again with the checkpoint {} to resume", journal.path().display()))
}
