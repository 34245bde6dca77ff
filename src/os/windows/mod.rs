//! Windows.

pub(crate) mod cancellation;
pub(crate) mod descriptor;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod filesystem;
mod information;
pub(crate) mod io_error;
mod job;
pub(crate) mod lock;
pub(crate) mod non_blocking;
pub(crate) mod pages;
pub(crate) mod path;
pub(crate) mod privacy;
pub(crate) mod process;
pub(crate) mod refusal_number;
mod security;
pub(crate) mod signals;
pub(crate) mod standard_error;
pub(crate) mod status;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod thread;
