//! What a manifest says about files.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;

use super::line::{Seal, SortKey};
use super::record::{FileRecord, RecordStatus};
use super::sorted::SortedLines;

/// The records of earlier runs.
pub(crate) struct Known {
    pub(super) seal: Seal,
    /// Of runs that came to their end, and of the one that did not.
    pub(super) ended: Option<Section>,
    pub(super) interrupted: Option<Section>,
}

/// Sorted lines that were written with the same options.
pub(super) struct Section {
    pub lines: SortedLines,
    /// The objects were stored with the options of this run.
    pub has_these_options: bool,
    kept: Bits,
}

/// A record of an earlier run.
pub(crate) struct FoundRecord<'a> {
    pub record: FileRecord<'a>,
    /// It is of a run that did not come to its end, which this one continues.
    pub is_interrupted: bool,
    /// The object was stored with the options of this run.
    pub has_these_options: bool,
    place: Place,
}

/// Which line it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    is_interrupted: bool,
    number: u64,
}

impl FoundRecord<'_> {
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

impl Known {
    /// Of a new manifest.
    pub(super) fn nothing(seal: Seal) -> Known {
        Known { seal, ended: None, interrupted: None }
    }

    /// The latest record of the file; `None` as well when its line is damaged.
    pub(crate) fn find(&mut self, path: &[u8], key: &str) -> io::Result<Option<FoundRecord<'_>>> {
        let key = json_text(key);
        let wanted = SortKey { path: Cow::Borrowed(path), key: &key };
        for (section, is_interrupted) in [(&mut self.interrupted, true), (&mut self.ended, false)] {
            let Some(section) = section else { continue };
            let has_these_options = section.has_these_options;
            let Some(found) = section.lines.find(&wanted)? else { continue };
            let place = Place { is_interrupted, number: found.number };
            let json = self.seal.open(found.line);
            let Some(record) = json.and_then(|json| serde_json::from_slice(json).ok()) else { continue };
            return Ok(Some(FoundRecord { record, is_interrupted, has_these_options, place }));
        }
        Ok(None)
    }

    /// Path and key of each file that failed, by the latest record.
    pub(crate) fn failures(&self) -> io::Result<BTreeSet<(Box<[u8]>, String)>> {
        let mut failures = BTreeSet::new();
        let seal = self.seal.clone();
        self.each_line(true, |line| {
            let record = seal.open(line).and_then(|json| serde_json::from_slice::<FileRecord<'_>>(json).ok());
            if let Some(record) = record {
                let path: Box<[u8]> = crate::os::path::bytes(&crate::text::path::decode(&record.path)).into();
                let file = (path, record.key.clone().into_owned());
                // Later lines supersede earlier ones.
                let _ =
                    if record.status == RecordStatus::Failed { failures.insert(file) } else { failures.remove(&file) };
            }
            Ok(())
        })?;
        Ok(failures)
    }

    /// The record holds for this run too.
    pub(crate) fn keep(&mut self, place: Place) {
        let section = if place.is_interrupted { &mut self.interrupted } else { &mut self.ended };
        if let Some(section) = section {
            section.kept.set(place.number);
        }
    }

    /// Nothing but what was kept is known, and that is in one sorted section.
    pub(super) fn is_all_kept(&self) -> bool {
        self.interrupted.is_none()
            && self.ended.as_ref().is_none_or(|section| section.kept.ones == section.lines.count())
    }

    /// Each line that was kept, or all, the older ones first.
    pub(super) fn each_line(&self, all: bool, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for section in [&self.ended, &self.interrupted].into_iter().flatten() {
            section.each_line(|number, line| if all || section.kept.get(number) { take(line) } else { Ok(()) })?;
        }
        Ok(())
    }
}

impl Section {
    pub(super) fn new(lines: SortedLines, has_these_options: bool) -> Section {
        Section { lines, has_these_options, kept: Bits::default() }
    }

    pub(super) fn each_line(&self, mut take: impl FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let (file, start, end) = self.lines.range();
        let mut region = super::region::Region::new(file, start, end, super::region::READ_BUFFER);
        let (mut line, mut number) = (Vec::new(), 0);
        while super::line::read_line(&mut region, &mut line)? {
            // Those that are no files' are not counted.
            if SortKey::of_line(&line).is_some() {
                take(number, &line)?;
                number += 1;
            }
        }
        Ok(())
    }
}

/// The text of a key in JSON, without quotes.
fn json_text(key: &str) -> Cow<'_, [u8]> {
    if !key.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        return Cow::Borrowed(key.as_bytes());
    }
    let quoted = serde_json::to_vec(key).unwrap_or_default();
    let inner = quoted.len().saturating_sub(1);
    Cow::Owned(quoted.get(1..inner).unwrap_or_default().to_owned())
}

/// A bit for each line.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    ones: u64,
}

impl Bits {
    fn set(&mut self, number: u64) {
        // A line has more than 64 bytes: its number fits.
        let word = (number / 64) as usize;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let bit = 1 << (number % 64);
        self.ones += u64::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    fn get(&self, number: u64) -> bool {
        self.words.get((number / 64) as usize).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}
