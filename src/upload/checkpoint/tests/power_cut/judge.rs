//! What the next upload may find after a power cut.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::rc::Rc;

use super::super::*;
use super::life::{Entry, Life, NAME, Operation, State};
use crate::os::power_cut::Disk;
use crate::upload::checkpoint::read::{Good, Reading, read};
use crate::upload::checkpoint::record::Record;

/// Reads files, and judges them by what was true before the power cut. Remembers what it has read.
#[derive(Default)]
pub(super) struct Judge {
    known: HashMap<Vec<u8>, Rc<State>>,
    /// States that were judged.
    pub judged: usize,
    /// Files that were read for that, which no other state had.
    pub read: usize,
}

/// What may be found after a number of steps.
pub(super) struct Allowed<'a> {
    /// All that was ever true until then.
    past: &'a [Entry],
    /// All that was true since the last promise that was kept, up to what was being done.
    recent: &'a [Entry],
}

impl<'a> Allowed<'a> {
    pub(super) fn after(life: &'a Life, steps: usize) -> Allowed<'a> {
        let entries = &life.entries;
        let is_kept = |entry: &Entry| entry.ends <= steps && entry.operation.is_none_or(Operation::is_promise);
        let oldest = entries.iter().rposition(is_kept).unwrap_or(0);
        let newest = entries.iter().rposition(|entry| entry.begins < steps).unwrap_or(0).max(oldest);
        Allowed { past: &entries[..=newest], recent: &entries[oldest..=newest] }
    }

    pub(super) fn past_length(&self) -> usize {
        self.past.len()
    }

    fn allows(&self, found: &State) -> bool {
        self.recent.iter().any(|entry| entry.state == *found) || (self.is_beginning() && self.is_given_up(found))
    }

    /// A beginning is being written over what was there before.
    fn is_beginning(&self) -> bool {
        self.recent[1..].iter().any(|entry| matches!(entry.operation, Some(Operation::Begin(_))))
    }

    /// The upload before is given up by then, and of the new one nothing is acknowledged: what was so, and less of it.
    fn is_given_up(&self, found: &State) -> bool {
        let was_so = |header: &Header, id: Option<&str>, parts: &[PartRecord]| {
            let mut uploads = self.past.iter().filter_map(|entry| entry.state.saved());
            let is_record =
                |part| self.past.iter().filter_map(|entry| entry.state.saved()).any(|saved| saved.parts.contains(part));
            uploads.any(|saved| saved.header == *header && (id.is_none() || saved.upload_id.as_deref() == id))
                && parts.iter().all(is_record)
        };
        match found {
            State::Absent => false,
            State::Fresh | State::Void(None) => true,
            State::Void(Some((header, id))) => was_so(header, id.as_deref(), &[]),
            State::Journal(saved) => was_so(&saved.header, saved.upload_id.as_deref(), &saved.parts),
        }
    }
}

impl Judge {
    /// Fails when what is on the disk must not be there.
    pub(super) fn judge(&mut self, allowed: &Allowed<'_>, disk: &Disk, what: impl Fn() -> String) {
        self.judged += 1;
        let found = match disk.get(OsStr::new(NAME)) {
            None => Rc::new(State::Absent),
            Some(content) => self.state_of(content),
        };
        if !allowed.allows(&found) {
            let entries: Vec<&State> = allowed.recent.iter().map(|entry| &entry.state).collect();
            let content = disk.get(OsStr::new(NAME)).map(|bytes| String::from_utf8_lossy(bytes).replace('\0', "."));
            panic!("found {found:#?}\nallowed are {entries:#?}\nafter {}\n{}", what(), content.unwrap_or_default());
        }
    }

    fn state_of(&mut self, content: &[u8]) -> Rc<State> {
        if let Some(state) = self.known.get(content) {
            return state.clone();
        }
        self.read += 1;
        let state = Rc::new(state_of(content));
        self.known.insert(content.to_vec(), state.clone());
        state
    }
}

/// What a file says. Fails when it cannot be gone on with although it says so.
pub(super) fn state_of(content: &[u8]) -> State {
    match read(content, content.len() as u64).unwrap() {
        Reading::Fresh => State::Fresh,
        Reading::Journal(good) => {
            assert_can_go_on(content, &good);
            State::Journal(good.saved)
        }
        Reading::Void { saved, .. } => {
            assert!(saved.as_ref().is_none_or(|saved| saved.parts.is_empty()));
            State::Void(saved.map(|saved| (saved.header, saved.upload_id)))
        }
        Reading::Newer(what) => panic!("a power cut was taken for a newer version: {what}"),
        Reading::Foreign => panic!("a power cut made it somebody else's: {content:?}"),
    }
}

/// Cut to its good length, it takes another record.
fn assert_can_go_on(content: &[u8], good: &Good) {
    let record = match good.saved.upload_id {
        Some(_) => Record::Rate { bytes_per_second: 4242 },
        None => Record::Upload { upload_id: "next".to_owned() },
    };
    let line = good.chain.line(&serde_json::to_string(&record).unwrap());
    let next = [&content[..good.length as usize], line.as_bytes()].concat();
    let Reading::Journal(again) = read(next.as_slice(), next.len() as u64).unwrap() else {
        panic!("it cannot be gone on with: {}", String::from_utf8_lossy(content));
    };
    assert_eq!((again.saved.parts, again.length), (good.saved.parts.clone(), next.len() as u64));
}
