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
    Do(Task),
    /// The record holds, nothing is to be done.
    Done(Box<BatchOutcome>),
}

/// Looks the file up, and keeps its record in the manifest when it holds.
pub(crate) fn decide(request: &BatchRequest, known: Option<&mut Known>, entry: &Entry) -> io::Result<Decision> {
    let mode = request.options.mode;
    let unknown = || match entry.task {
        Task::Directory => Decision::Do(Task::Directory),
        _ if mode == BatchMode::Changed && request.options.compare_remote => Decision::Do(Task::CompareRemote),
        _ => Decision::Do(Task::Upload),
    };
    let Some(known) = known else { return Ok(unknown()) };
    let Some(found) = known.find(&entry.path, &entry.key)? else { return Ok(unknown()) };
    let is_stored = found.record.status == RecordStatus::Stored && found.has_these_options;
    // Another run of a batch that uploads everything does so again.
    if !is_stored || !(found.is_interrupted || mode == BatchMode::Changed) {
        return Ok(Decision::Do(if entry.task == Task::Directory { Task::Directory } else { Task::Upload }));
    }
    if entry.task == Task::Directory || found.record.is_same_file(&entry.identity) {
        let place = found.place();
        let outcome = done(&found, entry);
        known.keep(place);
        return Ok(Decision::Done(Box::new(outcome)));
    }
    let may_be_the_same = found.record.size == entry.identity.size;
    Ok(Decision::Do(if may_be_the_same { Task::Compare(stored(&found)) } else { Task::Upload }))
}

fn done(found: &FoundRecord<'_>, entry: &Entry) -> BatchOutcome {
    // What an interrupted run has stored is this run's work.
    let resumed = found.is_interrupted;
    BatchOutcome {
        status: if resumed { OutcomeStatus::Stored } else { OutcomeStatus::Unchanged },
        path: crate::os::path::from_bytes(entry.path.to_vec()),
        key: entry.key.clone(),
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
