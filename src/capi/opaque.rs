//! What C sees of handles: pointers to these.

/// A client: the endpoint, credentials, connections and limits that its uploads share. Opaque.
pub struct oss_client {
    _opaque: [u8; 0],
}

/// An upload, running or ended. Opaque.
pub struct oss_upload {
    _opaque: [u8; 0],
}

/// A batch of files, running or ended. Opaque.
pub struct oss_batch {
    _opaque: [u8; 0],
}

/// A stream of bytes that is being uploaded. Opaque.
pub struct oss_stream {
    _opaque: [u8; 0],
}
