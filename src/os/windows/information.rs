//! What the system tells of an open file, one struct for each kind of question.

use std::fs::File;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_BASIC_INFO, FILE_ID_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_STANDARD_INFO, FILE_TYPE_DISK, FileBasicInfo,
    FileIdInfo, FileStandardInfo, GetFileInformationByHandleEx, GetFileType,
};

/// A struct that the system fills in.
///
/// # Safety
/// It is plain data, for which zeros are a value, and what the system writes for `CLASS`.
pub(super) unsafe trait Information: Sized {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS;
}

// SAFETY: documented so.
unsafe impl Information for FILE_BASIC_INFO {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileBasicInfo;
}

// SAFETY: documented so.
unsafe impl Information for FILE_ID_INFO {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileIdInfo;
}

// SAFETY: documented so.
unsafe impl Information for FILE_STANDARD_INFO {
    const CLASS: FILE_INFO_BY_HANDLE_CLASS = FileStandardInfo;
}

/// Asks about `file`.
pub(super) fn information<T: Information>(file: &File) -> io::Result<T> {
    // SAFETY: as the trait promises, zeros are a value.
    let mut answer: T = unsafe { zeroed() };
    // SAFETY: the handle is open, and the system writes a struct of this class, which has this size.
    let told = unsafe {
        GetFileInformationByHandleEx(file.as_raw_handle(), T::CLASS, (&raw mut answer).cast(), size_of::<T>() as u32)
    };
    if told == 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// Whether it is a file or folder of a disk, or of a server, and not a pipe or device such as `NUL`.
pub(super) fn is_on_disk(file: &File) -> bool {
    // SAFETY: the handle is open.
    unsafe { GetFileType(file.as_raw_handle()) == FILE_TYPE_DISK }
}
