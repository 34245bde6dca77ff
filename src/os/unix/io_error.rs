//! Which errors of the system may pass, and which stay.

use std::io;

/// Whether the same call may succeed a little later without anybody's doing: a device, a file server or a limit is busy.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    const BUSY: [i32; 16] = [
        libc::EAGAIN,
        libc::EBUSY,
        libc::ECONNRESET,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::EINTR,
        libc::EIO,
        libc::EMFILE,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::ENFILE,
        libc::ENOMEM,
        // A file system of its own process (FUSE) that has ended.
        libc::ENOTCONN,
        libc::ESTALE,
        libc::ETIMEDOUT,
        libc::ETXTBSY,
    ];
    #[cfg(target_os = "linux")]
    const BUSY_HERE: [i32; 1] = [libc::EREMOTEIO];
    #[cfg(not(target_os = "linux"))]
    const BUSY_HERE: [i32; 0] = [];
    error.raw_os_error().is_some_and(|number| BUSY.contains(&number) || BUSY_HERE.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_forbidden_stays_so() {
        for (number, expected) in
            [(libc::EIO, true), (libc::EMFILE, true), (libc::ENOENT, false), (libc::EACCES, false)]
        {
            assert_eq!(may_pass(&io::Error::from_raw_os_error(number)), expected, "{number}");
        }
    }
}
