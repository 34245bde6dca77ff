//! Linux and its relatives.

pub(crate) mod file;
pub(crate) mod lock;
pub(crate) mod thread;
