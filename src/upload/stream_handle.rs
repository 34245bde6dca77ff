//! The handle of a stream that is being uploaded.

use std::io;
use std::process;
use std::sync::{Arc, TryLockError};
use std::time::{Duration, Instant};

use super::handle::Upload;
use super::job::Job;
use super::request::UploadSource;
use super::result::{Outcome, UploadResult};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::sync::{Mutex, MutexGuard};
use crate::transfer::{Pipe, PipeWriter, Progress, Written};

/// How long one wait for the end of an upload is.
const A_WHILE: Duration = Duration::from_secs(3600);

/// A stream of bytes that becomes an object. The object exists only after [`UploadStream::finish`] has succeeded: a stream
/// that is aborted or dropped, or whose process dies, leaves none.
///
/// One thread at a time writes. Parts are sent meanwhile, by threads of the client.
#[derive(Debug)]
pub struct UploadStream {
    upload: Upload,
    pipe: Arc<Pipe>,
    writer: Mutex<PipeWriter>,
    /// A forked child has none of the threads that send.
    process: u32,
}

impl UploadStream {
    pub(crate) fn start(job: Job, writer: PipeWriter) -> Result<UploadStream> {
        let UploadSource::Stream(pipe, _) = &job.request.source else {
            return Err(Error::new(ErrorKind::Internal, "what is uploaded is no stream"));
        };
        let pipe = pipe.clone();
        Ok(UploadStream { upload: Upload::start(job)?, pipe, writer: Mutex::new(writer), process: process::id() })
    }

    /// Takes all of `bytes`, and waits for room when the network is slower. Fails when the upload has failed, also with
    /// bytes that were taken before.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        loop {
            match self.write_until(rest, None)? {
                count if count == rest.len() => return Ok(()),
                // What comes next fails with the reason.
                count => rest = &rest[count..],
            }
        }
    }

    /// Takes as many of `bytes` as there is room for within `timeout`, and returns how many. Zero does not wait. An error
    /// means that none were taken.
    pub fn try_write(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        // An end of time that no clock can tell is no limit.
        self.write_until(bytes, Instant::now().checked_add(timeout))
    }

    fn write_until(&self, bytes: &[u8], deadline: Option<Instant>) -> Result<usize> {
        match self.writer()?.write(bytes, deadline)? {
            Written::All => Ok(bytes.len()),
            Written::Some(count) => Ok(count),
            Written::Closed => self.why_closed(deadline),
        }
    }

    /// Says that nothing more comes, and waits until the object is stored and proven.
    pub fn finish(&self) -> Result<UploadResult> {
        loop {
            if let Some(outcome) = self.try_finish(A_WHILE)? {
                return outcome.error.map_or(Ok(outcome.result), Err);
            }
        }
    }

    /// The same, but waits no longer than `timeout`; `None` when the upload goes on. Call it again then. Once it has been
    /// called, nothing can be written any more.
    pub fn try_finish(&self, timeout: Duration) -> Result<Option<Outcome>> {
        self.writer()?.finish();
        Ok(self.upload.wait(timeout))
    }

    /// Stops soon, and removes from the server what was sent, and the checkpoint. No object is stored, unless
    /// [`UploadStream::finish`] was at work and it is too late. Any thread may call this.
    pub fn abort(&self) {
        self.upload.cancel();
        self.pipe.close();
    }

    /// The writer waits until [`UploadStream::resume`]. What was written before is still sent.
    pub fn pause(&self) {
        self.pipe.pause();
    }

    /// The writer goes on.
    pub fn resume(&self) {
        self.pipe.resume();
    }

    /// How far it is. The total is 0 until the end is known.
    pub fn progress(&self) -> Progress {
        self.upload.progress()
    }

    /// As [`Upload::next_event`].
    pub fn next_event(&self) -> Option<Event> {
        self.upload.next_event()
    }

    /// How it ended; `None` when it has not within `timeout`.
    pub fn wait(&self, timeout: Duration) -> Option<Outcome> {
        self.upload.wait(timeout)
    }

    fn writer(&self) -> Result<MutexGuard<'_, PipeWriter>> {
        if process::id() != self.process {
            let what = "the stream was opened by another process, before a fork; its threads are not in this one";
            return Err(Error::invalid(what).hint("open the stream after the fork"));
        }
        match self.writer.try_lock() {
            Ok(writer) => Ok(writer),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::invalid(
                "another thread is writing to the stream, or finishing it; one thread at a time may",
            )),
        }
    }

    /// The upload takes nothing more: it has ended, or is about to. Nothing was taken when the reason is not known in time.
    fn why_closed(&self, deadline: Option<Instant>) -> Result<usize> {
        loop {
            let left = deadline.map_or(A_WHILE, |deadline| deadline.saturating_duration_since(Instant::now()));
            if let Some(outcome) = self.upload.wait(left) {
                let ended = || Error::invalid("the stream has been finished: nothing more can be written");
                return Err(outcome.error.unwrap_or_else(ended));
            }
            if left < A_WHILE {
                return Ok(0);
            }
        }
    }
}

/// Whoever waits for the stream's threads is not let down: a stream that is left ends as one whose process has died. With
/// a checkpoint, what was sent stays for the next call.
impl Drop for UploadStream {
    fn drop(&mut self) {
        self.upload.pause();
        self.pipe.close();
    }
}

impl io::Write for UploadStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        UploadStream::write(self, bytes).map(|()| bytes.len()).map_err(io::Error::other)
    }

    /// Does nothing: only [`UploadStream::finish`] makes an object.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
