//! A file without a name that takes the pieces of a stream for which there is no memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::os::{file, signals};
use crate::sync::{Mutex, unpoisoned};

/// The file, and which of its bytes are in use.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    directory: PathBuf,
    limit: u64,
    /// Places and sizes, in the order of the places.
    used: Mutex<Vec<(u64, u64)>>,
}

impl Spool {
    /// A spool in `directory` that holds at most `limit` bytes. Nothing of it is left when the process ends, however it does.
    pub(crate) fn create(directory: &Path, limit: u64) -> Result<Spool> {
        let failed = |error| {
            let what = format!("cannot create a spool file in spool_dir {}", directory.display());
            Error::os(ErrorKind::Io, what, &error)
        };
        let file = Arc::new(file::create_temporary(directory).map_err(failed)?);
        Ok(Spool { file, directory: directory.to_owned(), limit, used: Mutex::default() })
    }

    /// Writes the bytes into the file, and returns where they are; `None` when there is no room within the limit.
    pub(crate) fn store(&self, bytes: &[u8]) -> Result<Option<(Arc<File>, u64)>> {
        let size = bytes.len() as u64;
        let Some(place) = self.take(size) else { return Ok(None) };
        // Reserved before it is written: a full disk leaves nothing half done.
        let write =
            || file::reserve(&self.file, place, size).and_then(|()| file::write_all_at(&self.file, bytes, place));
        // This thread is the program's: no write may raise a signal in it.
        let written = signals::without_signals_of_writes(write);
        if let Err(error) = written {
            self.release(place);
            let what = format!("cannot write {size} bytes to the spool file in {}", self.directory.display());
            let error = Error::os(ErrorKind::Io, what, &error).with_retryable(true);
            return Err(error.hint("free some space, and go on writing"));
        }
        Ok(Some((self.file.clone(), place)))
    }

    /// The bytes at `place` are no longer needed.
    pub(crate) fn release(&self, place: u64) {
        unpoisoned(self.used.lock()).retain(|(used, _)| *used != place);
    }

    /// The first gap that is large enough.
    fn take(&self, size: u64) -> Option<u64> {
        let mut used = unpoisoned(self.used.lock());
        let (mut place, mut at) = (0, 0);
        while let Some((start, length)) = used.get(at) {
            if start - place >= size {
                break;
            }
            place = start + length;
            at += 1;
        }
        let fits = place.checked_add(size).is_some_and(|end| end <= self.limit);
        fits.then(|| {
            used.insert(at, (place, size));
            place
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spool(limit: u64) -> (tempfile::TempDir, Spool) {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::create(directory.path(), limit).unwrap();
        (directory, spool)
    }

    #[test]
    fn room_is_used_again() {
        let (_directory, spool) = spool(10);
        let place = |bytes: &[u8]| spool.store(bytes).unwrap().map(|(_, place)| place);
        assert_eq!((place(b"abcd"), place(b"efgh"), place(b"ijk")), (Some(0), Some(4), None));
        spool.release(0);
        assert_eq!((place(b"ijklm"), place(b"ij"), place(b"kl"), place(b"mn")), (None, Some(0), Some(2), Some(8)));
        assert_eq!(place(b"o"), None);
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = Spool::create(Path::new("/missing/directory"), 1).unwrap_err();
        assert!(error.message().contains("spool_dir /missing/directory"), "{error}");
    }

    proptest! {
        #[test]
        fn pieces_never_overlap(steps in prop::collection::vec((1..20_u64, any::<bool>()), 1..60)) {
            let (_directory, spool) = spool(64);
            let mut held: Vec<(u64, Vec<u8>)> = Vec::new();
            for (at, (size, keeps)) in steps.into_iter().enumerate() {
                let bytes = vec![at as u8; size as usize];
                if let Some((_, place)) = spool.store(&bytes).unwrap() {
                    held.push((place, bytes));
                }
                if !keeps && !held.is_empty() {
                    spool.release(held.remove(0).0);
                }
                for (place, bytes) in &held {
                    let mut found = vec![0; bytes.len()];
                    file::read_exact_at(&spool.file, &mut found, *place).unwrap();
                    prop_assert_eq!(&found, bytes);
                }
            }
        }
    }
}
