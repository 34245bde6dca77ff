//! The life of a checkpoint whose steps are recorded, and what is true after each of its operations.

use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use super::super::*;
use crate::os::power_cut::fast_directory;
use crate::os::trace::{Step, Trace};

pub(super) const NAME: &str = "x.cp";

/// What is done with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Begin(Kind),
    Opened,
    /// A part by its number, with content that differs by the second.
    Part(u32, u64),
    Doubted,
    Completing,
    Rate(u64),
    /// The sync that is due after a second.
    Sync,
    /// The process ends, and another one opens the file.
    Reopen,
    Remove,
}

/// Of what an upload is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    File,
    OtherFile,
    Stream,
}

/// What a checkpoint is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Absent,
    /// It has a first line, or less.
    Fresh,
    Journal(Saved),
    /// Not to be gone on with; of the upload with this header and this upload ID, if it can tell.
    Void(Option<(Header, Option<String>)>),
}

impl State {
    pub(super) fn saved(&self) -> Option<&Saved> {
        match self {
            State::Journal(saved) => Some(saved),
            _ => None,
        }
    }
}

/// What was true from an operation on.
pub(super) struct Entry {
    /// The steps before it, and those until it had returned.
    pub begins: usize,
    pub ends: usize,
    pub state: State,
    pub operation: Option<Operation>,
}

/// A checkpoint in a directory of its own.
pub(super) struct Life {
    pub directory: TempDir,
    pub trace: Arc<Trace>,
    pub entries: Vec<Entry>,
    journal: Option<Journal>,
}

pub(super) fn header_of(kind: Kind) -> Header {
    match kind {
        Kind::File => header(40),
        Kind::OtherFile => Header { key: "other".to_owned(), ..header(30) },
        Kind::Stream => stream_header(),
    }
}

/// An upload ID for each kind: none is taken for another.
fn upload_id(kind: Kind) -> String {
    format!("{UPLOAD_ID}{kind:?}")
}

fn kind_of(header: &Header) -> Kind {
    let kinds = [Kind::File, Kind::OtherFile, Kind::Stream];
    kinds.into_iter().find(|kind| header_of(*kind) == *header).unwrap()
}

/// Part `number` of an upload.
fn record_of(header: &Header, number: u32, version: u64) -> PartRecord {
    match &header.origin {
        Origin::File(_) => part(header, number, version),
        Origin::Stream(growth) => {
            let record = part(header, number, version);
            let part = Part { number, offset: growth.offset(number), size: growth.size(number) };
            PartRecord { part, ..record }
        }
    }
}

impl Operation {
    /// What is true after it; `None` when no upload does this then.
    pub(super) fn after(self, state: &State) -> Option<State> {
        if let Operation::Begin(kind) = self {
            let absent = *state == State::Absent;
            return (!absent).then(|| State::Journal(Saved { upload_id: None, ..saved(&header_of(kind), 0) }));
        }
        match (self, state) {
            (Operation::Remove | Operation::Sync, State::Absent | State::Fresh) => None,
            (Operation::Remove, _) => Some(State::Absent),
            (Operation::Reopen, State::Absent) => Some(State::Fresh),
            (Operation::Reopen | Operation::Sync, state) => Some(state.clone()),
            (_, State::Journal(saved)) => self.recorded(saved.clone()).map(State::Journal),
            _ => None,
        }
    }

    fn recorded(self, mut saved: Saved) -> Option<Saved> {
        let kind = kind_of(&saved.header);
        match self {
            Operation::Opened if saved.upload_id.is_none() => saved.upload_id = Some(upload_id(kind)),
            _ if saved.upload_id.is_none() => return None,
            Operation::Part(number, version) => {
                saved.parts.retain(|record| record.part.number != number);
                saved.parts.push(record_of(&saved.header, number, version));
                saved.parts.sort_by_key(|record| record.part.number);
            }
            Operation::Doubted => saved.doubted = true,
            Operation::Completing => saved.completing = true,
            // One that is much the same is not recorded.
            Operation::Rate(rate) if saved.rate != Some(rate) => saved.rate = Some(rate),
            _ => return None,
        }
        Some(saved)
    }

    /// When it has returned, what is true survives a power cut.
    pub(super) fn is_promise(self) -> bool {
        use Operation::*;
        matches!(self, Begin(_) | Opened | Completing | Sync | Remove)
    }
}

impl Life {
    /// Goes on from a file with this content, or from none. `state` is what it says.
    pub(super) fn from(content: Option<&[u8]>, state: State) -> Life {
        Life::after(Vec::new(), content, state)
    }

    /// As [`Life::from`], after what was true before.
    pub(super) fn after(mut entries: Vec<Entry>, content: Option<&[u8]>, state: State) -> Life {
        let directory = fast_directory();
        if let Some(content) = content {
            std::fs::write(directory.path().join(NAME), content).unwrap();
        }
        let trace = Trace::of(directory.path());
        entries.iter_mut().for_each(|entry| (entry.begins, entry.ends) = (0, 0));
        entries.push(Entry { begins: 0, ends: 0, state, operation: None });
        let mut life = Life { directory, trace, entries, journal: None };
        // A file that is not there is made. What is void stays so.
        life.apply(Operation::Reopen).unwrap();
        life
    }

    pub(super) fn state(&self) -> &State {
        &self.entries[self.entries.len() - 1].state
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.trace.steps()
    }

    /// `None` when no upload would do this now.
    pub(super) fn apply(&mut self, operation: Operation) -> Option<()> {
        let state = operation.after(self.state())?;
        let begins = self.trace.length();
        self.carry_out(operation, &state);
        self.entries.push(Entry { begins, ends: self.trace.length(), state, operation: Some(operation) });
        Some(())
    }

    fn carry_out(&mut self, operation: Operation, after: &State) {
        let path = self.path();
        if operation == Operation::Reopen {
            self.journal = None;
            self.journal = Some(open(&path).0);
            return;
        }
        let Some(journal) = &self.journal else { return };
        match (operation, after) {
            (Operation::Begin(kind), _) => journal.begin(&header_of(kind)).unwrap(),
            (Operation::Opened, State::Journal(saved)) => journal.opened(&upload_id(kind_of(&saved.header))).unwrap(),
            (Operation::Part(number, version), State::Journal(saved)) => {
                journal.part(&record_of(&saved.header, number, version));
            }
            (Operation::Doubted, _) => journal.doubted(),
            (Operation::Completing, _) => journal.completing(),
            (Operation::Rate(rate), _) => journal.rate(rate),
            (Operation::Sync, _) => {
                // Whenever the last one was: an hour is enough.
                journal.sync_if_due(Instant::now() + Duration::from_secs(3600 * self.entries.len() as u64));
            }
            (Operation::Remove, _) => journal.remove().unwrap(),
            _ => unreachable!("{operation:?} makes {after:?}"),
        }
        assert_eq!(journal.trouble(), None);
        if operation == Operation::Remove {
            self.journal = None;
        }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join(NAME)
    }

    /// The process ends, and nothing more is recorded.
    pub(super) fn content(self) -> Option<Vec<u8>> {
        let path = self.path();
        drop(self.journal);
        std::fs::read(path).ok()
    }
}
