//! The structs and constants of batches, laid out as C lays them out. Their documentation is the header's.

use std::ffi::c_char;

use super::types::{oss_error, oss_header};

/// oss_batch_options.mode: upload all files, but for those that an interrupted batch with this manifest has stored.
pub const OSS_BATCH_ALL: u32 = 0;
/// oss_batch_options.mode: upload the files that are not as the manifest says.
pub const OSS_BATCH_CHANGED: u32 = 1;
/// oss_batch_options.mode: upload the files that failed, by the manifest. directory and list_path are not looked into.
pub const OSS_BATCH_RETRY_FAILED: u32 = 2;
/// oss_batch_options.mode: upload nothing; compare the list of objects in the bucket with the manifest.
pub const OSS_BATCH_VERIFY: u32 = 3;
/// oss_batch_options.mode: upload nothing; compare the CRC-64 of every object, and of every file, with the manifest.
pub const OSS_BATCH_VERIFY_FULL: u32 = 4;

/// oss_batch_options.symlinks: upload what symbolic links lead to. A link back to a folder above it fails.
pub const OSS_SYMLINKS_FOLLOW: u32 = 0;
/// oss_batch_options.symlinks: leave symbolic links out.
pub const OSS_SYMLINKS_SKIP: u32 = 1;
/// oss_batch_options.symlinks: symbolic links fail.
pub const OSS_SYMLINKS_REFUSE: u32 = 2;

/// oss_batch_options.key_encoding: a file whose name cannot be a key fails.
pub const OSS_KEY_REFUSE: u32 = 0;
/// oss_batch_options.key_encoding: bytes of a name that cannot be in a key become "%XX", and every '%' becomes "%25".
pub const OSS_KEY_PERCENT: u32 = 1;

/// oss_outcome.status: the object is stored, and its CRC-64 is that of the file.
pub const OSS_OUTCOME_STORED: u32 = 0;
/// oss_outcome.status: the file was stored before and has not changed since. Verifying: all is as it should be.
pub const OSS_OUTCOME_UNCHANGED: u32 = 1;
/// oss_outcome.status: the file or folder was left out; see rule.
pub const OSS_OUTCOME_SKIPPED: u32 = 2;
/// oss_outcome.status: the file is not stored, or is not what it should be; see error.
pub const OSS_OUTCOME_FAILED: u32 = 3;
/// oss_outcome.status: the file would have been uploaded, but for dry_run.
pub const OSS_OUTCOME_PLANNED: u32 = 4;

/// Which files to upload, where to, and how.
///
/// Create one with oss_batch_options_default(), then set fields. Zero and NULL mean the default. Everything is copied
/// before oss_batch_start() returns. Relative paths are resolved at the time of that call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_batch_options {
    /// sizeof(oss_batch_options), as oss_batch_options_default() sets it.
    pub struct_size: usize,
    /// Name of the bucket.
    pub bucket: *const c_char,
    /// What every key begins with, such as "photos/". The path of the file follows it directly. NULL: nothing.
    pub key_prefix: *const c_char,
    /// Folder whose files, and those in all folders below, are uploaded. They are found while others are uploaded, in the
    /// order of their paths. Cannot be combined with list_path.
    pub directory: *const c_char,
    /// File with one path a line, or with a path, a tab and a key. Without it and directory, the files are those of
    /// oss_batch_add().
    pub list_path: *const c_char,
    /// File that keeps what became of every file: the report of this batch, what a later call goes on from when this one
    /// is interrupted, and what the next batch compares with. See docs/manifest-format.md. Large files in work have
    /// checkpoints in the folder "<manifest_path>.parts". NULL: none is kept, and an interrupted batch starts over.
    pub manifest_path: *const c_char,
    /// Rules for files and folders of `directory` to leave out, one a line, as in a .gitignore file.
    pub exclude: *const c_char,
    /// Rules in the same form: only files that one of them names are uploaded. NULL: all.
    pub include: *const c_char,
    /// Headers of every object, as in oss_upload_options.
    pub headers: *const oss_header,
    /// Number of headers.
    pub header_count: usize,
    /// Part size of large files in bytes, 102400 to 5368709120. Files up to this size are sent with one request. 0 and
    /// OSS_PART_SIZE_AUTO: the library chooses.
    pub part_size: u64,
    /// Number of requests at the same time, 1 to 100. 0 and OSS_ROUTINES_AUTO: the library chooses, at most 64 for all
    /// uploads of the client for which it does so.
    pub connections: u32,
    /// Limit on the requests per second. 0 means no limit.
    pub max_requests_per_second: u32,
    /// One of OSS_BATCH_*. All but OSS_BATCH_ALL need manifest_path; for OSS_BATCH_CHANGED, compare_remote will do.
    pub mode: u32,
    /// 1: OSS_BATCH_CHANGED asks the bucket about files that the manifest does not know, and uploads those whose size or
    /// CRC-64 is another one there.
    pub compare_remote: u32,
    /// 1: the entries of list_path end with a zero byte instead of a line break.
    pub list_null_separated: u32,
    /// 1: files named .ossignore have rules to leave files out, each for its folder and those below.
    pub ignore_files: u32,
    /// One of OSS_SYMLINKS_*.
    pub symlinks: u32,
    /// One of OSS_KEY_*.
    pub key_encoding: u32,
    /// What to do when a file changes while it is uploaded, as in oss_upload_options.
    pub on_file_change: u32,
    /// 1: an empty folder is stored as an empty object whose key ends with '/'.
    pub empty_directories: u32,
    /// 1: the modification time is stored as x-oss-meta-mtime, in seconds since 1970 with a fraction.
    pub keep_mtime: u32,
    /// 1: the batch ends with the first file that fails.
    pub stop_on_error: u32,
    /// 1: nothing is uploaded, and the manifest stays as it is.
    pub dry_run: u32,
    /// 1: every outcome is kept until oss_batch_next_outcome() takes it; when 1024 wait, the batch waits too.
    pub outcomes: u32,
    /// Which shard of the files to upload, from 0.
    pub shard_index: u32,
    /// Number of shards. A file is in the shard that the CRC-64/XZ of its key has as remainder when it is divided by this
    /// number. 0 and 1: all files are uploaded.
    pub shard_count: u32,
}

