//! The invariants, judged from the server's log, from what is stored, and from what is left.
//!
//! A part that the server had acknowledged goes again to the same upload only in these cases (`may_send_again`):
//!
//! 1. A call was killed, paused or failed while parts were in flight, and the next one cannot see what the server has: it
//!    may not list parts, or the list has no CRC-64; or the file has changed, and these parts with it. Then at most as many
//!    as were in flight.
//! 2. The checkpoint was cut, and the next call cannot see what the server has.
//!
//! It goes again to another upload, which is opened instead of the first, only in these (`may_open_another`):
//!
//! 3. The file has changed.
//! 4. Nothing is there to resume: no checkpoint, or it was lost or damaged, or the upload was cancelled.
//! 5. The response to Complete was lost, and the object may not be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use oss_server::{LogEntry, PendingUpload, Policy};

use crate::common::BUCKET;
use crate::drive::{KEY, Stage};
use crate::executor::Response;
use crate::plan::{Change, Event, Loss, Source};

/// One call, and what happened to it.
#[derive(Debug)]
pub struct Call {
    /// Entries of the log before it.
    pub log: usize,
    /// The latest version of the file when it began.
    version: usize,
    changes: usize,
    policy: Policy,
    pub events: Vec<Event>,
    /// `None`: it was killed.
    pub response: Option<Response>,
    pub second: Option<Response>,
}

/// What is known of a run so far.
#[derive(Debug, Default)]
pub struct Judge {
    /// Parts that the server has acknowledged, by upload.
    acknowledged: BTreeMap<String, BTreeSet<u32>>,
    /// The next call goes on with this upload.
    to_resume: Option<String>,
    /// The file has changed since the last upload was opened.
    stale: bool,
    /// Parts may have been in flight when the last call ended.
    interrupted: bool,
    /// The checkpoint of this upload was lost or cut.
    was_lost: bool,
    /// Uploads that may stay on the server, with parts.
    may_be_left: usize,
    /// The same, without parts.
    may_be_left_empty: usize,
    /// Uploads of which an error has said that they are left.
    told: BTreeSet<String>,
}

impl Call {
    pub fn new(stage: &Stage<'_, '_>) -> Call {
        Call {
            log: stage.server.log_length(),
            version: stage.versions.len() - 1,
            changes: stage.changes,
            policy: stage.policy,
            events: Vec::new(),
            response: None,
            second: None,
        }
    }

    pub fn has_status(&self, status: &str) -> bool {
        self.response.as_ref().is_some_and(|response| response.get("status") == status)
    }

    pub fn is_ok(&self) -> bool {
        self.has_status("OSS_OK")
    }

    pub fn told(&self) -> String {
        format!("{:?}", self.response)
    }

    fn has(&self, event: Event) -> bool {
        self.events.contains(&event)
    }

    fn has_changed(&self, stage: &Stage<'_, '_>) -> bool {
        self.changes != stage.changes
            || self.events.iter().any(|event| matches!(event, Event::Change(change) if *change != Change::Chmod))
    }

    fn was_lost(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Lose(_)))
    }

    /// Whether it could see, at any time, what the server has.
    fn sees(&self, stage: &Stage<'_, '_>) -> bool {
        let put_only = self.policy == Policy::PutOnly || self.has(Event::Policy(Policy::PutOnly));
        !put_only && !stage.plan.no_part_crc
    }

    fn was_stopped(&self) -> bool {
        self.has(Event::Pause) || self.has(Event::Cancel)
    }
}

impl Judge {
    /// After each call.
    pub fn judge(&mut self, stage: &Stage<'_, '_>, call: &Call) {
        let log = stage.server.log().split_off(call.log);
        self.was_lost |= call.was_lost();
        let judged = check_object(stage, call, &log)
            .and_then(|()| check_status(stage, call))
            .and_then(|()| self.check_again(stage, call, &log));
        self.allow_leftovers(stage, call);
        self.note_told(stage, call);
        if let Err(wrong) = judged.and_then(|()| self.check_left(stage, call)) {
            panic!("{wrong}: {call:?}\n{self:?}\n{}", lines(&log));
        }
        self.look_ahead(stage, call, &log);
    }

