//! Handles of the library. None of them can be that of a standard stream, and children inherit none.

use std::io;

/// Opens something.
pub(crate) fn open<T, E>(open: impl FnOnce() -> Result<T, E>) -> io::Result<T>
where
    io::Error: From<E>,
{
    Ok(open()?)
}

/// Runs `work`.
pub(crate) fn away_from_standard<T>(work: impl FnOnce() -> T) -> T {
    work()
}
