//! Whatever a power cut, a bad disk or an editor does to the file: what is read from it was once recorded, or nothing.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::upload::checkpoint::line::FIRST_LINE;
use crate::upload::checkpoint::read::{Reading, read};

/// A checkpoint, and what was true after each of its records.
struct Sample {
    bytes: Vec<u8>,
    /// The length of the file up to the end of a record, and what it says.
    states: Vec<(usize, Saved)>,
}

impl Sample {
    /// With two records for one part, and parts out of order.
    fn new(parts: u32, version: u64) -> Self {
        let directory = directory();
        let path = directory.path().join("x.cp");
        let header = header(parts.into());
        let (journal, _) = open(&path);
        let mut states = Vec::new();
        let mut now = Saved { upload_id: None, ..saved(&header, 0) };
        let mut record = |state: &Saved| states.push((fs::read(&path).unwrap().len(), state.clone()));
        journal.begin(&header).unwrap();
        record(&now);
        journal.opened(UPLOAD_ID).unwrap();
        now.upload_id = Some(UPLOAD_ID.to_owned());
        record(&now);
        for number in (1..=parts).rev().chain([parts / 2]) {
            let version = if number == parts / 2 { version + 1 } else { version };
            let part = part(&header, number, version);
            journal.part(&part);
            now.parts.retain(|other| other.part.number != number);
            now.parts.push(part);
            now.parts.sort_by_key(|record| record.part.number);
            record(&now);
        }
        journal.completing();
        now.completing = true;
        record(&now);
        drop(journal);
        Sample { bytes: fs::read(&path).unwrap(), states }
    }

    /// The bytes of each record.
    fn records(&self) -> Vec<Range<usize>> {
        let starts = [FIRST_LINE].into_iter().chain(self.states.iter().map(|(end, _)| *end));
        starts.zip(&self.states).map(|(start, (end, _))| start..*end).collect()
    }

    /// How many records a reader of `bytes` takes for good; `None` when it starts over. Fails when it believes anything
    /// that was never so.
    fn judge(&self, bytes: &[u8]) -> Option<usize> {
        match read(bytes, bytes.len() as u64).unwrap() {
            Reading::Journal(good) => {
                let length = good.length as usize;
                let index = self.states.iter().position(|(end, _)| *end == length).expect("the end of a record");
                assert_eq!(good.saved, self.states[index].1);
                Some(index + 1)
            }
            Reading::Void { saved: Some(saved), .. } => {
                assert!(self.states.iter().any(|(_, state)| Saved { parts: Vec::new(), ..state.clone() } == *saved));
                None
            }
            Reading::Void { saved: None, .. } | Reading::Fresh | Reading::Foreign => None,
            Reading::Newer(what) => panic!("damage was taken for a newer version: {what}"),
        }
    }

    /// As [`Sample::judge`] for a void checkpoint: whether the old upload can still be aborted.
    fn is_void_with_its_upload_id(&self, bytes: &[u8]) -> bool {
        let read = read(bytes, bytes.len() as u64).unwrap();
        matches!(read, Reading::Void { saved: Some(saved), .. } if saved.upload_id.as_deref() == Some(UPLOAD_ID))
    }
}

#[test]
fn cut_anywhere_all_whole_records_remain() {
    let sample = Sample::new(24, 0);
    for length in 0..=sample.bytes.len() {
        let whole = sample.states.iter().filter(|(end, _)| *end <= length).count();
        let expected = (whole > 0).then_some(whole);
        assert_eq!(sample.judge(&sample.bytes[..length]), expected, "cut at {length}");
        let mut zeroed = sample.bytes.clone();
        zeroed[length..].fill(0);
        // Inside the first line it depends on how much of it is left.
        if length >= FIRST_LINE {
            assert_eq!(sample.judge(&zeroed), expected, "NULs from {length}");
        }
    }
}

