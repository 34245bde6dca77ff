//! Small files as units of the client's queue, large ones as uploads that send their parts over the same connections.
//!
//! A large file begins as soon as it is found, so that the batch does not end with one connection at work. What a thread has
//! in work is settled, recorded in the manifest and told, before the thread takes more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::entry::{Entry, Stored, Task};
use super::job::BatchJob;
use super::manifest::{ErrorRecord, FileRecord, ManifestWriter, RecordStatus};
use super::outcome::{BatchOutcome, OutcomeStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::options::OnFileChange;
use crate::os;
use crate::os::identity::Status;
use crate::source::identity::{Comparison, Identity};
use crate::sync::{Mutex, MutexGuard, unpoisoned};
use crate::text;
use crate::transfer::{MOST_AUTO_ROUTINES, Sending, Units};
use crate::upload::{Outcome, StoredFile};

/// So many files may be found ahead of those that are done.
const LOOKAHEAD: usize = 4096;
/// How often a file is put off because of errors that may be its own, or everybody's.
const MOST_DEFERRALS: u32 = 1;

/// The files that a batch has in work.
pub(crate) struct Schedule {
    pub job: Arc<BatchJob>,
    pub manifest: Option<ManifestWriter>,
    pub backlog: Arc<Backlog>,
    sending: Mutex<Option<Sending>>,
}

/// What came of a file.
enum Verdict {
    Outcome(Box<BatchOutcome>, Option<StoredFile>),
    /// To be done later.
    Again(Entry),
    /// The batch is being stopped.
    Stopped,
}

impl Schedule {
    pub(crate) fn new(job: Arc<BatchJob>, manifest: Option<ManifestWriter>) -> Arc<Schedule> {
        let connections = job.request.connections;
        let width = connections.unwrap_or(MOST_AUTO_ROUTINES);
        let schedule =
            Arc::new(Schedule { job, manifest, backlog: Arc::new(Backlog::new()), sending: Mutex::new(None) });
        let (backlog, weak) = (schedule.backlog.clone(), Arc::downgrade(&schedule));
        let units = Arc::new(SmallFiles { backlog, schedule: weak });
        let sending = schedule.job.queue.begin_small(&schedule.job.keeps_to, width, units);
        *schedule.sending() = Some(sending);
        schedule
    }

    /// Takes a file that is to be done. Waits while many are.
    pub(crate) fn add(self: &Arc<Self>, entry: Entry) {
        while self.backlog.unfinished() >= LOOKAHEAD && !self.job.control.is_stopping() {
            self.backlog.wait(LOOKAHEAD - 1);
            self.keep_safe();
        }
        self.backlog.expect();
        self.put(entry);
    }

    /// Waits until all files are done, or the batch is stopped and none is in work.
    pub(crate) fn finish(&self) {
        while self.backlog.unfinished() > 0 {
            if self.job.control.is_stopping() {
                self.backlog.drop_waiting();
            }
            self.backlog.wait(0);
            self.dispatch();
            self.keep_safe();
        }
        let sending = self.sending().take();
        drop(sending);
    }

    /// Makes what was recorded safe, now and then.
    pub(crate) fn keep_safe(&self) {
        if let Some(Err(error)) = self.manifest.as_ref().map(|manifest| manifest.sync_if_due(Instant::now())) {
            self.job.fail(error);
        }
    }

    /// A file that was found and needs nothing done.
    pub(crate) fn settle(&self, outcome: BatchOutcome, stored: Option<StoredFile>) {
        if let Some(manifest) = &self.manifest
            && !matches!(outcome.status, OutcomeStatus::Planned)
            && let Err(error) = record(manifest, &outcome, stored.as_ref())
        {
            self.job.fail(error.hint("what was uploaded meanwhile is compared or sent again by the next run"));
        }
        self.tell(outcome);
    }

    /// As [`Schedule::settle`], but the manifest says so already.
    pub(crate) fn tell(&self, outcome: BatchOutcome) {
        let job = &self.job;
        job.meter.settled(&outcome);
        if outcome.status == OutcomeStatus::Failed && job.request.options.stop_on_error {
            let error = outcome.error.clone().unwrap_or_else(|| Error::new(ErrorKind::Internal, "no error"));
            job.fail(error.context(outcome.path.display()));
        }
        if job.request.options.outcomes {
            // Who takes none any more needs none.
            job.outbox.put(outcome, Duration::MAX);
        }
    }

    fn put(self: &Arc<Self>, entry: Entry) {
        // Whether a large file has changed on the server is found out like a small one is sent.
        if matches!(entry.task, Task::Compare(_)) {
            self.backlog.add_to_compare(entry);
            self.start_comparing();
        } else if self.job.is_small(&entry) || matches!(entry.task, Task::CompareRemote | Task::Verify(_)) {
            let bytes = entry.identity.size;
            self.backlog.add_small(entry);
            if let Some(sending) = &mut *self.sending() {
                sending.add(bytes);
            }
            self.dispatch();
        } else {
            self.backlog.add_large(entry);
            self.start_large();
        }
    }

    fn dispatch(&self) {
        if let Err(error) = self.job.queue.dispatch() {
            self.job.fail(Error::no_thread(&error));
        }
    }

    /// Starts large files that wait, as far as there may be more in work.
    fn start_large(self: &Arc<Self>) {
        while let Some(entry) = self.backlog.next_large() {
            let this = self.clone();
            let backlog = self.backlog.clone();
            let work = move || {
                this.carry_out(entry, false);
                backlog.large_done();
                this.start_large();
                drop(this);
                backlog.finished(1);
            };
            if let Err(error) = self.job.queue.pool().spawn(work) {
                self.backlog.large_done();
                self.job.fail(Error::no_thread(&error));
                self.backlog.finished(1);
            }
        }
    }

    /// Does what is to be done with a file. It counts as finished afterwards, unless it was put off.
    pub(super) fn carry_out(self: &Arc<Self>, entry: Entry, is_small: bool) {
        let (path, key, size) = (entry.path.clone(), entry.key.clone(), entry.identity.size);
        let verdict = catch_unwind(AssertUnwindSafe(|| self.process(entry, is_small))).unwrap_or_else(|payload| {
            Verdict::Outcome(Box::new(failed(&path, &key, size, Error::from_panic(&*payload))), None)
        });
        match verdict {
            Verdict::Outcome(outcome, stored) => self.settle(*outcome, stored),
            Verdict::Stopped => {}
            Verdict::Again(entry) => {
                self.backlog.expect();
                self.put(entry);
            }
        }
    }

    fn process(&self, entry: Entry, is_small: bool) -> Verdict {
        if self.job.control.is_stopping() {
            return Verdict::Stopped;
        }
        match &entry.task {
            Task::Compare(stored) => {
                let same = self.has_content(&entry, stored).map(|file| file.map(|file| (stored.clone(), file)));
                self.unless_same(entry, same)
            }
            Task::CompareRemote => {
                let same = self.remote_has(&entry);
                self.unless_same(entry, same)
            }
            Task::Verify(stored) => match self.check(&entry, stored) {
                Ok(()) => Verdict::Outcome(Box::new(unchanged(&entry, stored.clone(), stored.size)), None),
                Err(error) => self.after_error(entry, error, 0),
            },
            Task::Upload | Task::Directory if self.job.request.options.dry_run => {
                Verdict::Outcome(Box::new(planned(&entry)), None)
            }
            Task::Upload | Task::Directory => self.upload(entry, is_small),
        }
    }

    /// A file that was compared with what is stored is uploaded, unless it is the same.
    fn unless_same(&self, entry: Entry, same: Result<Option<(Stored, StoredFile)>>) -> Verdict {
        match same {
            Ok(Some((stored, file))) => {
                Verdict::Outcome(Box::new(unchanged(&entry, stored, file.identity.size)), Some(file))
            }
            Ok(None) => Verdict::Again(Entry { task: Task::Upload, ..entry }),
            Err(error) => self.after_error(entry, error, 0),
        }
    }

    fn upload(&self, entry: Entry, is_small: bool) -> Verdict {
        if let Err(error) = self.check_since_look(&entry) {
            return self.after_error(entry, error, 0);
        }
        let (Outcome { result, error, stored }, complaints) = match self.job.upload(&entry, is_small) {
            Ok(uploaded) => uploaded,
            Err(error) => return self.after_error(entry, error, 0),
        };
        if is_small {
            self.observe(complaints);
        }
        if let Some(error) = error {
            return self.after_error(entry, error, result.attempts);
        }
        let outcome = BatchOutcome {
            crc64: result.crc64,
            etag: result.etag,
            version_id: result.version_id,
            request_id: result.request_id,
            attempts: result.attempts,
            ..outcome(&entry.path, &entry.key, result.size)
        };
        Verdict::Outcome(Box::new(outcome), stored)
    }

    /// Where a change is an error, it is one too between the look at the file and its upload.
    fn check_since_look(&self, entry: &Entry) -> Result<()> {
        if self.job.request.options.on_file_change != OnFileChange::Fail || entry.task == Task::Directory {
            return Ok(());
        }
        let path = self.job.request.full_path(&entry.path);
        let now = Status::at(&path)
            .map_err(|error| Error::os(ErrorKind::Io, format!("cannot examine {}", path.display()), &error))?;
        match entry.identity.compare(&Identity::of(&now)) {
            Comparison::Changed => {
                let what = format!("{} changed after the batch had found it", path.display());
                Err(Error::new(ErrorKind::FileChanged, what).with_retryable(true))
            }
            _ => Ok(()),
        }
    }

    /// The server's complaints keep the pace of all down.
    fn observe(&self, complaints: u32) {
        if let Some(sending) = &mut *self.sending() {
            sending.observe(complaints);
        }
    }

    /// What to do after an error: whether it is the file's, everybody's, or one that passes.
    fn after_error(&self, entry: Entry, error: Error, attempts: u32) -> Verdict {
        let control = &self.job.control;
        if control.is_stopping() {
            control.stopped(&entry.key, &error);
            return Verdict::Stopped;
        }
        if concerns_all(&error) {
            self.job.fail(error.hint("the batch was ended: no other file could be stored either"));
            return Verdict::Stopped;
        }
        if passes(&error) {
            let done = self.job.meter.count(OutcomeStatus::Stored);
            let others_get_on = done > entry.done_before;
            let lull_since = entry.lull_since.filter(|_| !others_get_on).unwrap_or_else(Instant::now);
            // Others of the account may use up its rate for a while.
            let may_wait = is_throttled(&error) && lull_since.elapsed() < self.job.service.stall_timeout;
            if entry.deferrals < MOST_DEFERRALS || may_wait {
                let (deferrals, lull_since) = (entry.deferrals + 1, Some(lull_since));
                return Verdict::Again(Entry { deferrals, done_before: done, lull_since, ..entry });
            }
            if !others_get_on {
                self.job.fail(
                    error.hint("no other file could be stored meanwhile, and the batch was ended: start it again"),
                );
                return Verdict::Stopped;
            }
        }
        let failed = failed(&entry.path, &entry.key, entry.identity.size, error);
        Verdict::Outcome(Box::new(BatchOutcome { attempts, ..failed }), None)
    }

    /// What the bucket has, when it is the file's content.
    fn remote_has(&self, entry: &Entry) -> Result<Option<(Stored, StoredFile)>> {
        let Some(stored) = self.job.head(entry)?.filter(|stored| stored.size == entry.identity.size) else {
            return Ok(None);
        };
        Ok(self.has_content(entry, &stored)?.map(|file| (stored, file)))
    }

    fn sending(&self) -> MutexGuard<'_, Option<Sending>> {
        unpoisoned(self.sending.lock())
    }
}

