//! Regular files: opened without waiting, created without a name, read and written by position, and how long they are.

use std::fs::{File, OpenOptions, symlink_metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, linkat};
#[cfg(target_os = "linux")]
use rustix::fs::{StatxFlags, statx};

use super::descriptor;
use crate::os::refusal::Refusal;

/// Opens a file to read it, and waits for nobody: not for the other end of a FIFO, and not for another process that holds
/// a lease on the file. That is `WouldBlock`, and asks the other process to give the lease back.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    descriptor::open(|| OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path))
}

/// Opens a file to read and write it, and waits for nobody, as [`open_to_read`]. Never follows a symbolic link, in whose
/// place somebody else may have put it, and never takes a terminal over.
pub(crate) fn open_itself_to_write(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
    descriptor::open(|| OpenOptions::new().read(true).write(true).custom_flags(flags).open(path))
}

/// Opens a file to read it. Never follows a symbolic link, and never takes a terminal over.
pub(crate) fn open_itself_to_read(path: &Path) -> io::Result<File> {
    descriptor::open(|| OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY).open(path))
}

/// Refuses what is no regular file, links included, without opening it: to open a device can already do something.
pub(crate) fn check_is_regular(path: &Path) -> io::Result<()> {
    let kind = symlink_metadata(path)?.file_type();
    match kind {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_symlink() => Err(Refusal::Link.error()),
        kind if kind.is_dir() => Err(Refusal::Directory.error()),
        _ => Err(Refusal::NotRegular.error()),
    }
}

/// Fills some of `buffer` from `offset`; 0 at the end of the file. Threads can read at the same time.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Reads from `offset` what there is room for behind what `bytes` holds; 0 at the end of the file.
pub(crate) fn read_more_at(file: &File, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
    Ok(rustix::io::pread(file, rustix::buffer::spare_capacity(bytes), offset)?)
}

/// Fills all of `buffer` from `offset`, or fails.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Writes all of `bytes` to `offset`, with one system call as a rule.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// How many bytes the file has now. A network file system is asked anew, instead of what is remembered of it.
pub(crate) fn size_now(file: &File) -> io::Result<u64> {
    #[cfg(target_os = "linux")]
    if let Ok(about) = statx(file, "", AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC, StatxFlags::SIZE) {
        return Ok(about.stx_size);
    }
    // Another system, an old kernel, or a sandbox that forbids the call.
    file.metadata().map(|about| about.len())
}

/// Makes a file in `directory` that has no name, or none for long, and is gone when it is closed.
pub(crate) fn create_temporary(directory: &Path) -> io::Result<File> {
    if let Ok(file) = create_unnamed(directory) {
        return Ok(file);
    }
    // The number keeps two uploads of a process apart, the process id those of two processes.
    for attempt in 0..1000 {
        let path = directory.join(format!(".oss-upload-{}-{attempt}.spool", std::process::id()));
        match create_named(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cause),
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes sure that there is space for so many bytes from `offset` on, where the file system can tell.
pub(crate) fn reserve(file: &File, offset: u64, size: u64) -> io::Result<()> {
    match reserve_space(file, offset, size) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(target_os = "linux")]
fn reserve_space(file: &File, offset: u64, size: u64) -> rustix::io::Result<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, offset, size)
}

#[cfg(not(target_os = "linux"))]
fn reserve_space(_: &File, _: u64, _: u64) -> rustix::io::Result<()> {
    Err(rustix::io::Errno::NOSYS)
}

/// Creates a file for reading and writing, of this user only, that was not there.
pub(crate) fn create_named(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY;
    descriptor::open(|| {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)
    })
}

#[cfg(target_os = "linux")]
pub(crate) fn create_unnamed(directory: &Path) -> io::Result<File> {
    descriptor::open(|| {
        OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(directory)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn create_unnamed(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives a file of [`create_unnamed`] its name. Fails when something has that name.
pub(crate) fn give_name(file: &File, path: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Gives an open file another name, which nothing must have. Not where the file system has no links.
pub(crate) fn rename_to_free(_: &File, from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to)?;
    // Of two names, the other one may stay.
    let _ = std::fs::remove_file(from);
    Ok(())
}

/// Gives a file another name, in the place of what has that name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// What is known of the process in whose way an [`open_to_read`] is.
pub(crate) const HELD: &str = "holds a lease on it";

/// Whether another process is in the way of an [`open_to_read`], which may succeed once that gives the file back.
pub(crate) fn is_held(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_temporary_file_leaves_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = create_temporary(directory.path()).unwrap();
        reserve(&file, 10, 100).unwrap();
        write_all_at(&file, b"content", 10).unwrap();
        let mut content = [0; 7];
        read_exact_at(&file, &mut content, 10).unwrap();
        assert_eq!((&content, fs::read_dir(directory.path()).unwrap().count()), (b"content", 0));
        assert!(create_temporary(&directory.path().join("missing")).is_err());
    }
}
