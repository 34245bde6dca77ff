//! Sends missing parts with the threads of the client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::checkpoint::{Journal, PartRecord};
use super::job::Job;
use super::received::{Received, Sent, Trust};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::source::{Block, Part, Source};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::transfer::{Mailbox, Sending, Units};

/// How often the journal is offered to be made safe, and threads are asked for that there were none of before.
const TICK: Duration = Duration::from_millis(250);

/// A part, and what it is read from.
pub(crate) struct PartToSend {
    pub part: Part,
    pub source: Arc<dyn Source>,
}

/// Sends parts to one upload id.
pub(crate) struct PartSender {
    pub job: Arc<Job>,
    pub upload_id: String,
    pub journal: Option<Arc<Journal>>,
    /// Ends every call.
    pub stop: Arc<AtomicBool>,
}

/// The parts that the queue gives to workers.
struct Parts {
    sender: PartSender,
    todo: Receiver<PartToSend>,
    inbox: Arc<Mailbox<Received>>,
}

/// The thread that waits for the parts: it keeps the pace, and makes the journal safe.
struct Coordinator<'a> {
    job: &'a Arc<Job>,
    journal: Option<Arc<Journal>>,
    stop: Arc<AtomicBool>,
    sending: Sending,
    work: Sender<PartToSend>,
    inbox: Arc<Mailbox<Received>>,
    /// Further parts may come.
    more: bool,
    /// Parts of which the outcome is known.
    heard: usize,
    /// The limit that was told last.
    limit: u32,
    dispatched: Instant,
}

/// Sends `parts`, at the pace that the upload's options ask for, and adds what arrived to `sent`. Ends early, with the
/// first error, when a part fails for good; parts that arrived until then are in `sent` and in the journal.
pub(crate) fn send(sender: PartSender, parts: Vec<PartToSend>, sent: &mut Vec<Sent>) -> Result<()> {
    let job = sender.job.clone();
    let mut coordinator = Coordinator::new(&job, sender, Arc::default());
    for part in parts {
        coordinator.add(part);
    }
    coordinator.run(|_| Ok(Incoming::End), sent)
}

/// Sends the blocks of a stream as they come to `inbox`, until there will be no more. `accept` says what is to be done
/// with each.
pub(crate) fn send_blocks(
    sender: PartSender,
    first: Block,
    inbox: &Arc<Mailbox<Received>>,
    mut accept: impl FnMut(Block) -> Result<Incoming>,
    sent: &mut Vec<Sent>,
) -> Result<()> {
    let job = sender.job.clone();
    let mut coordinator = Coordinator::new(&job, sender, inbox.clone());
    coordinator.more = true;
    coordinator.take_block(accept(first)?, sent)?;
    coordinator.run(accept, sent)
}

/// What is to be done with a block of a stream.
pub(crate) enum Incoming {
    Send(PartToSend),
    /// The server has it already.
    Known(Sent),
    /// Nothing comes any more.
    End,
}

