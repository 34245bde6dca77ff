//! A block of memory.

use std::fmt;
use std::sync::Arc;

use super::read::Source;
use crate::error::{Error, ErrorKind, Result};

/// Bytes that are there already. They are not copied, and must not change.
pub(crate) struct MemorySource {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    size: u64,
}

impl MemorySource {
    pub(crate) fn new(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> MemorySource {
        let size = (*bytes).as_ref().len() as u64;
        MemorySource { bytes, size }
    }
}

impl Source for MemorySource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        match self.in_memory(offset) {
            Some(rest) if !rest.is_empty() || buffer.is_empty() => {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            _ => Err(Error::new(ErrorKind::FileChanged, format!("the memory to upload ends before byte {offset}"))),
        }
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        (*self.bytes).as_ref().get(usize::try_from(offset).ok()?..)
    }

    fn check_unchanged(&self) -> Result<()> {
        Ok(())
    }

    fn check_end(&self) -> Result<()> {
        Ok(())
    }
}

/// Shows no bytes: they may be secret, and many.
impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySource({} bytes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::Part;
    use super::*;
    use crate::crc64::checksum;

    #[test]
    fn any_range_is_read_and_nothing_behind_the_end() {
        let content: Vec<u8> = (0..600_000u32).map(|i| (i % 251) as u8).collect();
        let memory = MemorySource::new(Arc::new(content.clone()));
        let source: &dyn Source = &memory;
        assert_eq!(source.size(), 600_000);
        let part = Part { number: 2, offset: 1000, size: 500_000 };
        assert_eq!(source.crc64(&part, || Ok(())).unwrap(), checksum(&content[1000..501_000]));
        let mut buffer = [0; 10];
        assert_eq!(source.read_at(&mut buffer, 599_995).unwrap(), 5);
        for offset in [600_000, 600_001, u64::MAX] {
            assert!(source.read_at(&mut buffer, offset).is_err(), "{offset}");
        }
    }

    #[test]
    fn no_memory_at_all_is_an_empty_source() {
        let memory = MemorySource::new(Arc::new([]));
        assert_eq!((memory.size(), memory.read_at(&mut [], 0).unwrap()), (0, 0));
        assert!(memory.check_unchanged().is_ok() && memory.check_end().is_ok());
    }
}
