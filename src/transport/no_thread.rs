//! Of a look-up for which the system made no thread.

use std::fmt;
use std::io;

use crate::error::Error;

/// Travels through ureq as the inner error of an `io::Error`.
#[derive(Debug)]
pub(super) struct NoThread(pub(super) io::Error);

impl NoThread {
    /// What `error` says, if it carries this.
    pub(super) fn of(error: &ureq::Error) -> Option<Error> {
        let ureq::Error::Io(error) = error else { return None };
        error.get_ref()?.downcast_ref().map(|NoThread(cause)| Error::no_thread(cause))
    }
}

impl fmt::Display for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Error::no_thread(&self.0), f)
    }
}

impl std::error::Error for NoThread {}
