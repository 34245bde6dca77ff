//! What becomes of the parts of an upload.

use std::time::SystemTime;

use super::checkpoint::PartRecord;
use crate::error::Result;
use crate::source::Block;

/// A part that the server has.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub record: PartRecord,
    pub trust: Trust,
}

/// How sure it is that the file still holds what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The caller does not want it read again.
    Exempt,
    /// It was read at this time or later.
    ReadSince(SystemTime),
    /// It must be read again.
    Doubted,
}

/// What the coordinator waits for.
pub(crate) enum Received {
    /// What came of a part.
    Part(Result<Sent>),
    /// A block of a stream; `None`: no further one comes.
    Block(Option<Block>),
}
