//! `oss_batch`: many files, each to exactly one outcome.

use std::ffi::c_char;

use super::batch_types::*;
use super::guard::{guard, guard_silently};
use super::opaque::{oss_batch, oss_client};
use super::types::*;
use super::upload::timeout;
use super::{handle, input, output};
use crate::batch::{
    BatchMode, BatchOptions, BatchOutcome, BatchProgress, BatchResult, BatchSource, KeyEncoding, NextOutcome,
    OutcomeStatus, Symlinks, merge_manifests,
};
use crate::error::{Error, Result};
use crate::options::{OnFileChange, PartSize, Routines};

/// Starts the upload of many files and returns at once.
///
/// `*out` receives the batch, or NULL on failure; free it with oss_batch_free(). `error` may be NULL. The options are
/// checked before this call returns. The first request is sent as soon as the first file is found.
///
/// Every file ends as exactly one outcome, unless the batch is interrupted. One file that fails stops nothing. Nothing is
/// deleted in the bucket. A file whose content OSS has acknowledged, and whose CRC-64 is that of the object, is in the
/// manifest before the next file takes its place, so a batch that is killed and started again uploads only what is
/// missing, and goes on in the middle of large files. Server-side limits (status 503 and 429) slow the batch down and
/// fail no file.
///
/// Errors that concern every file, such as refused credentials, end the batch: then files have no outcome, and a later
/// call with the manifest goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_start(
    client: *mut oss_client,
    options: *const oss_batch_options,
    out: *mut *mut oss_batch,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and in all functions below.
    unsafe {
        guard(error, || {
            let out = output::handle(out)?;
            let client = handle::get("client", client)?;
            *out = handle::make(client.start_batch(batch_options(&input::options(options)?)?)?);
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Adds a file to a batch that has neither directory nor list_path. Waits while many files wait to be uploaded.
///
/// `object_key` may be NULL: then the key is key_prefix and the path, without a leading '/' or "./". Both strings are
/// copied. A file that cannot be uploaded is no error of this call: its outcome says why. Returns OSS_OK, or
/// OSS_INVALID_ARGUMENT when the batch is sealed or has ended, or has another source. Can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_add(
    batch: *mut oss_batch,
    file_path: *const c_char,
    object_key: *const c_char,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        guard(error, || {
            let batch = handle::get("batch", batch)?;
            let path = input::path("file_path", file_path)?;
            batch.add(&path, input::string("object_key", object_key)?.as_deref())?;
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Same as oss_batch_add(), but waits at most `timeout_ms` milliseconds; 0 does not wait, UINT32_MAX means no limit.
///
/// Returns OSS_PENDING when the file was not added, because many files wait to be uploaded: call it again. A program that
/// adds files and takes outcomes on one thread takes outcomes then. Can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_try_add(
    batch: *mut oss_batch,
    file_path: *const c_char,
    object_key: *const c_char,
    timeout_ms: u32,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        guard(error, || {
            let batch = handle::get("batch", batch)?;
            let (path, key) = (input::path("file_path", file_path)?, input::string("object_key", object_key)?);
            match batch.try_add(&path, key.as_deref(), timeout(timeout_ms))? {
                true => Ok(oss_status::OSS_OK),
                false => Ok(oss_status::OSS_PENDING),
            }
        })
    }
}

/// Says that nothing more will be added. A batch to which files are added does not end before this.
///
/// Returns OSS_OK or OSS_INVALID_ARGUMENT. A second call does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_seal(batch: *mut oss_batch, error: *mut oss_error) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        guard(error, || {
            handle::get("batch", batch)?.seal();
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Waits for the end of the batch, but at most `timeout_ms` milliseconds; 0 does not wait, UINT32_MAX means no limit.
///
/// `progress`, `result` and `error` may be NULL. Returns OSS_PENDING on a timeout. Returns OSS_OK when no file failed, and
/// OSS_FILES_FAILED when some did; OSS_PAUSED and OSS_CANCELLED after those calls; otherwise the error that ended the
/// batch. Later calls return the same. With the option `outcomes`, take outcomes meanwhile, or the batch waits for that.
/// Can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_wait(
    batch: *mut oss_batch,
    timeout_ms: u32,
    progress: *mut oss_batch_progress,
    result: *mut oss_batch_result,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        output::write(progress, || progress_of(&BatchProgress::default()));
        output::write(result, || result_of(&BatchResult::default()));
        guard(error, || {
            let batch = handle::get("batch", batch)?;
            let end = batch.wait(timeout(timeout_ms));
            output::write(progress, || progress_of(&batch.progress()));
            let Some(end) = end else { return Ok(oss_status::OSS_PENDING) };
            output::write(result, || result_of(&end.result));
            end.error.map_or(Ok(oss_status::OSS_OK), Err)
        })
    }
}

/// Takes the next outcome, waiting for it at most `timeout_ms` milliseconds; UINT32_MAX means no limit.
///
/// Outcomes come in the order in which the files ended. The option `outcomes` must be 1; otherwise there are none. Returns
/// OSS_OK with `*outcome` filled, OSS_PENDING when there is none yet, OSS_END when there are no more because the batch has
/// ended, or OSS_INVALID_ARGUMENT. Can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_next_outcome(
    batch: *mut oss_batch,
    timeout_ms: u32,
    outcome: *mut oss_outcome,
) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        guard(std::ptr::null_mut(), || {
            let batch = handle::get("batch", batch)?;
            if outcome.is_null() {
                return Err(Error::invalid("outcome is NULL"));
            }
            match batch.next_outcome(timeout(timeout_ms)) {
                NextOutcome::Outcome(next) => {
                    output::write(outcome, || outcome_of(&next));
                    Ok(oss_status::OSS_OK)
                }
                NextOutcome::Pending => Ok(oss_status::OSS_PENDING),
                NextOutcome::End => Ok(oss_status::OSS_END),
            }
        })
    }
}

