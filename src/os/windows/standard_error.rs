//! Standard error, for the log.

use std::io::{self, Write};

use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_UNKNOWN, GetFileType};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};

/// The program's standard error as it was at a certain time. Nothing is written to another one: a program may close it, or
/// set one of its own.
#[derive(Debug, Default)]
pub(crate) struct StandardError {
    /// The handle's number and the kind of what it is; `None` when there was none.
    identity: Option<(usize, u32)>,
}

impl StandardError {
    /// The one that the program has now.
    pub(crate) fn now() -> Self {
        StandardError { identity: identity() }
    }

    /// Writes a line, unless the program's standard error is another one by now. That it cannot be written is no failure.
    pub(crate) fn write_line(&self, line: &str) {
        if self.identity.is_some() && identity() == self.identity {
            let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
        }
    }
}

fn identity() -> Option<(usize, u32)> {
    // SAFETY: it only looks the handle up.
    let handle = unsafe { GetStdHandle(STD_ERROR_HANDLE) };
    // SAFETY: it fails for what is no handle.
    let kind = unsafe { GetFileType(handle) };
    (kind != FILE_TYPE_UNKNOWN).then_some((handle as usize, kind))
}
