//! Signals belong to the program: the library neither takes them nor raises them.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIG_BLOCK, SIG_SETMASK, c_int, sigset_t};

/// What a thread that does something wrong raises in itself. The kernel ends the program when such a signal is blocked,
/// and a program that reports crashes could not report it. SIGABRT is among them for abort(). All others, SIGPROF of
/// profilers too, are sent to the program, and another of its threads takes them.
const OF_THE_THREAD_ITSELF: [c_int; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS, libc::SIGABRT];

/// What a write raises in the thread that writes: to a pipe that nobody reads, and beyond RLIMIT_FSIZE.
const OF_WRITES: [c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

/// Runs `work`, which makes a thread. The new one inherits the mask: there is no moment in which it takes a signal.
/// What is sent to this thread meanwhile waits.
pub(super) fn while_blocked<T>(work: impl FnOnce() -> T) -> T {
    let mut signals = all();
    for signal in OF_THE_THREAD_ITSELF {
        // SAFETY: the set is initialised, and these are signals.
        unsafe { libc::sigdelset(&mut signals, signal) };
    }
    let _blocked = Blocked::new(&signals);
    work()
}

/// Runs `work`, whose writes fail with EPIPE or EFBIG and raise no signal. For writes on a thread of the program, where
/// such a signal would end it; those of the library have the signals blocked for good.
pub(crate) fn without_signals_of_writes<T>(work: impl FnOnce() -> T) -> T {
    let _quiet = QuietWrites::new();
    work()
}

/// Signals that this thread does not take before this is dropped.
struct Blocked {
    before: sigset_t,
    /// The mask is that of this thread.
    not_send: PhantomData<*const ()>,
}

impl Blocked {
    fn new(signals: &sigset_t) -> Self {
        let mut before = empty();
        // SAFETY: both sets are initialised. It fails for another `how` only. glibc leaves its own signals alone.
        unsafe { libc::pthread_sigmask(SIG_BLOCK, signals, &mut before) };
        Blocked { before, not_send: PhantomData }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { libc::pthread_sigmask(SIG_SETMASK, &self.before, ptr::null_mut()) };
    }
}

/// Blocks [`OF_WRITES`], and takes away those that came in the meantime before they are let in again.
struct QuietWrites {
    /// They came before: whoever has blocked them wants to have them.
    pending: sigset_t,
    /// Dropped after [`QuietWrites`] itself.
    _blocked: Blocked,
}

impl QuietWrites {
    fn new() -> Self {
        let pending = pending();
        let mut signals = empty();
        for signal in OF_WRITES {
            // SAFETY: the set is initialised, and these are signals.
            unsafe { libc::sigaddset(&mut signals, signal) };
        }
        QuietWrites { pending, _blocked: Blocked::new(&signals) }
    }
}

impl Drop for QuietWrites {
    fn drop(&mut self) {
        let now = pending();
        for signal in OF_WRITES.into_iter().filter(|signal| contains(&now, *signal)) {
            if !contains(&self.pending, signal) {
                take(signal);
            }
        }
    }
}

/// Takes a blocked signal that is pending for this thread. There is no way to take it only if it still is.
#[cfg(target_vendor = "apple")]
fn take(signal: c_int) {
    let (mut set, mut taken) = (empty(), 0);
    // SAFETY: the set is initialised, and the signal is written.
    unsafe {
        libc::sigaddset(&mut set, signal);
        libc::sigwait(&set, &mut taken);
    }
}

/// Takes a blocked signal that is pending for this thread, if it still is.
#[cfg(not(target_vendor = "apple"))]
fn take(signal: c_int) {
    let mut set = empty();
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set is initialised, no details are asked for, and the time is valid.
    unsafe {
        libc::sigaddset(&mut set, signal);
        while libc::sigtimedwait(&set, ptr::null_mut(), &none) == -1
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
    }
}

fn empty() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset() initialises the set, and cannot fail.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn all() -> sigset_t {
    let mut set = empty();
    // SAFETY: the set is valid.
    unsafe { libc::sigfillset(&mut set) };
    set
}

fn pending() -> sigset_t {
    let mut set = empty();
    // SAFETY: the set is valid.
    unsafe { libc::sigpending(&mut set) };
    set
}

fn contains(set: &sigset_t, signal: c_int) -> bool {
    // SAFETY: the set is initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// The signals that this thread has blocked.
    pub(crate) fn blocked() -> Vec<c_int> {
        let mut mask = empty();
        // SAFETY: the mask is only read.
        unsafe { libc::pthread_sigmask(SIG_BLOCK, ptr::null(), &mut mask) };
        (1..=libc::SIGRTMAX()).filter(|signal| contains(&mask, *signal)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::OwnedFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::testing::blocked;
    use super::*;

    fn broken_pipe() -> File {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        OwnedFd::from(writer).into()
    }

    fn raise(signal: c_int) {
        // SAFETY: the signal is sent to this thread, which has it blocked.
        assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), signal) }, 0);
    }

    /// Rust's runtime ignores SIGPIPE, and what is ignored does not become pending: SIGXFSZ stands for both here.
    #[test]
    fn what_comes_during_a_write_is_taken_and_the_mask_is_as_before() {
        let before = blocked();
        let wrote = without_signals_of_writes(|| {
            assert!(blocked().contains(&libc::SIGPIPE));
            raise(libc::SIGXFSZ);
            broken_pipe().write_all(b"x")
        });
        assert_eq!(wrote.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(blocked(), before, "and this process lives");
        let _ = catch_unwind(AssertUnwindSafe(|| without_signals_of_writes(|| panic!("on purpose"))));
        assert_eq!(blocked(), before);
    }

    #[test]
    fn what_came_before_is_left_to_who_has_blocked_it() {
        let mut signals = empty();
        // SAFETY: the set is valid.
        unsafe { libc::sigaddset(&mut signals, libc::SIGXFSZ) };
        let _blocked = Blocked::new(&signals);
        raise(libc::SIGXFSZ);
        without_signals_of_writes(|| ());
        assert!(contains(&pending(), libc::SIGXFSZ));
        take(libc::SIGXFSZ);
        assert!(!contains(&pending(), libc::SIGXFSZ));
        without_signals_of_writes(|| raise(libc::SIGXFSZ));
        assert!(!contains(&pending(), libc::SIGXFSZ), "ours, though the program has it blocked");
    }
}
