//! Linux and its relatives.

pub(crate) mod cancellation;
pub(crate) mod descriptor;
pub(crate) mod signals;
pub(crate) mod standard_error;
pub(crate) mod thread;
