//! The bytes of a stream, on their way from the program that writes them to the upload that sends them.
//!
//! The writer fills a block, which is a part, and hands it over. Blocks come back when they have been sent. All blocks
//! together have at most so many bytes as the program allows; what does not fit goes to a spool, or waits.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::growth::Growth;
use crate::error::{Error, ErrorKind, Result};
use crate::options::MAX_PARTS;
use crate::source::{Block, Buffer, Bytes, Lender, Part, Spool};
use crate::sync::{Condvar, Mutex, MutexGuard, unpoisoned};

/// What the writer and the upload share.
#[derive(Debug)]
pub(crate) struct Pipe {
    state: Mutex<PipeState>,
    changed: Condvar,
    growth: Growth,
    max_memory: u64,
    /// Blocks in memory, the one that is being filled included.
    max_blocks: u32,
    spool: Option<Spool>,
}

#[derive(Debug, Default)]
struct PipeState {
    /// Bytes of all blocks that are in memory, spare ones included.
    allocated: u64,
    /// Blocks in memory that are not spare.
    blocks: u32,
    /// Memory of blocks that came back, all of the same size.
    spare: Vec<Buffer>,
    paused: bool,
    /// Nobody takes blocks any more.
    closed: bool,
    /// The writer has said that nothing more comes.
    finished: bool,
}

/// The end that is written to. One thread at a time uses it.
pub(crate) struct PipeWriter {
    pipe: Arc<Pipe>,
    /// Where blocks go, and at last `None`. It is gone after that.
    deliver: Option<Deliver>,
    /// The block that is being filled.
    filling: Option<Buffer>,
    number: u32,
    offset: u64,
}

type Deliver = Box<dyn Fn(Option<Block>) + Send>;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    /// There was no room for the rest in time. The first bytes, so many, were taken.
    Some(usize),
    /// The upload has ended, and takes nothing more.
    Closed,
}

impl PipeWriter {
    /// The end of a new pipe, whose blocks have the sizes of `growth`. At most `in_flight` of them are sent at a time:
    /// more than these, and the one that is being filled, are not kept in memory. `deliver` gets each block when it is
    /// full, and `None` when no further one comes.
    pub(crate) fn new(
        growth: Growth,
        max_memory: u64,
        in_flight: u32,
        spool: Option<Spool>,
        deliver: impl Fn(Option<Block>) + Send + 'static,
    ) -> PipeWriter {
        let max_blocks = in_flight.saturating_add(1);
        let pipe = Pipe { state: Mutex::default(), changed: Condvar::new(), growth, max_memory, max_blocks, spool };
        let deliver: Deliver = Box::new(deliver);
        PipeWriter { pipe: Arc::new(pipe), deliver: Some(deliver), filling: None, number: 0, offset: 0 }
    }

    pub(crate) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// Takes bytes, and waits for room until `deadline`; `None`: as long as it takes.
    pub(crate) fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> Result<Written> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.deliver.is_none() {
                return Err(Error::invalid("the stream has been finished or aborted: nothing more can be written"));
            }
            match self.make_room(deadline) {
                // What was taken before is told first. Another write meets the error again.
                Err(_) if rest.len() < bytes.len() => return Ok(Written::Some(bytes.len() - rest.len())),
                Err(error) => return Err(error),
                Ok(Room::Free) => {}
                Ok(Room::None) => return Ok(Written::Some(bytes.len() - rest.len())),
                Ok(Room::Closed) => return Ok(Written::Closed),
            }
            if let Some(block) = &mut self.filling {
                rest = &rest[block.push(rest)..];
            }
        }
        Ok(Written::All)
    }

    /// Nothing more comes. The last block may be empty: then the stream is.
    pub(crate) fn finish(&mut self) {
        if self.deliver.is_none() {
            return;
        }
        unpoisoned(self.pipe.state.lock()).finished = true;
        let last = self.filling.take().map(Bytes::Memory);
        if last.is_some() || self.number == 0 {
            self.number += 1;
            self.hand_over(last.unwrap_or(Bytes::None), true);
        }
        self.end();
    }

    fn end(&mut self) {
        if let Some(deliver) = self.deliver.take() {
            deliver(None);
        }
    }

    /// Sees to it that at least one byte can be taken.
    fn make_room(&mut self, deadline: Option<Instant>) -> Result<Room> {
        if self.pipe.wait_while_paused(deadline) {
            return Ok(Room::None);
        }
        if self.filling.as_ref().is_some_and(|block| !block.is_full()) {
            return Ok(self.pipe.room_when_open());
        }
        let next = self.number + 1 + u32::from(self.filling.is_some());
        if u64::from(next) > MAX_PARTS {
            let most = self.pipe.growth.capacity();
            let what = format!("the stream has more than {most} bytes, which {MAX_PARTS} parts cannot hold");
            return Err(Error::invalid(what).hint("set a larger max_memory or part_size"));
        }
        let size = self.pipe.growth.size(next);
        self.hand_over_full(size)?;
        if self.filling.is_some() {
            return Ok(Room::Free);
        }
        let (room, block) = self.pipe.allocate(size, deadline)?;
        self.filling = block;
        Ok(room)
    }

    /// Hands the full block over. When there is no memory for the next one, of `next` bytes, its bytes go to the spool, and
    /// its memory is used again.
    fn hand_over_full(&mut self, next: u64) -> Result<()> {
        let Some(block) = self.filling.take() else { return Ok(()) };
        let spool = self.pipe.spool.as_ref().filter(|_| !self.pipe.has_memory_for(next));
        let stored = spool.map_or(Ok(None), |spool| spool.store(block.bytes()));
        let place = match stored {
            Ok(place) => place,
            Err(error) => {
                self.filling = Some(block);
                return Err(error);
            }
        };
        self.number += 1;
        match place {
            None => self.hand_over(Bytes::Memory(block), false),
            Some((file, place)) => {
                self.hand_over(Bytes::Spooled(file, place, block.capacity()), false);
                self.pipe.give_back(Bytes::Memory(block));
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, bytes: Bytes, is_last: bool) {
        let part = Part { number: self.number, offset: self.offset, size: bytes.size() };
        self.offset += part.size;
        if let Some(deliver) = &self.deliver {
            deliver(Some(Block::new(part, is_last, bytes, self.pipe.clone())));
        }
    }
}

/// One that is left without an end: the reader of [`Pipe::is_finished`] knows.
impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeWriter").field("number", &self.number).field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Whether there is room for a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Free,
    None,
    Closed,
}

