//! The options of a batch.

use std::path::PathBuf;

use crate::options::{OnFileChange, PartSize, Routines};

/// Which files to upload, where to, and how.
#[derive(Clone, Debug)]
pub struct BatchOptions {
    /// Name of the bucket.
    pub bucket: String,
    /// What every key begins with, such as `photos/`. It is put before the path as it is.
    pub key_prefix: String,
    /// Where the files come from.
    pub source: BatchSource,
    /// The manifest: report of the batch, what an interrupted one goes on from, and what the next one compares with.
    /// `None`: none is kept.
    pub manifest: Option<PathBuf>,
    /// What to do with the files.
    pub mode: BatchMode,
    /// With [`BatchMode::Changed`]: ask the bucket about files that the manifest does not know.
    pub compare_remote: bool,
    /// Rules for files to leave out, one a line, as in a `.gitignore` file. A later rule overrides an earlier one; `!`
    /// takes files back in. A folder that is left out is not looked into.
    pub exclude: String,
    /// If not empty: only files that one of these rules names, one a line, in the same form.
    pub include: String,
    /// Also take rules from files named `.ossignore`, each for its folder and those below.
    pub ignore_files: bool,
    /// What to do with symbolic links in a folder.
    pub symlinks: Symlinks,
    /// What to do with names that cannot be keys.
    pub key_encoding: KeyEncoding,
    /// Headers of every object, by name and value.
    pub headers: Vec<(String, String)>,
    /// Size of the parts of large files. Files up to this size are sent with one request.
    pub part_size: PartSize,
    /// Number of requests at the same time. [`Routines::Auto`]: chosen by the library, at most 64 for the client.
    pub connections: Routines,
    /// Limit on the requests per second. 0 means no limit.
    pub max_requests_per_second: u32,
    /// What to do when a file changes while it is uploaded.
    pub on_file_change: OnFileChange,
    /// Store an empty folder as an empty object whose key ends with `/`.
    pub empty_directories: bool,
    /// Store the modification time as `x-oss-meta-mtime`, in seconds since 1970 with a fraction.
    pub keep_mtime: bool,
    /// End with the first file that fails. Files that are being sent are finished first.
    pub stop_on_error: bool,
    /// Send nothing: files that would be sent are [`OutcomeStatus::Planned`](super::OutcomeStatus::Planned).
    pub dry_run: bool,
    /// Keep every outcome until [`Batch::next_outcome`](super::Batch::next_outcome) takes it. The batch waits for that
    /// when there are many. Without this, outcomes are counted only.
    pub outcomes: bool,
    /// Which shard of the files to upload, from 0, when there is more than one shard.
    pub shard_index: u32,
    /// Number of shards that the files are divided into by their keys. 0 and 1: all files are uploaded.
    pub shard_count: u32,
}

impl Default for BatchOptions {
    fn default() -> Self {
        BatchOptions {
            bucket: String::new(),
            key_prefix: String::new(),
            source: BatchSource::Pushed,
            manifest: None,
            mode: BatchMode::All,
            compare_remote: false,
            exclude: String::new(),
            include: String::new(),
            ignore_files: false,
            symlinks: Symlinks::Follow,
            key_encoding: KeyEncoding::Refuse,
            headers: Vec::new(),
            part_size: PartSize::Auto,
            connections: Routines::Auto,
            max_requests_per_second: 0,
            on_file_change: OnFileChange::Restart,
            empty_directories: false,
            keep_mtime: false,
            stop_on_error: false,
            dry_run: false,
            outcomes: false,
            shard_index: 0,
            shard_count: 0,
        }
    }
}

/// Where the files of a batch come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BatchSource {
    /// From [`Batch::add`](super::Batch::add), until [`Batch::seal`](super::Batch::seal).
    #[default]
    Pushed,
    /// All files in this folder and below.
    Directory(PathBuf),
    /// A file with one path a line, or `PATH<TAB>KEY`.
    List {
        /// The file.
        path: PathBuf,
        /// Entries end with a zero byte instead of a line break.
        null_separated: bool,
    },
}

/// What a batch does with the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchMode {
    /// Upload all of them, but for those that an interrupted batch with this manifest has uploaded already.
    #[default]
    All,
    /// Upload those that are not as in the manifest.
    Changed,
    /// Upload those that failed, by the manifest. The source is not asked.
    RetryFailed,
    /// Upload nothing: compare the bucket's list of objects with the manifest.
    Verify,
    /// Upload nothing: compare the checksum of every object and of every file with the manifest.
    VerifyFull,
}

/// What to do with symbolic links in a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// Upload what they lead to.
    #[default]
    Follow,
    /// Leave them out; the outcome is [`OutcomeStatus::Skipped`](super::OutcomeStatus::Skipped).
    Skip,
    /// Take them for errors; the outcome is [`OutcomeStatus::Failed`](super::OutcomeStatus::Failed).
    Refuse,
}

/// What to do with names that cannot be keys: those that are not UTF-8, and those that begin with a slash or backslash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncoding {
    /// They fail.
    #[default]
    Refuse,
    /// Their bytes become `%XX`. Every `%` in a name becomes `%25` then, so that no two names have one key.
    Percent,
}
