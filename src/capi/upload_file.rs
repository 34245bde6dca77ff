//! `oss_upload_file()`: one file, in one call that returns when the upload has ended. It has two names.

use std::ffi::c_void;

use super::callback::Callback;
use super::guard::guard;
use super::opaque::oss_client;
use super::output;
use super::types::*;
use super::upload::{checked, end};
#[cfg(feature = "upload-file-symbol")]
use super::{handle, input};

/// Uploads one file and returns when it has ended.
///
/// The object appears complete or not at all, and only if its CRC-64 equals that of the file. `result`, `error` and
/// `on_progress` may be NULL. `on_progress` is called on this thread, about ten times a second and once at the end,
/// never after this call has returned. Its return value continues, pauses or cancels the upload. `user_data` is passed
/// to it and not used otherwise.
///
/// Without `on_progress`, a file that needs only one request may be sent by the calling thread itself, which is faster
/// for many small files. This needs 256 KiB of stack. Signal handlers that run meanwhile do no harm.
///
/// Returns OSS_OK when the object is stored. Otherwise see oss_status, and `error` for the reason and what to do. With
/// a checkpoint, a failed or paused upload resumes where it stopped when it is started again; without one, nothing of
/// it is left on the server. A second upload with the same checkpoint file at the same time fails with
/// OSS_CHECKPOINT_BUSY. To read an application server's response to x-oss-callback, use oss_upload_start() instead: see
/// oss_upload_callback_response().
///
/// Alibaba Cloud's C SDK has a different function of this name. A program that links both calls
/// oss_client_upload_file() and defines OSS_UPLOAD_NO_UPLOAD_FILE before including this header, which hides this name:
/// see docs/abi.md.
// The second condition is for cbindgen alone, which makes `#if !defined(OSS_UPLOAD_NO_UPLOAD_FILE)` of it.
#[cfg(all(feature = "upload-file-symbol", not(oss_upload_no_upload_file)))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_file(
    client: *mut oss_client,
    options: *const oss_upload_options,
    result: *mut oss_result,
    error: *mut oss_error,
    on_progress: oss_progress_fn,
    user_data: *mut c_void,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and below.
    unsafe {
        // A call that was meant for the SDK's function: what we take for the outputs is smaller and not ours to write.
        if handle::is_unknown(client) && !input::is_plausible(options) {
            return oss_status::OSS_INVALID_ARGUMENT;
        }
        upload_file(client, options, result, error, on_progress, user_data)
    }
}

/// Same as oss_upload_file(), under a name that Alibaba Cloud's C SDK does not use: for programs that link both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_client_upload_file(
    client: *mut oss_client,
    options: *const oss_upload_options,
    result: *mut oss_result,
    error: *mut oss_error,
    on_progress: oss_progress_fn,
    user_data: *mut c_void,
) -> oss_status {
    // SAFETY: as above.
    unsafe { upload_file(client, options, result, error, on_progress, user_data) }
}

/// What both names stand for. It has no name itself, so that nothing in the process can take its place.
///
/// # Safety
/// The pointers are NULL or valid.
unsafe fn upload_file(
    client: *mut oss_client,
    options: *const oss_upload_options,
    result: *mut oss_result,
    error: *mut oss_error,
    on_progress: oss_progress_fn,
    user_data: *mut c_void,
) -> oss_status {
    // SAFETY: as the caller promises.
    unsafe {
        output::write(result, || output::result(&Default::default()));
        guard(error, || {
            let (client, options) = checked(client, options)?;
            let upload = if on_progress.is_some() { client.start(options)? } else { client.run(options)? };
            end(Callback::new(on_progress, user_data).report_until_end(&upload), result)
        })
    }
}