/// Progress of a batch. Numbers are totals and never decrease, but for the rates.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_batch_progress {
    /// Number of files found so far, without those that are left out.
    pub files_found: u64,
    /// Their size in bytes.
    pub bytes_found: u64,
    /// Number of files stored, including resumed ones.
    pub files_stored: u64,
    /// Number of files that an interrupted call of this batch had stored.
    pub files_resumed: u64,
    /// Number of files that have not changed.
    pub files_unchanged: u64,
    /// Number of files and folders that were left out.
    pub files_skipped: u64,
    /// Number of files that failed.
    pub files_failed: u64,
    /// Bytes of the files that are done, and those of large files in work that were sent.
    pub bytes_done: u64,
    /// Body bytes sent, including retries.
    pub bytes_sent: u64,
    /// Number of HTTP requests, including retries.
    pub requests: u64,
    /// Number of retries.
    pub retries: u64,
    /// Average rate over the last few seconds, in bytes done.
    pub bytes_per_second: u64,
    /// Average rate over the last few seconds, in files done.
    pub files_per_second: u64,
    /// Milliseconds remaining at these rates; OSS_ETA_UNKNOWN when not known.
    pub eta_ms: u64,
    /// Of the large file in current_path: bytes sent.
    pub current_done: u64,
    /// Of the large file in current_path: size in bytes.
    pub current_size: u64,
    /// 1: all files have been found, so files_found and bytes_found are the totals.
    pub totals_known: u32,
    /// 1: the batch has ended.
    pub ended: u32,
    /// A large file in work; empty if there is none.
    pub current_path: [c_char; 512],
    /// Always zero.
    pub reserved: [u64; 47],
}

/// Outcome of a batch. The caller owns it. The library fills it completely, even on failure.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_batch_result {
    /// Number of files stored, including resumed ones.
    pub files_stored: u64,
    /// Number of files that an interrupted call of this batch had stored.
    pub files_resumed: u64,
    /// Number of files that have not changed.
    pub files_unchanged: u64,
    /// Number of files and folders that were left out.
    pub files_skipped: u64,
    /// Number of files that failed.
    pub files_failed: u64,
    /// Number of files that would have been uploaded, but for dry_run.
    pub files_planned: u64,
    /// Size of all stored files in bytes, including resumed ones.
    pub bytes_stored: u64,
    /// Body bytes sent, including retries.
    pub bytes_sent: u64,
    /// Number of HTTP requests, including retries.
    pub requests: u64,
    /// Number of damaged lines in the manifest, whose files were done again.
    pub manifest_lines_damaged: u64,
    /// Duration of the batch in milliseconds.
    pub elapsed_ms: u64,
    /// Always zero.
    pub reserved: [u64; 21],
}

/// What became of one file. The caller owns it. The library fills it completely.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_outcome {
    /// One of OSS_OUTCOME_*.
    pub status: u32,
    /// 1: stored by an interrupted call of this batch, and not sent again.
    pub resumed: u32,
    /// Size in bytes.
    pub size: u64,
    /// CRC-64/XZ of the object; 0 if it is not stored.
    pub crc64: u64,
    /// Number of HTTP requests for this file, including retries.
    pub attempts: u32,
    /// Always zero.
    pub reserved: u32,
    /// Path of the file, as the system knows it; in a folder, from there.
    pub path: [c_char; 4096],
    /// Name of the object; empty if none could be made.
    pub key: [c_char; 1024],
    /// ETag of the object, without quotes.
    pub etag: [c_char; 64],
    /// Version ID of the object, in a bucket with versioning.
    pub version_id: [c_char; 128],
    /// Request ID of the request that created the object.
    pub request_id: [c_char; 64],
    /// Why it was left out: the rule that names it, or what it is.
    pub rule: [c_char; 512],
    /// Why it failed. error.status is OSS_OK if it did not.
    pub error: oss_error,
    /// Always zero.
    pub reserved2: [u64; 156],
}
