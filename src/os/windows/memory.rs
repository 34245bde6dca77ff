//! Memory that the system gives, page by page as it is used, and takes back at once.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;

use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

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
        // SAFETY: the system chooses a place where nothing is.
        let start = unsafe { VirtualAlloc(ptr::null(), size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Mapping { start, size })
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
        unsafe { VirtualFree(self.start.as_ptr().cast(), 0, MEM_RELEASE) };
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
