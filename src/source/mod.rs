//! Where the bytes of an object come from: a file, or a block of memory.
//!
//! [`FileSource`] watches a file for changes, with its [`identity`]; [`lease`] waits for other processes that hold one;
//! [`PartReader`] reads one part and computes its CRC-64 on the way.

mod file;
pub(crate) mod identity;
pub(crate) mod lease;
mod memory;
mod part;
mod part_reader;
mod read;

pub(crate) use file::FileSource;
pub(crate) use memory::MemorySource;
pub(crate) use part::Part;
pub(crate) use part_reader::PartReader;
pub(crate) use read::Source;
