//! Where the bytes of an object come from: a file, a block of memory, or a stream.
//!
//! [`FileSource`] watches a file for changes, with its [`identity`]; [`lease`] waits for other processes that hold one;
//! [`Block`] is a piece of a stream, in memory or in a [`Spool`]. [`PartReader`] reads one part and computes its CRC-64 on the way; what
//! lies in memory already is sent from there, as a `Loan`.

mod block;
mod buffer;
mod file;
pub(crate) mod identity;
pub(crate) mod lease;
mod loan;
mod memory;
mod part;
mod part_reader;
mod read;
mod small_file;
mod spool;

pub(crate) use block::{Block, Bytes, Lender};
pub(crate) use buffer::Buffer;
pub(crate) use file::FileSource;
pub(crate) use memory::MemorySource;
pub(crate) use part::Part;
pub(crate) use part_reader::PartReader;
pub(crate) use read::{Source, changed};
pub(crate) use small_file::SmallFile;
pub(crate) use spool::Spool;