/// The small files that the queue gives to workers. Who has got one holds the schedule, and lets go of it before the file
/// counts as finished; who finds none does not: when the batch has ended, nobody holds its manifest.
struct SmallFiles {
    backlog: Arc<Backlog>,
    schedule: Weak<Schedule>,
}

impl Units for SmallFiles {
    fn run_next(self: Arc<Self>) {
        let backlog = self.backlog.clone();
        let Some(entry) = backlog.next_small() else { return };
        let Some(schedule) = self.schedule.upgrade() else { return };
        let bytes = entry.identity.size;
        schedule.carry_out(entry, true);
        if let Some(sending) = &mut *schedule.sending() {
            sending.unit_done(bytes);
        }
        drop(schedule);
        backlog.finished(1);
    }
}

/// Every other file would fail with the same error.
fn concerns_all(error: &Error) -> bool {
    const CODES: [&str; 5] =
        ["NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "UserDisable", "AccountDisabled"];
    error.kind() == ErrorKind::Credentials || CODES.contains(&error.service_code())
}

/// It is not the file's fault, and may be gone after a while.
fn passes(error: &Error) -> bool {
    let by_server = error.kind() == ErrorKind::Service && error.is_retryable();
    by_server || matches!(error.kind(), ErrorKind::Network | ErrorKind::Timeout)
}

/// The server asked to slow down.
fn is_throttled(error: &Error) -> bool {
    matches!(error.http_status(), 429 | 503)
}

fn record(manifest: &ManifestWriter, outcome: &BatchOutcome, stored: Option<&StoredFile>) -> Result<()> {
    let path = text::path::encode(&outcome.path);
    let mut record = FileRecord {
        path: path.as_str().into(),
        key: outcome.key.as_str().into(),
        status: match outcome.status {
            OutcomeStatus::Skipped => RecordStatus::Skipped,
            OutcomeStatus::Failed => RecordStatus::Failed,
            _ => RecordStatus::Stored,
        },
        size: outcome.size,
        crc64: outcome.crc64,
        etag: outcome.etag.as_str().into(),
        version_id: outcome.version_id.as_str().into(),
        rule: outcome.rule.as_str().into(),
        error: outcome.error.as_ref().map(ErrorRecord::from),
        ..FileRecord::default()
    };
    if let Some(stored) = stored {
        record.set_identity(&stored.identity);
        record.fresh = stored.is_fresh;
    }
    manifest.record(&record)?;
    manifest.sync_if_due(Instant::now())
}

pub(crate) fn outcome(path: &[u8], key: &str, size: u64) -> BatchOutcome {
    BatchOutcome { path: os::path::from_bytes(path.to_vec()), key: key.to_owned(), size, ..BatchOutcome::default() }
}

/// What a dry run says of a file that is to be uploaded.
pub(crate) fn planned(entry: &Entry) -> BatchOutcome {
    BatchOutcome { status: OutcomeStatus::Planned, ..outcome(&entry.path, &entry.key, entry.identity.size) }
}

pub(crate) fn failed(path: &[u8], key: &str, size: u64, error: Error) -> BatchOutcome {
    BatchOutcome { status: OutcomeStatus::Failed, error: Some(error), ..outcome(path, key, size) }
}

fn unchanged(entry: &Entry, stored: Stored, size: u64) -> BatchOutcome {
    let Stored { crc64, etag, version_id, resumed, .. } = stored;
    BatchOutcome {
        status: if resumed { OutcomeStatus::Stored } else { OutcomeStatus::Unchanged },
        resumed,
        crc64,
        etag,
        version_id,
        ..outcome(&entry.path, &entry.key, size)
    }
}