/// Asks the batch to stop soon. Returns at once. NULL is allowed.
///
/// Files in work are stopped, and large ones keep their checkpoints. oss_batch_wait() then returns OSS_PAUSED, unless the
/// batch ended first. With manifest_path, start it again to go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_pause(batch: *mut oss_batch) {
    guard_silently(|| {
        // SAFETY: as in oss_batch_start().
        if let Ok(batch) = unsafe { handle::get("batch", batch) } {
            batch.pause();
        }
    });
}

/// Same as oss_batch_pause(), but what was sent of files in work is removed from the server, and oss_batch_wait() returns
/// OSS_CANCELLED. Objects that are stored stay. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_cancel(batch: *mut oss_batch) {
    guard_silently(|| {
        // SAFETY: as in oss_batch_start().
        if let Ok(batch) = unsafe { handle::get("batch", batch) } {
            batch.cancel();
        }
    });
}

/// Frees a batch; NULL is allowed. A running batch is paused; this call does not wait for it.
///
/// Does nothing for a pointer that is not a batch of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_batch_free(batch: *mut oss_batch) {
    // SAFETY: as in oss_batch_start().
    guard_silently(|| unsafe { handle::free(batch) });
}

/// Writes one manifest of those of all shards of a batch, in any order. `manifests` points to `manifest_count` paths.
///
/// It is that of the same batch without shards: use it with OSS_BATCH_CHANGED, OSS_BATCH_VERIFY or
/// OSS_BATCH_VERIFY_FULL. Nothing is sent. Nothing is written either, and the message says why, unless the manifests are
/// of the same batch (endpoint, bucket, prefix, source, headers and number of shards), each shard is there once, and each
/// has come to its end; start what was interrupted again first. An existing manifest of that batch at `out_path` is
/// replaced; the others stay as they are.
///
/// Returns OSS_OK, OSS_INVALID_ARGUMENT if the manifests do not belong together or one is missing, OSS_CHECKPOINT if one
/// cannot be read or is not complete or `out_path` cannot be written, or OSS_CHECKPOINT_BUSY if a batch uses one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_manifest_merge(
    out_path: *const c_char,
    manifests: *const *const c_char,
    manifest_count: usize,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_batch_start().
    unsafe {
        guard(error, || {
            let out = input::path("out_path", out_path)?;
            let paths = input::paths("manifests", manifests, manifest_count)?;
            merge_manifests(out, &paths)?;
            Ok(oss_status::OSS_OK)
        })
    }
}

/// # Safety
/// The pointers in `from` are NULL or valid.
unsafe fn batch_options(from: &oss_batch_options) -> Result<BatchOptions> {
    // SAFETY: as the caller promises.
    unsafe {
        Ok(BatchOptions {
            bucket: input::required("bucket", from.bucket)?,
            key_prefix: input::string("key_prefix", from.key_prefix)?.unwrap_or_default(),
            source: source(from)?,
            manifest: input::optional_path("manifest_path", from.manifest_path)?,
            mode: input::choice(
                "mode",
                from.mode,
                &[BatchMode::All, BatchMode::Changed, BatchMode::RetryFailed, BatchMode::Verify, BatchMode::VerifyFull],
            )?,
            compare_remote: input::switch("compare_remote", from.compare_remote)?,
            exclude: input::string("exclude", from.exclude)?.unwrap_or_default(),
            include: input::string("include", from.include)?.unwrap_or_default(),
            ignore_files: input::switch("ignore_files", from.ignore_files)?,
            symlinks: input::choice("symlinks", from.symlinks, &[Symlinks::Follow, Symlinks::Skip, Symlinks::Refuse])?,
            key_encoding: input::choice(
                "key_encoding",
                from.key_encoding,
                &[KeyEncoding::Refuse, KeyEncoding::Percent],
            )?,
            headers: input::headers(from.headers, from.header_count)?,
            part_size: match from.part_size {
                0 | OSS_PART_SIZE_AUTO => PartSize::Auto,
                bytes => PartSize::Bytes(bytes),
            },
            connections: match from.connections {
                0 | OSS_ROUTINES_AUTO => Routines::Auto,
                count => Routines::Count(count),
            },
            max_requests_per_second: from.max_requests_per_second,
            on_file_change: input::choice(
                "on_file_change",
                from.on_file_change,
                &[OnFileChange::Restart, OnFileChange::Fail],
            )?,
            empty_directories: input::switch("empty_directories", from.empty_directories)?,
            keep_mtime: input::switch("keep_mtime", from.keep_mtime)?,
            stop_on_error: input::switch("stop_on_error", from.stop_on_error)?,
            dry_run: input::switch("dry_run", from.dry_run)?,
            outcomes: input::switch("outcomes", from.outcomes)?,
            shard_index: from.shard_index,
            shard_count: from.shard_count,
        })
    }
}

