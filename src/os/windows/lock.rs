//! Locks of files. Here they keep others from reading what is locked, so that one byte is locked which no file has.

use std::fs::{File, TryLockError};
use std::io;
use std::mem::zeroed;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, WAIT_OBJECT_0};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject};

/// Where that byte is: no file system has files of this size.
const FAR: u64 = i64::MAX as u64 - 1;

/// Takes the lock of a file, for as long as it is open, if nobody has it.
pub(crate) fn try_lock(file: &File) -> Result<(), TryLockError> {
    let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
    // SAFETY: the handle is open, and the place is read during the call only, which does not wait.
    if unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &mut far()) } != 0 {
        return Ok(());
    }
    let cause = io::Error::last_os_error();
    match cause.raw_os_error().unwrap_or(0) as u32 {
        ERROR_LOCK_VIOLATION | ERROR_IO_PENDING => Err(TryLockError::WouldBlock),
        _ => Err(TryLockError::Error(cause)),
    }
}

/// Gives the lock of a file back.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    // SAFETY: as above.
    match unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &mut far()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn far() -> OVERLAPPED {
    // SAFETY: plain data, for which zeros are a value.
    let mut place: OVERLAPPED = unsafe { zeroed() };
    place.Anonymous.Anonymous.Offset = FAR as u32;
    place.Anonymous.Anonymous.OffsetHigh = (FAR >> 32) as u32;
    place
}

/// Whether a process has ended. One of another machine looks the same.
pub(crate) fn has_ended(process: u32) -> bool {
    // SAFETY: it fails for a number that no process has.
    let opened = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, process) };
    if opened.is_null() {
        return io::Error::last_os_error().raw_os_error() == Some(ERROR_INVALID_PARAMETER as i32);
    }
    // SAFETY: a new handle, which nobody else has.
    let opened = unsafe { OwnedHandle::from_raw_handle(opened) };
    // SAFETY: the handle is open, and this does not wait.
    unsafe { WaitForSingleObject(opened.as_raw_handle(), 0) == WAIT_OBJECT_0 }
}

/// No process inherits a lock from one that has ended.
pub(crate) fn holders(_: &File) -> Vec<u32> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, id};

    #[test]
    fn a_lock_is_held_once_and_all_can_be_read_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "content").unwrap();
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let (first, second) = (open(), open());
        try_lock(&first).unwrap();
        assert!(matches!(try_lock(&second), Err(TryLockError::WouldBlock)));
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        unlock(&first).unwrap();
        try_lock(&second).unwrap();
        drop(second);
        try_lock(&first).unwrap();
    }

    #[test]
    fn a_process_ends() {
        assert!(!has_ended(id()));
        let mut child = Command::new("cmd").args(["/C", "exit"]).spawn().unwrap();
        child.wait().unwrap();
        assert!(has_ended(child.id()));
    }
}