impl Pipe {
    /// The writer waits until [`Pipe::resume`].
    pub(crate) fn pause(&self) {
        self.lock().paused = true;
    }

    pub(crate) fn resume(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    /// Nobody takes blocks any more: whoever waits for room is told.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How large the parts are.
    pub(crate) fn growth(&self) -> Growth {
        self.growth
    }

    /// The writer has said that all is written.
    pub(crate) fn is_finished(&self) -> bool {
        self.lock().finished
    }

    fn room_when_open(&self) -> Room {
        if self.lock().closed { Room::Closed } else { Room::Free }
    }

    /// True when it is still paused at the deadline.
    fn wait_while_paused(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while state.paused && !state.closed {
            match self.wait(state, deadline) {
                (_, true) => return true,
                (woken, false) => state = woken,
            }
        }
        false
    }

    /// Memory for a block, when there is some before the deadline.
    fn allocate(&self, size: u64, deadline: Option<Instant>) -> Result<(Room, Option<Buffer>)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Ok((Room::Closed, None));
            }
            if let Some(block) = state.take(size, self.max_memory, self.max_blocks)? {
                return Ok((Room::Free, Some(block)));
            }
            match self.wait(state, deadline) {
                (_, true) => return Ok((Room::None, None)),
                (woken, false) => state = woken,
            }
        }
    }

    fn has_memory_for(&self, size: u64) -> bool {
        let state = self.lock();
        state.has_room(size, self.max_memory, self.max_blocks)
    }

    /// Waits for a change. The flag is true when the deadline is over.
    fn wait<'a>(
        &'a self,
        state: MutexGuard<'a, PipeState>,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, PipeState>, bool) {
        let Some(deadline) = deadline else { return (unpoisoned(self.changed.wait(state)), false) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return (state, true);
        }
        (unpoisoned(self.changed.wait_timeout(state, left)).0, false)
    }

    fn lock(&self) -> MutexGuard<'_, PipeState> {
        unpoisoned(self.state.lock())
    }
}

impl Lender for Pipe {
    fn give_back(&self, bytes: Bytes) {
        match bytes {
            Bytes::None => {}
            Bytes::Memory(block) => self.lock().put_back(block),
            Bytes::Spooled(_, place, _) => {
                if let Some(spool) = &self.spool {
                    spool.release(place);
                }
            }
        }
        self.changed.notify_all();
    }
}

impl PipeState {
    /// Bytes of the blocks that are not spare.
    fn in_use(&self) -> u64 {
        self.allocated - self.spare.iter().map(Buffer::capacity).sum::<u64>()
    }

    fn has_room(&self, size: u64, most: u64, most_blocks: u32) -> bool {
        self.in_use() + size <= most && self.blocks < most_blocks
    }

    /// A block of `size` bytes, unless there would be more than `most` bytes, or blocks, then.
    fn take(&mut self, size: u64, most: u64, most_blocks: u32) -> Result<Option<Buffer>> {
        if !self.has_room(size, most, most_blocks) {
            return Ok(None);
        }
        if let Some(block) = self.spare.pop_if(|block| block.capacity() == size) {
            self.blocks += 1;
            return Ok(Some(block));
        }
        self.allocated = self.in_use();
        self.spare = Vec::new();
        // Without memory the program goes on: it may abort the stream, or try again.
        let block = Buffer::new(size).map_err(|error| {
            let what = format!("there is no memory for a part of {size} bytes");
            let error = Error::os(ErrorKind::Resources, what, &error).with_retryable(true);
            error.hint("set a smaller max_memory, which bounds the parts")
        })?;
        self.blocks += 1;
        self.allocated += size;
        Ok(Some(block))
    }

    /// Memory of another size than the last that came back is of no use any more.
    fn put_back(&mut self, mut block: Buffer) {
        self.blocks -= 1;
        block.clear();
        if self.spare.last().is_some_and(|spare| spare.capacity() != block.capacity()) {
            self.allocated = self.in_use();
            self.spare = Vec::new();
        }
        self.spare.push(block);
    }
}

#[cfg(test)]
mod tests;
