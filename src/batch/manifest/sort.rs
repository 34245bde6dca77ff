//! Sorts lines of files by path, however many there are, with little memory: what does not fit waits in a file without a
//! name. Of lines with the same path and key, the last one stays.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::line::{KeyPlace, SortKey, read_line};
use super::line_writer::LineWriter;
use super::region::Region;
use crate::os::file::create_temporary;

/// So many bytes of lines are sorted in memory at a time.
const CHUNK: usize = 8 * 1024 * 1024;
/// How much of each sorted chunk is in memory while all are merged.
const MERGE_BUFFER: usize = 32 * 1024;

/// Takes lines in any order.
pub(super) struct Sorter<'a> {
    /// Where the file without a name is made.
    directory: &'a Path,
    chunk: usize,
    bytes: Vec<u8>,
    lines: Vec<Line>,
    spilled: Option<Spilled>,
}

/// A line in memory.
struct Line {
    start: usize,
    end: usize,
    place: KeyPlace,
}

/// The chunks that were sorted already.
struct Spilled {
    file: File,
    length: u64,
    chunks: Vec<(u64, u64)>,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(directory: &'a Path) -> Sorter<'a> {
        Sorter { directory, chunk: CHUNK, bytes: Vec::new(), lines: Vec::new(), spilled: None }
    }

    /// Takes a line with its line break. It must be that of a file.
    pub(super) fn add(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes.len() + line.len() > self.chunk && !self.lines.is_empty() {
            self.spill()?;
        }
        let (start, end) = (self.bytes.len(), self.bytes.len() + line.len());
        self.lines.push(Line { start, end, place: KeyPlace::of_line(line) });
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    /// Gives all lines to `take`, sorted.
    pub(super) fn finish(mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.spilled.is_none() {
            return self.each_sorted(&mut take);
        }
        self.spill()?;
        // The memory is needed no more.
        (self.bytes, self.lines) = (Vec::new(), Vec::new());
        self.spilled.map_or(Ok(()), |spilled| spilled.merge(take))
    }

    fn each_sorted(&mut self, take: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let bytes = &self.bytes;
        let key = |line: &Line| line.place.key(&bytes[line.start..line.end]);
        self.lines.sort_by(|a, b| key(a).cmp(&key(b)));
        for (at, line) in self.lines.iter().enumerate() {
            let is_superseded = self.lines.get(at + 1).is_some_and(|next| key(next) == key(line));
            if !is_superseded {
                take(&bytes[line.start..line.end])?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut spilled = match self.spilled.take() {
            Some(spilled) => spilled,
            None => Spilled { file: create_temporary(self.directory)?, length: 0, chunks: Vec::new() },
        };
        let mut writer = LineWriter::new(&spilled.file, spilled.length);
        self.each_sorted(&mut |line| writer.write(line))?;
        let end = writer.finish()?;
        spilled.chunks.push((spilled.length, end));
        spilled.length = end;
        self.spilled = Some(spilled);
        self.bytes.clear();
        self.lines.clear();
        Ok(())
    }
}

impl Spilled {
    /// The next line of each chunk waits in a heap; of equal ones that of the latest chunk comes last.
    fn merge(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut chunks: Vec<_> =
            self.chunks.iter().map(|(start, end)| Region::new(&self.file, *start, *end, MERGE_BUFFER)).collect();
        let mut heap = BinaryHeap::new();
        for (number, chunk) in chunks.iter_mut().enumerate() {
            heap.extend(Head::next(chunk, number)?);
        }
        let mut last: Option<Head> = None;
        while let Some(Reverse(head)) = heap.pop() {
            heap.extend(Head::next(&mut chunks[head.chunk], head.chunk)?);
            if let Some(last) = last.as_ref().filter(|last| !last.is_superseded_by(&head)) {
                take(&last.line)?;
            }
            last = Some(head);
        }
        last.map_or(Ok(()), |last| take(&last.line))
    }
}

/// The next line of a chunk, ordered by path, key and chunk.
struct Head {
    line: Vec<u8>,
    place: KeyPlace,
    chunk: usize,
}

impl Head {
    fn next(region: &mut Region<'_>, chunk: usize) -> io::Result<Option<Reverse<Head>>> {
        let mut line = Vec::new();
        if !read_line(region, &mut line)? {
            return Ok(None);
        }
        let place = KeyPlace::of_line(&line);
        Ok(Some(Reverse(Head { line, place, chunk })))
    }

    fn key(&self) -> SortKey<'_> {
        self.place.key(&self.line)
    }

    fn is_superseded_by(&self, next: &Head) -> bool {
        self.key() == next.key()
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        self.key().cmp(&other.key()).then(self.chunk.cmp(&other.chunk))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use super::super::line::Seal;
    use super::*;
    use proptest::prelude::*;

    fn line(path: &str, size: u64) -> Vec<u8> {
        Seal::new("").line(format!(r#"{{"path":"{path}","key":"k","size":{size}}}"#).as_bytes())
    }

    fn sorted(chunk: usize, lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let mut sorter = Sorter { chunk, ..Sorter::new(directory.path()) };
        lines.iter().for_each(|line| sorter.add(line).unwrap());
        let mut sorted = Vec::new();
        let take = |line: &[u8]| {
            sorted.push(line.to_owned());
            Ok(())
        };
        sorter.finish(take).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        sorted
    }

    #[test]
    fn the_last_of_equal_lines_stays_wherever_it_was() {
        let lines: Vec<_> = [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5)].map(|(p, s)| line(p, s)).into();
        let expected = [("a", 5), ("b", 3), ("c", 4)].map(|(p, s)| line(p, s));
        for chunk in [1, 100, 200, 10_000] {
            assert_eq!(sorted(chunk, &lines), expected, "{chunk}");
        }
        assert_eq!(sorted(100, &[]), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn any_lines_are_sorted(paths in proptest::collection::vec("[a-c/%\\-]{0,3}", 0..60), chunk in 1usize..2000) {
            let lines: Vec<_> = paths.iter().enumerate().map(|(at, path)| line(&path.replace('\\', "/"), at as u64)).collect();
            let mut latest = std::collections::BTreeMap::new();
            for line in &lines {
                let key = SortKey::of_line(line).unwrap();
                latest.insert((key.path.into_owned(), key.key.to_owned()), line.clone());
            }
            prop_assert_eq!(sorted(chunk, &lines), latest.into_values().collect::<Vec<_>>());
        }
    }
}
