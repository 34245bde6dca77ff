//! `oss_upload_memory()`: a block of memory becomes an object.

use std::ffi::c_void;

use super::borrowed::{BorrowedBytes, UploadHandle};
use super::callback::Callback;
use super::guard::guard;
use super::handle;
use super::opaque::{oss_client, oss_upload};
use super::output;
use super::types::*;
use super::upload::{checked_without_file, end};

/// Uploads a block of memory and returns when the upload has ended.
///
/// `data` points to `size` bytes, which are not copied: they must not change before this call returns. `data` may be
/// NULL when `size` is 0. A block that fits into one part is sent with one PutObject, a larger one in parts. The object
/// appears complete or not at all, and only if its CRC-64 equals that of the bytes. Everything else, also `on_progress`
/// and what it returns, is as for oss_upload_file(), except that nothing can be resumed: file_path, checkpoint,
/// checkpoint_path, checkpoint_dir, on_file_change, verify_resume and the options for streams must not be set. If they are,
/// this call returns OSS_INVALID_ARGUMENT, and the message names the option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_memory(
    client: *mut oss_client,
    options: *const oss_upload_options,
    data: *const c_void,
    size: usize,
    result: *mut oss_result,
    error: *mut oss_error,
    on_progress: oss_progress_fn,
    user_data: *mut c_void,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and below.
    unsafe {
        output::write(result, || output::result(&Default::default()));
        guard(error, || {
            let bytes = BorrowedBytes::new(data.cast(), size)?;
            let (client, options) = checked_without_file(client, options)?;
            // The handle waits for the end also when a callback panics.
            let upload = UploadHandle::of_memory(client.start_memory(options, bytes)?);
            end(Callback::new(on_progress, user_data).report_until_end(&upload), result)
        })
    }
}

/// Starts the upload of a block of memory and returns at once.
///
/// `*out` receives the upload, or NULL on failure; use it as one of oss_upload_start(). The bytes must not change before
/// oss_upload_wait() has reported the end, or oss_upload_free() has returned: for such an upload, oss_upload_free()
/// waits until the bytes are no longer read, which takes up to about a second. Otherwise as oss_upload_memory().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_memory_start(
    client: *mut oss_client,
    options: *const oss_upload_options,
    data: *const c_void,
    size: usize,
    out: *mut *mut oss_upload,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as above.
    unsafe {
        guard(error, || {
            let out = output::handle(out)?;
            let bytes = BorrowedBytes::new(data.cast(), size)?;
            let (client, options) = checked_without_file(client, options)?;
            *out = handle::make(UploadHandle::of_memory(client.start_memory(options, bytes)?));
            Ok(oss_status::OSS_OK)
        })
    }
}
