//! What is to be done with a file: whether it is stored already, as far as the manifest tells.

use std::io;

use super::entry::{Entry, Stored, Task};
use super::manifest::{FoundRecord, Known, RecordStatus};
use super::options::BatchMode;
use super::outcome::{BatchOutcome, OutcomeStatus};
use super::request::BatchRequest;

/// What the manifest says about a file.
pub(crate) enum Decision {
    /// It is to be done.
    Do(Entry),
    /// The record holds, nothing is to be done.
    Done(BatchOutcome),
}

/// Looks the file up, and keeps its record in the manifest when it holds.
pub(crate) fn decide(request: &BatchRequest, known: Option<&mut Known>, entry: Entry) -> io::Result<Decision> {
    let mode = request.options.mode;
    let unknown = |entry: Entry| match entry.task {
        Task::Upload if mode == BatchMode::Changed && request.options.compare_remote => {
            Decision::Do(Entry { task: Task::CompareRemote, ..entry })
        }
        _ => Decision::Do(entry),
    };
    let Some(known) = known else { return Ok(unknown(entry)) };
    let Some(found) = known.find(&entry.path, &entry.key)? else { return Ok(unknown(entry)) };
    let is_stored = found.record.status == RecordStatus::Stored && found.has_these_options;
    // Another run of a batch that uploads everything does so again.
    if !is_stored || !(found.is_interrupted || mode == BatchMode::Changed) {
        return Ok(Decision::Do(entry));
    }
    if entry.task == Task::Directory || found.record.is_same_file(&entry.identity) {
        let place = found.place();
        let outcome = done(&found, entry);
        known.keep(place);
        return Ok(Decision::Done(outcome));
    }
    let may_be_the_same = found.record.size == entry.identity.size;
    let task = if may_be_the_same { Task::Compare(stored(&found)) } else { Task::Upload };
    Ok(Decision::Do(Entry { task, ..entry }))
}

fn done(found: &FoundRecord<'_>, entry: Entry) -> BatchOutcome {
    // What an interrupted run has stored is this run's work.
    let resumed = found.is_interrupted;
    BatchOutcome {
        status: if resumed { OutcomeStatus::Stored } else { OutcomeStatus::Unchanged },
        path: crate::os::path::from_bytes(entry.path.into_vec()),
        key: entry.key,
        size: found.record.size,
        crc64: found.record.crc64,
        etag: found.record.etag.to_string(),
        version_id: found.record.version_id.to_string(),
        resumed,
        ..BatchOutcome::default()
    }
}

fn stored(found: &FoundRecord<'_>) -> Stored {
    let record = &found.record;
    Stored {
        size: record.size,
        crc64: record.crc64,
        etag: record.etag.to_string(),
        version_id: record.version_id.to_string(),
        resumed: found.is_interrupted,
    }
}
