//! Files on which another process holds a lease: Samba and the kernel's NFS server take them for their clients.
//!
//! The kernel asks the holder to give the lease back, and lets nobody open the file until then. A blocking open() would
//! wait for it and could not be stopped, so it is tried again and again.

use std::io;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::os::file;

/// The first pause; each one is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How to wait for leases.
pub(crate) struct LeaseWait<'a> {
    /// Sleeps; fails when the upload is to stop.
    pub sleep: &'a dyn Fn(Duration) -> Result<()>,
    /// How long in all.
    pub timeout: Duration,
}

impl LeaseWait<'_> {
    /// What `open` comes to once no lease is in its way. The outer error is that the upload is to stop; when time is over,
    /// the inner one is `WouldBlock`.
    pub(crate) fn open<T>(&self, open: impl Fn() -> io::Result<T>) -> Result<io::Result<T>> {
        let mut waited = Duration::ZERO;
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = open();
            if !opened.as_ref().is_err_and(is_leased) || waited >= self.timeout {
                return Ok(opened);
            }
            // Counted, not measured: the time that a machine sleeps is not the holder's.
            let step = pause.min(self.timeout - waited);
            (self.sleep)(step)?;
            waited += step;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

pub(crate) fn is_leased(cause: &io::Error) -> bool {
    file::is_held(cause)
}

/// The error when the holder did not give the lease back. `what` is "the file x".
pub(crate) fn still_leased(kind: ErrorKind, what: &str, cause: &io::Error) -> Error {
    let error = Error::os(kind, format!("cannot open {what}, since another process {}", file::HELD), cause);
    let hint = "the process (often a file server, such as Samba) did not give it back within the stall timeout; try again \
                later";
    error.with_retryable(true).hint(hint)
}

#[cfg(test)]
impl LeaseWait<'_> {
    pub(crate) const NONE: LeaseWait<'static> = LeaseWait { sleep: &|_| Ok(()), timeout: Duration::ZERO };
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn leased<T>() -> io::Result<T> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    #[test]
    fn it_waits_as_long_as_it_may() {
        let pauses = RefCell::new(Vec::new());
        let note = |pause: Duration| {
            pauses.borrow_mut().push(pause);
            Ok(())
        };
        let wait = LeaseWait { sleep: &note, timeout: Duration::from_secs(1) };
        assert!(is_leased(&wait.open(leased::<()>).unwrap().unwrap_err()));
        assert_eq!(pauses.borrow().iter().sum::<Duration>(), Duration::from_secs(1));
        assert!(pauses.borrow().len() < 20);

        let tries = Cell::new(0);
        let opened = wait.open(|| {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { leased() } else { Ok(tries.get()) }
        });
        assert_eq!(opened.unwrap().unwrap(), 3);
    }

    #[test]
    fn it_ends_when_the_upload_does_and_waits_for_nothing_else() {
        let wait =
            LeaseWait { sleep: &|_| Err(Error::new(ErrorKind::Paused, "stopped")), timeout: Duration::from_secs(1) };
        assert_eq!(wait.open(leased::<()>).unwrap_err().kind(), ErrorKind::Paused);
        let missing = wait.open(|| Err::<(), _>(io::ErrorKind::NotFound.into())).unwrap();
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
