//! A child process whose output is read, in a host program that may ignore SIGCHLD or reap all children by itself.

use std::ffi::OsStr;
use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid};

use super::descriptor::moved_up;
use super::pidfd::PidFd;
use super::spawn::{Abilities, spawn};

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Status(i32),
    Signal,
    /// Somebody else has taken its status: the system, when the host ignores SIGCHLD, or a thread of the host.
    Unknown,
}

/// A child that does not outlive this value, and what it prints.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// Names the process for sure: its number may be given to another one when somebody else has reaped it.
    pidfd: Option<PidFd>,
    output: PipeReader,
    end: Option<End>,
}

impl Child {
    /// Has the shell carry `command` out, in `directory` or in the current one.
    pub(crate) fn start_by_shell(command: &str, directory: Option<&Path>) -> io::Result<Child> {
        Self::start(&["/bin/sh", "-c", command].map(OsStr::new), directory)
    }

    /// Starts the program `words[0]` with the others as its arguments, in `directory` or in the current one: see
    /// [`spawn`] for what it inherits.
    pub(crate) fn start(words: &[&OsStr], directory: Option<&Path>) -> io::Result<Child> {
        Self::start_with(words, directory, Abilities::of_this_system())
    }

    fn start_with(words: &[&OsStr], directory: Option<&Path>, abilities: Abilities) -> io::Result<Child> {
        let (read, write) = io::pipe()?;
        let read = PipeReader::from(moved_up(read.into())?);
        let write = moved_up(write.into())?;
        let pid = spawn(words, directory, write.as_fd(), abilities)?;
        let mut child = Child { pid, pidfd: None, output: read, end: None };
        child.open_pidfd();
        Ok(child)
    }