impl<'a> Coordinator<'a> {
    fn new(job: &'a Arc<Job>, sender: PartSender, inbox: Arc<Mailbox<Received>>) -> Coordinator<'a> {
        let (journal, stop) = (sender.journal.clone(), sender.stop.clone());
        let (work, todo) = unbounded();
        let parts = Arc::new(Parts { sender, todo, inbox: inbox.clone() });
        let sending = job.queue.begin(&job.keeps_to, parts);
        let dispatched = Instant::now();
        Coordinator { job, journal, stop, sending, work, inbox, more: false, heard: 0, limit: 0, dispatched }
    }

    fn add(&mut self, part: PartToSend) {
        let size = part.part.size;
        // Nobody else takes it before the queue knows of it. The other end is with `sending`: this cannot fail.
        let _ = self.work.send(part);
        self.sending.add(size);
    }

    /// Takes the workers' news, and further blocks, until there will be no more.
    fn run(mut self, mut accept: impl FnMut(Block) -> Result<Incoming>, sent: &mut Vec<Sent>) -> Result<()> {
        let before = self.job.meter.complaints();
        self.limit = self.sending.limit();
        let mut first_error = self.dispatch();
        loop {
            if first_error.is_err() || self.stop.load(Ordering::Relaxed) {
                self.sending.stop();
                self.more = false;
            }
            if !self.more && self.sending.has_ended(self.heard) {
                self.note_rate();
                return first_error;
            }
            match self.inbox.take(TICK) {
                Some(Received::Part(outcome)) => {
                    self.heard += 1;
                    first_error = first_error.and(self.take_in(outcome, sent));
                }
                Some(Received::Block(block)) => {
                    let taken = block.map_or(Ok(Incoming::End), &mut accept);
                    first_error = first_error.and(taken.and_then(|incoming| self.take_block(incoming, sent)));
                }
                None => {}
            }
            self.sending.observe(self.job.meter.complaints() - before);
            if self.tell_limit() || self.dispatched.elapsed() >= TICK {
                first_error = first_error.and(self.dispatch());
            }
            self.make_safe();
        }
    }

    fn take_block(&mut self, incoming: Incoming, sent: &mut Vec<Sent>) -> Result<()> {
        match incoming {
            Incoming::Send(part) => {
                self.add(part);
                self.dispatch()?;
            }
            Incoming::Known(part) => sent.push(part),
            Incoming::End => self.more = false,
        }
        Ok(())
    }

    fn take_in(&mut self, outcome: Result<Sent>, sent: &mut Vec<Sent>) -> Result<()> {
        let part = outcome?;
        self.sending.unit_done(part.record.part.size);
        sent.push(part);
        Ok(())
    }

    /// Sees to it that there are threads for the parts. Fails only when there is none for any upload.
    fn dispatch(&mut self) -> Result<()> {
        self.dispatched = Instant::now();
        self.job.queue.dispatch().map_err(|error| Error::no_thread(&error))
    }

    /// True when the limit has changed.
    fn tell_limit(&mut self) -> bool {
        let limit = self.sending.limit();
        let changed = std::mem::replace(&mut self.limit, limit) != limit;
        if changed {
            self.job.events.tell(EventKind::ConcurrencyChanged, |event| event.concurrency = limit);
        }
        changed
    }

    fn make_safe(&self) {
        if self.journal.as_ref().is_some_and(|journal| journal.sync_if_due(Instant::now())) {
            self.note_rate();
            self.job.events.tell(EventKind::CheckpointWritten, |_| ());
        }
    }

    /// For the call that goes on with this upload.
    fn note_rate(&self) {
        if let Some(journal) = &self.journal {
            journal.rate(self.job.meter.rate(Instant::now()));
        }
    }
}

impl Units for Parts {
    fn run_next(self: Arc<Self>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.send_next()))
            .unwrap_or_else(|payload| Err(Error::from_panic(&*payload)));
        let failed = outcome.is_err();
        let (inbox, control, stop) = (self.inbox.clone(), self.sender.job.control.clone(), self.sender.stop.clone());
        let others_follow = !failed && !self.todo.is_empty() && !stop.load(Ordering::Relaxed);
        // File, checkpoint and all else are closed when the last part is heard of.
        drop(self);
        if others_follow {
            inbox.leave(Received::Part(outcome));
        } else {
            inbox.put(Received::Part(outcome));
        }
        if failed {
            // At once, so that nobody takes another part, but after the news: those who are stopped by this have news,
            // too, and the first is taken for the reason.
            control.halt(&stop);
        }
    }
}

impl Parts {
    fn send_next(&self) -> Result<Sent> {
        match self.todo.try_recv() {
            Ok(part) => self.sender.send(part),
            Err(_) => Err(Error::new(ErrorKind::Internal, "a part is missing in the queue")),
        }
    }
}

impl PartSender {
    fn send(&self, PartToSend { part, source }: PartToSend) -> Result<Sent> {
        let started = SystemTime::now();
        let remote = self.job.remote_of_worker(self.stop.clone());
        let (stored, crc64) = remote.upload_part(&source, &self.upload_id, part)?;
        let record = PartRecord { part, etag: stored.etag, crc64 };
        // Written by the worker itself, at once: what is acknowledged must outlive the process.
        if let Some(journal) = &self.journal {
            journal.part(&record);
        }
        self.job.events.tell(EventKind::PartDone, |event| {
            event.part_number = part.number;
            event.bytes = part.size;
        });
        Ok(Sent { record, trust: Trust::ReadSince(started) })
    }
}
