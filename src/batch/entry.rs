//! A file on its way through the batch.

use std::path::PathBuf;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::source::identity::Identity;

/// A file, or an empty folder, that is to be uploaded.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The bytes of its path: in a folder, from there; else as it was given, in full.
    pub path: Box<[u8]>,
    pub key: String,
    pub identity: Identity,
    pub task: Task,
    /// How often it was put off, because the server asked to slow down.
    pub deferrals: u32,
    /// How many files were stored when it was put off.
    pub done_before: u64,
    /// Since when no other file was stored in between.
    pub lull_since: Option<Instant>,
}

impl Entry {
    pub(crate) fn new(path: Box<[u8]>, key: String, identity: Identity, task: Task) -> Entry {
        Entry { path, key, identity, task, deferrals: 0, done_before: 0, lull_since: None }
    }
}

/// What is to be done with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Upload,
    /// To upload it unless its content is still what was stored.
    Compare(Stored),
    /// To upload it unless the bucket has it.
    CompareRemote,
    /// To see whether the bucket and the file have what was stored.
    Verify(Stored),
    /// To store an empty object.
    Directory,
}

/// What is known to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub size: u64,
    pub crc64: u64,
    pub etag: String,
    pub version_id: String,
    /// By an interrupted call of this batch.
    pub resumed: bool,
}

/// A file that a program pushed.
#[derive(Debug)]
pub(crate) struct PushedFile {
    /// In full.
    pub path: PathBuf,
    pub key: Result<String>,
}

/// What a source gives.
#[derive(Debug)]
pub(crate) enum Found {
    File(Entry),
    Skipped { path: Box<[u8]>, rule: String },
    Failed { path: Box<[u8]>, key: String, error: Error },
}
