//! One upload: from a file and its options to the proven object.

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

/// What an upload came to, as far as is known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadResult {
    /// ETag of the object, without quotes.
    pub etag: String,
    /// CRC-64/XZ of the whole object, equal to the server's.
    pub crc64: u64,
    /// Version id of the object, in a versioned bucket.
    pub version_id: String,
    /// Request id of the request that made the object.
    pub request_id: String,
    /// Upload id; empty for a file sent with one PutObject.
    pub upload_id: String,
    /// Bytes of the object.
    pub size: u64,
    /// Bytes of a part, as used.
    pub part_size: u64,
    /// `part_size` was raised, since the file would have needed more than 10,000 parts.
    pub part_size_raised: bool,
    /// Parts of the upload; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Parts that an earlier call had sent.
    pub parts_resumed: u32,
    /// Body bytes sent by this call, repeated ones included.
    pub bytes_sent: u64,
    /// Bytes that an earlier call had sent and this one did not need to send.
    pub bytes_resumed: u64,
    /// HTTP requests made, repeated ones included.
    pub attempts: u32,
    /// Why all parts were sent again: `file-changed`, `upload-gone`, `checkpoint-damaged` or the like, a colon, and a
    /// sentence. Empty when they were not.
    pub restart_reason: String,
    /// From start to end.
    pub elapsed: Duration,
    /// What the application server answered when OSS called it (`x-oss-callback`), as OSS passed it on. Empty without a
    /// callback, when the callback failed, and when the response was lost on its way and the object had to prove itself.
    pub callback_response: Arc<[u8]>,
}

/// How an upload ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was reached; on failure, as far as is known.
    pub result: UploadResult,
    /// Why the object is not stored; `None` when it is.
    pub error: Option<Error>,
}

/// A running or ended upload. Dropping a running one pauses it, without waiting.
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

    /// Carries the job out on this thread, which is the program's: no write of a checkpoint may raise a signal in it.
    pub(crate) fn run(job: Job) -> Upload {
        let shared = Arc::new(Shared::new(&job));
        signals::without_signals_of_writes(|| shared.carry_out(job));
        Upload { shared }
    }

    /// Waits for the end, but no longer than `timeout`. The outcome stays: a later call gives it again.
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

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.shared.meter.progress(Instant::now())
    }

    /// The oldest event of this upload that waits to be taken out; `None` when none does. Like
    /// [`Client::next_event`](crate::Client::next_event), for one upload.
    pub fn next_event(&self) -> Option<Event> {
        self.shared.events.queue.next()
    }

    /// Asks it to stop soon and to keep its checkpoint and parts. Without a checkpoint nothing can be kept.
    pub fn pause(&self) {
        self.shared.control.pause();
    }

    /// Asks it to stop soon, to remove what was sent from the server, and to delete its checkpoint.
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
