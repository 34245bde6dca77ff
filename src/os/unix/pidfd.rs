//! Descriptors that name a process for sure, unlike its number, which may be given to another. Only Linux has them.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

    use rustix::process::{Pid, PidfdFlags, Signal, WaitId, pidfd_open, pidfd_send_signal};

    use crate::os::descriptor::moved_up;

    #[derive(Debug)]
    pub(crate) struct PidFd(OwnedFd);

    impl PidFd {
        pub(crate) fn open(pid: Pid) -> io::Result<PidFd> {
            Ok(PidFd(moved_up(pidfd_open(pid, PidfdFlags::empty())?)?))
        }

        /// By which it is waited for.
        pub(crate) fn id(&self) -> WaitId<'_> {
            WaitId::PidFd(self.0.as_fd())
        }

        /// False: there is no such process any more.
        pub(crate) fn signal(&self, signal: Signal) -> bool {
            pidfd_send_signal(&self.0, signal).is_ok()
        }

        /// Sends a signal to the group that the process leads. False: this system cannot (Linux before 6.9).
        pub(crate) fn signal_group(&self, signal: Signal) -> bool {
            let no_information: *const libc::siginfo_t = std::ptr::null();
            // SAFETY: the descriptor is open, and no memory is handed over.
            let sent = unsafe {
                libc::syscall(
                    libc::SYS_pidfd_send_signal,
                    self.0.as_raw_fd(),
                    signal.as_raw(),
                    no_information,
                    libc::PIDFD_SIGNAL_PROCESS_GROUP,
                )
            };
            sent == 0
        }
    }

    impl AsFd for PidFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};

    use rustix::process::{Pid, Signal, WaitId};

    #[derive(Debug)]
    pub(crate) enum PidFd {}

    impl PidFd {
        pub(crate) fn open(_: Pid) -> io::Result<PidFd> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn id(&self) -> WaitId<'_> {
            match *self {}
        }

        pub(crate) fn signal(&self, _: Signal) -> bool {
            match *self {}
        }

        pub(crate) fn signal_group(&self, _: Signal) -> bool {
            match *self {}
        }
    }

    impl AsFd for PidFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match *self {}
        }
    }
}

pub(super) use system::PidFd;
