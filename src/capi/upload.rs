//! `oss_upload`: one file on its way, beside the program.

use std::ffi::c_char;
use std::time::Duration;

use super::borrowed::UploadHandle;
use super::guard::{guard, guard_silently};
use super::opaque::{oss_client, oss_upload};
use super::types::*;
use super::{handle, input, output};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::options::{Checkpoint, OnFileChange, PartSize, Routines, SpoolOptions, UploadOptions, VerifyResume};
use crate::upload::{Outcome, Upload};

/// Starts an upload and returns at once.
///
/// `*out` receives the upload, or NULL on failure; free it with oss_upload_free(). `error` may be NULL. The options are
/// checked before this call returns. The file and the server are accessed afterwards; oss_upload_wait() reports
/// failures there. Returns OSS_OK, OSS_INVALID_ARGUMENT, OSS_UNSUPPORTED, OSS_RESOURCES (no thread could be created),
/// or OSS_IO or OSS_CHECKPOINT for a path that is relative to a directory that no longer exists or whose absolute form
/// is too long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_start(
    client: *mut oss_client,
    options: *const oss_upload_options,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and in all functions below.
    unsafe {
        start(out, error, || {
            let (client, options) = checked(client, options)?;
            client.start(options)
        })
    }
}

/// Waits until the upload has ended, or for at most `timeout_ms` milliseconds. 0 returns at once; UINT32_MAX means no
/// limit.
///
/// `progress`, `result` and `error` may be NULL. On a timeout, fills `progress` and returns OSS_PENDING: the upload is
/// still running. Otherwise fills all three and returns the outcome of the upload, and every later call returns the
/// same. Several threads may wait for one upload.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_wait(
    upload: *mut oss_upload,
    timeout_ms: u32,
    progress: *mut oss_progress,
    result: *mut oss_result,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_upload_start().
    unsafe {
        output::write(progress, || output::progress(&Default::default()));
        output::write(result, || output::result(&Default::default()));
        guard(error, || {
            let upload = handle::get("upload", upload)?;
            let outcome = upload.wait(timeout(timeout_ms));
            output::write(progress, || output::progress(&upload.progress()));
            match outcome {
                Some(outcome) => end(outcome, result),
                None => Ok(oss_status::OSS_PENDING),
            }
        })
    }
}

/// Copies the application server's response to the callback of this upload (x-oss-callback), as OSS passed it on.
///
/// Returns the size of the response in bytes, as in oss_result.callback_response_size, whatever `capacity` is. Writes
/// at most `capacity` bytes to `buffer`, including a final NUL: a response that does not fit is truncated. `buffer` may
/// be NULL when `capacity` is 0. Returns 0 if there is no response: the upload is running, has failed or had no
/// callback, the callback failed, or the server's response was lost and the upload was confirmed by looking at the
/// object instead. Call it between the oss_upload_wait() that reports the end and oss_upload_free(). A program that
/// needs the response therefore uses oss_upload_start() and oss_upload_wait() instead of oss_upload_file(). May be
/// called from any thread. `upload` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_callback_response(
    upload: *mut oss_upload,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let mut size = 0;
    guard_silently(|| {
        // SAFETY: as in oss_upload_start().
        let Ok(upload) = (unsafe { handle::get("upload", upload) }) else { return };
        let outcome = upload.wait(Duration::ZERO);
        // SAFETY: `buffer` has room for `capacity` bytes, as the header asks.
        size = unsafe { output::callback_response(outcome, buffer, capacity) };
    });
    size
}

/// Asks the upload to stop soon and keep its checkpoint and parts. Returns at once. NULL is allowed.
///
/// oss_upload_wait() then returns OSS_PAUSED within about a second, or the outcome of the upload if it ended first.
/// Without a checkpoint, nothing can be kept: the data already sent is removed from the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_pause(upload: *mut oss_upload) {
    guard_silently(|| {
        // SAFETY: as in oss_upload_start().
        if let Ok(upload) = unsafe { handle::get("upload", upload) } {
            upload.pause();
        }
    });
}

/// Asks the upload to stop soon, remove the data already sent from the server and delete its checkpoint. Returns at
/// once. NULL is allowed.
///
/// oss_upload_wait() then returns OSS_CANCELLED, or the outcome of the upload if it ended first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_cancel(upload: *mut oss_upload) {
    guard_silently(|| {
        // SAFETY: as in oss_upload_start().
        if let Ok(upload) = unsafe { handle::get("upload", upload) } {
            upload.cancel();
        }
    });
}

/// Frees an upload; NULL is allowed. A running upload is paused; this call does not wait for it.
///
/// Does nothing for a pointer that is not an upload of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_free(upload: *mut oss_upload) {
    // SAFETY: as in oss_upload_start().
    guard_silently(|| unsafe { handle::free(upload) });
}

/// How long that is; UINT32_MAX means no limit.
pub(super) fn timeout(timeout_ms: u32) -> Duration {
    match timeout_ms {
        u32::MAX => Duration::MAX,
        ms => Duration::from_millis(ms.into()),
    }
}

