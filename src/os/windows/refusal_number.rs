//! The numbers of errors that refuse a file.

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BUFFER_OVERFLOW, ERROR_DIRECTORY, ERROR_DIRECTORY_NOT_SUPPORTED, ERROR_DISK_FULL,
    ERROR_DISK_QUOTA_EXCEEDED, ERROR_FILE_NOT_FOUND, ERROR_FILE_TOO_LARGE, ERROR_FILENAME_EXCED_RANGE,
    ERROR_HANDLE_DISK_FULL, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_IO_DEVICE, ERROR_NOT_SUPPORTED,
    ERROR_PATH_NOT_FOUND, ERROR_PRIVILEGE_NOT_HELD, ERROR_STOPPED_ON_SYMLINK, ERROR_WRITE_PROTECT,
};

use crate::os::refusal::Refusal;

/// What an error with this number says.
pub(crate) fn refusal(number: i32) -> Refusal {
    match number as u32 {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => Refusal::Missing,
        ERROR_DIRECTORY => Refusal::NoDirectory,
        ERROR_STOPPED_ON_SYMLINK => Refusal::Link,
        ERROR_DIRECTORY_NOT_SUPPORTED => Refusal::Directory,
        ERROR_INVALID_PARAMETER => Refusal::NotRegular,
        ERROR_ACCESS_DENIED | ERROR_PRIVILEGE_NOT_HELD => Refusal::Forbidden,
        ERROR_WRITE_PROTECT => Refusal::ReadOnly,
        ERROR_FILENAME_EXCED_RANGE | ERROR_BUFFER_OVERFLOW => Refusal::NameTooLong,
        ERROR_DISK_FULL | ERROR_HANDLE_DISK_FULL | ERROR_DISK_QUOTA_EXCEEDED => Refusal::Full,
        ERROR_FILE_TOO_LARGE => Refusal::TooLarge,
        ERROR_NOT_SUPPORTED | ERROR_INVALID_FUNCTION => Refusal::NoLocks,
        _ => Refusal::Other,
    }
}

/// The number of the error that says so.
pub(crate) fn number(refusal: Refusal) -> i32 {
    let number = match refusal {
        Refusal::Missing => ERROR_FILE_NOT_FOUND,
        Refusal::NoDirectory => ERROR_DIRECTORY,
        Refusal::Link => ERROR_STOPPED_ON_SYMLINK,
        Refusal::Directory => ERROR_DIRECTORY_NOT_SUPPORTED,
        Refusal::NotRegular => ERROR_INVALID_PARAMETER,
        Refusal::Forbidden => ERROR_ACCESS_DENIED,
        Refusal::ReadOnly => ERROR_WRITE_PROTECT,
        Refusal::NameTooLong => ERROR_FILENAME_EXCED_RANGE,
        Refusal::Full => ERROR_DISK_FULL,
        Refusal::TooLarge => ERROR_FILE_TOO_LARGE,
        Refusal::NoLocks => ERROR_NOT_SUPPORTED,
        Refusal::Other => ERROR_IO_DEVICE,
    };
    number as i32
}