#[test]
fn any_flipped_byte_is_noticed() {
    let sample = Sample::new(10, 0);
    let records = sample.records();
    let count = records.len();
    let mut bytes = sample.bytes.clone();
    for at in 0..bytes.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 0xFF] {
            bytes[at] ^= flip;
            let good = sample.judge(&bytes);
            match records.iter().position(|record| record.contains(&at)) {
                // The process id may be anything.
                None if at >= 48 => assert_eq!(good, Some(count), "byte {at} ^ {flip}"),
                None => assert!(sample.is_void_with_its_upload_id(&bytes), "byte {at} ^ {flip}"),
                // A NUL is what is left of a block that was lost, with all that came after it.
                Some(record) if bytes[at] == 0 => {
                    assert_eq!(good, Some(record).filter(|record| *record > 0), "byte {at} ^ {flip}");
                }
                // The last record is torn, and the one before it too when the line break between them is lost.
                Some(record) if record == count - 1 => assert_eq!(good, Some(count - 1), "byte {at} ^ {flip}"),
                Some(record) if record == count - 2 && at == records[record].end - 1 => {
                    assert_eq!(good, Some(count - 2), "byte {at} ^ {flip}");
                }
                Some(record) => {
                    assert_eq!(good, None, "byte {at} ^ {flip} in record {record}");
                    assert_eq!(sample.is_void_with_its_upload_id(&bytes), record >= 2, "byte {at} ^ {flip}");
                }
            }
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn records_that_are_lost_swapped_or_repeated_are_noticed() {
    let sample = Sample::new(16, 0);
    let records = sample.records();
    let last = records.len() - 1;
    let bytes_of = |order: &[usize]| {
        let first = &sample.bytes[..FIRST_LINE];
        order.iter().fold(first.to_vec(), |bytes, record| [&bytes, &sample.bytes[records[*record].clone()]].concat())
    };
    let all: Vec<usize> = (0..=last).collect();
    assert_eq!(bytes_of(&all), sample.bytes);
    for at in 0..last {
        let lost: Vec<usize> = all.iter().copied().filter(|record| *record != at).collect();
        // When the last but one is lost, the last is a torn tail.
        let expected = (at == last - 1).then_some(last - 1);
        assert_eq!(sample.judge(&bytes_of(&lost)), expected, "record {at} lost");

        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        assert_eq!(sample.judge(&bytes_of(&swapped)), None, "record {at} swapped with the next");

        let mut repeated = all.clone();
        repeated.insert(at, at);
        assert_eq!(sample.judge(&bytes_of(&repeated)), None, "record {at} repeated");
    }
    let repeated: Vec<usize> = all.iter().copied().chain([last]).collect();
    assert_eq!(sample.judge(&bytes_of(&repeated)), Some(last + 1), "the last record repeated is a torn tail");
}

#[test]
fn records_of_another_upload_are_noticed() {
    let sample = Sample::new(16, 0);
    let other = Sample::new(16, 500);
    assert_eq!(sample.bytes.len(), other.bytes.len());
    let records = sample.records();
    let last = records.len() - 1;
    for record in &records[2..last] {
        let mut spliced = sample.bytes.clone();
        spliced[record.clone()].copy_from_slice(&other.bytes[record.clone()]);
        assert_eq!(sample.judge(&spliced), None);
        let mut tail = sample.bytes[..record.start].to_vec();
        tail.extend_from_slice(&other.bytes[record.start..]);
        assert_eq!(sample.judge(&tail), None, "the rest is from another upload");
    }
}

#[test]
fn blocks_that_are_lost_are_noticed() {
    let sample = Sample::new(120, 0);
    for block in [512, 4096] {
        for start in (0..sample.bytes.len()).step_by(block) {
            let end = (start + block).min(sample.bytes.len());
            let zeroed = [&sample.bytes[..start], &vec![0; end - start], &sample.bytes[end..]].concat();
            let missing = [&sample.bytes[..start], &sample.bytes[end..]].concat();
            let whole = sample.states.iter().filter(|(until, _)| *until <= start).count();
            let good = sample.judge(&zeroed);
            assert_eq!(good, Some(whole).filter(|whole| *whole > 0), "{block} bytes at {start} did not reach the disk");
            let good = sample.judge(&missing);
            let is_tail = sample.bytes.len() - end < 150;
            assert!(good.is_none() || (is_tail && good == Some(whole)), "{block} bytes at {start}: {good:?}");
            assert!(end < sample.bytes.len() || good == Some(whole), "the last block: {good:?}");
        }
    }
}

#[test]
fn garbage_after_the_last_record_costs_nothing() {
    let sample = Sample::new(16, 0);
    let all = Some(sample.states.len());
    let last = sample.records().pop().unwrap();
    for garbage in [
        b"\n".as_slice(),
        b"0",
        b"\0",
        &[0; 5000],
        &[0; 100_000],
        &[0xFF; 100_000],
        b"some\nlines\nof text\n",
        b"0123456789abcdef {\"type\":\"part\"",
        b"0123456789abcdef {\"type\":\"completing\"}\n",
        &sample.bytes[..FIRST_LINE],
        &sample.bytes[last],
    ] {
        assert_eq!(sample.judge(&[&sample.bytes, garbage].concat()), all, "{garbage:?}");
    }
    let more_records = sample.bytes[FIRST_LINE..].repeat(2);
    assert_eq!(sample.judge(&[&sample.bytes, more_records.as_slice()].concat()), None, "that is no torn record");
}

#[test]
fn a_torn_tail_is_gone_before_the_next_record() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let header = header(5);
    drop(begun(&path, &header, 2));
    for tail in [&b"0123456789abcdef {\"type\":\"part\",\"num"[..], &[0; 6000], b"}\n0123456789abcdef {}"] {
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(tail).unwrap();
        let (journal, found) = open(&path);
        assert_eq!(found, Found::Usable(saved(&header, 2)));
        assert_eq!(fs::metadata(&path).unwrap().len(), length, "cut back to the last whole record");
        journal.part(&part(&header, 1, 0));
        drop(journal);
        assert_eq!(usable(&path), saved(&header, 2));
    }
}

