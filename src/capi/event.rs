//! Events: what happens inside, for logs and metrics.

use std::ffi::c_char;

use super::guard::guard;
use super::opaque::{oss_client, oss_stream, oss_upload};
use super::types::oss_status;
use super::{handle, output};
use crate::error::{Error, Result};
use crate::events::{Event, EventKind};

/// oss_event.kind: a request received a response, or failed.
pub const OSS_EVENT_REQUEST: u32 = 1;
/// oss_event.kind: a request will be retried after elapsed_ms; the message says why.
pub const OSS_EVENT_RETRY: u32 = 2;
/// oss_event.kind: a part has reached the server.
pub const OSS_EVENT_PART_DONE: u32 = 3;
/// oss_event.kind: a part sent by an earlier call is on the server.
pub const OSS_EVENT_PART_RESUMED: u32 = 4;
/// oss_event.kind: the number of parts that may be in flight changed.
pub const OSS_EVENT_CONCURRENCY_CHANGED: u32 = 5;
/// oss_event.kind: a source returned the first credentials, or the credentials changed; the message names the AccessKey
/// ID and the source.
pub const OSS_EVENT_CREDENTIALS_CHANGED: u32 = 6;
/// oss_event.kind: the checkpoint was synced to disk.
pub const OSS_EVENT_CHECKPOINT_WRITTEN: u32 = 7;
/// oss_event.kind: the upload starts over and sends all parts again; the message says why.
pub const OSS_EVENT_RESTARTED: u32 = 8;
/// oss_event.kind: the upload has ended; the message is "stored" or the error message.
pub const OSS_EVENT_ENDED: u32 = 9;

/// An event of an upload. Fields that do not apply to its kind are 0 or empty. It contains no secrets.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_event {
    /// One of OSS_EVENT_*. New versions may add kinds: skip those you do not know.
    pub kind: u32,
    /// Number of the part, from 1.
    pub part_number: u32,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// HTTP status; 0 when there was no response.
    pub http_status: u32,
    /// Number of parts that may now be in flight.
    pub concurrency: u32,
    /// Always zero.
    pub reserved: u32,
    /// Number of the upload within the client, from 1 in the order of starting; 0 for events of the client itself.
    pub upload: u64,
    /// Milliseconds since the upload started.
    pub at_ms: u64,
    /// Milliseconds that the request took; for a retry, the wait before it.
    pub elapsed_ms: u64,
    /// Bytes in the body of the request, or in the part.
    pub bytes: u64,
    /// Number of events lost immediately before this one because they were not retrieved in time.
    pub dropped: u64,
    /// API operation, such as "UploadPart".
    pub operation: [c_char; 32],
    /// OSS error code.
    pub service_code: [c_char; 64],
    /// Request ID.
    pub request_id: [c_char; 64],
    /// Name of the object, truncated if it is longer.
    pub object_key: [c_char; 256],
    /// The reason, in one line.
    pub message: [c_char; 512],
    /// Always zero.
    pub reserved2: [u64; 4],
}

/// Retrieves the oldest pending event of a client's uploads. Does not wait for one.
///
/// The first call opens the queue: make it before the first upload to receive every event. Up to 1024 events are kept;
/// after that, the oldest are dropped and counted. Nothing is recorded until the first call. May be called from any
/// thread. Returns OSS_OK with `*event` filled, OSS_PENDING if there is no event, or OSS_INVALID_ARGUMENT for NULL or a
/// pointer that is not a client.
///
/// If the environment variable OSS_UPLOAD_LOG is set when the client is created, the same events are written to
/// standard error: "info" writes unusual events, "debug" all events, "off" none. Case and surrounding spaces are
/// ignored; "1", "true", "on" and "warn" mean "info"; "0" and "false" mean "off". Any other value writes one line that
/// says so. The log goes only to the standard error that the program has when the client is created: nothing is written
/// if it is closed at that time, or if its descriptor later refers to something else. A standard error without a reader
/// is not a failure and raises no SIGPIPE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_client_next_event(client: *mut oss_client, event: *mut oss_event) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and below.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let client = handle::get("client", client)?;
            hand_over(event, || client.next_event())
        })
    }
}

/// Retrieves the oldest pending event of one upload, as oss_client_next_event() does for all uploads of a client. Works
/// after the upload has ended, until it is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_upload_next_event(upload: *mut oss_upload, event: *mut oss_event) -> oss_status {
    // SAFETY: as above.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let upload = handle::get("upload", upload)?;
            hand_over(event, || upload.next_event())
        })
    }
}

/// Same as oss_upload_next_event(), for a stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_stream_next_event(stream: *mut oss_stream, event: *mut oss_event) -> oss_status {
    // SAFETY: as above.
    unsafe {
        guard(std::ptr::null_mut(), || {
            let stream = handle::get("stream", stream)?;
            hand_over(event, || stream.next_event())
        })
    }
}

/// # Safety
/// `out` is null or may be written.
unsafe fn hand_over(out: *mut oss_event, next: impl FnOnce() -> Option<Event>) -> Result<oss_status> {
    if out.is_null() {
        return Err(Error::invalid("event is NULL"));
    }
    let event = next();
    // SAFETY: as the caller promises, and not null.
    unsafe { output::write(out, || event.as_ref().map_or_else(nothing, convert)) };
    Ok(if event.is_some() { oss_status::OSS_OK } else { oss_status::OSS_PENDING })
}

fn nothing() -> oss_event {
    oss_event {
        kind: 0,
        part_number: 0,
        attempt: 0,
        http_status: 0,
        concurrency: 0,
        reserved: 0,
        upload: 0,
        at_ms: 0,
        elapsed_ms: 0,
        bytes: 0,
        dropped: 0,
        operation: [0; 32],
        service_code: [0; 64],
        request_id: [0; 64],
        object_key: [0; 256],
        message: [0; 512],
        reserved2: [0; 4],
    }
}

fn convert(event: &Event) -> oss_event {
    let milliseconds = |time: std::time::Duration| time.as_millis().try_into().unwrap_or(u64::MAX);
    oss_event {
        kind: match event.kind {
            EventKind::Request => OSS_EVENT_REQUEST,
            EventKind::Retry => OSS_EVENT_RETRY,
            EventKind::PartDone => OSS_EVENT_PART_DONE,
            EventKind::PartResumed => OSS_EVENT_PART_RESUMED,
            EventKind::ConcurrencyChanged => OSS_EVENT_CONCURRENCY_CHANGED,
            EventKind::CredentialsChanged => OSS_EVENT_CREDENTIALS_CHANGED,
            EventKind::CheckpointWritten => OSS_EVENT_CHECKPOINT_WRITTEN,
            EventKind::Restarted => OSS_EVENT_RESTARTED,
            EventKind::Ended => OSS_EVENT_ENDED,
        },
        part_number: event.part_number,
        attempt: event.attempt,
        http_status: event.http_status.into(),
        concurrency: event.concurrency,
        upload: event.upload,
        at_ms: milliseconds(event.at),
        elapsed_ms: milliseconds(event.elapsed),
        bytes: event.bytes,
        dropped: event.dropped,
        operation: output::chars(&event.operation),
        service_code: output::chars(&event.service_code),
        request_id: output::chars(&event.request_id),
        object_key: output::chars(&event.object_key),
        message: output::chars(&event.message),
        ..nothing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_size_that_abi_md_promises() {
        assert_eq!(size_of::<oss_event>(), 1024);
    }
}
