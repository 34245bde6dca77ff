//! The handle of a running upload.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::job::Job;
use super::result::{Outcome, UploadResult};
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::options::Checkpoint;
use crate::os::signals;
use crate::sync::{Condvar, Deadline, Mutex, MutexGuard, unpoisoned};
use crate::transfer::{Control, Meter, Progress};

/// An upload, running or ended. Dropping a running one pauses it without waiting for it.
#[derive(Debug)]
pub struct Upload {
    shared: Arc<UploadShared>,
}

#[derive(Debug)]
struct UploadShared {
    control: Arc<Control>,
    meter: Arc<Meter>,
    events: Arc<Events>,
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

impl Upload {
    /// Starts the job on a thread of its client.
    pub(crate) fn start(job: Job) -> Result<Upload> {
        let shared = Arc::new(UploadShared::new(&job));
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
        let shared = Arc::new(UploadShared::new(&job));
        if job.request.options.checkpoint == Checkpoint::Off {
            shared.carry_out(job);
        } else {
            signals::without_signals_of_writes(|| shared.carry_out(job));
        }
        Upload { shared }
    }

    /// Waits for the end, but no longer than `timeout`. Later calls return the same outcome.
    pub fn wait(&self, timeout: Duration) -> Option<Outcome> {
        let deadline = Deadline::after(timeout);
        let mut outcome = self.shared.lock();
        while outcome.is_none() {
            let left = deadline.left();
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

impl UploadShared {
    fn new(job: &Job) -> UploadShared {
        UploadShared {
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
            stored: None,
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
