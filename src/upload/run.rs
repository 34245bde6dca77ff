//! One upload, from the first look at the source to the proven object: rounds and restarts.

use std::sync::Arc;
use std::time::Instant;

use super::checkpoint::{Found, Journal};
use super::cleanup::unheard_of;
use super::job::{Job, OpenSource};
use super::prove::of_head;
use super::request::UploadSource;
use super::result::Outcome;
use super::resume::{Resumption, mismatch, reconcile};
use super::round::Round;
use super::state::UploadState;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::options::OnFileChange;
use crate::transfer::{Plan, Step, StopRequest};

/// How often an upload starts over in one call.
const MOST_RESTARTS: u32 = 3;

impl Job {
    /// Carries the job out. The outcome says what was reached, and what is where.
    pub(crate) fn run(self: &Arc<Self>) -> Outcome {
        let start = Instant::now();
        let mut state = UploadState::default();
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
        Outcome { result, error, stored: state.stored }
    }

    fn upload(self: &Arc<Self>, state: &mut UploadState) -> Result<()> {
        if let UploadSource::Stream(pipe, inbox) = &self.request.source {
            return self.stream(pipe, inbox, state);
        }
        if let Some(step) = &self.request.shared {
            return self.share(step, state);
        }
        let location = self.request.checkpoint_location();
        // The file goes first: without it, no checkpoint is touched.
        let source = match self.open_source(&self.control.begin_round()) {
            Ok(source) => source,
            Err(error) => return Err(self.never_began(location.as_deref(), error, state)),
        };
        let Some((location, file)) = location.zip(source.file()) else {
            return self.rounds(None, Found::Nothing, Some(source), state);
        };
        let opened = self
            .while_leased(&self.control.begin_round(), |wait| Journal::open(&location, Some(&file.identity()), wait));
        let (journal, found) = opened.map_err(|error| self.clean_up(None, error, state))?;
        self.rounds(Some(&Arc::new(journal)), found, Some(source), state)
    }

    /// `source` is the file when it is open already.
    fn rounds(
        self: &Arc<Self>,
        journal: Option<&Arc<Journal>>,
        mut found: Found,
        mut source: Option<OpenSource>,
        state: &mut UploadState,
    ) -> Result<()> {
        let mut restarts = 0;
        loop {
            let ended = self.round(journal, std::mem::replace(&mut found, Found::Nothing), source.take(), state);
            let Err(error) = ended else {
                // Once more, if it could not be done when the upload was opened.
                let _ = self.remove_orphans(state);
                return Ok(());
            };
            match self.why_start_over(&error) {
                Some(reason) if restarts < MOST_RESTARTS => {
                    restarts += 1;
                    let left = self.abort(state);
                    self.restarted(&reason, left, state);
                }
                _ => return Err(self.clean_up(journal.map(Arc::as_ref), error, state)),
            }
        }
    }

    fn round(
        self: &Arc<Self>,
        journal: Option<&Arc<Journal>>,
        found: Found,
        source: Option<OpenSource>,
        state: &mut UploadState,
    ) -> Result<()> {
        let remote = self.remote(self.control.begin_round());
        let source = source.map_or_else(|| self.open_source(&remote.stop), Ok)?;
        Round { job: self, remote: &remote, source: &source.bytes(), file: source.file(), journal, state }.run(found)
    }

    /// What failed can be put right by sending everything again.
    fn why_start_over(&self, error: &Error) -> Option<String> {
        if self.control.stop_request() != StopRequest::None {
            return None;
        }
        match (error.kind(), error.service_code()) {
            (ErrorKind::FileChanged, _) if self.request.options.on_file_change == OnFileChange::Restart => {
                Some(format!("file-changed: {error}"))
            }
            (_, "NoSuchUpload") => Some("upload-gone: the server no longer knows the upload".into()),
            (_, "InvalidPart") => Some("part-lost: the server no longer has all parts".into()),
            _ => None,
        }
    }
}

impl Round<'_> {
    fn run(mut self, found: Found) -> Result<()> {
        self.remote.meter.enter(Step::Preparing);
        let plan = Plan::new(self.source.size(), self.remote.request.part_size)?;
        let resumption = self.plan_resume(&plan, found)?;
        if let (Resumption::StartOver(_), true) = (&resumption, plan.is_single()) {
            return self.put_object(&plan);
        }
        // Found out before anything is sent, and once more when all was read.
        self.source.check_end()?;
        match resumption {
            Resumption::Resume(resumed) => self.multipart(resumed),
            Resumption::Stored(head, mut resumed) => {
                self.show(&resumed);
                self.verify(&mut resumed.sent)?;
                // It is known to be that of the parts.
                self.state.result.crc64 = head.crc64.unwrap_or_default();
                self.proven(of_head(head))
            }
            Resumption::StartOver(_) => {
                let fresh = self.open(&plan)?;
                self.multipart(fresh)
            }
        }
    }

    /// What the checkpoint is good for. What it is not good for is removed from the server.
    fn plan_resume(&mut self, plan: &Plan, found: Found) -> Result<Resumption> {
        let nothing = Resumption::StartOver(String::new());
        let Some((journal, file)) = self.journal.zip(self.file) else { return Ok(nothing) };
        let wanted = self.header(file, plan);
        let (resumption, saved) = match found {
            Found::Nothing => return Ok(nothing),
            Found::Void { reason, saved } => (Resumption::StartOver(format!("checkpoint-damaged: {reason}")), saved),
            Found::Usable(saved) => {
                if mismatch(&saved.header, &wanted).is_none() {
                    self.state.open.clone_from(&saved.upload_id);
                }
                self.state.orphans_since.extend(unheard_of(&saved, &wanted));
                (reconcile(self.remote, file, journal, &saved, &wanted)?, Some(saved))
            }
        };
        if let Resumption::StartOver(reason) = &resumption {
            self.start_over(reason, saved.as_ref(), &wanted);
        }
        Ok(resumption)
    }
}
