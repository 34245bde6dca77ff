//! Judges the bytes of a checkpoint file: how far they can be trusted, and what they say.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::time::SystemTime;

use super::line::{ChecksumChain, FIRST_LINE, FirstLine, MAX_FILE, MAX_LINE, judge_first_line, looks_like_a_record};
use super::model::{Header, PartRecord, Saved};
use super::record::{Fault, Record};

/// What a file turned out to be.
pub(super) enum Reading {
    /// Nothing was begun yet: there is a first line and no more, or the first record was cut short.
    Fresh,
    Journal(Box<Good>),
    Void {
        reason: String,
        saved: Option<Box<Saved>>,
    },
    /// A newer version of this library wrote it, as the text says.
    Newer(String),
    /// Not a checkpoint at all, or nothing that shows that it is one.
    Foreign,
}

/// A journal up to its last whole record.
pub(super) struct Good {
    pub saved: Saved,
    pub created: SystemTime,
    /// The bytes up to the end of the last good record.
    pub length: u64,
    /// The checksum over its records, to go on from.
    pub chain: ChecksumChain,
}

/// Reads a file of `length` bytes. No more than one line of it is in memory at a time.
pub(super) fn read(mut source: impl BufRead, length: u64) -> io::Result<Reading> {
    let mut first = Vec::with_capacity(FIRST_LINE);
    source.by_ref().take(FIRST_LINE as u64).read_to_end(&mut first)?;
    match judge_first_line(&first) {
        FirstLine::Ours if length <= MAX_FILE => read_records(source.take(MAX_FILE)),
        FirstLine::Ours => salvage(source, format!("the checkpoint has {length} bytes, more than any upload needs")),
        FirstLine::Damaged => salvage(source, "the first line of the checkpoint is damaged".to_owned()),
        FirstLine::Torn => Ok(Reading::Fresh),
        FirstLine::Newer(version) => Ok(Reading::Newer(format!("version {version} of the format"))),
        FirstLine::Foreign => Ok(Reading::Foreign),
    }
}

fn read_records(source: impl BufRead) -> io::Result<Reading> {
    let mut lines = Lines::new(source);
    let mut replay = Replay::new();
    while let Some(line) = lines.next()? {
        match replay.take(line) {
            Replayed::Record => {}
            Replayed::Impossible(why) => {
                return Ok(replay.void(format!("record {} of the checkpoint: {why}", replay.records + 1)));
            }
            Replayed::UnknownType(name) => return Ok(Reading::Newer(format!("a record of the type {name:?}"))),
            Replayed::Damaged => return replay.judge_tail(lines.has_nul(), lines),
        }
    }
    Ok(replay.finish())
}

/// Finds out which upload a checkpoint was about that is void for `reason`.
fn salvage(source: impl BufRead, reason: String) -> io::Result<Reading> {
    let mut lines = Lines::new(source);
    let mut replay = Replay::new();
    while replay.records < 2
        && let Some(line) = lines.next()?
        && matches!(replay.take(line), Replayed::Record)
    {}
    Ok(replay.void(reason))
}

/// What one line is.
enum Replayed {
    Record,
    /// Not the next record of the chain.
    Damaged,
    /// The checksum is good, what it says cannot be.
    Impossible(String),
    UnknownType(String),
}

/// The state after the records so far.
struct Replay {
    chain: ChecksumChain,
    length: u64,
    records: u64,
    header: Option<(Header, SystemTime)>,
    upload_id: Option<String>,
    parts: BTreeMap<u32, PartRecord>,
    completing: bool,
    doubted: bool,
    rate: Option<u64>,
}

impl Replay {
    fn new() -> Self {
        Replay {
            chain: ChecksumChain::new(),
            length: FIRST_LINE as u64,
            records: 0,
            header: None,
            upload_id: None,
            parts: BTreeMap::new(),
            completing: false,
            doubted: false,
            rate: None,
        }
    }

    fn take(&mut self, line: &[u8]) -> Replayed {
        let Some(json) = self.chain.open(line) else { return Replayed::Damaged };
        let applied = match Record::parse(json) {
            Ok(record) => self.apply(record),
            Err(Fault::Malformed(why)) => Err(why),
            Err(Fault::UnknownType(name)) => return Replayed::UnknownType(name),
        };
        if let Err(why) = applied {
            return Replayed::Impossible(why);
        }
        self.chain.advance(line);
        self.length += line.len() as u64;
        self.records += 1;
        Replayed::Record
    }

    /// The header is first, the upload id second, the rest comes in any order.
    fn apply(&mut self, record: Record) -> Result<(), String> {
        match (record, &self.header, &self.upload_id) {
            (Record::Header(record), None, _) => {
                let (header, created) = record.into_header();
                header.check()?;
                self.header = Some((header, created));
            }
            (Record::Stream(record), None, _) => {
                let found = record.into_header().ok_or("a stream cannot be cut into such parts")?;
                self.header = Some(found);
            }
            (Record::Upload { upload_id }, Some(_), None) => self.upload_id = Some(upload_id),
            (Record::Part(record), Some((header, _)), Some(_)) => {
                header.check_part(&record.part)?;
                self.parts.insert(record.part.number, record);
            }
            (Record::Doubted, _, Some(_)) => self.doubted = true,
            (Record::Completing, _, Some(_)) => self.completing = true,
            (Record::Rate { bytes_per_second }, _, Some(_)) => self.rate = Some(bytes_per_second),
            _ => return Err("it is out of order".to_owned()),
        }
        Ok(())
    }

    /// The first bad line was met. It and the rest are a torn tail when a power cut has kept a block of it from the disk,
    /// which reads as NULs, or when nothing that looks like a record follows.
    fn judge_tail(self, lacks_a_block: bool, mut lines: Lines<impl BufRead>) -> io::Result<Reading> {
        let mut more = false;
        while let Some(line) = lines.next()? {
            more = true;
            if !lacks_a_block && looks_like_a_record(line) {
                return Ok(self.void(format!("record {} of the checkpoint is damaged", self.records + 1)));
            }
        }
        if self.header.is_none() && more {
            return Ok(self.void("the checkpoint contains no header, but other data".to_owned()));
        }
        Ok(self.finish())
    }

    fn finish(self) -> Reading {
        let Some((header, created)) = self.header else { return Reading::Fresh };
        let parts = self.parts.into_values().collect();
        let Replay { upload_id, completing, doubted, rate, .. } = self;
        let saved = Saved { header, upload_id, parts, completing, doubted, rate };
        Reading::Journal(Box::new(Good { saved, created, length: self.length, chain: self.chain }))
    }

    fn void(&self, reason: String) -> Reading {
        let saved = self.header.as_ref().map(|(header, _)| {
            let (upload_id, completing, doubted) = (self.upload_id.clone(), self.completing, self.doubted);
            Box::new(Saved { header: header.clone(), upload_id, parts: Vec::new(), completing, doubted, rate: None })
        });
        Reading::Void { reason, saved }
    }
}

/// The lines of a file with their line breaks; one that is too long is cut, and so never a record.
struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(source: R) -> Self {
        Lines { source, buffer: Vec::new() }
    }

    /// Whether the last line has a NUL, as no record has: JSON escapes it.
    fn has_nul(&self) -> bool {
        self.buffer.contains(&0)
    }

    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.clear();
        let count = self.source.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut self.buffer)?;
        if count == MAX_LINE && !self.buffer.ends_with(b"\n") {
            self.source.skip_until(b'\n')?;
        }
        Ok((count != 0).then_some(&self.buffer))
    }
}
