//! Directories.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::privacy;

/// Does nothing: NTFS and ReFS keep a log of names, and no program can have it written.
pub(crate) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a directory that only this user can look into. One that is there already is as good.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(cause) => Err(cause),
        Ok(()) => privacy::close_directory(directory),
    }
}

/// What something in a directory is, when it is no regular file.
pub(crate) fn describe(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else {
        "no regular file"
    }
}
