//! Many objects: a folder, a list or pairs that a program pushes, each file to exactly one outcome.
//!
//! `handle` starts a `job`, whose thread in `run` feeds it with what the source (`walk_ahead`, `list`, pushes) finds and `select`
//! lets through. `key` makes the object's name, `compare` decides whether the file is sent. `schedule` takes the files of the
//! `backlog`: it sends small ones as units of the client's queue and large ones as uploads of their own, and `content` compares
//! those whose times are new. The `manifest` remembers every `outcome`. `verify` compares the bucket with a manifest instead.

mod backlog;
mod bounded_queue;
mod compare;
mod content;
mod control;
mod entry;
mod handle;
mod job;
mod key;
mod key_set;
mod list;
mod manifest;
mod merge;
mod options;
mod outcome;
mod progress;
mod remote_list;
mod request;
mod run;
mod schedule;
mod select;
mod shard;
mod verify;
mod walk;
mod walk_ahead;

pub use handle::{Batch, BatchEnd, NextOutcome};
pub(crate) use job::BatchJob;
pub use merge::merge_manifests;
pub use options::{BatchMode, BatchOptions, BatchSource, KeyEncoding, Symlinks};
pub use outcome::{BatchOutcome, BatchResult, OutcomeStatus};
pub use progress::BatchProgress;
pub(crate) use request::BatchRequest;
