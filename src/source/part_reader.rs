//! Reads one part, from its beginning to its end.

use super::part::Part;
use super::read::Source;
use crate::crc64::Crc64;
use crate::error::Result;

/// Reads a part straight into a send buffer, and computes its CRC-64 on the way.
pub(crate) struct PartReader<'a> {
    source: &'a dyn Source,
    part: Part,
    position: u64,
    crc: Crc64,
    /// Asked once, with the CRC-64 of the part, before the last bytes are handed over.
    before_end: &'a dyn Fn(u64) -> Result<()>,
}

impl<'a> PartReader<'a> {
    pub(crate) fn new(source: &'a dyn Source, part: Part, before_end: &'a dyn Fn(u64) -> Result<()>) -> Self {
        PartReader { source, part, position: 0, crc: Crc64::new(), before_end }
    }

    /// The CRC-64 of what was read.
    pub(crate) fn crc64(&self) -> u64 {
        self.crc.value()
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes there are to read.
    pub(crate) fn size(&self) -> u64 {
        self.part.size
    }

    /// The next bytes; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.part.size - self.position;
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.source.read_at(&mut buffer[..wanted], self.part.offset + self.position)?;
        self.crc.update(&buffer[..count]);
        self.position += count as u64;
        if self.position == self.part.size {
            (self.before_end)(self.crc.value())?;
        }
        Ok(count)
    }
}
