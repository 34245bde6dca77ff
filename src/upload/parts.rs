//! Sends missing parts with several threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread::{Builder, Scope, scope};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::checkpoint::{Journal, PartRecord};
use super::plan::PartRange;
use super::remote::Remote;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// How often the journal is offered to be made safe.
const TICK: Duration = Duration::from_millis(250);

/// A part that the server has.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub record: PartRecord,
    pub trust: Trust,
}

/// How sure it is that the file still holds what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The caller does not want it read again.
    Exempt,
    /// It was read at this time or later.
    ReadSince(SystemTime),
    /// It must be read again.
    Doubted,
}

/// Threads that send parts of one file to one upload id.
pub(crate) struct Workers<'a> {
    pub remote: &'a Remote<'a>,
    pub source: &'a Source,
    pub upload_id: &'a str,
    pub journal: Option<&'a Journal>,
}

impl Workers<'_> {
    /// Sends `missing`, up to `routines` at a time, and adds what arrived to `sent`. Ends early, with the first error,
    /// when a part fails for good; parts that arrived until then are in `sent` and in the journal.
    pub(crate) fn send(&self, missing: Vec<PartRange>, routines: u32, sent: &mut Vec<Sent>) -> Result<()> {
        let threads = (routines as usize).min(missing.len());
        let (work, todo) = unbounded();
        let (outcomes, arrived) = unbounded();
        // The channel has room for all: nobody receives yet, and nothing can fail.
        missing.into_iter().for_each(|part| {
            let _ = work.send(part);
        });
        drop(work);
        scope(|scope| {
            let started = (1..=threads).try_for_each(|n| self.start(scope, n, todo.clone(), outcomes.clone()));
            drop(outcomes);
            if started.is_err() {
                self.remote.control.halt();
            }
            let collected = self.collect(&arrived, sent);
            collected.and(started)
        })
    }

    fn start<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        n: usize,
        todo: Receiver<PartRange>,
        outcomes: Sender<Result<Sent>>,
    ) -> Result<()> {
        let work = move || {
            // The sender goes with this thread: when all have ended, the collector ends.
            while let Ok(part) = todo.try_recv() {
                let outcome = catch_unwind(AssertUnwindSafe(|| self.send_part(part)))
                    .unwrap_or_else(|payload| Err(Error::from_panic(&*payload)));
                let failed = outcome.is_err();
                let _ = outcomes.send(outcome);
                if failed || self.remote.stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        };
        let spawned = Builder::new().name(format!("oss-part-{n}")).spawn_scoped(scope, work);
        spawned.map_err(|error| Error::os(ErrorKind::Internal, "no thread can be made", &error)).map(|_| ())
    }

    fn send_part(&self, part: PartRange) -> Result<Sent> {
        let started = SystemTime::now();
        let (stored, crc64) = self.remote.upload_part(self.source, self.upload_id, part)?;
        let PartRange { number, offset, size } = part;
        let record = PartRecord { number, offset, size, etag: stored.etag, crc64 };
        // Written by the worker itself, at once: what is acknowledged must outlive the process.
        if let Some(journal) = self.journal {
            journal.part(&record);
        }
        Ok(Sent { record, trust: Trust::ReadSince(started) })
    }

    fn collect(&self, arrived: &Receiver<Result<Sent>>, sent: &mut Vec<Sent>) -> Result<()> {
        let mut first_error = Ok(());
        loop {
            match arrived.recv_timeout(TICK) {
                Ok(Ok(part)) => sent.push(part),
                Ok(Err(error)) => {
                    self.remote.control.halt();
                    first_error = first_error.and(Err(error));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return first_error,
            }
            if let Some(journal) = self.journal {
                journal.sync_if_due(Instant::now());
            }
        }
    }
}
