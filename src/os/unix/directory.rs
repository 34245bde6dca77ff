//! Directories.

use std::fs::File;
use std::io;
use std::path::Path;

use super::descriptor;

/// Makes names that were put into the directory, or taken out of it, survive a power cut, where that is possible.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    match descriptor::open(|| File::open(directory)).and_then(|directory| directory.sync_all()) {
        // Not all file systems can sync a directory, and not every directory that we may write to may be read.
        Err(cause) if !matches!(cause.raw_os_error(), Some(libc::EIO | libc::ENOSPC | libc::EDQUOT)) => Ok(()),
        result => result,
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
