//! Which errors of the system may pass, and which stay.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_BAD_NETPATH, ERROR_BUSY, ERROR_IO_DEVICE, ERROR_LOCK_VIOLATION, ERROR_NETNAME_DELETED, ERROR_NETWORK_BUSY,
    ERROR_NETWORK_UNREACHABLE, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_READY, ERROR_OUTOFMEMORY,
    ERROR_SEM_TIMEOUT, ERROR_SHARING_VIOLATION, ERROR_TIMEOUT, ERROR_TOO_MANY_OPEN_FILES, ERROR_UNEXP_NET_ERR,
};

/// Whether the same call may succeed a little later without anybody's doing: a device, a file server or a limit is busy.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    const BUSY: [u32; 16] = [
        ERROR_BAD_NETPATH,
        ERROR_BUSY,
        ERROR_IO_DEVICE,
        ERROR_LOCK_VIOLATION,
        ERROR_NETNAME_DELETED,
        ERROR_NETWORK_BUSY,
        ERROR_NETWORK_UNREACHABLE,
        ERROR_NO_SYSTEM_RESOURCES,
        ERROR_NOT_ENOUGH_MEMORY,
        ERROR_NOT_READY,
        ERROR_OUTOFMEMORY,
        ERROR_SEM_TIMEOUT,
        ERROR_SHARING_VIOLATION,
        ERROR_TIMEOUT,
        ERROR_TOO_MANY_OPEN_FILES,
        ERROR_UNEXP_NET_ERR,
    ];
    error.raw_os_error().is_some_and(|number| BUSY.contains(&(number as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND};

    #[test]
    fn what_is_missing_or_forbidden_stays_so() {
        for (number, expected) in [
            (ERROR_SHARING_VIOLATION, true),
            (ERROR_TOO_MANY_OPEN_FILES, true),
            (ERROR_FILE_NOT_FOUND, false),
            (ERROR_ACCESS_DENIED, false),
        ] {
            assert_eq!(may_pass(&io::Error::from_raw_os_error(number as i32)), expected, "{number}");
        }
    }
}