    /// After the last one, which has succeeded.
    pub fn judge_end(&self, stage: &Stage<'_, '_>) {
        let beside = stage.beside();
        assert!(beside.is_empty(), "left beside the file: {beside:?}, {self:?}");
        assert_eq!(stage.server.objects(BUCKET), [KEY]);
    }

    /// Acknowledged parts go again only as the cases above say.
    fn check_again(&mut self, stage: &Stage<'_, '_>, call: &Call, log: &[LogEntry]) -> Result<(), String> {
        let again = self.count_again(log);
        // The second process may go on where the first was killed or paused.
        let within = call.second.is_some() && !call.is_ok();
        let doubts = usize::from(self.interrupted) + usize::from(within);
        // What was in flight need not be what the file holds now.
        let differs = doubts > 0 && (self.stale || call.has_changed(stage));
        let allowed = match () {
            () if call.sees(stage) && !differs => 0,
            () if self.was_lost && !call.sees(stage) => usize::MAX,
            () => doubts * stage.plan.in_flight(),
        };
        if again > allowed {
            return Err(format!("{again} acknowledged parts went again, {allowed} may"));
        }
        let opened = log.iter().any(|entry| entry.operation == "InitiateMultipartUpload");
        let lost_complete = !call.sees(stage) && log.iter().any(|entry| entry.operation == "CompleteMultipartUpload");
        let may_open_another = self.stale || call.has_changed(stage) || self.was_lost || lost_complete;
        match &self.to_resume {
            Some(id) if opened && !may_open_another && call.second.is_none() => {
                Err(format!("{id} could be resumed, but another upload was opened"))
            }
            _ => Ok(()),
        }
    }

    fn count_again(&mut self, log: &[LogEntry]) -> usize {
        let mut again = BTreeSet::new();
        for (entry, heard) in with_heard(log) {
            if entry.operation != "UploadPart" {
                continue;
            }
            let (Some(id), Some(number)) = (&entry.upload_id, entry.part_number) else { continue };
            let known = self.acknowledged.entry(id.clone()).or_default();
            if known.contains(&number) {
                again.insert((id, number));
            }
            if entry.status == 200 && entry.stored && heard {
                known.insert(number);
            }
        }
        again.len()
    }

    /// An upload that could not be removed is named by the error; from then on it may be there.
    fn note_told(&mut self, stage: &Stage<'_, '_>, call: &Call) {
        let messages =
            [&call.response, &call.second].into_iter().flatten().map(|response| response.all("message").concat());
        let messages: String = messages.collect();
        let open = stage.server.uploads(BUCKET).into_iter().map(|upload| upload.upload_id);
        self.told.extend(open.filter(|id| messages.contains(id)));
        // Its id never came.
        self.may_be_left_empty += messages.matches("an upload without parts may be left on the server").count();
    }

    /// Counts what the contract allows to stay on the server after this call.
    fn allow_leftovers(&mut self, stage: &Stage<'_, '_>, call: &Call) {
        let killed = call.response.is_none();
        let keeps = stage.plan.has_checkpoint();
        let ever_put_only = call.policy == Policy::PutOnly || call.has(Event::Policy(Policy::PutOnly));
        if killed && !keeps {
            self.may_be_left += 1;
            // The response to Initiate may have been lost before, and another one opened.
            self.may_be_left_empty += usize::from(stage.plan.faults.contains("InitiateMultipartUpload"));
        }
        if call
            .events
            .iter()
            .any(|event| matches!(event, Event::Lose(Loss::Remove | Loss::Truncate(_) | Loss::Flip(_))))
        {
            self.may_be_left += 1;
        }
        // Nobody may look for it, or it is looked for by a clock that has been set.
        if ever_put_only || call.events.iter().any(|event| matches!(event, Event::Clock(_))) {
            self.may_be_left_empty += 1 + usize::from(call.second.is_some());
        }
        // Nobody may abort it.
        if ever_put_only {
            let starts_over = call.has_changed(stage) || self.stale;
            let ends =
                !killed && (!call.is_ok() && !keeps || call.has(Event::Cancel) || call.has_status("OSS_FILE_CHANGED"));
            let unproven = stage.plan.faults.contains("CompleteMultipartUpload");
            self.may_be_left += 3 * usize::from(starts_over) + usize::from(ends) + usize::from(unproven);
            self.may_be_left += 2 * usize::from(call.second.is_some());
        }
    }

