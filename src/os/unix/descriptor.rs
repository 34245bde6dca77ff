//! Descriptors of the library are none of the three of the standard streams.
//!
//! In a program that has closed one of these, the next open() gets its number, and what the program prints from then on
//! would go into a checkpoint or into a connection.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};

/// The first number that is not that of a standard stream.
const FIRST: RawFd = 3;
/// How often it is tried to keep the standard numbers to this thread: some milliseconds in all.
const ATTEMPTS: u32 = 1000;

/// Opens something, so that its descriptor is 3 or more.
pub(crate) fn open<T, E>(open: impl FnOnce() -> Result<T, E>) -> io::Result<T>
where
    T: From<OwnedFd> + Into<OwnedFd>,
    io::Error: From<E>,
{
    let opened = away_from_standard(open)?;
    moved_up(opened.into()).map(T::from)
}

/// Runs `work`; what it opens gets none of the standard numbers. When one of them is free it holds something meanwhile
/// that can be neither read nor written: code that uses the number by mistake finds it as good as closed.
pub(crate) fn away_from_standard<T>(work: impl FnOnce() -> T) -> T {
    let _reserved = Reserved::new();
    work()
}

/// The same file by a number of 3 or more: where a program has closed its standard descriptors, theirs are given out.
pub(super) fn moved_up(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(&descriptor, FIRST)?)
}

/// The standard numbers that were free.
#[derive(Default)]
struct Reserved {
    held: Vec<OwnedFd>,
}

impl Reserved {
    /// As long as another thread of the library holds some of the numbers, they may become free at any moment: its turn
    /// ends first. That is seen by the descriptors themselves; there is no lock that a fork could leave locked.
    fn new() -> Self {
        for _ in 0..ATTEMPTS {
            if (0..FIRST).all(is_of_program) {
                return Reserved::default();
            }
            let (reserved, complete) = Reserved::take();
            if complete {
                return reserved;
            }
            drop(reserved);
            std::thread::yield_now();
        }
        Reserved::default()
    }

    /// What is free at the moment, and whether that is all that the program does not use.
    fn take() -> (Self, bool) {
        let mut held = Vec::new();
        loop {
            match placeholder() {
                Ok(descriptor) if descriptor.as_raw_fd() < FIRST => held.push(descriptor),
                Ok(_) => break,
                // No descriptor is left: the caller will meet the same, and can tell why.
                Err(_) => return (Reserved { held }, true),
            }
        }
        let is_ours = |number: RawFd| held.iter().any(|descriptor| descriptor.as_raw_fd() == number);
        let complete = (0..FIRST).all(|number| is_ours(number) || is_of_program(number));
        (Reserved { held }, complete)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        for descriptor in self.held.drain(..) {
            // The program may have put something of its own there, by dup2() for example: that is not ours to close.
            if !is_placeholder(descriptor.as_raw_fd()) {
                let _ = descriptor.into_raw_fd();
            }
        }
    }
}

/// Names a directory, and allows nothing else.
fn placeholder() -> rustix::io::Result<OwnedFd> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open("/", flags, Mode::empty())
}

fn is_placeholder(number: RawFd) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return flags(number).is_some_and(|flags| flags & libc::O_PATH != 0);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    flags(number).is_some()
}

/// Whether the number is in use, and not by one of our placeholders.
fn is_of_program(number: RawFd) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return flags(number).is_some_and(|flags| flags & libc::O_PATH == 0);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    flags(number).is_some()
}

/// How the descriptor was opened; `None` when it is closed.
fn flags(number: RawFd) -> Option<i32> {
    // SAFETY: it only reads, and fails for a number that is no descriptor.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
    (flags >= 0).then_some(flags)
}
