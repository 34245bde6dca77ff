//! Writes many lines with few system calls.

use std::fs::File;
use std::io;

use crate::os::durable::DurableFile;
use crate::os::file;

const BUFFER: usize = 256 * 1024;

/// What can be written by position.
pub(super) trait WriteAt {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

impl WriteAt for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        file::write_all_at(self, bytes, offset)
    }
}

impl WriteAt for DurableFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        DurableFile::write_all_at(self, bytes, offset)
    }
}

/// Lines on their way to a file.
pub(super) struct LineWriter<'a> {
    target: &'a dyn WriteAt,
    buffer: Vec<u8>,
    /// Where the buffer goes.
    position: u64,
}

impl<'a> LineWriter<'a> {
    pub(super) fn new(target: &'a dyn WriteAt, position: u64) -> LineWriter<'a> {
        LineWriter { target, buffer: Vec::with_capacity(BUFFER), position }
    }

    /// Where the next line goes.
    pub(super) fn offset(&self) -> u64 {
        self.position + self.buffer.len() as u64
    }

    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(line);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Where the file ends.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(self.position)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.write_all_at(&self.buffer, self.position)?;
        self.position += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
