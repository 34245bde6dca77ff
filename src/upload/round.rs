//! One round of an upload: either it ends with the proven object, or with the error that the engine weighs.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::{Found, Header, Journal, PartRecord, Saved};
use super::job::Job;
use super::orphans;
use super::parts::{self, PartSender, Sent, Trust};
use super::plan::{PartRange, Plan};
use super::progress::Step;
use super::reconcile::{Resumed, Verdict, is_denied, matches, mismatch, reconcile, stored, whole_crc64};
use super::remote::Remote;
use super::source::Source;
use super::state::State;
use super::verify::verify_parts;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::oss::ObjectRef;
use crate::oss::api::{Completed, HeadInfo};
use crate::service::Attempted;

/// How often Complete is tried again after parts were found missing.
const MOST_REPAIRS: u32 = 2;

pub(crate) struct Round<'a> {
    pub job: &'a Arc<Job>,
    pub remote: &'a Remote<'a>,
    pub source: &'a Arc<Source>,
    pub journal: Option<&'a Arc<Journal>>,
    pub state: &'a mut State,
}

impl Round<'_> {
    pub(crate) fn run(mut self, found: Found) -> Result<()> {
        self.remote.meter.enter(Step::Preparing);
        let plan = Plan::new(self.source.identity().size, self.remote.task.part_size)?;
        let verdict = self.plan_resume(&plan, found)?;
        // Found out before anything is sent, and once more when all was read.
        self.source.check_end()?;
        match verdict {
            Some(Verdict::Resume(resumed)) => self.multipart(resumed),
            Some(Verdict::Stored(head, mut resumed)) => {
                self.show(&resumed);
                self.judge(&mut resumed.sent)?;
                // It is known to be that of the parts.
                self.state.result.crc64 = head.crc64.unwrap_or_default();
                self.proven(of_head(head))
            }
            Some(Verdict::StartOver(_)) | None if plan.is_single() => self.put_object(&plan),
            Some(Verdict::StartOver(_)) | None => {
                let fresh = self.open(&plan)?;
                self.multipart(fresh)
            }
        }
    }

    /// What the checkpoint is good for. What it is not good for is removed from the server.
    fn plan_resume(&mut self, plan: &Plan, found: Found) -> Result<Option<Verdict>> {
        let (Some(journal), true) = (self.journal, !matches!(found, Found::Nothing)) else { return Ok(None) };
        let wanted = self.header(plan);
        let (verdict, saved) = match found {
            Found::Usable(saved) => {
                if mismatch(&saved.header, &wanted).is_none() {
                    self.state.open.clone_from(&saved.upload_id);
                }
                (reconcile(self.remote, self.source, journal, &saved, &wanted)?, Some(saved))
            }
            Found::Void { reason, saved } => (Verdict::StartOver(format!("checkpoint-damaged: {reason}")), saved),
            Found::Nothing => return Ok(None),
        };
        if let Verdict::StartOver(reason) = &verdict {
            self.state.result.restart_reason.clone_from(reason);
            if !reason.is_empty() {
                self.remote.events.tell(EventKind::Restarted, |event| event.message.clone_from(reason));
            }
            self.state.open = None;
            self.abandon(saved.as_ref(), &wanted);
        }
        Ok(Some(verdict))
    }

    /// Removes an earlier upload's parts, best effort: its checkpoint is about to be overwritten.
    fn abandon(&self, saved: Option<&Saved>, wanted: &Header) {
        let Some(Saved { header, upload_id, .. }) = saved.filter(|saved| saved.header.endpoint == wanted.endpoint)
        else {
            return;
        };
        match upload_id {
            Some(upload_id) => {
                let object = ObjectRef { bucket: &header.bucket, key: &header.key };
                let _ = self.remote.abort_of(object, upload_id);
            }
            // Killed between Initiate and the record of its response.
            None if mismatch(header, wanted).is_none() => {
                let _ = orphans::remove(self.remote, None, header.observed);
            }
            None => {}
        }
    }

    fn header(&self, plan: &Plan) -> Header {
        let task = self.remote.task;
        Header {
            endpoint: self.remote.endpoint.to_string(),
            bucket: task.bucket.clone(),
            key: task.key.clone(),
            options: task.shape(),
            source: self.source.path().to_owned(),
            identity: self.source.identity(),
            observed: self.source.observed,
            part_size: plan.part_size,
        }
    }

    /// Sends the whole file in one request. Nothing of it can be resumed.
    fn put_object(&mut self, plan: &Plan) -> Result<()> {
        self.note_plan(plan, "");
        self.remote.meter.begin_round(plan.size, 1);
        self.remote.meter.enter(Step::Uploading);
        let whole = plan.part(1);
        // A server that never gets the last bytes stores nothing: the file is judged before they are sent.
        let judge = |crc64| {
            self.judge(&mut [self.read_since_observed(whole, crc64)])?;
            self.remote.meter.enter(Step::Uploading);
            Ok(())
        };
        let attempted = self.remote.put_object(self.source, &judge);
        let (completed, crc64) = match attempted {
            Attempted { result: Ok(done), .. } => done,
            Attempted { result: Err(error), ambiguous: true } if is_taken(&error) => {
                let crc64 = self.source.crc64(&whole, || self.remote.go_on())?;
                let head = stored(self.remote, plan.size, crc64)?.ok_or(error)?;
                (of_head(head), crc64)
            }
            Attempted { result: Err(error), .. } if error.kind() == ErrorKind::ChecksumMismatch => {
                return Err(error.hint("the object under the key may be damaged: do not use it, upload the file again"));
            }
            Attempted { result: Err(error), .. } => return Err(error),
        };
        self.state.result.crc64 = crc64;
        self.proven(completed)
    }

    /// Makes sure that what was sent is what the file holds, to its end.
    fn judge(&self, sent: &mut [Sent]) -> Result<()> {
        self.source.check_end()?;
        verify_parts(self.remote, self.source, sent)
    }

    fn read_since_observed(&self, part: PartRange, crc64: u64) -> Sent {
        let PartRange { number, offset, size } = part;
        let record = PartRecord { number, offset, size, etag: String::new(), crc64 };
        Sent { record, trust: Trust::ReadSince(self.source.observed) }
    }

    /// Opens an upload on the server. The checkpoint is written before: were it not writable, nothing would be sent.
    fn open(&mut self, plan: &Plan) -> Result<Resumed> {
        if let Some(journal) = self.journal {
            journal.begin(&self.header(plan))?;
        }
        let started = SystemTime::now();
        let opened = self.remote.initiate();
        if opened.ambiguous && orphans::remove(self.remote, opened.result.as_deref().ok(), started).is_err() {
            self.state.orphans_since = Some(started);
        }
        let upload_id = opened.result?;
        self.state.open = Some(upload_id.clone());
        self.state.result.upload_id.clone_from(&upload_id);
        if let Some(journal) = self.journal {
            journal.opened(&upload_id)?;
        }
        Ok(Resumed { upload_id, plan: *plan, sent: Vec::new(), completing: false, rate: None })
    }

    fn multipart(&mut self, mut upload: Resumed) -> Result<()> {
        self.show(&upload);
        let mut resumed: HashSet<u32> = upload.sent.iter().map(|part| part.record.number).collect();
        let mut repairs = 0;
        loop {
            self.send_missing(&mut upload)?;
            self.judge(&mut upload.sent)?;
            match self.complete(&upload) {
                Err(error) if error.service_code() == "InvalidPart" && repairs < MOST_REPAIRS => {
                    repairs += 1;
                    self.forget_lost_parts(&mut upload, &mut resumed, error)?;
                }
                ended => return ended,
            }
        }
    }

    /// Tells the meter and the result how an upload begins.
    fn show(&mut self, upload: &Resumed) {
        self.note_plan(&upload.plan, &upload.upload_id);
        self.remote.meter.begin_round(upload.plan.size, upload.plan.count());
        self.remote.meter.expect_rate(upload.rate);
        for PartRecord { number, size, .. } in upload.sent.iter().map(|part| &part.record) {
            self.remote.meter.part_resumed(*size);
            self.remote.events.tell(EventKind::PartResumed, |event| {
                event.part_number = *number;
                event.bytes = *size;
            });
        }
    }

    fn note_plan(&mut self, plan: &Plan, upload_id: &str) {
        let result = &mut self.state.result;
        result.size = plan.size;
        result.part_size = plan.part_size;
        result.part_size_raised = plan.raised;
        result.parts = plan.count();
        result.upload_id = upload_id.to_owned();
    }

    fn send_missing(&self, upload: &mut Resumed) -> Result<()> {
        self.remote.meter.enter(Step::Uploading);
        let mut missing = vec![true; upload.plan.count() as usize];
        upload.sent.iter().for_each(|part| missing[part.record.number as usize - 1] = false);
        let missing = upload.plan.parts().filter(|part| missing[part.number as usize - 1]).collect();
        parts::send(self.job, self.part_sender(&upload.upload_id), missing, &mut upload.sent)?;
        self.remote.go_on()?;
        upload.sent.sort_unstable_by_key(|part| part.record.number);
        Ok(())
    }

    fn part_sender(&self, upload_id: &str) -> PartSender {
        PartSender {
            job: self.job.clone(),
            source: self.source.clone(),
            upload_id: upload_id.to_owned(),
            journal: self.journal.cloned(),
            stop: self.remote.stop.clone(),
        }
    }

    /// Has the server put the object together, and proves that it is the file.
    fn complete(&mut self, upload: &Resumed) -> Result<()> {
        self.remote.meter.enter(Step::Completing);
        let crc64 = whole_crc64(&upload.plan, upload.sent.iter().map(|part| part.record.crc64));
        self.state.result.crc64 = crc64;
        if let Some(journal) = self.journal {
            journal.completing();
        }
        let parts = upload.sent.iter().map(|part| (part.record.number, part.record.etag.as_str()));
        let attempted = self.remote.complete(&upload.upload_id, parts);
        let size = upload.plan.size;
        match attempted {
            Attempted { result: Ok(completed), .. } if completed.crc64 == Some(crc64) => self.proven(completed),
            Attempted { result: Ok(completed), .. } => self.resolve_crc(completed, size, crc64),
            // Only then it can be ours: an object of the same content may have been there before, with other headers.
            Attempted { result: Err(error), ambiguous } if ambiguous || upload.completing => {
                match stored(self.remote, size, crc64)? {
                    Some(head) => self.proven(of_head(head)),
                    None => Err(error),
                }
            }
            Attempted { result: Err(error), .. } => Err(error),
        }
    }

    /// Complete succeeded, but its response has another CRC-64, or none: the object itself is asked.
    fn resolve_crc(&mut self, completed: Completed, size: u64, crc64: u64) -> Result<()> {
        // The upload id is spent. With a checkpoint, the next call finds out what came of it.
        if self.journal.is_none() {
            self.state.open = None;
        }
        let head = match self.remote.head() {
            // Nothing contradicts the parts' CRCs, which were all right.
            Err(error) if is_denied(&error) && completed.crc64.is_none() => return self.proven(completed),
            Err(error) if is_denied(&error) => None,
            head => Some(head?),
        };
        match head {
            Some(head) if head.size == Some(size) && head.crc64.unwrap_or(crc64) == crc64 => self.proven(completed),
            head => {
                let theirs = head.and_then(|head| head.crc64).or(completed.crc64).unwrap_or(0);
                let message = format!("the object is stored with CRC-64 {theirs}, but the file has {crc64}");
                let error = Error::new(ErrorKind::ChecksumMismatch, message).with_retryable(true);
                Err(error.hint("do not use it; upload the file again"))
            }
        }
    }

    /// The object is there, and it is the file: the checkpoint has served its purpose.
    fn proven(&mut self, completed: Completed) -> Result<()> {
        self.state.open = None;
        let result = &mut self.state.result;
        result.etag = completed.etag;
        result.version_id = completed.version_id.unwrap_or_default();
        result.request_id = completed.request_id;
        result.callback_response = completed.callback_body.into();
        let removed = self.journal.map_or(Ok(()), |journal| journal.remove());
        completed.callback_error.map_or(Ok(()), Err).and(removed)
    }

    /// Keeps of `upload` what the server has.
    fn forget_lost_parts(&self, upload: &mut Resumed, resumed: &mut HashSet<u32>, why: Error) -> Result<()> {
        let listed = match self.remote.list_parts(&upload.upload_id) {
            Ok(listed) => listed,
            Err(error) if is_denied(&error) => return Err(why),
            Err(error) => return Err(error),
        };
        let before = upload.sent.len();
        upload.sent.retain(|part| {
            let found = listed.binary_search_by_key(&part.record.number, |listed| listed.number);
            let kept = found.is_ok_and(|at| matches(&part.record, &listed[at]));
            if !kept {
                self.remote.meter.part_lost(part.record.size, resumed.remove(&part.record.number));
            }
            kept
        });
        if upload.sent.len() == before { Err(why) } else { Ok(()) }
    }
}

fn of_head(head: HeadInfo) -> Completed {
    Completed {
        etag: head.etag,
        crc64: head.crc64,
        version_id: head.version_id,
        request_id: head.request_id,
        callback_body: Vec::new(),
        callback_error: None,
    }
}

/// An object is there already, perhaps ours.
fn is_taken(error: &Error) -> bool {
    error.service_code() == "FileAlreadyExists"
}
