//! What an upload has reached so far.

use std::time::SystemTime;

use super::result::{StoredFile, UploadResult};

/// What has been reached so far, over all rounds.
#[derive(Default)]
pub(crate) struct UploadState {
    pub result: UploadResult,
    pub stored: Option<StoredFile>,
    /// The upload id that is open on the server.
    pub open: Option<String>,
    /// Soon after each of these times, an upload may have been opened on the server without our hearing of it.
    pub orphans_since: Vec<SystemTime>,
}
