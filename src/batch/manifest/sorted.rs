//! Lines that are sorted by path, found without having them in memory: of every block of the file, its first path is known.

use std::fs::File;
use std::io;

use super::line::SortKey;
use crate::os::file::read_exact_at;

/// How much of the file is read to find one line.
const BLOCK: u64 = 32 * 1024;

/// Sorted lines of files in a range of a file.
pub(super) struct SortedLines {
    file: File,
    blocks: Vec<Block>,
    end: u64,
    lines: u64,
    cache: Option<Cached>,
}

struct Block {
    offset: u64,
    /// How many lines come before it.
    lines_before: u64,
    path: Box<[u8]>,
    key: Box<[u8]>,
}

/// A block that was read, as far as it was searched: who asks in sorted order goes on from there.
struct Cached {
    block: usize,
    bytes: Vec<u8>,
    /// Where the next line begins, and its number.
    at: usize,
    line: u64,
}

/// A line that was found.
pub(super) struct FoundLine<'a> {
    /// Counted from 0.
    pub number: u64,
    pub line: &'a [u8],
}

impl SortedLines {
    /// None yet; the first one will begin at `start` or later.
    pub(super) fn new(file: File, start: u64) -> SortedLines {
        SortedLines { file, blocks: Vec::new(), end: start, lines: 0, cache: None }
    }

    /// Takes note of the next line, which begins at `offset`.
    pub(super) fn add(&mut self, key: &SortKey<'_>, offset: u64, length: u64) {
        if self.blocks.last().is_none_or(|block| offset + length > block.offset + BLOCK) {
            let (path, key) = (key.path.as_ref().into(), key.key.into());
            self.blocks.push(Block { offset, lines_before: self.lines, path, key });
        }
        self.lines += 1;
        self.end = offset + length;
    }

    pub(super) fn count(&self) -> u64 {
        self.lines
    }

    /// Where the lines are: file, start and end.
    pub(super) fn range(&self) -> (&File, u64, u64) {
        (&self.file, self.blocks.first().map_or(self.end, |block| block.offset), self.end)
    }

    /// The line with this path and key.
    pub(super) fn find(&mut self, wanted: &SortKey<'_>) -> io::Result<Option<FoundLine<'_>>> {
        let after = self.blocks.partition_point(|block| (&*block.path, &*block.key) <= (&*wanted.path, wanted.key));
        let Some(block) = after.checked_sub(1) else { return Ok(None) };
        let mut cached = match self.cache.take() {
            Some(cached) if cached.block == block => cached,
            cached => self.read_block(block, cached)?,
        };
        let found = cached.seek(wanted, self.blocks[block].lines_before);
        let cached = self.cache.insert(cached);
        Ok(found.map(|(number, start, end)| FoundLine { number, line: &cached.bytes[start..end] }))
    }

    /// Reads a block into the memory of the one before.
    fn read_block(&self, block: usize, before: Option<Cached>) -> io::Result<Cached> {
        let Block { offset, lines_before, .. } = self.blocks[block];
        let end = self.blocks.get(block + 1).map_or(self.end, |next| next.offset);
        let mut bytes = before.map_or_else(Vec::new, |before| before.bytes);
        // A block has no more bytes than BLOCK, but for one whose only line is longer, and lines have a limit.
        bytes.resize((end - offset) as usize, 0);
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(Cached { block, bytes, at: 0, line: lines_before })
    }
}

impl Cached {
    /// Goes to the wanted line; its number, start and end.
    fn seek(&mut self, wanted: &SortKey<'_>, first_line: u64) -> Option<(u64, usize, usize)> {
        if self.is_beyond(wanted) {
            (self.at, self.line) = (0, first_line);
        }
        while let Some(end) = self.end_of_line() {
            match SortKey::of_line(&self.bytes[self.at..end]) {
                Some(key) if key > *wanted => return None,
                Some(key) if key == *wanted => return Some((self.line, self.at, end)),
                _ => (self.at, self.line) = (end, self.line + 1),
            }
        }
        None
    }

    /// The wanted line, if there is one, comes before where the search stands.
    fn is_beyond(&self, wanted: &SortKey<'_>) -> bool {
        match self.end_of_line() {
            Some(end) => SortKey::of_line(&self.bytes[self.at..end]).is_none_or(|key| key > *wanted),
            None => true,
        }
    }

    fn end_of_line(&self) -> Option<usize> {
        memchr::memchr(b'\n', &self.bytes[self.at..]).map(|length| self.at + length + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::line::Seal;
    use super::super::line_writer::LineWriter;
    use super::*;
    use proptest::prelude::*;

    fn line(path: u64) -> Vec<u8> {
        Seal::new("").line(format!(r#"{{"path":"{path:08}","key":"","filler":"{}"}}"#, "x".repeat(400)).as_bytes())
    }

    fn lines(count: u64) -> SortedLines {
        let file = tempfile::tempfile().unwrap();
        let mut lines = SortedLines::new(file.try_clone().unwrap(), 7);
        let mut writer = LineWriter::new(&file, 7);
        for number in 0..count {
            let line = line(number * 2);
            lines.add(&SortKey::of_line(&line).unwrap(), writer.offset(), line.len() as u64);
            writer.write(&line).unwrap();
        }
        let end = writer.finish().unwrap();
        assert_eq!((lines.count(), lines.range().1, lines.range().2), (count, 7, end));
        lines
    }

    fn find(lines: &mut SortedLines, number: u64) -> Option<u64> {
        let path = format!("{number:08}");
        let found = lines.find(&SortKey { path: Cow::Borrowed(path.as_bytes()), key: b"" }).unwrap()?;
        assert_eq!(found.line, line(number));
        Some(found.number)
    }

    #[test]
    fn none_is_found_where_there_are_none() {
        assert_eq!(find(&mut lines(0), 1), None);
    }

    proptest! {
        #[test]
        fn each_is_found_in_any_order(wanted in proptest::collection::vec(0u64..1010, 1..200), sorted: bool) {
            let mut lines = lines(500);
            let mut wanted = wanted;
            if sorted {
                wanted.sort_unstable();
            }
            for number in wanted {
                let expected = (number % 2 == 0 && number < 1000).then_some(number / 2);
                prop_assert_eq!(find(&mut lines, number), expected);
            }
        }
    }
}
