//! Sends missing parts with several threads.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{Scope, scope};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::checkpoint::{Journal, PartRecord};
use super::pace::Pace;
use super::plan::PartRange;
use super::remote::Remote;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::os::thread;

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

/// What a worker tells the coordinator.
enum News {
    Part(Result<Sent>),
    /// The worker of this number has left, since there is nothing more to do or since it is one too many.
    Left(u32),
}

/// What workers and coordinator share while parts are sent.
struct Shift {
    todo: Receiver<PartRange>,
    news: Sender<News>,
    /// Workers with a higher number leave after the part in hand.
    limit: AtomicU32,
}

impl Workers<'_> {
    /// Sends `missing`, at the pace that `routines` asks for, and adds what arrived to `sent`. Ends early, with the
    /// first error, when a part fails for good; parts that arrived until then are in `sent` and in the journal.
    pub(crate) fn send(&self, missing: Vec<PartRange>, routines: Option<u32>, sent: &mut Vec<Sent>) -> Result<()> {
        let mut pace = Pace::new(routines, missing.len(), missing.iter().map(|part| part.size).sum());
        let (work, todo) = unbounded();
        let (news, arriving) = unbounded();
        // The channel has room for all, and its other end is here: this cannot fail.
        missing.into_iter().for_each(|part| {
            let _ = work.send(part);
        });
        let shift = Shift { todo, news, limit: AtomicU32::new(pace.limit()) };
        scope(|scope| self.coordinate(scope, &shift, &arriving, &mut pace, sent))
    }

    /// Hires workers up to the pace's limit, and takes their news until all have left.
    fn coordinate<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        shift: &'s Shift,
        arriving: &Receiver<News>,
        pace: &mut Pace,
        sent: &mut Vec<Sent>,
    ) -> Result<()> {
        let start = Instant::now();
        let complaints = || self.remote.meter.complaints();
        let before = complaints();
        let mut crew = BTreeSet::new();
        let mut first_error = Ok(());
        loop {
            if first_error.is_ok() {
                first_error = self.hire(scope, shift, &mut crew);
            }
            if crew.is_empty() {
                self.note_rate();
                return first_error;
            }
            match arriving.recv_timeout(TICK) {
                Ok(News::Part(Ok(part))) => {
                    pace.part_done(part.record.size);
                    sent.push(part);
                }
                Ok(News::Part(Err(error))) => first_error = first_error.and(Err(error)),
                Ok(News::Left(worker)) => drop(crew.remove(&worker)),
                Err(_) => {}
            }
            pace.observe(start.elapsed(), complaints() - before);
            if shift.limit.swap(pace.limit(), Ordering::Relaxed) != pace.limit() {
                self.remote.events.tell(EventKind::ConcurrencyChanged, |event| event.concurrency = pace.limit());
            }
            if self.journal.is_some_and(|journal| journal.sync_if_due(Instant::now())) {
                self.note_rate();
                self.remote.events.tell(EventKind::CheckpointWritten, |_| ());
            }
        }
    }

    /// For the call that goes on with this upload.
    fn note_rate(&self) {
        if let Some(journal) = self.journal {
            journal.rate(self.remote.meter.rate(Instant::now()));
        }
    }

    fn hire<'s>(&'s self, scope: &'s Scope<'s, '_>, shift: &'s Shift, crew: &mut BTreeSet<u32>) -> Result<()> {
        for worker in 1..=shift.limit.load(Ordering::Relaxed) {
            if shift.todo.is_empty() || self.remote.go_on().is_err() {
                break;
            }
            if crew.insert(worker) {
                let name = format!("oss-part-{worker}");
                let spawned = thread::spawn_scoped(scope, name, move || self.work(worker, shift));
                if let Err(error) = spawned {
                    crew.remove(&worker);
                    self.remote.control.halt();
                    return Err(Error::os(ErrorKind::Internal, "no thread can be made", &error));
                }
            }
        }
        Ok(())
    }

    fn work(&self, worker: u32, shift: &Shift) {
        while worker <= shift.limit.load(Ordering::Relaxed) && self.remote.go_on().is_ok() {
            let Ok(part) = shift.todo.try_recv() else { break };
            let outcome = catch_unwind(AssertUnwindSafe(|| self.send_part(part)))
                .unwrap_or_else(|payload| Err(Error::from_panic(&*payload)));
            let failed = outcome.is_err();
            let _ = shift.news.send(News::Part(outcome));
            if failed {
                // At once, so that nobody takes another part, but after the news: those who are stopped by this have
                // news, too, and the first is taken for the reason.
                self.remote.control.halt();
            }
        }
        let _ = shift.news.send(News::Left(worker));
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
        self.remote.events.tell(EventKind::PartDone, |event| {
            event.part_number = number;
            event.bytes = size;
        });
        Ok(Sent { record, trust: Trust::ReadSince(started) })
    }
}
