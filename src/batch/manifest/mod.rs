//! The manifest: what became of every file of a batch. It is the report, what a killed batch goes on from, and what the next
//! one compares with. `docs/manifest-format.md` describes the file.
//!
//! `record` is what is remembered, `line` the checksum around it, `load` reads a manifest, `known` finds what it says about
//! a file, `writer` appends to it, `compact` sorts it when the batch has ended, and `merge` makes one of those of all shards.

mod by_key;
mod compact;
mod known;
mod line;
mod line_writer;
mod load;
mod merge;
mod record;
mod region;
mod sort;
mod sorted;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use by_key::sort_by_key;
pub(crate) use known::{FoundRecord, Known};
pub(crate) use load::{Loaded, open};
pub(crate) use merge::merge;
pub(crate) use record::{ErrorRecord, FileRecord, HeaderRecord, RecordStatus};
pub(crate) use writer::ManifestWriter;
