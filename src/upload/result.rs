//! What an upload came to.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// What an upload came to, as far as is known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadResult {
    /// ETag of the object, without quotes.
    pub etag: String,
    /// CRC-64/XZ of the whole object, equal to the server's.
    pub crc64: u64,
    /// Version id of the object, in a versioned bucket.
    pub version_id: String,
    /// Request id of the request that made the object.
    pub request_id: String,
    /// Upload id; empty for a file sent with one PutObject.
    pub upload_id: String,
    /// Bytes of the object.
    pub size: u64,
    /// Bytes of a part, as used.
    pub part_size: u64,
    /// `part_size` was raised, since the file would have needed more than 10,000 parts.
    pub part_size_raised: bool,
    /// Parts of the upload; 1 for a file sent with one PutObject.
    pub parts: u32,
    /// Parts that an earlier call had sent.
    pub parts_resumed: u32,
    /// Body bytes sent by this call, repeated ones included.
    pub bytes_sent: u64,
    /// Bytes that an earlier call had sent and this one did not need to send.
    pub bytes_resumed: u64,
    /// HTTP requests made, repeated ones included.
    pub attempts: u32,
    /// Why all parts were sent again: `file-changed`, `upload-gone`, `checkpoint-damaged` or the like, a colon, and a
    /// sentence. Empty when they were not.
    pub restart_reason: String,
    /// From start to end.
    pub elapsed: Duration,
    /// What the application server answered when OSS called it (`x-oss-callback`), as OSS passed it on. Empty without a
    /// callback, when the callback failed, and when the response was lost on its way and the object had to prove itself.
    pub callback_response: Arc<[u8]>,
}

/// How an upload ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was reached; on failure, as far as is known.
    pub result: UploadResult,
    /// Why the object is not stored; `None` when it is.
    pub error: Option<Error>,
}
