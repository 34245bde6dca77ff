//! Threads of the library.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread of the library. Every thread that the library makes is made here.
pub(crate) fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.into()).spawn(work)
}

/// Whether this is the program's first thread, of which some things are never freed. Here nobody minds.
pub(crate) fn is_first() -> bool {
    false
}
