//! Why the system refuses a file, as far as the reasons need different advice.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BUFFER_OVERFLOW, ERROR_DIRECTORY, ERROR_DIRECTORY_NOT_SUPPORTED, ERROR_DISK_FULL,
    ERROR_DISK_QUOTA_EXCEEDED, ERROR_FILE_NOT_FOUND, ERROR_FILE_TOO_LARGE, ERROR_FILENAME_EXCED_RANGE,
    ERROR_HANDLE_DISK_FULL, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_IO_DEVICE, ERROR_NOT_SUPPORTED,
    ERROR_PATH_NOT_FOUND, ERROR_PRIVILEGE_NOT_HELD, ERROR_STOPPED_ON_SYMLINK, ERROR_WRITE_PROTECT,
};

/// Why the system refuses to open, create or write a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is at the path, or a part of it is a file.
    Missing,
    /// A part of the path is a file.
    NoDirectory,
    /// It is a symbolic link, and none is followed.
    Link,
    /// It is a directory.
    Directory,
    /// It is no regular file.
    NotRegular,
    /// This user may not do that.
    Forbidden,
    /// The file system takes no writes.
    ReadOnly,
    /// The name is too long.
    NameTooLong,
    /// No space is left, to anybody or to this user.
    Full,
    /// The file would be larger than the file system or a checkpoint may make one.
    TooLarge,
    /// The file system has no locks.
    NoLocks,
    /// For another reason.
    Other,
}

impl Refusal {
    /// What `error` says.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.raw_os_error().unwrap_or(0) as u32 {
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

    /// The error that the system would give for this reason, for refusals of our own.
    pub(crate) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.number())
    }

    /// The number of that error.
    pub(crate) fn number(self) -> i32 {
        let number = match self {
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
}
