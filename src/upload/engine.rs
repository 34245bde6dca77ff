//! One upload, from the first look at the file to the proven object: rounds, restarts, and how it ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::Outcome;
use super::checkpoint::{self, Found, Journal, Saved};
use super::control::StopRequest;
use super::job::Job;
use super::lease::{LeaseWait, while_leased};
use super::orphans;
use super::progress::Step;
use super::round::Round;
use super::source::Source;
use super::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::options::OnFileChange;

/// How often an upload starts over in one call.
const MOST_RESTARTS: u32 = 3;

impl Job {
    /// Carries the job out. The outcome says what was reached, and what is where.
    pub(crate) fn run(self: &Arc<Self>) -> Outcome {
        let start = Instant::now();
        let mut state = State::default();
        let error = self.upload(&mut state).err();
        let mut result = state.result;
        result.elapsed = start.elapsed();
        result.attempts = self.meter.attempts();
        result.bytes_sent = self.meter.sent();
        (result.parts_resumed, result.bytes_resumed) = self.meter.resumed();
        self.meter.enter(Step::Ended);
        self.events.tell(EventKind::Ended, |event| {
            event.elapsed = result.elapsed;
            event.bytes = result.bytes_sent;
            event.message = error.as_ref().map_or("stored".into(), |error| error.message().to_owned());
        });
        Outcome { result, error }
    }

    fn upload(self: &Arc<Self>, state: &mut State) -> Result<()> {
        let task = &self.task;
        let location = checkpoint::location(&task.checkpoint, &task.path, &task.bucket, &task.key);
        // The file goes first: without it, no checkpoint is touched.
        let source = match self.open_source(&self.control.begin_round()) {
            Ok(source) => source,
            Err(error) => return Err(self.never_began(location.as_deref(), error, state)),
        };
        let Some(location) = location else { return self.rounds(None, Found::Nothing, source, state) };
        let opened =
            self.waiting(&self.control.begin_round(), |wait| Journal::open(&location, &source.identity(), wait));
        let (journal, found) = opened.map_err(|error| self.wind_up(None, error, state))?;
        self.rounds(Some(&Arc::new(journal)), found, source, state)
    }

    fn open_source(&self, stop: &AtomicBool) -> Result<Source> {
        self.waiting(stop, |wait| Source::open(&self.task.path, wait))
    }

    /// Opens a file that may have to wait for somebody's lease, until `stop` goes up.
    fn waiting<T>(&self, stop: &AtomicBool, open: impl FnOnce(&LeaseWait<'_>) -> Result<T>) -> Result<T> {
        while_leased(&self.control, stop, self.service.stall_timeout, open)
    }

    /// The file could not be opened. What an earlier call has kept stays as it is, unless the user has cancelled.
    fn never_began(&self, location: Option<&Path>, error: Error, state: &mut State) -> Error {
        let journal = location.filter(|_| self.control.stop_request() == StopRequest::Cancel).and_then(|location| {
            let (journal, found) =
                self.waiting(&AtomicBool::new(true), |wait| Journal::open_existing(location, wait)).ok()??;
            let Found::Usable(saved) = found else { return None };
            state.open = Some(saved).filter(|saved| self.is_this(saved)).and_then(|saved| saved.upload_id);
            state.open.is_some().then_some(journal)
        });
        self.wind_up(journal.as_ref(), error, state)
    }

    /// The checkpoint is that of an earlier call of this upload.
    fn is_this(&self, saved: &Saved) -> bool {
        let (header, task) = (&saved.header, &self.task);
        (&header.endpoint, &header.bucket, &header.key, &header.source)
            == (&self.endpoint.to_string(), &task.bucket, &task.key, &task.path)
    }

    fn rounds(
        self: &Arc<Self>,
        journal: Option<&Arc<Journal>>,
        mut found: Found,
        source: Source,
        state: &mut State,
    ) -> Result<()> {
        let mut restarts = 0;
        let mut source = Some(source);
        loop {
            let ended = self.round(journal, std::mem::replace(&mut found, Found::Nothing), source.take(), state);
            let Err(error) = ended else { return Ok(()) };
            match self.why_start_over(&error) {
                Some(reason) if restarts < MOST_RESTARTS => {
                    restarts += 1;
                    self.events.tell(EventKind::Restarted, |event| event.message.clone_from(&reason));
                    state.result.restart_reason = reason;
                    // Best effort: what cannot be removed now is of no use to anyone.
                    let _ = self.abort(state);
                }
                _ => return Err(self.wind_up(journal.map(Arc::as_ref), error, state)),
            }
        }
    }

    /// `source` is the file when it is open already.
    fn round(
        self: &Arc<Self>,
        journal: Option<&Arc<Journal>>,
        found: Found,
        source: Option<Source>,
        state: &mut State,
    ) -> Result<()> {
        let remote = self.remote(self.control.begin_round());
        let source = Arc::new(source.map_or_else(|| self.open_source(&remote.stop), Ok)?);
        Round { job: self, remote: &remote, source: &source, journal, state }.run(found)
    }

    /// What failed can be put right by sending everything again.
    fn why_start_over(&self, error: &Error) -> Option<String> {
        if self.control.stop_request() != StopRequest::None {
            return None;
        }
        match (error.kind(), error.service_code()) {
            (ErrorKind::FileChanged, _) if self.task.on_file_change == OnFileChange::Restart => {
                Some(format!("file-changed: {error}"))
            }
            (_, "NoSuchUpload") => Some("upload-gone: the server no longer knows the upload".into()),
            (_, "InvalidPart") => Some("part-lost: the server no longer has all parts".into()),
            _ => None,
        }
    }

    /// Leaves things as the user expects them, and says how they are.
    fn wind_up(&self, journal: Option<&Journal>, error: Error, state: &mut State) -> Error {
        let stop_request = self.control.stop_request();
        let keeps = stop_request != StopRequest::Cancel && can_go_on(&error);
        let error = match stop_request {
            StopRequest::None => error,
            StopRequest::Pause => Error::new(ErrorKind::Paused, "the upload was paused").with_retryable(true),
            StopRequest::Cancel => Error::new(ErrorKind::Cancelled, "the upload was cancelled"),
        };
        match journal {
            Some(journal) if keeps && (state.open.is_some() || state.orphans_since.is_some()) => keep(journal, error),
            _ => self.leave_nothing(journal, error, state),
        }
    }

    fn leave_nothing(&self, journal: Option<&Journal>, mut error: Error, state: &mut State) -> Error {
        if let Err(failure) = self.abort(state) {
            let id = &state.result.upload_id;
            error = error.hint(format_args!("its parts are still on the server, as upload {id} ({failure})"));
        }
        if let Some(Err(failure)) = journal.map(Journal::remove) {
            error = error.hint(failure);
        }
        error
    }

    /// Removes what was sent from the server. Not interrupted by the user's stop_request: it is what carries the stop_request out.
    fn abort(&self, state: &mut State) -> Result<()> {
        let remote = self.remote(Arc::default());
        if let Some(since) = state.orphans_since.take() {
            // Best effort: it has no parts, and a policy may not allow to look for it.
            let _ = orphans::remove(&remote, state.open.as_deref(), since);
        }
        match state.open.take() {
            Some(upload_id) => remote.abort(&upload_id),
            None => Ok(()),
        }
    }
}

/// Whether a later call could go on after this error. It could not with the parts of a file that is another now, nor
/// without the upload id in the checkpoint, nor with a file that cannot be uploaded though the system finds no fault.
fn can_go_on(error: &Error) -> bool {
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
