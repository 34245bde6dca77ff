//! What an upload came to.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::source::identity::Identity;

/// Outcome of an upload, as far as it is known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadResult {
    /// ETag of the object, without quotes.
    pub etag: String,
    /// CRC-64/XZ of the whole object, equal to the server's value.
    pub crc64: u64,
    /// Version ID of the object, in a bucket with versioning.
    pub version_id: String,
    /// Request ID of the request that created the object.
    pub request_id: String,
    /// Upload ID; empty for a file sent with one PutObject.
    pub upload_id: String,
    /// Size of the object in bytes.
    pub size: u64,
    /// Part size that was used, in bytes.
    pub part_size: u64,
    /// Whether `part_size` was raised because the file would have needed more than 10,000 parts.
    pub part_size_raised: bool,
    /// Number of parts; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Number of parts sent by an earlier call.
    pub parts_resumed: u32,
    /// Body bytes sent by this call, including retries.
    pub bytes_sent: u64,
    /// Bytes sent by an earlier call that this call did not have to send again.
    pub bytes_resumed: u64,
    /// Number of HTTP requests, including retries.
    pub attempts: u32,
    /// Why all parts were sent again: `file-changed`, `upload-gone`, `checkpoint-damaged` or similar, a colon, and a
    /// sentence, with the earlier upload ID if its parts could not be removed. Empty if they were not sent again.
    pub restart_reason: String,
    /// Duration of the upload.
    pub elapsed: Duration,
    /// The application server's response to `x-oss-callback`, as OSS passed it on. Empty if there was no callback, if
    /// it failed, or if the response was lost and the upload was confirmed by looking at the object instead.
    pub callback_response: Arc<[u8]>,
    /// The token of a shared upload that [`Client::begin_shared_upload`](crate::Client::begin_shared_upload) has opened;
    /// otherwise empty.
    pub token: Arc<str>,
    /// The fragment for the parts that [`Client::send_parts`](crate::Client::send_parts) has sent; otherwise empty.
    pub fragment: Arc<str>,
}

/// How an upload ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result; on failure, as far as it is known.
    pub result: UploadResult,
    /// Why the object is not stored; `None` if it is.
    pub error: Option<Error>,
    /// What the file was, when it is stored.
    pub(crate) stored: Option<StoredFile>,
}

/// The file of which an object was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredFile {
    pub identity: Identity,
    /// It was written to so shortly before it was read that its times may not show a further change.
    pub is_fresh: bool,
}
