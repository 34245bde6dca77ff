//! Reads a range of a file by position, so that others can read and write it at the same time.

use std::fs::File;
use std::io::{self, BufRead, Read};

use crate::os::file::read_at;

/// How much is read at a time where a manifest is read from one end to the other.
pub(super) const READ_BUFFER: usize = 256 * 1024;

/// What is left of the range.
pub(super) struct Region<'a> {
    file: &'a File,
    /// Of the next byte that is not in the buffer.
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    /// The bytes of the buffer that were not taken yet.
    unread: std::ops::Range<usize>,
}

impl<'a> Region<'a> {
    pub(super) fn new(file: &'a File, start: u64, end: u64, buffer: usize) -> Region<'a> {
        Region { file, position: start, end, buffer: vec![0; buffer], unread: 0..0 }
    }

    /// Where in the file the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.position - self.unread.len() as u64
    }
}

impl BufRead for Region<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
            let wanted = self.buffer.len().min(left);
            let count = loop {
                match read_at(self.file, &mut self.buffer[..wanted], self.position) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result?,
                }
            };
            self.position += count as u64;
            self.unread = 0..count;
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }
}

impl Read for Region<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
