//! Regular files: opened without waiting, created whole, read and written by position, and how long they are.

use std::fs::{File, OpenOptions, symlink_metadata};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, StatxFlags, statx};

use super::descriptor;
use super::refusal::Refusal;

/// Opens a file to read it, and waits for nobody: not for the other end of a FIFO, and not for another process that holds
/// a lease on the file. That is `WouldBlock`, and asks the other process to give the lease back.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    descriptor::open(|| OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path))
}

/// Opens a file to read and write it, and waits for nobody, as [`open_to_read`]. Never follows a symbolic link, in whose
/// place somebody else may have put it, and never takes a terminal over.
pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
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
    match statx(file, "", AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC, StatxFlags::SIZE) {
        Ok(about) => Ok(about.stx_size),
        // An old kernel, or a sandbox that forbids the call.
        Err(_) => file.metadata().map(|about| about.len()),
    }
}

/// Makes a file that only this user may open and that holds `content`, at a path where nothing is, and locks it with
/// `lock`. `None` when somebody else was faster.
///
/// The content is on the disk and the lock is held before the file has its name. So nobody finds it empty, not even after
/// a kill or a power cut. Where the file system cannot make a file without a name (NFS, FAT, some FUSE), the name comes
/// first: others may find it empty for a moment, and a kill in that moment leaves it so.
pub(crate) fn create_whole(
    path: &Path,
    directory: &Path,
    content: &[u8],
    lock: impl Fn(&File) -> io::Result<()>,
) -> io::Result<Option<File>> {
    if let Ok(file) = create_unnamed(directory) {
        fill(&file, content)?;
        lock(&file)?;
        match give_name(&file, path) {
            Ok(()) => return Ok(Some(file)),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            // A sandbox without /proc, or a file system without links.
            Err(_) => {}
        }
    }
    let file = match create_named(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(cause) => return Err(cause),
    };
    match fill(&file, content).and_then(|()| lock(&file)) {
        Ok(()) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(cause) => {
            let _ = std::fs::remove_file(path);
            Err(cause)
        }
    }
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

fn fill(file: &File, content: &[u8]) -> io::Result<()> {
    // By position: who reads the file next begins at its beginning.
    file.write_all_at(content, 0)?;
    file.sync_data()
}

/// Creates a file for reading and writing, of this user only, that was not there.
pub(crate) fn create_named(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY;
    descriptor::open(|| {
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)
    })
}

#[cfg(target_os = "linux")]
fn create_unnamed(directory: &Path) -> io::Result<File> {
    descriptor::open(|| {
        OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(directory)
    })
}

#[cfg(not(target_os = "linux"))]
fn create_unnamed(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Fails when something has that name.
fn give_name(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(rustix::fs::CWD, open, rustix::fs::CWD, path, AtFlags::SYMLINK_FOLLOW)?)
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

    #[test]
    fn a_file_is_made_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let names = || fs::read_dir(directory.path()).unwrap().count();
        let refuse = |_: &File| Err(io::Error::from_raw_os_error(libc::ENOLCK));
        create_whole(&path, directory.path(), b"content", refuse).unwrap_err();
        assert_eq!(names(), 0);
        let unseen = |file: &File| {
            assert_eq!(file.metadata()?.len(), 7, "its content is there");
            assert!(!path.exists(), "before its name is");
            Ok(())
        };
        let file = create_whole(&path, directory.path(), b"content", unseen).unwrap().unwrap();
        assert_eq!(size_now(&file).unwrap(), 7);
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert!(create_whole(&path, directory.path(), b"other", |_| Ok(())).unwrap().is_none());
        assert_eq!((fs::read(&path).unwrap(), names()), (b"content".to_vec(), 1));
    }
}
