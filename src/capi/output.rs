//! From Rust values to the structs that C programs own.

use std::ffi::c_char;
use std::time::Duration;

use super::types::*;
use crate::error::{Error, ErrorKind, Result};
use crate::upload::{Outcome, Phase, Progress, UploadResult};

/// Writes `make()` to `out`, unless that is null.
///
/// # Safety
/// `out` is null or may be written.
pub(super) unsafe fn write<T>(out: *mut T, make: impl FnOnce() -> T) {
    if !out.is_null() {
        // SAFETY: as the caller promises; the old value is plain data and needs no drop.
        unsafe { out.write(make()) };
    }
}

/// Where a new handle goes: it is NULL until there is one.
///
/// # Safety
/// `out` is null or may be written.
pub(super) unsafe fn handle<'a, H>(out: *mut *mut H) -> Result<&'a mut *mut H> {
    // SAFETY: as the caller promises.
    let out = unsafe { out.as_mut() }.ok_or_else(|| Error::invalid("out is NULL"))?;
    *out = std::ptr::null_mut();
    Ok(out)
}

/// Copies the response to the callback of an upload that has ended, and returns how long it is.
///
/// # Safety
/// As for [`copy`].
pub(super) unsafe fn callback_response(outcome: Option<Outcome>, buffer: *mut c_char, capacity: usize) -> usize {
    let response = outcome.map(|outcome| outcome.result.callback_response).unwrap_or_default();
    // SAFETY: as the caller promises.
    unsafe { copy(&response, buffer, capacity) };
    response.len()
}

/// Copies as much of `bytes` as fits, and a NUL.
///
/// # Safety
/// `buffer` is null, or `capacity` bytes may be written there.
pub(super) unsafe fn copy(bytes: &[u8], buffer: *mut c_char, capacity: usize) {
    let Some(room) = capacity.checked_sub(1).filter(|_| !buffer.is_null()) else { return };
    let count = bytes.len().min(room);
    // SAFETY: as the caller promises; `bytes` is ours, so they do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), buffer, count);
        buffer.add(count).write(0);
    }
}

pub(super) fn status(kind: ErrorKind) -> oss_status {
    match kind {
        ErrorKind::InvalidArgument => oss_status::OSS_INVALID_ARGUMENT,
        ErrorKind::Io => oss_status::OSS_IO,
        ErrorKind::Network => oss_status::OSS_NETWORK,
        ErrorKind::Timeout => oss_status::OSS_TIMEOUT,
        ErrorKind::Service => oss_status::OSS_SERVICE,
        ErrorKind::Credentials => oss_status::OSS_CREDENTIALS,
        ErrorKind::FileChanged => oss_status::OSS_FILE_CHANGED,
        ErrorKind::ChecksumMismatch => oss_status::OSS_CHECKSUM_MISMATCH,
        ErrorKind::Checkpoint => oss_status::OSS_CHECKPOINT,
        ErrorKind::CheckpointBusy => oss_status::OSS_CHECKPOINT_BUSY,
        ErrorKind::Paused => oss_status::OSS_PAUSED,
        ErrorKind::Cancelled => oss_status::OSS_CANCELLED,
        ErrorKind::CallbackFailed => oss_status::OSS_CALLBACK_FAILED,
        ErrorKind::Unsupported => oss_status::OSS_UNSUPPORTED,
        ErrorKind::Resources => oss_status::OSS_RESOURCES,
        ErrorKind::FilesFailed => oss_status::OSS_FILES_FAILED,
        ErrorKind::Internal => oss_status::OSS_INTERNAL,
    }
}

pub(super) fn error(status: oss_status, failure: Option<&Error>) -> oss_error {
    oss_error {
        status: status as i32,
        http_status: failure.map_or(0, |e| e.http_status().into()),
        os_errno: failure.map_or(0, Error::os_errno),
        part_number: failure.map_or(0, Error::part_number),
        retryable: failure.is_some_and(Error::is_retryable).into(),
        service_code: chars(failure.map_or("", Error::service_code)),
        ec: chars(failure.map_or("", Error::ec)),
        request_id: chars(failure.map_or("", Error::request_id)),
        message: chars(failure.map_or("", Error::message)),
        reserved: [0; 19],
    }
}

pub(super) fn result(from: &UploadResult) -> oss_result {
    oss_result {
        crc64: from.crc64,
        size: from.size,
        part_size: from.part_size,
        bytes_sent: from.bytes_sent,
        bytes_resumed: from.bytes_resumed,
        elapsed_ms: from.elapsed.as_millis().try_into().unwrap_or(u64::MAX),
        parts: from.parts,
        parts_resumed: from.parts_resumed,
        attempts: from.attempts,
        part_size_raised: from.part_size_raised.into(),
        etag: chars(&from.etag),
        version_id: chars(&from.version_id),
        request_id: chars(&from.request_id),
        upload_id: chars(&from.upload_id),
        restart_reason: chars(&from.restart_reason),
        callback_response_size: from.callback_response.len() as u64,
        reserved: [0; 35],
    }
}

pub(super) fn progress(from: &Progress) -> oss_progress {
    oss_progress {
        phase: match from.phase {
            Phase::Preparing => OSS_PHASE_PREPARING,
            Phase::Uploading => OSS_PHASE_UPLOADING,
            Phase::Verifying => OSS_PHASE_VERIFYING,
            Phase::Completing => OSS_PHASE_COMPLETING,
            Phase::Ended => OSS_PHASE_ENDED,
            Phase::Waiting => OSS_PHASE_WAITING,
            Phase::Hashing => OSS_PHASE_HASHING,
        },
        parts_total: from.parts_total,
        parts_done: from.parts_done,
        retries: from.retries,
        total_bytes: from.total_bytes,
        done_bytes: from.done_bytes,
        resumed_bytes: from.resumed_bytes,
        sent_bytes: from.sent_bytes,
        bytes_per_second: from.bytes_per_second,
        eta_ms: milliseconds(from.eta),
        reserved: [0; 8],
    }
}

/// A time that may not be known.
pub(super) fn milliseconds(time: Option<Duration>) -> u64 {
    time.map_or(OSS_ETA_UNKNOWN, |time| time.as_millis().try_into().unwrap_or(OSS_ETA_UNKNOWN))
}

/// `bytes` as a NUL-terminated array, cut when they are too long.
pub(super) fn bytes<const N: usize>(bytes: &[u8]) -> [c_char; N] {
    let mut array = [0; N];
    for (slot, byte) in array.iter_mut().zip(bytes.iter().take(N - 1)) {
        *slot = *byte as c_char;
    }
    array
}

/// `text` as a NUL-terminated array, cut at a character when it is too long.
pub(super) fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for (slot, byte) in array.iter_mut().zip(&text.as_bytes()[..end]) {
        *slot = *byte as c_char;
    }
    array
}

#[cfg(test)]
pub(super) fn text(array: &[c_char]) -> String {
    let bytes = array.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8(bytes).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_a_character() {
        assert_eq!(text(&chars::<8>("abc")), "abc");
        assert_eq!(text(&chars::<8>("abcdefghi")), "abcdefg");
        assert_eq!(text(&chars::<8>("ab空山")), "ab空");
        assert_eq!(chars::<4>("abc")[3], 0);
    }

    #[test]
    fn outputs_have_the_sizes_that_abi_md_promises() {
        assert_eq!(size_of::<oss_error>(), 1024);
        assert_eq!(size_of::<oss_result>(), 1024);
        assert_eq!(size_of::<oss_progress>(), 128);
    }
}
