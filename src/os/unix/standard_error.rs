//! Standard error, for the log.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::signals;

/// The program's standard error as it was at a certain time. Nothing is written to anything else that has got its
/// number since: a program may close it, and open a file of its own.
#[derive(Debug, Default)]
pub(crate) struct StandardError {
    /// Device and inode; `None` when it was closed.
    identity: Option<(u64, u64)>,
}

impl StandardError {
    /// The one that the program has now.
    pub(crate) fn now() -> Self {
        StandardError { identity: duplicate().ok().and_then(|own| identity(own.as_fd())) }
    }

    /// Writes a line, unless the program's standard error is another one by now. That it cannot be written is no failure:
    /// a daemon may have closed it, and nobody may read it any more. No signal is raised then.
    pub(crate) fn write_line(&self, line: &str) {
        if self.identity.is_none() {
            return;
        }
        // A descriptor of our own for this line: the number 2 may lead elsewhere at any moment.
        let Ok(own) = duplicate() else { return };
        if identity(own.as_fd()) == self.identity {
            signals::without_signals_of_writes(|| write_all(own.as_fd(), format!("{line}\n").as_bytes()));
        }
    }
}

fn duplicate() -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3)?)
}

/// `None` for what cannot be written, such as a descriptor that only names a path.
fn identity(descriptor: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let found = rustix::fs::fstat(descriptor).ok()?;
    #[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
    Some((found.st_dev as u64, found.st_ino as u64))
}

/// In one write as a rule, so that lines of several threads do not mix.
fn write_all(descriptor: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::write(descriptor, bytes) {
            Ok(0) => return,
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
