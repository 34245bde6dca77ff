//! The numbers of errors that refuse a file.

use crate::os::refusal::Refusal;

/// What an error with this number says.
pub(crate) fn refusal(number: i32) -> Refusal {
    match number {
        libc::ENOENT => Refusal::Missing,
        libc::ENOTDIR => Refusal::NoDirectory,
        libc::ELOOP => Refusal::Link,
        libc::EISDIR => Refusal::Directory,
        libc::EINVAL => Refusal::NotRegular,
        libc::EACCES | libc::EPERM => Refusal::Forbidden,
        libc::EROFS => Refusal::ReadOnly,
        libc::ENAMETOOLONG => Refusal::NameTooLong,
        libc::ENOSPC | libc::EDQUOT => Refusal::Full,
        libc::EFBIG => Refusal::TooLarge,
        libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS => Refusal::NoLocks,
        _ => Refusal::Other,
    }
}

/// The number of the error that says so.
pub(crate) fn number(refusal: Refusal) -> i32 {
    match refusal {
        Refusal::Missing => libc::ENOENT,
        Refusal::NoDirectory => libc::ENOTDIR,
        Refusal::Link => libc::ELOOP,
        Refusal::Directory => libc::EISDIR,
        Refusal::NotRegular => libc::EINVAL,
        Refusal::Forbidden => libc::EACCES,
        Refusal::ReadOnly => libc::EROFS,
        Refusal::NameTooLong => libc::ENAMETOOLONG,
        Refusal::Full => libc::ENOSPC,
        Refusal::TooLarge => libc::EFBIG,
        Refusal::NoLocks => libc::ENOLCK,
        Refusal::Other => libc::EIO,
    }
}
