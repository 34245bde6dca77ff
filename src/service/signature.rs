//! How requests are signed, and with what one was.

use std::sync::Arc;

use crate::credentials::Credentials;

/// Which signature requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    V1,
    V4,
}

/// What a request was signed with.
pub(crate) struct Signed {
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) clock_offset_ms: i64,
}
