//! Who holds a lock on a file. A child process that was forked shares the locks of its parent, and keeps them when that
//! has ended.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Whether a process holds a lock on what is open as `file`. `None`: that cannot be told, since it is another user's. A
/// process of another container or machine is taken for one that has ended.
pub(crate) fn holds(process: u32, file: &File) -> Option<bool> {
    match has_locked(process, &name_of(file)?) {
        Ok(held) => Some(held),
        Err(ErrorKind::NotFound) => Some(false),
        Err(_) if has_ended(process) => Some(false),
        Err(_) => None,
    }
}

/// The processes of this machine that hold a lock on what is open as `file`, as far as this user may know.
pub(crate) fn holders(file: &File) -> Vec<u32> {
    let (Some(name), Ok(processes)) = (name_of(file), fs::read_dir("/proc")) else { return Vec::new() };
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| has_locked(*process, &name).unwrap_or(false)).collect()
}

fn name_of(file: &File) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Compares names only: a look at the files themselves may hang where a network does not answer.
fn has_locked(process: u32, name: &Path) -> Result<bool, ErrorKind> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).map_err(|error| error.kind())?;
    Ok(descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path()).is_ok_and(|open| open == name)
            && is_locked_by(process, &descriptor.file_name().to_string_lossy())
    }))
}

fn is_locked_by(process: u32, descriptor: &str) -> bool {
    let about = fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}"));
    about.is_ok_and(|about| about.lines().any(|line| line.starts_with("lock:") && line.contains("FLOCK")))
}

fn has_ended(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}
