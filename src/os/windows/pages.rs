//! Pages of memory.

use std::io;
use std::ptr::{self, NonNull};

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

/// So many bytes, at least one, all zero.
pub(crate) fn take(size: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: the system chooses a place where nothing is.
    let start = unsafe { VirtualAlloc(ptr::null(), size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)
}

/// Gives back what [`take`] gave.
///
/// # Safety
/// `start` is that of [`take`], and nobody refers to these bytes any more.
pub(crate) unsafe fn give_back(start: NonNull<u8>, _: usize) {
    // SAFETY: as the caller promises. It fails for no pages that exist.
    unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
}
