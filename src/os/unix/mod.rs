//! Linux and its relatives.

pub(crate) mod file;
pub(crate) mod filesystem;
pub(crate) mod io_error;
pub(crate) mod lock;
pub(crate) mod process;
pub(crate) mod spawn;
pub(crate) mod thread;
