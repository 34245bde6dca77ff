//! The local file: read by position, and watched for changes.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use md5::{Digest, Md5};

use super::identity::{Comparison, Identity};
use super::plan::PartRange;
use crate::crc64::Crc64;
use crate::error::{Error, ErrorKind, Result};
use crate::os::descriptor;

/// How much is read at a time where no send buffer takes it.
const CHUNK: usize = 256 * 1024;

/// An open file, and what it looked like when it was last known to be what the server has.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    path: PathBuf,
    /// When the first look was taken: no part was read before.
    pub observed: SystemTime,
    known: Mutex<Identity>,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Source> {
        let failed = |what: &str, error| Error::os(ErrorKind::Io, format!("cannot {what} {}", path.display()), &error);
        let path_in_full = std::path::absolute(path).map_err(|error| failed("find", error))?;
        // A FIFO would make open() wait for a writer; regular files do not care.
        let file = descriptor::open(|| OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path));
        let file = file.map_err(|error| failed("open", error))?;
        let metadata = file.metadata().map_err(|error| failed("look at", error))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "a directory" } else { "no regular file" };
            let error = Error::new(ErrorKind::Io, format!("file_path {} is {what}", path.display()));
            return Err(error.hint("only regular files can be uploaded"));
        }
        let known = Mutex::new(Identity::of(&metadata));
        Ok(Source { file, path: path_in_full, observed: SystemTime::now(), known })
    }

    /// The path in full, links not resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn identity(&self) -> Identity {
        *self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// All parts were compared with the file as `identity` describes it.
    pub(crate) fn verified_as(&self, identity: Identity) {
        *self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = identity;
    }

    /// Fills some of `buffer` from `offset`.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Ok(0) if !buffer.is_empty() => return Err(self.changed(format!("it ends at byte {offset}"))),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = format!("cannot read {} at byte {offset}", self.path.display());
                    return Err(Error::os(ErrorKind::Io, what, &error));
                }
                Ok(count) => return Ok(count),
            }
        }
    }

    /// What the file looks like now, or the error that says how it changed.
    pub(crate) fn look(&self) -> Result<Identity> {
        let failed = |error| Error::os(ErrorKind::Io, format!("cannot look at {}", self.path.display()), &error);
        let now = Identity::of(&self.file.metadata().map_err(failed)?);
        let known = self.identity();
        if now.size != known.size {
            return Err(self.changed(format!("it had {} bytes, now {}", known.size, now.size)));
        }
        if known.compare(&now) == Comparison::Changed {
            return Err(self.changed("its modification time is another"));
        }
        let named = fs::metadata(&self.path).map_err(|_| self.changed("it was removed or renamed"))?;
        let named = Identity::of(&named);
        if (named.device, named.inode) != (now.device, now.inode) {
            return Err(self.changed("another file has taken its place"));
        }
        Ok(now)
    }

    /// The CRC-64 of a range, read anew. `go_on` is asked between reads.
    pub(crate) fn crc64(&self, part: &PartRange, go_on: impl FnMut() -> Result<()>) -> Result<u64> {
        let mut crc = Crc64::new();
        self.each_chunk(part, go_on, |chunk| crc.update(chunk))?;
        Ok(crc.value())
    }

    /// The MD5 of a range.
    pub(crate) fn md5(&self, part: &PartRange, go_on: impl FnMut() -> Result<()>) -> Result<[u8; 16]> {
        let mut md5 = Md5::new();
        self.each_chunk(part, go_on, |chunk| md5.update(chunk))?;
        Ok(md5.finalize().into())
    }

    fn each_chunk(
        &self,
        part: &PartRange,
        mut go_on: impl FnMut() -> Result<()>,
        mut use_chunk: impl FnMut(&[u8]),
    ) -> Result<()> {
        let mut buffer = vec![0; CHUNK.min(part.size as usize)];
        let mut done = 0;
        while done < part.size {
            go_on()?;
            let wanted = (part.size - done).min(CHUNK as u64) as usize;
            let count = self.read_at(&mut buffer[..wanted], part.offset + done)?;
            use_chunk(&buffer[..count]);
            done += count as u64;
        }
        Ok(())
    }

    pub(crate) fn changed(&self, how: impl std::fmt::Display) -> Error {
        let message = format!("{} changed while it was uploaded: {how}", self.path.display());
        Error::new(ErrorKind::FileChanged, message).with_retryable(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc64::checksum;
    use std::os::unix::fs::PermissionsExt;

    fn file(dir: &tempfile::TempDir, content: &[u8]) -> PathBuf {
        let path = dir.path().join("source");
        fs::write(&path, content).unwrap();
        path
    }

    fn kind(result: Result<impl Sized>) -> ErrorKind {
        result.err().expect("an error").kind()
    }

    #[test]
    fn ranges_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..600_000u32).map(|i| (i % 251) as u8).collect();
        let source = Source::open(&file(&dir, &content)).unwrap();
        let part = PartRange { number: 2, offset: 1000, size: 500_000 };
        assert_eq!(source.crc64(&part, || Ok(())).unwrap(), checksum(&content[1000..501_000]));
        let beyond = PartRange { number: 2, offset: 1000, size: 600_000 };
        assert_eq!(kind(source.crc64(&beyond, || Ok(()))), ErrorKind::FileChanged);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(kind(Source::open(dir.path())), ErrorKind::Io);
        assert_eq!(kind(Source::open(Path::new("/dev/null"))), ErrorKind::Io);
        let missing = Source::open(&dir.path().join("missing")).unwrap_err();
        assert_eq!((missing.kind(), missing.os_errno()), (ErrorKind::Io, libc::ENOENT));
    }

    #[test]
    fn changes_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, b"content");
        let source = Source::open(&path).unwrap();
        assert_eq!(source.look().unwrap(), source.identity());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(source.look().is_ok(), "a chmod is no change");

        fs::write(&path, b"longer content").unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);

        let source = Source::open(&path).unwrap();
        fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);
        fs::copy(dir.path().join("elsewhere"), &path).unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);
    }
}
