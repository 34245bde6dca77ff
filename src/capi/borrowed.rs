//! Memory of the program that an upload reads, as long as it does.

use std::ops::Deref;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::upload::Upload;

/// Bytes that belong to the program, which keeps them as they are until the upload has ended or is freed.
pub(super) struct BorrowedBytes {
    data: *const u8,
    size: usize,
}

// SAFETY: the program promises that nobody changes the bytes.
unsafe impl Send for BorrowedBytes {}
// SAFETY: as above.
unsafe impl Sync for BorrowedBytes {}

impl BorrowedBytes {
    /// # Safety
    /// `data` points to `size` bytes that stay as they are until the upload which gets this has ended. It may be NULL when
    /// `size` is 0.
    pub(super) unsafe fn new(data: *const u8, size: usize) -> Result<BorrowedBytes> {
        match (data.is_null(), size) {
            (true, 1..) => Err(Error::invalid("data is NULL, but size is not 0")),
            (_, size) if isize::try_from(size).is_err() => Err(Error::invalid("size is more than memory can have")),
            _ => Ok(BorrowedBytes { data, size }),
        }
    }
}

impl AsRef<[u8]> for BorrowedBytes {
    fn as_ref(&self) -> &[u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: as promised to new().
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

/// What an `oss_upload` stands for. One that reads the program's memory does so no more when it has been freed.
pub(super) struct UploadHandle {
    upload: Upload,
    borrows: bool,
}

impl UploadHandle {
    pub(super) fn of_file(upload: Upload) -> UploadHandle {
        UploadHandle { upload, borrows: false }
    }

    pub(super) fn of_memory(upload: Upload) -> UploadHandle {
        UploadHandle { upload, borrows: true }
    }
}

impl Deref for UploadHandle {
    type Target = Upload;

    fn deref(&self) -> &Upload {
        &self.upload
    }
}

impl Drop for UploadHandle {
    fn drop(&mut self) {
        if self.borrows {
            self.upload.pause();
            while self.upload.wait(Duration::MAX).is_none() {}
        }
    }
}
