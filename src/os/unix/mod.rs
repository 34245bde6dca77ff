//! Linux and its relatives.

pub(crate) mod thread;
