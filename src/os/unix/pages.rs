//! Pages of memory.

use std::io;
use std::ptr::{self, NonNull};

use rustix::mm::{self, MapFlags, ProtFlags};

/// So many bytes, at least one, all zero.
pub(crate) fn take(size: usize) -> io::Result<NonNull<u8>> {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: the system chooses a place where nothing is.
    let start = unsafe { mm::mmap_anonymous(ptr::null_mut(), size, access, flags) }?;
    let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
    prefer_large_pages(start, size);
    Ok(start)
}

/// One fault for 2 MiB instead of 512. A system that has none of them goes without.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only Linux takes this advice"))]
fn prefer_large_pages(start: NonNull<u8>, size: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: advice about pages that [`take`] has just got, which changes no byte of them.
    let _ = unsafe { mm::madvise(start.as_ptr().cast(), size, mm::Advice::LinuxHugepage) };
}

/// Gives back what [`take`] gave.
///
/// # Safety
/// `start` and `size` are those of [`take`], and nobody refers to these bytes any more.
pub(crate) unsafe fn give_back(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller promises. It fails for no pages that exist.
    let _ = unsafe { mm::munmap(start.as_ptr().cast(), size) };
}
