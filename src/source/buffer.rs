//! Memory for a piece of a stream.

use std::{fmt, io};

use crate::os::memory::Mapping;

/// Takes bytes until it is full.
pub(crate) struct Buffer {
    memory: Mapping,
    filled: usize,
}

impl Buffer {
    /// An empty one for `size` bytes.
    pub(crate) fn new(size: u64) -> io::Result<Buffer> {
        let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        Ok(Buffer { memory: Mapping::new(size)?, filled: 0 })
    }

    /// How many bytes it has room for in all.
    pub(crate) fn capacity(&self) -> u64 {
        self.memory.len() as u64
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled == self.memory.len()
    }

    /// Takes as many of `bytes` as there is room for; returns how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let room = self.room();
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.fill(count);
        count
    }

    /// Where the next bytes belong.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.memory[self.filled..]
    }

    /// The first bytes of the room, so many, have been written to.
    pub(crate) fn fill(&mut self, count: usize) {
        self.filled = self.memory.len().min(self.filled.saturating_add(count));
    }

    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// What it has taken.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[..self.filled]
    }
}

/// Shows no bytes: they may be secret, and many.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {} bytes)", self.filled, self.memory.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_bytes_until_it_is_full() {
        let mut buffer = Buffer::new(5).unwrap();
        assert_eq!((buffer.push(b"abc"), buffer.room().len(), buffer.is_full()), (3, 2, false));
        buffer.room()[0] = b'd';
        buffer.fill(1);
        assert_eq!(buffer.bytes(), b"abcd");
        assert_eq!((buffer.push(b"efg"), buffer.is_full()), (1, true));
        buffer.fill(1);
        assert_eq!((buffer.bytes(), buffer.capacity()), (&b"abcde"[..], 5));
        buffer.clear();
        assert_eq!((buffer.push(b"x"), buffer.bytes()), (1, &b"x"[..]));
    }
}
