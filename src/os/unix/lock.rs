//! Who holds a lock on a file. A child process that was forked shares the locks of its parent, and keeps them when that
//! has ended.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Takes the lock of a file, for as long as it is open, if nobody has it.
pub(crate) fn try_lock(file: &File) -> Result<(), TryLockError> {
    file.try_lock()
}

/// Gives the lock of a file back.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    file.unlock()
}

/// Whether a process has ended. One of another container or machine looks the same.
pub(crate) fn has_ended(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH)) || is_zombie(process)
}

/// It has closed its files, but nobody has waited for it yet.
fn is_zombie(process: u32) -> bool {
    // The state follows the name, which may hold anything, in parentheses.
    let stat = fs::read(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplitn(2, |byte| *byte == b')').next().and_then(|rest| rest.get(1));
    matches!(state, Some(b'Z' | b'X'))
}

/// The processes of this machine that hold a lock on what is open as `file`, as far as this user may know.
pub(crate) fn holders(file: &File) -> Vec<u32> {
    let (Ok(about), Ok(processes)) = (file.metadata(), fs::read_dir("/proc")) else { return Vec::new() };
    let inode = format!(":{}", about.ino());
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| has_locked(*process, &inode)).collect()
}

/// Reads what the kernel tells of open files; a look at the files themselves may hang where a network does not answer.
fn has_locked(process: u32, inode: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fdinfo")) else { return false };
    // "lock: 1: FLOCK ADVISORY WRITE 4242 fe:00:9977940 0 EOF"
    let is_it = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        words.next() == Some("lock:") && words.nth(1) == Some("FLOCK") && words.any(|word| word.ends_with(inode))
    };
    let about = |descriptor: fs::DirEntry| fs::read_to_string(descriptor.path()).unwrap_or_default();
    descriptors.flatten().map(about).any(|about| about.lines().any(is_it))
}