/// # Safety
/// As for [`batch_options`].
unsafe fn source(from: &oss_batch_options) -> Result<BatchSource> {
    let null_separated = input::switch("list_null_separated", from.list_null_separated)?;
    // SAFETY: as the caller promises.
    let (directory, list) = unsafe {
        (input::optional_path("directory", from.directory)?, input::optional_path("list_path", from.list_path)?)
    };
    match (directory, list) {
        (Some(_), Some(_)) => Err(Error::invalid("set either directory or list_path, not both")),
        (Some(directory), None) => Ok(BatchSource::Directory(directory)),
        (None, Some(path)) => Ok(BatchSource::List { path, null_separated }),
        (None, None) => Ok(BatchSource::Pushed),
    }
}

fn progress_of(from: &BatchProgress) -> oss_batch_progress {
    oss_batch_progress {
        files_found: from.files_found,
        bytes_found: from.bytes_found,
        files_stored: from.files_stored,
        files_resumed: from.files_resumed,
        files_unchanged: from.files_unchanged,
        files_skipped: from.files_skipped,
        files_failed: from.files_failed,
        bytes_done: from.bytes_done,
        bytes_sent: from.bytes_sent,
        requests: from.requests,
        retries: from.retries,
        bytes_per_second: from.bytes_per_second,
        files_per_second: from.files_per_second,
        eta_ms: output::milliseconds(from.eta),
        current_done: from.current_done,
        current_size: from.current_size,
        totals_known: from.totals_known.into(),
        ended: from.ended.into(),
        current_path: output::chars(&from.current_path),
        reserved: [0; 47],
    }
}

fn result_of(from: &BatchResult) -> oss_batch_result {
    oss_batch_result {
        files_stored: from.files_stored,
        files_resumed: from.files_resumed,
        files_unchanged: from.files_unchanged,
        files_skipped: from.files_skipped,
        files_failed: from.files_failed,
        files_planned: from.files_planned,
        bytes_stored: from.bytes_stored,
        bytes_sent: from.bytes_sent,
        requests: from.requests,
        manifest_lines_damaged: from.manifest_lines_damaged,
        elapsed_ms: output::milliseconds(Some(from.elapsed)),
        reserved: [0; 21],
    }
}

fn outcome_of(from: &BatchOutcome) -> oss_outcome {
    let status = from.error.as_ref().map_or(oss_status::OSS_OK, |error| output::status(error.kind()));
    oss_outcome {
        status: match from.status {
            OutcomeStatus::Stored => OSS_OUTCOME_STORED,
            OutcomeStatus::Unchanged => OSS_OUTCOME_UNCHANGED,
            OutcomeStatus::Skipped => OSS_OUTCOME_SKIPPED,
            OutcomeStatus::Failed => OSS_OUTCOME_FAILED,
            OutcomeStatus::Planned => OSS_OUTCOME_PLANNED,
        },
        resumed: from.resumed.into(),
        size: from.size,
        crc64: from.crc64,
        attempts: from.attempts,
        reserved: 0,
        path: output::bytes(crate::os::path::bytes(&from.path)),
        key: output::chars(&from.key),
        etag: output::chars(&from.etag),
        version_id: output::chars(&from.version_id),
        request_id: output::chars(&from.request_id),
        rule: output::chars(&from.rule),
        error: output::error(status, from.error.as_ref()),
        reserved2: [0; 156],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_the_sizes_that_abi_md_promises() {
        assert_eq!(size_of::<oss_outcome>(), 8192);
        assert_eq!(size_of::<oss_batch_result>(), 256);
        assert_eq!(size_of::<oss_batch_progress>(), 1024);
    }
}