    /// Whether it has ended, and how.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<End>> {
        if self.end.is_none() {
            self.end = ended(waitid(self.id(), WaitIdOptions::EXITED | WaitIdOptions::NOHANG))?;
        }
        Ok(self.end)
    }

    /// Waits up to `time` for output, for its end or for the child's. True: a read does not block.
    pub(crate) fn wait_for_output(&mut self, time: Duration) -> io::Result<bool> {
        let time = Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
        let mut watched = vec![PollFd::new(&self.output, PollFlags::IN)];
        watched.extend(self.pidfd.as_ref().map(|pidfd| PollFd::new(pidfd, PollFlags::IN)));
        match poll(&mut watched, Some(&time)) {
            Ok(_) => Ok(!watched[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits up to `time` for its end, after its output has ended.
    pub(crate) fn wait_for_end(&self, time: Duration) {
        // Where there is nothing to wait for, it is asked again soon.
        let time = if self.pidfd.is_some() { time } else { time.min(Duration::from_millis(5)) };
        let time = Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
        let mut watched: Vec<_> = self.pidfd.iter().map(|pidfd| PollFd::new(pidfd, PollFlags::IN)).collect();
        // What comes of it is seen by try_wait.
        let _ = poll(&mut watched, Some(&time));
    }

    /// Kills it and its process group, unless it has ended. Nobody is killed who cannot be waited for: the number may be
    /// another process's by now.
    pub(crate) fn kill(&mut self) {
        if !matches!(self.try_wait(), Ok(None)) {
            return;
        }
        match &self.pidfd {
            Some(pidfd) => self.kill_by_pidfd(pidfd),
            None => {
                let _ = kill_process_group(self.pid, Signal::KILL);
                let _ = kill_process(self.pid, Signal::KILL);
            }
        }
        while self.end.is_none() {
            self.end = ended(waitid(self.id(), WaitIdOptions::EXITED)).unwrap_or(Some(End::Unknown));
        }
    }

    fn kill_by_pidfd(&self, pidfd: &PidFd) {
        if !pidfd.signal_group(Signal::KILL) {
            self.kill_group_of_stopped(pidfd);
        }
        // It may have left its group.
        pidfd.signal(Signal::KILL);
    }

    /// A stopped child does not end by itself, so that the number of its group stays its own.
    fn kill_group_of_stopped(&self, pidfd: &PidFd) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if pidfd.signal(Signal::STOP)
            && let Ok(None) = waitid(pidfd.id(), options)
        {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    fn id(&self) -> WaitId<'_> {
        match &self.pidfd {
            Some(pidfd) => pidfd.id(),
            None => WaitId::Pid(self.pid),
        }
    }

    /// Without one (an old system, no descriptor left) the child is waited for by its number.
    fn open_pidfd(&mut self) {
        let pidfd = match PidFd::open(self.pid) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                if Errno::from_io_error(&error) == Some(Errno::SRCH) {
                    self.end = Some(End::Unknown);
                }
                return;
            }
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(pidfd.id(), options) {
            // It was reaped before it was opened: this may be anybody.
            Err(Errno::CHILD) => self.end = Some(End::Unknown),
            // Linux 5.3 can open one, and not wait for it.
            Err(Errno::INVAL) => {}
            _ => self.pidfd = Some(pidfd),
        }
    }
}

impl Read for Child {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `None`: it runs. That it is no child of ours any more means that it has ended.
fn ended(waited: rustix::io::Result<Option<WaitIdStatus>>) -> io::Result<Option<End>> {
    match waited {
        Ok(status) => Ok(status.map(|status| status.exit_status().map_or(End::Signal, End::Status))),
        Err(Errno::CHILD) => Ok(Some(End::Unknown)),
        Err(Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs::{self, File};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    const LONG: Duration = Duration::from_secs(30);

    fn start(script: &str) -> Child {
        Child::start(&["/bin/sh", "-c", script].map(OsStr::new), None).unwrap()
    }

    /// Reads all that it prints, and waits for its end.
    fn finish(mut child: Child) -> (String, End) {
        let mut text = String::new();
        child.read_to_string(&mut text).unwrap();
        loop {
            if let Some(end) = child.try_wait().unwrap() {
                return (text, end);
            }
            child.wait_for_end(LONG);
        }
    }

    fn read_line(child: &mut Child) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while child.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn output_and_status_are_known() {
        assert_eq!(finish(start("echo out; echo err >&2; exit 7")), ("out\n".into(), End::Status(7)));
        assert_eq!(finish(start("kill -9 $$")).1, End::Signal);
        assert!(Child::start(&[OsStr::new("/nowhere/program")], None).is_err());
        assert!(Child::start(&[OsStr::new("a\0b")], None).is_err());
    }

    /// A host that blocks and ignores signals, and has descriptors that it did not mark.
    #[test]
    fn a_child_begins_clean() {
        let unmarked = inheritable(&File::open("/").unwrap());
        let (old_action, old_mask) = disturb_signals();
        for abilities in [Abilities::of_this_system(), Abilities::none()] {
            let words = ["cat", "/proc/self/status"].map(OsStr::new);
            let (status, _) = finish(Child::start_with(&words, None, abilities).unwrap());
            for set in ["SigBlk", "SigIgn"] {
                let line = status.lines().find(|line| line.starts_with(set)).unwrap();
                // 32 and 33 are the C library's own: it leaves them ignored, and takes them back when it needs them.
                let signals = u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap();
                assert_eq!(signals & !(0b11 << 31), 0, "{line}");
            }
            let words = ["sh", "-c", "cd /proc/$$/fd && echo *"].map(OsStr::new);
            let (open, _) = finish(Child::start_with(&words, None, abilities).unwrap());
            // The shell may keep one of its own, high up.
            let open: Vec<i32> = open.split_whitespace().map(|fd| fd.parse().unwrap()).collect();
            assert!(open.starts_with(&[0, 1, 2]) && !open.contains(&unmarked.as_raw_fd()), "{open:?}");
        }
        // SAFETY: what was there before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &old_mask, std::ptr::null_mut());
            libc::signal(libc::SIGUSR2, old_action);
        }
    }

    fn inheritable(file: &File) -> OwnedFd {
        // SAFETY: a new descriptor, which nobody else has.
        unsafe { OwnedFd::from_raw_fd(libc::dup(file.as_raw_fd())) }
    }

    fn disturb_signals() -> (libc::sighandler_t, libc::sigset_t) {
        // SAFETY: both sets are initialised; nobody else in this process uses SIGUSR2.
        unsafe {
            let (mut all, mut old) = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut old);
            (libc::signal(libc::SIGUSR2, libc::SIG_IGN), old)
        }
    }

    #[test]
    fn it_runs_where_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("-a b'c");
        fs::create_dir(&path).unwrap();
        for abilities in [Abilities::of_this_system(), Abilities::none()] {
            let words = ["sh", "-c", "pwd -P"].map(OsStr::new);
            let (printed, _) = finish(Child::start_with(&words, Some(&path), abilities).unwrap());
            assert_eq!(printed.trim_end(), path.to_str().unwrap());
        }
    }

    #[test]
    fn who_was_reaped_by_another_has_ended() {
        for with_pidfd in [true, false] {
            let mut child = start("exit 3");
            assert!(child.pidfd.is_some(), "this system has them");
            if !with_pidfd {
                child.pidfd = None;
            }
            waitid(WaitId::Pid(child.pid), WaitIdOptions::EXITED).unwrap();
            assert_eq!(finish(child), (String::new(), End::Unknown));
        }
    }

    #[test]
    fn who_was_reaped_by_another_is_not_killed() {
        for with_pidfd in [true, false] {
            // Somebody else has the number: here a process that is still in its group.
            let mut child = start("sleep 3600 >/dev/null & echo $!");
            let other = Pid::from_raw(read_line(&mut child).parse().unwrap()).unwrap();
            if !with_pidfd {
                child.pidfd = None;
            }
            waitid(WaitId::Pid(child.pid), WaitIdOptions::EXITED).unwrap();
            child.kill();
            drop(child);
            let stat = fs::read_to_string(format!("/proc/{}/stat", other.as_raw_nonzero())).unwrap();
            assert!(!stat.contains(") Z "), "{stat}");
            kill_process(other, Signal::KILL).unwrap();
        }
    }

    #[test]
    fn it_is_killed_with_its_group() {
        for with_pidfd in [true, false] {
            let mut child = start("sleep 3600 & echo $!; wait");
            read_line(&mut child);
            if !with_pidfd {
                child.pidfd = None;
            }
            child.kill();
            assert_eq!(child.end, Some(End::Signal));
            // The pipe ends when the last of them has ended.
            assert_eq!(child.read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn an_old_system_kills_the_group_too() {
        let mut child = start("sleep 3600 & echo $!; wait");
        read_line(&mut child);
        let pidfd = child.pidfd.take().unwrap();
        child.kill_group_of_stopped(&pidfd);
        assert_eq!(child.read(&mut [0]).unwrap(), 0);
    }
}
