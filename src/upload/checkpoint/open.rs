//! Finds the checkpoint file, or creates it, and locks it.

use std::fs::{File, OpenOptions, Permissions, TryLockError, remove_file, symlink_metadata};
use std::io::{self, ErrorKind as Io};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use rustix::process::geteuid;

use super::line::{FIRST_LINE, holder_of};
use crate::error::{Error, ErrorKind, Result};
use crate::os::descriptor;

/// How often the path may lead to a file that its last holder is just deleting.
const ATTEMPTS: u32 = 100;

/// A checkpoint file whose lock this process holds until it is closed.
pub(super) struct Held {
    pub file: File,
    /// It was not there before.
    pub created: bool,
}

pub(super) fn open_and_lock(path: &Path) -> Result<Held> {
    for _ in 0..ATTEMPTS {
        let Some(held) = open_or_create(path)? else { continue };
        lock(&held, path)?;
        // The holder before may have deleted the file between our open and our lock.
        if is_at(&held.file, path).map_err(|cause| refused("look at", path, &cause))? {
            return Ok(held);
        }
    }
    let what = format!("the checkpoint file {} is deleted and made again by others all the time", path.display());
    Err(Error::new(ErrorKind::CheckpointBusy, what).hint("choose another checkpoint path").with_retryable(true))
}

/// Opens a checkpoint file to read it, without its lock.
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    check_kind(path).map_err(|cause| refused("open", path, &cause))?;
    let file = descriptor::open(|| careful().read(true).open(path));
    file.map_err(|cause| refused("open", path, &cause))
}

/// `None` when it appeared or went away in between.
fn open_or_create(path: &Path) -> Result<Option<Held>> {
    match check_kind(path).and_then(|()| descriptor::open(|| careful().read(true).write(true).open(path))) {
        Ok(file) => return Ok(Some(Held { file, created: false })),
        Err(cause) if cause.kind() == Io::NotFound => {}
        Err(cause) => return Err(refused("open", path, &cause)),
    }
    match descriptor::open(|| careful().read(true).write(true).create_new(true).mode(0o600).open(path)) {
        Ok(file) => Ok(Some(Held { file, created: true })),
        Err(cause) if cause.kind() == Io::AlreadyExists => Ok(None),
        Err(cause) => Err(refused("create", path, &cause)),
    }
}

/// Never follows a symbolic link, in whose place somebody else may have put it, and never takes a terminal over.
fn careful() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY);
    options
}

/// Refuses what is no regular file before opening it, because opening a device can already do something.
fn check_kind(path: &Path) -> io::Result<()> {
    let kind = symlink_metadata(path)?.file_type();
    let errno = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_symlink() => libc::ELOOP,
        kind if kind.is_dir() => libc::EISDIR,
        _ => libc::EINVAL,
    };
    Err(io::Error::from_raw_os_error(errno))
}

fn lock(held: &Held, path: &Path) -> Result<()> {
    match held.file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(busy(&held.file, path)),
        Err(TryLockError::Error(cause)) => {
            if held.created {
                let _ = remove_file(path);
            }
            Err(refused("lock", path, &cause))
        }
    }
}

fn busy(file: &File, path: &Path) -> Error {
    let mut first = [0; FIRST_LINE];
    let holder = match file.read_exact_at(&mut first, 0).ok().and_then(|()| holder_of(&first)) {
        Some(pid) if pid == process::id() => format!("another upload of this process ({pid})"),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    let what = format!("the checkpoint file {} is in use by {holder}", path.display());
    Error::new(ErrorKind::CheckpointBusy, what)
        .hint("wait until that upload ends, or choose another checkpoint path")
        .with_retryable(true)
}

/// Whether `path` still leads to `file`.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(cause) if cause.kind() == Io::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Makes sure that nobody else can read or write the file, and that nobody else has put it there.
pub(super) fn make_private(file: &File, path: &Path) -> Result<()> {
    let metadata = file.metadata().map_err(|cause| refused("look at", path, &cause))?;
    let trusted = is_trusted(metadata.uid(), path);
    if metadata.mode() & 0o077 == 0 && trusted {
        return Ok(());
    }
    // The kernel knows better whose file it is than numbers do: a network file system may map them.
    match file.set_permissions(Permissions::from_mode(0o600)) {
        Err(cause) if !trusted => Err(refused("use", path, &cause)),
        // File systems without permissions, such as FAT, do not let us.
        _ => Ok(()),
    }
}

/// Whether `owner` is this user, or owns the directory and so could exchange the file in it anyway.
fn is_trusted(owner: u32, path: &Path) -> bool {
    owner == geteuid().as_raw() || symlink_metadata(directory_of(path)).is_ok_and(|dir| dir.uid() == owner)
}

/// Makes a name that was put into the directory of `path`, or taken out of it, survive a power cut.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match descriptor::open(|| File::open(directory_of(path))).and_then(|directory| directory.sync_all()) {
        // Not all file systems can sync a directory, and not every directory that we may write to may be read.
        Err(cause) if !matches!(cause.raw_os_error(), Some(libc::EIO | libc::ENOSPC | libc::EDQUOT)) => Ok(()),
        result => result,
    }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("/"),
    }
}

/// The operating system said no: what to do about it depends on why.
pub(super) fn refused(verb: &str, path: &Path, cause: &io::Error) -> Error {
    let what = format!("cannot {verb} the checkpoint file {}", path.display());
    Error::os(ErrorKind::Checkpoint, what, cause).hint(advice(cause, path))
}

fn advice(cause: &io::Error, path: &Path) -> String {
    let text = match cause.raw_os_error().unwrap_or(0) {
        libc::ENOENT if !directory_of(path).exists() => {
            return format!("the directory {} does not exist: create it", directory_of(path).display());
        }
        libc::ENOENT => "it does not exist, and cannot be created there: choose another checkpoint path",
        libc::ENOTDIR => "a part of its path is a file: choose another checkpoint path",
        libc::ELOOP => "symbolic links are not followed: give the path of the file itself",
        libc::EISDIR => "it is a directory: give a file's path, or name it as checkpoint_dir",
        libc::EINVAL => "it is not a regular file: choose another checkpoint path",
        libc::EACCES | libc::EPERM => {
            return format!(
                "the user {} must own it and may write in its directory: allow that, or choose another checkpoint path",
                geteuid().as_raw()
            );
        }
        libc::EROFS => "the file system is read-only: choose a checkpoint path or checkpoint_dir elsewhere",
        libc::ENAMETOOLONG => "its name is too long: choose another checkpoint path, or a checkpoint_dir",
        libc::ENOSPC | libc::EDQUOT => "free some space, or choose a checkpoint path elsewhere",
        libc::EFBIG => "this process may not write files so large: raise its limit (RLIMIT_FSIZE, ulimit -f)",
        libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS => "that file system has no locks: choose a path elsewhere",
        _ => "choose another checkpoint path",
    };
    text.to_owned()
}
