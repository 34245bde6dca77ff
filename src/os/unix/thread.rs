//! Threads of the library.

use std::io;
#[cfg(not(shuttle))]
use std::thread::{Builder, JoinHandle};

#[cfg(shuttle)]
use shuttle::thread::{Builder, JoinHandle};

use super::signals;

/// Starts a thread of the library. Every thread that the library makes is made here: none of them
/// takes a signal that the program waits for or handles.
pub(crate) fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    signals::while_blocked(|| Builder::new().name(name.into()).spawn(work))
}

/// Whether this is the program's first thread, or that is not known.
pub(crate) fn is_first() -> bool {
    #[cfg(target_os = "linux")]
    return rustix::thread::gettid() == rustix::process::getpid();
    #[cfg(not(target_os = "linux"))]
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::signals::testing::blocked;

    #[test]
    fn a_thread_takes_no_signal_and_the_one_that_makes_it_keeps_its_own() {
        let before = blocked();
        let signals = spawn("test", blocked).unwrap().join().unwrap();
        assert_eq!(blocked(), before);
        for signal in [libc::SIGTERM, libc::SIGCHLD, libc::SIGPIPE, libc::SIGXFSZ, libc::SIGPROF, libc::SIGRTMIN()] {
            assert!(signals.contains(&signal), "signal {signal} is not blocked");
        }
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT] {
            assert!(!signals.contains(&signal), "signal {signal} is blocked");
        }
    }
}
