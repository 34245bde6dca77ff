//! Linux and its relatives.

pub(crate) mod cancellation;
pub(crate) mod descriptor;
pub(crate) mod file;
pub(crate) mod filesystem;
pub(crate) mod io_error;
pub(crate) mod lock;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod spawn;
pub(crate) mod standard_error;
pub(crate) mod thread;
