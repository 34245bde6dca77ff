//! The handle of a running batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounded_queue::{Put, Taken};
use super::entry::PushedFile;
use super::job::BatchJob;
use super::options::BatchSource;
use super::outcome::{BatchOutcome, BatchResult};
use super::progress::BatchProgress;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Deadline, Mutex, MutexGuard, unpoisoned};
use crate::upload::in_full;

/// A batch, running or ended. Dropping a running one pauses it without waiting for it.
#[derive(Debug)]
pub struct Batch {
    shared: Arc<BatchShared>,
}

#[derive(Debug)]
struct BatchShared {
    job: Arc<BatchJob>,
    end: Mutex<Option<BatchEnd>>,
    ended: Condvar,
}

/// How a batch ended.
#[derive(Clone, Debug)]
pub struct BatchEnd {
    /// What was done, also when the batch failed.
    pub result: BatchResult,
    /// Why not all files are stored; `None` if they are.
    pub error: Option<Error>,
}

/// What [`Batch::next_outcome`] found.
#[derive(Debug)]
pub enum NextOutcome {
    /// The outcome of a file.
    Outcome(Box<BatchOutcome>),
    /// There is none yet.
    Pending,
    /// There are no more: the batch has ended.
    End,
}

impl Batch {
    /// Starts the job on a thread of its client.
    pub(crate) fn start(job: BatchJob) -> Result<Batch> {
        let queue = job.queue.clone();
        let shared = Arc::new(BatchShared { job: Arc::new(job), end: Mutex::new(None), ended: Condvar::new() });
        let thread = shared.clone();
        let work = move || {
            let end = catch_unwind(AssertUnwindSafe(|| thread.job.run()));
            let (result, error) =
                end.unwrap_or_else(|payload| (thread.job.meter.result(), Some(Error::from_panic(&*payload))));
            thread.job.meter.end();
            thread.job.outbox.end();
            *thread.lock() = Some(BatchEnd { result, error });
            thread.ended.notify_all();
        };
        queue.pool().spawn(work).map_err(|error| Error::no_thread(&error))?;
        Ok(Batch { shared })
    }

    /// Adds a file to a batch whose source is [`BatchSource::Pushed`]. Waits when many files wait to be uploaded. Without a
    /// key, the key is the prefix and the path without what leads to the root. A file that cannot be uploaded is no error
    /// here: its outcome says so.
    pub fn add(&self, file_path: &Path, object_key: Option<&str>) -> Result<()> {
        self.try_add(file_path, object_key, Duration::MAX).map(drop)
    }

    /// As [`Batch::add`], but waits no longer than `timeout`. Whether the file was added.
    pub fn try_add(&self, file_path: &Path, object_key: Option<&str>, timeout: Duration) -> Result<bool> {
        let job = &self.shared.job;
        if job.request.options.source != BatchSource::Pushed {
            return Err(Error::invalid("the batch has a folder or a list: nothing can be added to it"));
        }
        let path: PathBuf = in_full("file_path", file_path, ErrorKind::Io)?;
        let key = object_key.map_or_else(|| job.request.key_of_given(file_path), |key| Ok(key.to_owned()));
        match job.pushed.put(PushedFile { path, key }, timeout) {
            Put::Done => Ok(true),
            Put::Full => Ok(false),
            Put::Ended => Err(Error::invalid("the batch is sealed: nothing can be added any more")),
            Put::Closed => Err(Error::invalid("the batch has ended: nothing can be added any more")),
        }
    }

    /// Says that nothing more will be added. Without this, a batch to which files are added never ends.
    pub fn seal(&self) {
        self.shared.job.pushed.end();
    }

    /// Waits for the end, but no longer than `timeout`. Later calls return the same. With the option `outcomes`, another
    /// thread must take outcomes out meanwhile, or a large batch never ends.
    pub fn wait(&self, timeout: Duration) -> Option<BatchEnd> {
        let deadline = Deadline::after(timeout);
        let mut end = self.shared.lock();
        while end.is_none() {
            let left = deadline.left();
            if left.is_zero() {
                break;
            }
            end = unpoisoned(self.shared.ended.wait_timeout(end, left)).0;
        }
        end.clone()
    }

    /// Takes the next outcome, waiting for it no longer than `timeout`. Outcomes come in the order in which files ended. With
    /// the option `outcomes` off, there are none.
    pub fn next_outcome(&self, timeout: Duration) -> NextOutcome {
        match self.shared.job.outbox.take(timeout) {
            Taken::Item(outcome) => NextOutcome::Outcome(Box::new(outcome)),
            Taken::Nothing => NextOutcome::Pending,
            Taken::End => NextOutcome::End,
        }
    }

    /// Current progress.
    pub fn progress(&self) -> BatchProgress {
        self.shared.job.meter.progress(&self.shared.job.control, Instant::now())
    }

    /// Asks the batch to stop soon. Files in work are stopped, and large ones keep their checkpoints; with a manifest, a
    /// later call goes on.
    pub fn pause(&self) {
        self.shared.job.control.pause();
        self.let_go();
    }

    /// As [`Batch::pause`], but what was sent of files in work is removed from the server. Files that are stored stay.
    pub fn cancel(&self) {
        self.shared.job.control.cancel();
        self.let_go();
    }

    /// Nobody waits for room any more.
    fn let_go(&self) {
        self.shared.job.outbox.stop_waiting();
        self.shared.job.pushed.close();
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.shared.job.outbox.close();
        if self.shared.lock().is_none() {
            self.pause();
        }
    }
}

impl BatchShared {
    fn lock(&self) -> MutexGuard<'_, Option<BatchEnd>> {
        // The lock is held for plain assignments only.
        unpoisoned(self.end.lock())
    }
}
