//! Who may read and write a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL, WRITE_DAC};
use windows_sys::Win32::System::WindowsProgramming::GetUserNameW;

use super::security::{Owner, User, let_in_only};
use crate::os::refusal::Refusal;

/// The rights hold for this file, or for all that will be in this folder.
const OF_FILE: &str = "";
const OF_DIRECTORY: &str = "OICI";

/// The user that this process acts for, as messages name it.
pub(crate) fn this_user() -> String {
    // The longest name has 256 units, and a NUL.
    let mut name = [0; 257];
    let mut length = name.len() as u32;
    // SAFETY: so many units may be written; `length` says how many were.
    match unsafe { GetUserNameW(name.as_mut_ptr(), &mut length) } {
        0 => "of this process".to_owned(),
        _ => String::from_utf16_lossy(&name[..(length as usize).saturating_sub(1)]),
    }
}

/// Makes sure that nobody else can read or write the file but the system and administrators, and that nobody else has put
/// it into `directory`. The error is that somebody else has; a file system without owners, such as FAT, is none.
pub(crate) fn make_private(file: &File, directory: &Path) -> io::Result<()> {
    if !is_trusted(file, directory)? {
        return Err(Refusal::Forbidden.error());
    }
    // A server may know better whose file it is.
    let _ = close_to_others(file);
    Ok(())
}

/// Nobody but this user, the system and administrators may open the file from now on.
pub(super) fn close_to_others(file: &File) -> io::Result<()> {
    let_in_only(&User::of_this_process()?, file.as_raw_handle(), OF_FILE)
}

/// The same for a folder and what will be in it.
pub(super) fn close_directory(directory: &Path) -> io::Result<()> {
    let opened = open_directory(directory, READ_CONTROL | WRITE_DAC)?;
    // FAT has no rights.
    let _ = let_in_only(&User::of_this_process()?, opened.as_raw_handle(), OF_DIRECTORY);
    Ok(())
}

/// Whether the file's owner is this user or an administrator, or owns the directory and so could exchange the file in it
/// anyway.
fn is_trusted(file: &File, directory: &Path) -> io::Result<bool> {
    let Ok(owner) = Owner::of(file.as_raw_handle()) else { return Ok(true) };
    if owner.is_system_or_administrators() || owner.is(&User::of_this_process()?) {
        return Ok(true);
    }
    let opened = open_directory(directory, READ_CONTROL)?;
    Ok(Owner::of(opened.as_raw_handle()).is_ok_and(|of_directory| of_directory.is_same_as(&owner)))
}

fn open_directory(directory: &Path, access: u32) -> io::Result<File> {
    OpenOptions::new().access_mode(access).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(directory)
}

#[cfg(test)]
mod tests {
    use super::super::file::create_named;
    use super::*;

    #[test]
    fn a_file_of_this_user_is_made_private() {
        let directory = tempfile::tempdir().unwrap();
        let file = create_named(&directory.path().join("x")).unwrap();
        close_to_others(&file).unwrap();
        make_private(&file, directory.path()).unwrap();
        assert!(Owner::of(file.as_raw_handle()).unwrap().is(&User::of_this_process().unwrap()));
        assert!(!this_user().is_empty());
    }

    #[test]
    fn a_folder_is_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        close_directory(directory.path()).unwrap();
        std::fs::write(directory.path().join("x"), "mine").unwrap();
    }
}
