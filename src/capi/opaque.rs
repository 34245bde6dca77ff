//! What C sees of handles: pointers to these.

/// A client: endpoint, credentials, connections and limits that its uploads share. Opaque.
pub struct oss_client {
    _opaque: [u8; 0],
}

/// A running or ended upload. Opaque.
pub struct oss_upload {
    _opaque: [u8; 0],
}
