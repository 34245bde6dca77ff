//! Progress of a batch.

use std::time::{Duration, Instant};

use super::control::BatchControl;
use super::outcome::{BatchOutcome, BatchResult, OutcomeStatus};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, unpoisoned};
use crate::transfer::{Meter, Rate, eta};
use crate::upload::UploadResult;

/// Progress of a batch. Numbers are totals and never decrease, but for the rates.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BatchProgress {
    /// Number of files found so far, without those that are skipped.
    pub files_found: u64,
    /// Their size in bytes.
    pub bytes_found: u64,
    /// All files have been found: the two numbers above are the totals.
    pub totals_known: bool,
    /// Number of files that are stored, including resumed ones.
    pub files_stored: u64,
    /// Number of files that an interrupted call of this batch had stored.
    pub files_resumed: u64,
    /// Number of files that have not changed.
    pub files_unchanged: u64,
    /// Number of files and folders that were left out.
    pub files_skipped: u64,
    /// Number of files that failed.
    pub files_failed: u64,
    /// Bytes of the files that are done, whatever their outcome, and those of large files in work that were sent.
    pub bytes_done: u64,
    /// Body bytes sent, including retries.
    pub bytes_sent: u64,
    /// Number of HTTP requests, including retries.
    pub requests: u64,
    /// Number of retries.
    pub retries: u64,
    /// Average rate over the last few seconds, in bytes done.
    pub bytes_per_second: u64,
    /// Average rate over the last few seconds, in files done.
    pub files_per_second: u64,
    /// Time remaining at these rates; `None` when not known.
    pub eta: Option<Duration>,
    /// A large file in work; empty if there is none.
    pub current_path: String,
    /// Its bytes that were sent.
    pub current_done: u64,
    /// Its size in bytes.
    pub current_size: u64,
    /// The batch has ended.
    pub ended: bool,
}

/// Counts what a batch does.
#[derive(Debug, Default)]
pub(crate) struct BatchMeter {
    files_found: AtomicU64,
    bytes_found: AtomicU64,
    all_found: AtomicBool,
    counts: [AtomicU64; 5],
    resumed: AtomicU64,
    bytes_stored: AtomicU64,
    bytes_done: AtomicU64,
    bytes_sent: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    complaints: AtomicU32,
    ended: AtomicBool,
    shown: AtomicU64,
    rates: Mutex<(Rate, Rate)>,
}

impl BatchMeter {
    pub(crate) fn found(&self, bytes: u64) {
        self.files_found.fetch_add(1, Ordering::Relaxed);
        self.bytes_found.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn all_found(&self) {
        self.all_found.store(true, Ordering::Release);
    }

    pub(crate) fn settled(&self, outcome: &BatchOutcome) {
        self.counts[outcome.status as usize].fetch_add(1, Ordering::Relaxed);
        if outcome.status == OutcomeStatus::Stored {
            self.bytes_stored.fetch_add(outcome.size, Ordering::Relaxed);
            self.resumed.fetch_add(u64::from(outcome.resumed), Ordering::Relaxed);
        }
        if outcome.status != OutcomeStatus::Skipped {
            self.bytes_done.fetch_add(outcome.size, Ordering::Relaxed);
        }
    }

    /// An upload has ended; how often the server has complained in all.
    pub(crate) fn uploaded(&self, result: &UploadResult, meter: &Meter) -> u32 {
        self.bytes_sent.fetch_add(result.bytes_sent, Ordering::Relaxed);
        self.requests.fetch_add(result.attempts.into(), Ordering::Relaxed);
        self.retries.fetch_add(meter.retries().into(), Ordering::Relaxed);
        let complaints = meter.complaints();
        self.complaints.fetch_add(complaints, Ordering::Relaxed) + complaints
    }

    pub(crate) fn requested(&self, requests: u32) {
        self.requests.fetch_add(requests.into(), Ordering::Relaxed);
    }

    pub(crate) fn count(&self, status: OutcomeStatus) -> u64 {
        self.counts[status as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn result(&self) -> BatchResult {
        BatchResult {
            files_stored: self.count(OutcomeStatus::Stored),
            files_resumed: self.resumed.load(Ordering::Relaxed),
            files_unchanged: self.count(OutcomeStatus::Unchanged),
            files_skipped: self.count(OutcomeStatus::Skipped),
            files_failed: self.count(OutcomeStatus::Failed),
            files_planned: self.count(OutcomeStatus::Planned),
            bytes_stored: self.bytes_stored.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            ..BatchResult::default()
        }
    }

    /// Others count on meanwhile: what says that numbers are final is looked at before them, and the files that are done before
    /// those in work, which they were until then.
    pub(crate) fn progress(&self, control: &BatchControl, now: Instant) -> BatchProgress {
        let ended = self.ended.load(Ordering::Acquire);
        let totals_known = self.all_found.load(Ordering::Acquire);
        let result = self.result();
        let of_done_files = self.bytes_done.load(Ordering::Relaxed);
        let large: Vec<_> = control.large().into_iter().map(|(meter, path)| (meter.progress(now), path)).collect();
        let in_work: u64 = large.iter().map(|(progress, _)| progress.done_bytes).sum();
        let done = of_done_files + in_work;
        let bytes_done = self.shown.fetch_max(done, Ordering::Relaxed).max(done);
        let files_done = result.files_stored + result.files_unchanged + result.files_failed + result.files_planned;
        let (files_found, bytes_found) =
            (self.files_found.load(Ordering::Relaxed), self.bytes_found.load(Ordering::Relaxed));
        let (bytes_per_second, files_per_second) = {
            let mut rates = unpoisoned(self.rates.lock());
            (rates.0.observe(now, bytes_done), rates.1.observe(now, files_done))
        };
        let current = large.into_iter().max_by_key(|(progress, _)| progress.total_bytes);
        let (current, current_path) = current.map_or_else(Default::default, |(p, path)| (p, path.to_string()));
        BatchProgress {
            files_found,
            bytes_found,
            totals_known,
            files_stored: result.files_stored,
            files_resumed: result.files_resumed,
            files_unchanged: result.files_unchanged,
            files_skipped: result.files_skipped,
            files_failed: result.files_failed,
            bytes_done,
            bytes_sent: result.bytes_sent,
            requests: result.requests,
            retries: self.retries.load(Ordering::Relaxed),
            bytes_per_second,
            files_per_second,
            eta: totals_known
                .then(|| {
                    let files = eta(files_found.saturating_sub(files_done), files_per_second)?;
                    Some(files.max(eta(bytes_found.saturating_sub(bytes_done), bytes_per_second)?))
                })
                .flatten(),
            current_path,
            current_done: current.done_bytes,
            current_size: current.total_bytes,
            ended,
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
