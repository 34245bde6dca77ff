//! Memory that the system gives, page by page as it is used, and takes back at once.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{self, MapFlags, ProtFlags};

/// Bytes, zero at first, that no other mapping shares.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the mapping belongs to this value alone, as that of a Vec does.
unsafe impl Send for Mapping {}
// SAFETY: the same.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// So many bytes, at least one.
    pub(crate) fn new(size: usize) -> io::Result<Mapping> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the system chooses a place where nothing is.
        let start = unsafe { mm::mmap_anonymous(ptr::null_mut(), size, access, flags) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = Mapping { start, size };
        mapping.prefer_large_pages();
        Ok(mapping)
    }

    /// One fault for 2 MiB instead of 512. A system that has none of them goes without.
    fn prefer_large_pages(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: advice about the mapping, which changes no byte of it.
        let _ = unsafe { mm::madvise(self.start.as_ptr().cast(), self.size, mm::Advice::LinuxHugepage) };
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped, and initialised by the system.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }
}

impl DerefMut for Mapping {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else refers to them.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.size) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, whose end this is. It fails for no mapping that exists.
        let _ = unsafe { mm::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_zero_and_can_be_written() {
        let mut mapping = Mapping::new(5000).unwrap();
        assert!(mapping.len() == 5000 && mapping.iter().all(|byte| *byte == 0));
        mapping[4999] = 1;
        assert_eq!(mapping[4998..], [0, 1]);
    }

    #[test]
    fn more_than_there_is_is_refused() {
        assert!(Mapping::new(usize::MAX / 4 * 3).is_err());
        assert!(Mapping::new(0).is_err());
    }
}
