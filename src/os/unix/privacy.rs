//! Who may read and write a file.

use std::fs::{File, Permissions, symlink_metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

/// The user that this process acts for, as messages name it.
pub(crate) fn this_user() -> u32 {
    geteuid().as_raw()
}

/// Makes sure that nobody else can read or write the file, and that nobody else has put it into `directory`. The error is
/// that somebody else has; a file system without permissions, such as FAT, is none.
pub(crate) fn make_private(file: &File, directory: &Path) -> io::Result<()> {
    let metadata = file.metadata()?;
    let trusted = is_trusted(metadata.uid(), directory);
    if metadata.mode() & 0o077 == 0 && trusted {
        return Ok(());
    }
    // The kernel knows better whose file it is than numbers do: a network file system may map them.
    match file.set_permissions(Permissions::from_mode(0o600)) {
        Err(cause) if !trusted => Err(cause),
        _ => Ok(()),
    }
}

/// Whether `owner` is this user, or owns the directory and so could exchange the file in it anyway.
fn is_trusted(owner: u32, directory: &Path) -> bool {
    owner == this_user() || symlink_metadata(directory).is_ok_and(|directory| directory.uid() == owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("x")).unwrap();
        for (given, expected) in [(0o644, 0o600), (0o400, 0o400)] {
            file.set_permissions(Permissions::from_mode(given)).unwrap();
            make_private(&file, directory.path()).unwrap();
            assert_eq!(file.metadata().unwrap().mode() & 0o777, expected);
        }
    }
}