    fn check_left(&self, stage: &Stage<'_, '_>, call: &Call) -> Result<(), String> {
        let uploads = stage.server.uploads(BUCKET);
        let kept = kept_upload(stage);
        let is_known = |id: &String| Some(id) == kept.as_ref() || self.told.contains(id);
        let others: Vec<&PendingUpload> = uploads.iter().filter(|upload| !is_known(&upload.upload_id)).collect();
        let (full, empty): (Vec<_>, Vec<_>) = others.into_iter().partition(|upload| !upload.parts.is_empty());
        // One may have been opened and not recorded, and another one when the response to that was lost. The next call looks
        // for them.
        let most = 1 + usize::from(stage.plan.faults.contains("InitiateMultipartUpload"));
        let is_nameless = stage.checkpoint().is_some() && kept.is_none();
        let killed = if call.response.is_none() || is_nameless { most } else { 0 };
        if full.len() > self.may_be_left {
            return Err(format!("left on the server: {full:?}, {} may be", self.may_be_left));
        }
        if empty.len() > self.may_be_left_empty + self.may_be_left + killed - full.len() {
            return Err(format!("left on the server, without parts: {empty:?}, {} may be", self.may_be_left_empty));
        }
        let gone = call.is_ok() || call.has_status("OSS_CANCELLED");
        let beside = stage.beside();
        let is_fine = match () {
            () if call.second.is_some() || killed > 0 => beside.len() <= 1,
            () if gone => beside.is_empty(),
            () => beside.is_empty() || stage.checkpoint().is_some_and(|path| beside == [path]),
        };
        if is_fine { Ok(()) } else { Err(format!("left beside the file: {beside:?}")) }
    }

    /// What the next call must go on with.
    fn look_ahead(&mut self, stage: &Stage<'_, '_>, call: &Call, log: &[LogEntry]) {
        self.interrupted = call.response.is_none() || !call.is_ok();
        let opened = log.iter().any(|entry| entry.operation == "InitiateMultipartUpload" && entry.status == 200);
        let changed_meanwhile = call.changes != stage.changes;
        self.was_lost &= !opened;
        self.stale = changed_meanwhile || (self.stale || call.has_changed(stage)) && !opened;
        let open: BTreeSet<_> = stage.server.uploads(BUCKET).into_iter().map(|upload| upload.upload_id).collect();
        self.to_resume = kept_upload(stage).filter(|id| open.contains(id) && !self.stale);
    }
}

/// Each request, and whether its response was surely heard. Whatever a fault does to it, it is not taken for heard.
pub fn with_heard(log: &[LogEntry]) -> impl Iterator<Item = (&LogEntry, bool)> {
    let mut closing = BTreeSet::new();
    log.iter().map(move |entry| {
        let is_closing = closing.contains(&entry.connection);
        // The server may close the connection while the next request is on its way there.
        if entry.fault.as_ref().is_some_and(|fault| fault.action == "close_idle") {
            closing.insert(entry.connection);
        }
        (entry, entry.answered && entry.fault.is_none() && !is_closing)
    })
}

