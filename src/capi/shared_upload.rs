//! `oss_shared_upload_…()`: one object from several hosts. Each step is an `oss_upload`.

use std::ffi::c_char;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::guard::{guard, guard_silently};
use super::opaque::{oss_client, oss_upload};
use super::types::*;
use super::upload::{checked, checked_without_file, start};
use super::{handle, input, output};
use crate::error::Error;
use crate::upload::shared_upload_part_count;

/// Opens an object that several hosts upload together. Each of them sees the file at a path of its own: the
/// same file, or a copy with the same bytes.
///
/// Starts the step and returns at once. `*out` receives it as an upload, or NULL on failure: wait for it with
/// oss_upload_wait(), then read the token with oss_shared_upload_text() and free it with oss_upload_free().
/// oss_result.parts is the number of parts. `error` may be NULL. A step that fails, is stopped or killed can be
/// repeated, here or on another host; parts stay on the server until the upload is finished or aborted.
///
/// All steps take the same bucket, object_key and headers. The file must not be empty. checkpoint, checkpoint_path,
/// checkpoint_dir and the options for streams must not be set. A file that changes is an error, whatever on_file_change
/// says. Content-Type, if not set, is guessed from the name of the object. Returns what oss_upload_start() returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_begin(
    client: *mut oss_client,
    options: *const oss_upload_options,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and in all functions below.
    unsafe {
        start(out, error, || {
            let (client, options) = checked(client, options)?;
            client.begin_shared_upload(options)
        })
    }
}

/// Sends parts `first` to `last` of a shared upload. The first part is 1, the last one is the number that
/// oss_shared_upload_part_count() gives.
///
/// Starts the step, as oss_shared_upload_begin() does; oss_shared_upload_text() then gives the fragment, which
/// oss_shared_upload_finish() needs. Parts that the server has already are compared with the file, and not sent again.
/// Ranges may overlap, and several hosts may send the same one. After oss_upload_pause() and oss_upload_cancel(), what
/// was sent stays on the server. OSS_FILE_CHANGED means that the file has another size, or changed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_send_parts(
    client: *mut oss_client,
    options: *const oss_upload_options,
    token: *const c_char,
    first: u32,
    last: u32,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_shared_upload_begin().
    unsafe {
        start(out, error, || {
            let (client, options) = checked(client, options)?;
            client.send_parts(options, &input::required("token", token)?, RangeInclusive::new(first, last))
        })
    }
}

/// Makes the object of all parts of a shared upload, and proves it by its CRC-64. `fragments` points to `fragment_count`
/// strings.
///
/// Starts the step, as oss_shared_upload_begin() does. The order of the fragments does not matter, and they may be
/// repeated; of a part that is in several, the last one counts. If parts are missing, returns OSS_INVALID_ARGUMENT; the
/// message names them. If the object is stored already, because this call is repeated, that is a success.
///
/// file_path may be NULL. If parts were read from files with different times, the content must decide: with file_path,
/// the file is read and compared; without, the step ends with OSS_FILE_CHANGED. verify_resume set to 2 (never) promises
/// that all files had the same bytes; 1 (always) reads the file in any case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_finish(
    client: *mut oss_client,
    options: *const oss_upload_options,
    token: *const c_char,
    fragments: *const *const c_char,
    fragment_count: usize,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_shared_upload_begin().
    unsafe {
        start(out, error, || {
            let (client, options) = checked_without_file(client, options)?;
            let token = input::required("token", token)?;
            client.finish_shared_upload(options, &token, input::strings("fragments", fragments, fragment_count)?)
        })
    }
}

/// Removes from the server what was sent of a shared upload.
///
/// Starts the step, as oss_shared_upload_begin() does. file_path may be NULL. An upload that is gone already is a
/// success, and an object that was stored stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_abort(
    client: *mut oss_client,
    options: *const oss_upload_options,
    token: *const c_char,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_shared_upload_begin().
    unsafe {
        start(out, error, || {
            let (client, options) = checked_without_file(client, options)?;
            client.abort_shared_upload(options, &input::required("token", token)?)
        })
    }
}

/// Copies the text that a step of a shared upload has made: the token after oss_shared_upload_begin(), the fragment
/// after oss_shared_upload_send_parts().
///
/// Returns the size of the text in bytes, without its final NUL, whatever `capacity` is. Writes at most `capacity` bytes
/// to `buffer`, including a final NUL: a text that does not fit is truncated. `buffer` may be NULL when `capacity` is 0.
/// Returns 0 if there is no text: the step is running, has failed or makes none. A token has at most 16 KiB, a fragment
/// at most 4 MiB. Both are one line of UTF-8 without secrets, which can be stored and sent anywhere: see
/// docs/shared-upload-format.md. May be called from any thread. `step` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_text(step: *mut oss_upload, buffer: *mut c_char, capacity: usize) -> usize {
    let mut size = 0;
    guard_silently(|| {
        // SAFETY: as in oss_shared_upload_begin().
        let Ok(step) = (unsafe { handle::get("step", step) }) else { return };
        let Some(outcome) = step.wait(Duration::ZERO) else { return };
        let text = [outcome.result.token, outcome.result.fragment].concat();
        // SAFETY: `buffer` has room for `capacity` bytes, as the header asks.
        unsafe { output::copy(text.as_bytes(), buffer, capacity) };
        size = text.len();
    });
    size
}

/// Writes the number of parts of a shared upload to `*part_count`; 0 on failure.
///
/// Nothing is sent. Returns OSS_OK, OSS_INVALID_ARGUMENT if `token` is not a token or is damaged, or OSS_UNSUPPORTED if
/// it comes from a newer version of the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_shared_upload_part_count(
    token: *const c_char,
    part_count: *mut u32,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_shared_upload_begin().
    unsafe {
        output::write(part_count, || 0);
        guard(error, || {
            if part_count.is_null() {
                return Err(Error::invalid("part_count is NULL"));
            }
            let count = shared_upload_part_count(&input::required("token", token)?)?;
            output::write(part_count, || count);
            Ok(oss_status::OSS_OK)
        })
    }
}
