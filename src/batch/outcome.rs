//! How files ended, and the batch.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// What became of one file.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BatchOutcome {
    /// How it ended.
    pub status: OutcomeStatus,
    /// Path of the file; in a folder, from there.
    pub path: PathBuf,
    /// Name of the object; empty if none could be made.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// CRC-64/XZ of the object; 0 if it is not stored.
    pub crc64: u64,
    /// ETag of the object, without quotes.
    pub etag: String,
    /// Version ID of the object, in a bucket with versioning.
    pub version_id: String,
    /// Request ID of the request that created the object.
    pub request_id: String,
    /// Number of HTTP requests for this file.
    pub attempts: u32,
    /// It was stored by an interrupted call of this batch, and not sent again.
    pub resumed: bool,
    /// Why it was skipped: the rule that names it, or what it is.
    pub rule: String,
    /// Why it failed.
    pub error: Option<Error>,
}

/// How a file ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutcomeStatus {
    /// The object is stored and proven to be the file.
    #[default]
    Stored,
    /// It was stored before, and has not changed since. Verifying: all is as it should be.
    Unchanged,
    /// It was left out.
    Skipped,
    /// It is not stored, or is not what it should be.
    Failed,
    /// It would have been sent, but for `dry_run`.
    Planned,
}

/// How a batch ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchResult {
    /// Number of files that were stored, including resumed ones.
    pub files_stored: u64,
    /// Number of files that an interrupted call of this batch had stored.
    pub files_resumed: u64,
    /// Number of files that have not changed.
    pub files_unchanged: u64,
    /// Number of files and folders that were left out.
    pub files_skipped: u64,
    /// Number of files that failed.
    pub files_failed: u64,
    /// Number of files that would have been sent.
    pub files_planned: u64,
    /// Size of all stored files in bytes, including resumed ones.
    pub bytes_stored: u64,
    /// Body bytes sent, including retries.
    pub bytes_sent: u64,
    /// Number of HTTP requests, including retries.
    pub requests: u64,
    /// Number of damaged lines in the manifest, whose files were done again.
    pub manifest_lines_damaged: u64,
    /// Duration of the batch.
    pub elapsed: Duration,
}
