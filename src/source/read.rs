//! What every source can do.

use std::fmt::{Debug, Display};

use md5::{Digest, Md5};

use super::part::Part;
use crate::crc64::Crc64;
use crate::error::{Error, ErrorKind, Result};

/// How much is read at a time where no send buffer takes it. For less than 128 KiB, allocators do not ask the system each
/// time, whose new pages cost more than further reads.
const CHUNK: u64 = 64 * 1024;

/// Bytes that are read by position, by several threads at the same time.
pub(crate) trait Source: Debug + Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Fills some of `buffer` from `offset`, at least one byte. Fails where there is none.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// The bytes from `offset` to the end, where they are; `None` when they must be read.
    fn in_memory(&self, offset: u64) -> Option<&[u8]> {
        let _ = offset;
        None
    }

    /// Fails when the bytes are known to have changed.
    fn check_unchanged(&self) -> Result<()>;

    /// Fails when there are more bytes than the size says.
    fn check_end(&self) -> Result<()>;
}

/// The error for bytes that are not what they were when the upload began.
pub(crate) fn changed(what: impl Display, how: impl Display) -> Error {
    Error::new(ErrorKind::FileChanged, format!("{what} changed during the upload: {how}")).with_retryable(true)
}

impl dyn Source + '_ {
    /// The CRC-64 of a part, read anew. `go_on` is asked between reads.
    pub(crate) fn crc64(&self, part: &Part, go_on: impl FnMut() -> Result<()>) -> Result<u64> {
        let mut crc = Crc64::new();
        self.each_chunk(part, go_on, |chunk| crc.update(chunk))?;
        Ok(crc.value())
    }

    /// The MD5 of a part.
    pub(crate) fn md5(&self, part: &Part, go_on: impl FnMut() -> Result<()>) -> Result<[u8; 16]> {
        let mut md5 = Md5::new();
        self.each_chunk(part, go_on, |chunk| md5.update(chunk))?;
        Ok(md5.finalize().into())
    }

    fn each_chunk(
        &self,
        part: &Part,
        mut go_on: impl FnMut() -> Result<()>,
        mut use_chunk: impl FnMut(&[u8]),
    ) -> Result<()> {
        if let Some(bytes) = self.in_memory(part.offset).and_then(|bytes| bytes.get(..usize::try_from(part.size).ok()?))
        {
            return bytes.chunks(CHUNK as usize).try_for_each(|chunk| go_on().map(|()| use_chunk(chunk)));
        }
        // At most CHUNK, which fits any usize.
        let mut buffer = vec![0; part.size.min(CHUNK) as usize];
        let mut done = 0;
        while done < part.size {
            go_on()?;
            let wanted = (part.size - done).min(CHUNK) as usize;
            let count = self.read_at(&mut buffer[..wanted], part.offset + done)?;
            use_chunk(&buffer[..count]);
            done += count as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::{Error, ErrorKind};

    const GIB: u64 = 1 << 30;

    /// Has any size, notes how much is asked for, and gives it twice.
    #[derive(Debug, Default)]
    struct Asked(Mutex<Vec<usize>>);

    impl Source for Asked {
        fn size(&self) -> u64 {
            u64::MAX
        }

        fn read_at(&self, buffer: &mut [u8], _: u64) -> Result<usize> {
            let mut asked = self.0.lock().unwrap();
            asked.push(buffer.len());
            if asked.len() > 2 { Err(Error::new(ErrorKind::Io, "no more")) } else { Ok(buffer.len()) }
        }

        fn check_unchanged(&self) -> Result<()> {
            Ok(())
        }

        fn check_end(&self) -> Result<()> {
            Ok(())
        }
    }

    /// Where memory has 32 bits, these sizes do not fit its numbers: the lowest 32 bits would be 0, or 5.
    #[test]
    fn parts_of_4_gib_are_read_in_chunks() {
        for size in [4 * GIB, 4 * GIB + 5] {
            let source = Asked::default();
            let part = Part { number: 1, offset: 0, size };
            let end = (&source as &dyn Source).crc64(&part, || Ok(()));
            assert_eq!(end.unwrap_err().message(), "no more");
            assert_eq!(*source.0.lock().unwrap(), [CHUNK as usize; 3]);
        }
    }
}