/// How many mixtures of harms are tried.
const MIXTURES: u32 = 2000;

/// One thing that can happen to a file.
#[derive(Clone, Debug)]
enum Harm {
    Overwrite { at: usize, with: Vec<u8> },
    Delete { at: usize, count: usize },
    Repeat { at: usize, count: usize },
    Cut { at: usize },
}

impl Harm {
    fn harm(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let range = |at: usize, count: usize| {
            let start = at % (length + 1);
            start..(start + count).min(length)
        };
        match self {
            Harm::Overwrite { at, with } => {
                let range = range(*at, with.len());
                bytes[range.clone()].copy_from_slice(&with[..range.len()]);
            }
            Harm::Delete { at, count } => drop(bytes.drain(range(*at, *count))),
            Harm::Repeat { at, count } => {
                let again = bytes[range(*at, *count)].to_vec();
                let at = range(*at, *count).end;
                bytes.splice(at..at, again);
            }
            Harm::Cut { at } => bytes.truncate(at % (length + 1)),
        }
    }
}

fn harms() -> impl Strategy<Value = Harm> {
    let with = prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(b'\n')], 1..40);
    prop_oneof![
        (any::<usize>(), with).prop_map(|(at, with)| Harm::Overwrite { at, with }),
        (any::<usize>(), 1..400_usize).prop_map(|(at, count)| Harm::Delete { at, count }),
        (any::<usize>(), 1..400_usize).prop_map(|(at, count)| Harm::Repeat { at, count }),
        any::<usize>().prop_map(|at| Harm::Cut { at }),
    ]
}

#[test]
fn no_mixture_of_harms_makes_it_lie() {
    let sample = Sample::new(24, 0);
    let config = ProptestConfig { cases: MIXTURES, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&prop::collection::vec(harms(), 1..4), |harms| {
        let mut bytes = sample.bytes.clone();
        harms.iter().for_each(|harm| harm.harm(&mut bytes));
        sample.judge(&bytes);
        Ok(())
    });
    result.unwrap();
}
