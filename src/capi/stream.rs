//! `oss_stream`: bytes of unknown number become an object while they are produced.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::guard::{guard, guard_silently};
use super::opaque::{oss_client, oss_stream};
use super::types::*;
use super::upload::{checked_without_file, end, timeout};
use super::{handle, output};
use crate::error::{Error, Result};

/// Opens a stream: the bytes that are written to it become an object when it is finished.
///
/// `*out` receives the stream, or NULL on failure; free it with oss_stream_free(). `error` may be NULL. The options are
/// checked before this call returns; nothing is sent before the first part is full or the stream is finished.
///
/// The object exists only after oss_stream_finish() has returned OSS_OK. A stream that is aborted or freed before, or
/// whose process dies, leaves no object. A stream that fits into its first part is sent with one PutObject.
///
/// Parts begin with 1 MiB, or with part_size, and grow so that 10000 of them hold a stream of 48.8 TB, if max_memory
/// allows. In memory are at most (parts in flight + 1) parts, and never more than max_memory bytes: 64 MiB by default,
/// enough for a stream of 300 GB. Parts are sent by threads of the client, as many at a time as routines says and memory
/// allows.
///
/// With checkpoint_path, a stream can be resumed after a crash: open it again with the same options, and write the same
/// bytes from their beginning. Parts that the server has, and whose CRC-64 is that of what is written, are not sent again;
/// from the first difference on, everything is. The other options about files must not be set: file_path, checkpoint
/// without checkpoint_path, checkpoint_dir, on_file_change, verify_resume. If they are, this call returns
/// OSS_INVALID_ARGUMENT, and the message names the option.
///
/// One thread at a time may write to a stream or finish it; a second one gets OSS_INVALID_ARGUMENT. Any thread may call the
/// other functions meanwhile. After fork(), a stream is of use in the parent only: in the child, writing and finishing
/// return OSS_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_open(
    client: *mut oss_client,
    options: *const oss_upload_options,
    out: *mut *mut oss_stream,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and in all functions below.
    unsafe {
        guard(error, || {
            let out = output::handle(out)?;
            let (client, options) = checked_without_file(client, options)?;
            *out = handle::make(client.open_stream(options)?);
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Writes `count` bytes to the stream. They are copied before this call returns.
///
/// Waits for room while max_memory and the spool are used up. Returns OSS_OK when all bytes were taken. Any error means
/// that the stream cannot be finished with these bytes in it: when the upload has failed, perhaps with bytes of an
/// earlier call, every later call returns the same error. OSS_IO may also mean that the spool's disk is full; use
/// oss_stream_try_write() to go on after that. `bytes` may be NULL when `count` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_write(
    stream: *mut oss_stream,
    bytes: *const c_void,
    count: usize,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_stream_open().
    unsafe {
        guard(error, || {
            let stream = handle::get("stream", stream)?;
            stream.write(slice(bytes, count)?)?;
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Writes as many of `count` bytes as there is room for within `timeout_ms` milliseconds; 0 does not wait, UINT32_MAX means
/// no limit.
///
/// `*written` receives how many were taken, also on failure; `written` must not be NULL. Returns OSS_OK when all were,
/// and OSS_PENDING when the time was over: call it again with the rest. After OSS_IO because of a full disk, go on with the
/// bytes behind those that were taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_try_write(
    stream: *mut oss_stream,
    bytes: *const c_void,
    count: usize,
    timeout_ms: u32,
    written: *mut usize,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_stream_open().
    unsafe {
        guard(error, || {
            let written = written.as_mut().ok_or_else(|| Error::invalid("written is NULL"))?;
            *written = 0;
            let stream = handle::get("stream", stream)?;
            *written = stream.try_write(slice(bytes, count)?, timeout(timeout_ms))?;
            Ok(if *written == count { oss_status::OSS_OK } else { oss_status::OSS_PENDING })
        })
    }
}

/// Says that nothing more comes, and waits until the object is stored and its CRC-64 has been compared.
///
/// `result` and `error` may be NULL. Returns OSS_OK when the object is stored. Otherwise see oss_status, and `error` for
/// the reason and what to do. Every later call returns the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_finish(
    stream: *mut oss_stream,
    result: *mut oss_result,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_stream_open().
    unsafe { oss_stream_try_finish(stream, u32::MAX, result, error) }
}

/// Same as oss_stream_finish(), but waits for at most `timeout_ms` milliseconds; 0 does not wait, UINT32_MAX means no limit.
///
/// Returns OSS_PENDING when the upload is still running: call it again. Once this has been called, nothing more can be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_try_finish(
    stream: *mut oss_stream,
    timeout_ms: u32,
    result: *mut oss_result,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_stream_open().
    unsafe {
        output::write(result, || output::result(&Default::default()));
        guard(error, || {
            let stream = handle::get("stream", stream)?;
            match stream.try_finish(timeout(timeout_ms))? {
                Some(outcome) => end(outcome, result),
                None => Ok(oss_status::OSS_PENDING),
            }
        })
    }
}

/// Asks the stream to stop soon, remove from the server what was sent, and delete its checkpoint. Returns at once. NULL is
/// allowed.
///
/// A thread that waits in another call of this stream gets OSS_CANCELLED, as does every later oss_stream_write() and
/// oss_stream_finish(), unless the object was stored before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_abort(stream: *mut oss_stream) {
    guard_silently(|| {
        // SAFETY: as in oss_stream_open().
        if let Ok(stream) = unsafe { handle::get("stream", stream) } {
            stream.abort();
        }
    });
}

/// Makes writers wait until oss_stream_resume(). Bytes that were written before are still sent. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_pause(stream: *mut oss_stream) {
    guard_silently(|| {
        // SAFETY: as in oss_stream_open().
        if let Ok(stream) = unsafe { handle::get("stream", stream) } {
            stream.pause();
        }
    });
}

/// Lets writers go on after oss_stream_pause(). NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_resume(stream: *mut oss_stream) {
    guard_silently(|| {
        // SAFETY: as in oss_stream_open().
        if let Ok(stream) = unsafe { handle::get("stream", stream) } {
            stream.resume();
        }
    });
}