/// # Safety
/// `result` is NULL or may be written.
pub(super) unsafe fn end(outcome: Outcome, result: *mut oss_result) -> Result<oss_status> {
    // SAFETY: as the caller promises.
    unsafe { output::write(result, || output::result(&outcome.result)) };
    match outcome.error {
        None => Ok(oss_status::OSS_OK),
        Some(error) => Err(error),
    }
}

/// The client, and the options to upload a file.
///
/// # Safety
/// `client` and `options` are NULL or valid, and `client` stays so.
pub(super) unsafe fn checked<'a>(
    client: *mut oss_client,
    options: *const oss_upload_options,
) -> Result<(&'a Client, UploadOptions)> {
    // SAFETY: as the caller promises.
    unsafe {
        let (client, checked) = checked_without_file(client, options)?;
        if checked.file_path.as_os_str().is_empty() {
            input::path("file_path", input::options(options)?.file_path)?;
        }
        Ok((client, checked))
    }
}

/// The client, and options that need name no file.
///
/// # Safety
/// As for [`checked`].
pub(super) unsafe fn checked_without_file<'a>(
    client: *mut oss_client,
    options: *const oss_upload_options,
) -> Result<(&'a Client, UploadOptions)> {
    // SAFETY: as the caller promises.
    unsafe {
        let client = handle::get("client", client)?;
        Ok((client, upload_options(&input::options(options)?)?))
    }
}

/// # Safety
/// The pointers in `from` are NULL or valid.
unsafe fn upload_options(from: &oss_upload_options) -> Result<UploadOptions> {
    input::zero("reserved", from.reserved)?;
    // SAFETY: as the caller promises.
    unsafe {
        Ok(UploadOptions {
            bucket: input::required("bucket", from.bucket)?,
            object_key: input::required("object_key", from.object_key)?,
            file_path: input::optional_path("file_path", from.file_path)?.unwrap_or_default(),
            part_size: match from.part_size {
                0 => PartSize::Default,
                OSS_PART_SIZE_AUTO => PartSize::Auto,
                bytes => PartSize::Bytes(bytes),
            },
            routines: match from.routines {
                0 => Routines::Default,
                OSS_ROUTINES_AUTO => Routines::Auto,
                count => Routines::Count(count),
            },
            checkpoint: checkpoint(from)?,
            headers: input::headers(from.headers, from.header_count)?,
            on_file_change: input::choice(
                "on_file_change",
                from.on_file_change,
                &[OnFileChange::Restart, OnFileChange::Fail],
            )?,
            verify_resume: input::choice(
                "verify_resume",
                from.verify_resume,
                &[VerifyResume::WhenInDoubt, VerifyResume::Always, VerifyResume::Never],
            )?,
            content_md5: input::switch("content_md5", from.content_md5)?,
            max_memory: from.max_memory,
            spool: spool(from)?,
        })
    }
}

/// # Safety
/// As for [`upload_options`].
unsafe fn spool(from: &oss_upload_options) -> Result<Option<SpoolOptions>> {
    // SAFETY: as the caller promises.
    match (unsafe { input::optional_path("spool_dir", from.spool_dir) }?, from.spool_limit) {
        (None, 0) => Ok(None),
        (Some(directory), limit) if limit > 0 => Ok(Some(SpoolOptions { directory, limit })),
        _ => Err(Error::invalid("spool_dir and spool_limit must be set together")),
    }
}

/// # Safety
/// As for [`upload_options`].
unsafe fn checkpoint(from: &oss_upload_options) -> Result<Checkpoint> {
    let on = input::switch("checkpoint", from.checkpoint)?;
    // SAFETY: as the caller promises.
    let (path, dir) = unsafe {
        (
            input::optional_path("checkpoint_path", from.checkpoint_path)?,
            input::optional_path("checkpoint_dir", from.checkpoint_dir)?,
        )
    };
    match (path, dir) {
        (Some(_), Some(_)) => Err(Error::invalid("set either checkpoint_path or checkpoint_dir, not both")),
        (Some(path), None) => Ok(Checkpoint::File(path)),
        (None, Some(dir)) => Ok(Checkpoint::Directory(dir)),
        (None, None) if on => Ok(Checkpoint::BesideFile),
        (None, None) => Ok(Checkpoint::Off),
    }
}

/// Starts what `begin` begins, and gives it to the program.
///
/// # Safety
/// `out` and `error` must be NULL or valid.
pub(super) unsafe fn start(
    out: *mut *mut oss_upload,
    error: *mut oss_error,
    begin: impl FnOnce() -> Result<Upload>,
) -> oss_status {
    // SAFETY: as the caller promises.
    unsafe {
        guard(error, || {
            let out = output::handle(out)?;
            *out = handle::make(UploadHandle::of_file(begin()?));
            Ok(oss_status::OSS_OK)
        })
    }
}