/// The upload that the checkpoint is about.
fn kept_upload(stage: &Stage<'_, '_>) -> Option<String> {
    let bytes = fs::read(stage.checkpoint()?).expect("the checkpoint is read");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(text.split_once(r#""upload_id":""#)?.1.split_once('"')?.0.to_owned())
}

/// The object is the file as it was at a moment of the call, when that succeeded; else at any moment, or there is none.
fn check_object(stage: &Stage<'_, '_>, call: &Call, log: &[LogEntry]) -> Result<(), String> {
    let object = stage.server.object(BUCKET, KEY);
    let is_version = |from: usize| {
        object.as_ref().is_some_and(|object| stage.versions[from..].iter().any(|version| *version == object.bytes))
    };
    if call.is_ok() && !is_version(call.version) {
        return Err("the object is not the file as it was during the call".into());
    }
    if object.is_some() && !is_version(0) {
        return Err("the object is the file of no moment".into());
    }
    if let (true, Some(object), Some(response)) = (call.is_ok() && call.second.is_none(), &object, &call.response) {
        let told = (response.number("result.size"), response.number("result.crc64"));
        if told != (object.size, object.crc64) || response.get("result.etag") != object.etag {
            return Err("the result is not that of the object".into());
        }
    }
    let stores = |entry: &LogEntry| ["PutObject", "CompleteMultipartUpload"].contains(&entry.operation.as_str());
    let stored = with_heard(log).any(|(entry, heard)| stores(entry) && entry.status == 200 && heard);
    if stored && call.response.is_some() && call.second.is_none() && !call.is_ok() && !call.was_stopped() {
        return Err("the object is stored, but the call failed".into());
    }
    Ok(())
}

/// The call ended as what happened to it explains.
fn check_status(stage: &Stage<'_, '_>, call: &Call) -> Result<(), String> {
    let faults = stage.plan.faults != "[]";
    let is_explained = |status: &str, is_second: bool| match status {
        "OSS_OK" => true,
        "OSS_PAUSED" => call.has(Event::Pause) && !is_second,
        "OSS_CANCELLED" => call.has(Event::Cancel) && !is_second,
        "OSS_FILE_CHANGED" => stage.plan.fail_on_change,
        "OSS_CHECKPOINT_BUSY" => call.second.is_some() && stage.plan.has_checkpoint(),
        "OSS_NETWORK" | "OSS_TIMEOUT" | "OSS_CHECKSUM_MISMATCH" => faults,
        // The second process is not told of new credentials; a stream whose upload is gone cannot be read again.
        "OSS_SERVICE" => faults || call.has(Event::Rotate) && is_second || stage.plan.source == Source::Stream,
        _ => false,
    };
    for (response, is_second) in [(&call.response, false), (&call.second, true)] {
        let Some(response) = response else { continue };
        let status = response.get("status");
        if !is_explained(status, is_second) {
            return Err(format!("nothing explains {status}"));
        }
        if status != "OSS_OK" && (response.get("message").is_empty() || response.get("message").contains("secret")) {
            return Err(format!("the error says {:?}", response.get("message")));
        }
    }
    let second_is_there = call.second.as_ref().is_some_and(|second| second.get("status") == "OSS_CHECKPOINT_BUSY");
    if second_is_there && call.has_status("OSS_CHECKPOINT_BUSY") && stage.plan.source != Source::Memory {
        return Err("each process waits for the other".into());
    }
    Ok(())
}

/// The log for people.
pub fn lines(log: &[LogEntry]) -> String {
    let line = |entry: &LogEntry| {
        let LogEntry { seq, time, connection, operation, part_number, status, answered, stored, fault, .. } = entry;
        let (part, fault) = (part_number.unwrap_or(0), fault.as_ref().map_or("", |fault| fault.action.as_str()));
        let (id, key) = (entry.upload_id.as_deref().unwrap_or(""), entry.key.as_deref().unwrap_or(""));
        let code = entry.code.as_deref().unwrap_or("");
        format!(
            "{seq} {time} {connection} {operation} {key} {part} {id}: {status} {code} answered {answered} stored {stored} {fault}\n"
        )
    };
    log.iter().map(line).collect()
}
