//! A piece of a stream, as long as it is needed to send it.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use super::buffer::Buffer;
use super::part::Part;
use super::read::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::os;

/// One part of a stream. Whoever lends its memory or its place in a file gets it back when this is dropped.
pub(crate) struct Block {
    part: Part,
    is_last: bool,
    bytes: Bytes,
    lender: Arc<dyn Lender>,
}

/// Where the bytes are.
pub(crate) enum Bytes {
    /// There are none.
    None,
    Memory(Buffer),
    /// In a file: the place of the first, and how many there are.
    Spooled(Arc<File>, u64, u64),
}

impl Bytes {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Bytes::None => 0,
            Bytes::Memory(buffer) => buffer.bytes().len() as u64,
            Bytes::Spooled(_, _, size) => *size,
        }
    }
}

/// Whom the room for bytes belongs to.
pub(crate) trait Lender: Send + Sync {
    fn give_back(&self, bytes: Bytes);
}

impl Block {
    pub(crate) fn new(part: Part, is_last: bool, bytes: Bytes, lender: Arc<dyn Lender>) -> Block {
        Block { part, is_last, bytes, lender }
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// Nothing of the stream comes after it.
    pub(crate) fn is_last(&self) -> bool {
        self.is_last
    }

    fn ends_early(&self, offset: u64) -> Error {
        Error::new(ErrorKind::Internal, format!("part {} of the stream has no byte {offset}", self.part.number))
    }
}

/// Offsets are those in the stream.
impl Source for Block {
    fn size(&self) -> u64 {
        self.part.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let within = offset.checked_sub(self.part.offset).filter(|within| *within <= self.part.size);
        let within = within.ok_or_else(|| self.ends_early(offset))?;
        // At most the buffer's length.
        let count = (self.part.size - within).min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..count];
        match &self.bytes {
            Bytes::None | Bytes::Memory(_) => {
                let bytes = self.in_memory(offset).and_then(|bytes| bytes.get(..count));
                buffer.copy_from_slice(bytes.ok_or_else(|| self.ends_early(offset))?);
            }
            Bytes::Spooled(file, place, _) => os::file::read_exact_at(file, buffer, place + within)
                .map_err(|error| Error::os(ErrorKind::Io, "cannot read the spool file".to_owned(), &error))?,
        }
        match count {
            0 if self.part.size > 0 => Err(self.ends_early(offset)),
            count => Ok(count),
        }
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        let bytes = match &self.bytes {
            Bytes::None => &[],
            Bytes::Memory(buffer) => buffer.bytes(),
            Bytes::Spooled(..) => return None,
        };
        bytes.get(usize::try_from(offset.checked_sub(self.part.offset)?).ok()?..)
    }

    fn check_unchanged(&self) -> Result<()> {
        Ok(())
    }

    fn check_end(&self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.lender.give_back(std::mem::replace(&mut self.bytes, Bytes::None));
    }
}

/// Shows no bytes: they may be secret, and many.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:?})", self.part)
    }
}
