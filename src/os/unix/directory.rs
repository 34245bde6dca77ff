//! Directories.

use std::fs::{DirBuilder, File, FileType};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::path::Path;

use super::descriptor;

/// Makes names that were put into the directory, or taken out of it, survive a power cut, where that is possible.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    match descriptor::open(|| File::open(directory)).and_then(|directory| directory.sync_all()) {
        // Not all file systems can sync a directory, and not every directory that we may write to may be read.
        Err(cause) if !matches!(cause.raw_os_error(), Some(libc::EIO | libc::ENOSPC | libc::EDQUOT)) => Ok(()),
        result => result,
    }
}

/// Makes a directory that only this user can look into. One that is there already is as good.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        result => result,
    }
}

/// What something in a directory is, when it is no regular file.
pub(crate) fn describe(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "no regular file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_synced_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        sync(directory.path()).unwrap();
        sync(&directory.path().join("missing")).unwrap();
    }
}
