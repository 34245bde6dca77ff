//! A range of the file on its way into a request body.

use super::plan::PartRange;
use super::progress::PartMeter;
use super::source::Source;
use crate::crc64::Crc64;
use crate::error::Result;
use crate::transport::Body;

/// Reads a range straight into the send buffer, and computes its CRC-64 on the way.
pub(crate) struct RangeReader<'a, 'm> {
    source: &'a Source,
    part: PartRange,
    position: u64,
    crc: Crc64,
    meter: &'a mut PartMeter<'m>,
    /// Asked once, with the CRC-64 of the range, before the last bytes are handed over.
    before_end: &'a dyn Fn(u64) -> Result<()>,
}

impl<'a, 'm> RangeReader<'a, 'm> {
    pub(crate) fn new(
        source: &'a Source,
        part: PartRange,
        meter: &'a mut PartMeter<'m>,
        before_end: &'a dyn Fn(u64) -> Result<()>,
    ) -> Self {
        RangeReader { source, part, position: 0, crc: Crc64::new(), meter, before_end }
    }

    /// The CRC-64 of what was read.
    pub(crate) fn crc64(&self) -> u64 {
        self.crc.value()
    }
}

impl Body for RangeReader<'_, '_> {
    fn length(&self) -> u64 {
        self.part.size
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.part.size - self.position;
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.source.read_at(&mut buffer[..wanted], self.part.offset + self.position)?;
        self.crc.update(&buffer[..count]);
        self.position += count as u64;
        if self.position == self.part.size {
            (self.before_end)(self.crc.value())?;
        }
        self.meter.sent(count as u64, self.position);
        Ok(count)
    }
}
