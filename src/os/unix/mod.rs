//! Linux and its relatives.

pub(crate) mod filesystem;
pub(crate) mod thread;