/// Tells how far the stream is. total_bytes and parts_total are 0, and eta_ms is OSS_ETA_UNKNOWN, until the end is known.
/// Returns OSS_OK or OSS_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_progress(stream: *mut oss_stream, progress: *mut oss_progress) -> oss_status {
    // SAFETY: as in oss_stream_open().
    unsafe {
        guard(std::ptr::null_mut(), || {
            let stream = handle::get("stream", stream)?;
            if progress.is_null() {
                return Err(Error::invalid("progress is NULL"));
            }
            output::write(progress, || output::progress(&stream.progress()));
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Same as oss_upload_callback_response(), for a stream that has been finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_callback_response(
    stream: *mut oss_stream,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let mut size = 0;
    guard_silently(|| {
        // SAFETY: as in oss_stream_open().
        let Ok(stream) = (unsafe { handle::get("stream", stream) }) else { return };
        let outcome = stream.wait(Duration::ZERO);
        // SAFETY: `buffer` has room for `capacity` bytes, as the header asks.
        size = unsafe { output::callback_response(outcome, buffer, capacity) };
    });
    size
}

/// Frees a stream; NULL is allowed. One that has not been finished is left as if its process had died: no object is
/// stored. With a checkpoint, what was sent stays for the next call; without one, it is removed from the server. This call does
/// not wait for that.
///
/// Does nothing for a pointer that is not a stream of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_free(stream: *mut oss_stream) {
    // SAFETY: as in oss_stream_open().
    guard_silently(|| unsafe { handle::free(stream) });
}

/// # Safety
/// `bytes` points to `count` bytes, or is NULL.
unsafe fn slice<'a>(bytes: *const c_void, count: usize) -> Result<&'a [u8]> {
    match (bytes.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Error::invalid("bytes is NULL, but count is not 0")),
        _ if isize::try_from(count).is_err() => Err(Error::invalid("count is more than memory can have")),
        // SAFETY: as the caller promises.
        _ => Ok(unsafe { std::slice::from_raw_parts(bytes.cast(), count) }),
    }
}
