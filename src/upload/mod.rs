//! One upload: from a file and its options to the verified object.

pub(crate) mod checkpoint;
mod control;
mod engine;
mod full_path;
mod identity;
pub(crate) mod job;
mod lease;
mod media_type;
mod orphans;
mod parts;
mod plan;
mod progress;
mod range_reader;
mod reconcile;
mod remote;
mod round;
mod source;
mod state;
pub(crate) mod task;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::os::signals;
use crate::sync::unpoisoned;
use control::Control;
use job::Job;
use progress::Meter;
pub use progress::{Phase, Progress};

/// Outcome of an upload, as far as it is known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadResult {
    /// ETag of the object, without quotes.
    pub etag: String,
    /// CRC-64/XZ of the whole object, equal to the server's value.
    pub crc64: u64,
    /// Version ID of the object, in a bucket with versioning.
    pub version_id: String,
    /// Request ID of the request that created the object.
    pub request_id: String,
    /// Upload ID; empty for a file sent with one PutObject.
    pub upload_id: String,
    /// Size of the object in bytes.
    pub size: u64,
    /// Part size that was used, in bytes.
    pub part_size: u64,
    /// Whether `part_size` was raised because the file would have needed more than 10,000 parts.
    pub part_size_raised: bool,
    /// Number of parts; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Number of parts sent by an earlier call.
    pub parts_resumed: u32,
    /// Body bytes sent by this call, including retries.
    pub bytes_sent: u64,
    /// Bytes sent by an earlier call that this call did not have to send again.
    pub bytes_resumed: u64,
    /// Number of HTTP requests, including retries.
    pub attempts: u32,
    /// Why all parts were sent again: `file-changed`, `upload-gone`, `checkpoint-damaged` or similar, a colon, and a
    /// sentence. Empty if they were not.
    pub restart_reason: String,
    /// Duration of the upload.
    pub elapsed: Duration,
    /// The application server's response to `x-oss-callback`, as OSS passed it on. Empty if there was no callback, if
    /// it failed, or if the response was lost and the upload was confirmed by looking at the object instead.
    pub callback_response: Arc<[u8]>,
}

/// How an upload ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result; on failure, as far as it is known.
    pub result: UploadResult,
    /// Why the object is not stored; `None` if it is.
    pub error: Option<Error>,
}

/// An upload, running or ended. Dropping a running one pauses it without waiting for it.
#[derive(Debug)]
pub struct Upload {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: Arc<Control>,
    meter: Arc<Meter>,
    events: Arc<Events>,
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

impl Upload {
    /// Starts the job on a thread of its client.
    pub(crate) fn start(job: Job) -> Result<Upload> {
        let shared = Arc::new(Shared::new(&job));
        let queue = job.queue.clone();
        let thread = shared.clone();
        let work = move || {
            thread.carry_out(job);
            thread.ended.notify_all();
        };
        queue.pool().spawn(work).map_err(|error| Error::no_thread(&error))?;
        Ok(Upload { shared })
    }

    /// Runs the job on this thread, which is the program's: no write of a checkpoint may raise a signal in it.
    pub(crate) fn run(job: Job) -> Upload {
        let shared = Arc::new(Shared::new(&job));
        signals::without_signals_of_writes(|| shared.carry_out(job));
        Upload { shared }
    }

    /// Waits for the end, but no longer than `timeout`. Later calls return the same outcome.
    pub fn wait(&self, timeout: Duration) -> Option<Outcome> {
        let until = Instant::now().checked_add(timeout);
        let mut outcome = self.shared.lock();
        while outcome.is_none() {
            // An end of time that no clock can tell is no limit.
            let left = until.map_or(Duration::from_secs(3600), |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            let waited = self.shared.ended.wait_timeout(outcome, left);
            outcome = unpoisoned(waited).0;
        }
        outcome.clone()
    }

    /// Current progress.
    pub fn progress(&self) -> Progress {
        self.shared.meter.progress(Instant::now())
    }

    /// Retrieves the oldest pending event of this upload, or `None` if there is none. Like
    /// [`Client::next_event`](crate::Client::next_event), for one upload.
    pub fn next_event(&self) -> Option<Event> {
        self.shared.events.queue.next()
    }

    /// Asks the upload to stop soon and keep its checkpoint and parts. Without a checkpoint, nothing can be kept.
    pub fn pause(&self) {
        self.shared.control.pause();
    }

    /// Asks the upload to stop soon, remove the data already sent from the server and delete its checkpoint.
    pub fn cancel(&self) {
        self.shared.control.cancel();
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.shared.lock().is_none() {
            self.pause();
        }
    }
}

impl Shared {
    fn new(job: &Job) -> Shared {
        Shared {
            control: job.control.clone(),
            meter: job.meter.clone(),
            events: job.events.clone(),
            outcome: Mutex::new(None),
            ended: Condvar::new(),
        }
    }

    fn carry_out(&self, job: Job) {
        let job = Arc::new(job);
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run())).unwrap_or_else(|payload| Outcome {
            result: UploadResult::default(),
            error: Some(Error::from_panic(&*payload)),
        });
        // Whoever waits may go on as soon as the outcome is there: all else is let go before.
        drop(job);
        *self.lock() = Some(outcome);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outcome>> {
        // The lock is held for plain assignments only.
        unpoisoned(self.outcome.lock())
    }
}
