//! A part: what one request sends of a source.

use serde::{Deserialize, Serialize};

/// A range of a source. Numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub number: u32,
    pub offset: u64,
    pub size: u64,
}
