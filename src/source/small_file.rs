//! A small file, read as a whole: for its MD5, and for every attempt to send it.

use std::fmt;
use std::sync::Arc;

use super::file::FileSource;
use super::read::Source;
use crate::error::Result;

/// The bytes of a file. Whether it has changed is asked of the file.
pub(crate) struct SmallFile {
    file: Arc<dyn Source>,
    bytes: Vec<u8>,
}

impl SmallFile {
    /// Files of more bytes cost more memory than reading them again costs time.
    pub(crate) const LARGEST: u64 = 64 * 1024;

    /// Reads `file`, which is `source`. Fails when it does not end where its size says.
    pub(crate) fn read(file: &FileSource, source: &Arc<dyn Source>) -> Result<SmallFile> {
        Ok(SmallFile { file: source.clone(), bytes: file.read_whole()? })
    }
}

impl Source for SmallFile {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let rest = self.in_memory(offset).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        self.bytes.get(usize::try_from(offset).ok()?..)
    }

    fn check_unchanged(&self) -> Result<()> {
        self.file.check_unchanged()
    }

    fn check_end(&self) -> Result<()> {
        self.file.check_end()
    }
}

/// Shows no bytes: they may be secret.
impl fmt::Debug for SmallFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmallFile({} bytes)", self.bytes.len())
    }
}
