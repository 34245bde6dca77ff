//! Memory that the system gives, page by page as it is used, and takes back at once.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::pages;

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
        Ok(Mapping { start: pages::take(size)?, size })
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
        // SAFETY: the mapping is this value's, whose end this is.
        unsafe { pages::give_back(self.start, self.size) };
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
