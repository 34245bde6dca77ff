//! Reads one part, from its beginning to its end.

use std::sync::Arc;

use super::loan::Loan;
use super::part::Part;
use super::read::Source;
use crate::crc64::Crc64;
use crate::error::Result;

/// Reads a part straight into a send buffer, and computes its CRC-64 on the way.
pub(crate) struct PartReader<'a> {
    source: &'a Arc<dyn Source>,
    part: Part,
    position: u64,
    crc: Crc64,
    /// Asked once, with the CRC-64 of the part, before the last bytes are handed over.
    before_end: &'a dyn Fn(u64) -> Result<()>,
}

impl<'a> PartReader<'a> {
    pub(crate) fn new(source: &'a Arc<dyn Source>, part: Part, before_end: &'a dyn Fn(u64) -> Result<()>) -> Self {
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
        let wanted = self.wanted(buffer.len());
        let count = self.source.read_at(&mut buffer[..wanted], self.part.offset + self.position)?;
        self.pass(&buffer[..count])?;
        Ok(count)
    }

    /// The next bytes, at most `most`, where they are; `None` when they must be read.
    pub(crate) fn lend(&mut self, most: usize) -> Result<Option<Loan>> {
        let Some(loan) = Loan::of(self.source, self.part.offset + self.position, self.wanted(most)) else {
            return Ok(None);
        };
        self.pass(loan.as_ref())?;
        Ok(Some(loan))
    }

    fn wanted(&self, most: usize) -> usize {
        most.min(usize::try_from(self.part.size - self.position).unwrap_or(usize::MAX))
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.position += bytes.len() as u64;
        if self.position == self.part.size { (self.before_end)(self.crc.value()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::memory::MemorySource;
    use super::*;
    use crate::crc64::checksum;

    #[test]
    fn what_is_lent_counts_as_what_is_read() {
        let content: Vec<u8> = (0..1000u32).map(|at| (at % 251) as u8).collect();
        let source: Arc<dyn Source> = Arc::new(MemorySource::new(Arc::new(content.clone())));
        let end = Cell::new(None);
        let before_end = |crc| {
            end.set(Some(crc));
            Ok(())
        };
        let mut reader = PartReader::new(&source, Part { number: 2, offset: 100, size: 500 }, &before_end);
        let mut buffer = [0; 200];
        assert_eq!((reader.read(&mut buffer).unwrap(), &buffer[..]), (200, &content[100..300]));
        let lent = reader.lend(200).unwrap().unwrap();
        assert_eq!((lent.as_ref(), end.get()), (&content[300..500], None));
        let last = reader.lend(200).unwrap().unwrap();
        assert_eq!((last.as_ref(), reader.position()), (&content[500..600], 500));
        assert_eq!(end.get(), Some(checksum(&content[100..600])));
    }
}
