//! The local file: read by position, and watched for changes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::identity::{Comparison, Identity};
use super::lease::{LeaseWait, is_leased, still_leased};
use super::read::{Source, changed};
use crate::error::{Error, ErrorKind, Result};
use crate::os::identity::Status;
use crate::os::refusal::Refusal;
use crate::os::{self, filesystem};
use crate::sync::{Mutex, unpoisoned};

/// What to do about a file whose size is not that of its content.
const VIRTUAL: &str = "files of virtual file systems (/proc, /sys, some of FUSE) do not report their size: copy it to \
                       a regular file, and upload that";

/// An open file, and what it looked like when it was last known to be what the server has.
#[derive(Debug)]
pub(crate) struct FileSource {
    file: File,
    path: PathBuf,
    /// When the first look was taken: no part was read before.
    pub observed: SystemTime,
    known: Mutex<Identity>,
}

/// What a look at the file found. Whatever shows a change for sure is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Of the open file.
    pub identity: Identity,
    /// The path leads to a file with another device or inode, of the same size and modification time. Either it has
    /// taken the place of the open one, or the file system is not firm about its numbers.
    pub is_in_doubt: bool,
}

impl FileSource {
    /// Opens the file at `path`, which is one in full.
    pub(crate) fn open(path: &Path, wait: &LeaseWait<'_>) -> Result<FileSource> {
        let failed = |what: &str, error| Error::os(ErrorKind::Io, format!("cannot {what} {}", path.display()), &error);
        let file = wait.open(|| os::file::open_to_read(path))?.map_err(|error| match is_leased(&error) {
            true => still_leased(ErrorKind::Io, &path.display().to_string(), &error),
            false => failed("open", error),
        })?;
        let refused = |what: &str| {
            let error = Error::new(ErrorKind::Io, format!("file_path {} is {what}", path.display()));
            error.hint("only regular files can be uploaded")
        };
        let status = Status::of(&file).map_err(|error| match Refusal::of(&error) {
            // Windows tells no more of what is on no disk.
            Refusal::NotRegular => refused("not a regular file"),
            _ => failed("examine", error),
        })?;
        let metadata = status.metadata();
        if !metadata.is_file() {
            return Err(refused(if metadata.is_dir() { "a directory" } else { "not a regular file" }));
        }
        let known = Mutex::new(Identity::of(&status));
        Ok(FileSource { file, path: path.to_owned(), observed: SystemTime::now(), known })
    }

    /// The path in full, links not resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn identity(&self) -> Identity {
        *unpoisoned(self.known.lock())
    }

    /// All parts were compared with the file as `identity` describes it.
    pub(crate) fn verified_as(&self, identity: Identity) {
        *unpoisoned(self.known.lock()) = identity;
    }

    /// Nothing is there at `offset`, where something should be: the file was cut short, or never was that long.
    fn ends_early(&self, offset: u64) -> Error {
        let still_there = self.size_now().and_then(|size| Ok((size, self.read_some(&mut [0], offset)?)));
        match still_there {
            Ok((size, 0)) if size > offset => {
                self.is_virtual(format_args!("ends at byte {offset}, but its size says {size}"))
            }
            Ok(_) => self.changed(format!("it ends at byte {offset}")),
            Err(error) => error,
        }
    }

    /// No error of the system: trying again does not help.
    fn is_virtual(&self, how: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Io, format!("{} {how}", self.path.display())).hint(VIRTUAL)
    }

    fn size_now(&self) -> Result<u64> {
        let failed = |error| Error::os(ErrorKind::Io, format!("cannot examine {}", self.path.display()), &error);
        os::file::size_now(&self.file).map_err(failed)
    }

    /// 0 at the end of the file.
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.reading(offset, || os::file::read_at(&self.file, buffer, offset))
    }

    /// What `read` gives, which reads at `offset` and may be interrupted.
    fn reading(&self, offset: u64, mut read: impl FnMut() -> io::Result<usize>) -> Result<usize> {
        loop {
            match read() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = format!("cannot read {} at byte {offset}", self.path.display());
                    return Err(Error::os(ErrorKind::Io, what, &error));
                }
                Ok(count) => return Ok(count),
            }
        }
    }

    /// All bytes of a file that is small, with one system call as a rule: one byte more is asked for than there should be.
    pub(crate) fn read_whole(&self) -> Result<Vec<u8>> {
        let size = self.size();
        let mut bytes = Vec::with_capacity(size as usize + 1);
        while (bytes.len() as u64) < size {
            let offset = bytes.len() as u64;
            if self.reading(offset, || os::file::read_more_at(&self.file, &mut bytes, offset))? == 0 {
                return Err(self.ends_early(offset));
            }
        }
        if bytes.len() as u64 > size {
            self.check_end()?;
            return Err(self.resized(size, bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// Whether a write always shows in the file's change time.
    pub(crate) fn keeps_change_time(&self) -> bool {
        filesystem::keeps_change_time(&self.file)
    }

    /// What the file looks like now, or the error that says how it changed.
    pub(crate) fn look(&self) -> Result<Look> {
        let failed = |error| Error::os(ErrorKind::Io, format!("cannot examine {}", self.path.display()), &error);
        let known = self.identity();
        // As a rule the path leads to the open file: it need not be asked once more.
        let named = Status::at(&self.path).map(|named| Identity::of(&named));
        let now = match &named {
            Ok(named) if named.has_numbers_of(&known) => *named,
            _ => Identity::of(&Status::of(&self.file).map_err(failed)?),
        };
        if now.size != known.size {
            return Err(self.resized(known.size, now.size));
        }
        if known.compare(&now) == Comparison::Changed {
            return Err(self.changed("its modification time changed"));
        }
        let named = named.map_err(|_| self.changed("it was removed or renamed"))?;
        let is_in_doubt = !named.has_numbers_of(&now);
        if is_in_doubt && now.compare(&named) == Comparison::Changed {
            return Err(self.changed("another file has taken its place"));
        }
        Ok(Look { identity: now, is_in_doubt })
    }

    fn resized(&self, before: u64, now: u64) -> Error {
        self.changed(format!("it had {before} bytes, now {now}"))
    }

    pub(crate) fn changed(&self, how: impl std::fmt::Display) -> Error {
        changed(self.path.display(), how)
    }
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.identity().size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        match self.read_some(buffer, offset)? {
            0 if !buffer.is_empty() => Err(self.ends_early(offset)),
            count => Ok(count),
        }
    }

    fn check_unchanged(&self) -> Result<()> {
        self.look().map(|_| ())
    }

    /// The size of a virtual file is often 0, whatever it holds: what is sent must not be shorter than the file.
    fn check_end(&self) -> Result<()> {
        let size = self.size();
        if self.read_some(&mut [0], size)? == 0 {
            return Ok(());
        }
        match self.size_now()? {
            now if now != size => Err(self.resized(size, now)),
            _ => Err(self.is_virtual(format_args!("holds more than the {size} bytes that its size says"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::Part;
    use super::*;
    use crate::crc64::checksum;
    use crate::os::refusal::Refusal;
    use std::fs;

    fn file(dir: &tempfile::TempDir, content: &[u8]) -> PathBuf {
        let path = dir.path().join("source");
        fs::write(&path, content).unwrap();
        path
    }

    fn open(path: &Path) -> Result<FileSource> {
        FileSource::open(path, &LeaseWait::NONE)
    }

    fn crc64_of(source: &dyn Source, part: &Part, go_on: impl FnMut() -> Result<()>) -> Result<u64> {
        source.crc64(part, go_on)
    }

    fn kind(result: Result<impl Sized>) -> ErrorKind {
        result.err().expect("an error").kind()
    }

    #[test]
    fn ranges_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..600_000u32).map(|i| (i % 251) as u8).collect();
        let source = open(&file(&dir, &content)).unwrap();
        let part = Part { number: 2, offset: 1000, size: 500_000 };
        assert_eq!(crc64_of(&source, &part, || Ok(())).unwrap(), checksum(&content[1000..501_000]));
        let beyond = Part { number: 2, offset: 1000, size: 600_000 };
        assert_eq!(kind(crc64_of(&source, &beyond, || Ok(()))), ErrorKind::FileChanged);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(kind(open(dir.path())), ErrorKind::Io);
        assert_eq!(kind(open(Path::new(if cfg!(windows) { "NUL" } else { "/dev/null" }))), ErrorKind::Io);
        let missing = open(&dir.path().join("missing")).unwrap_err();
        assert_eq!((missing.kind(), missing.os_errno()), (ErrorKind::Io, Refusal::Missing.number()));
    }

    /// A file whose size is 0, and one whose size is that of a page, whatever they hold.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_size_that_is_not_that_of_the_content_is_an_error() {
        let is_virtual = |result: Result<()>| {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.is_retryable(), error.os_errno()), (ErrorKind::Io, false, 0), "{error}");
            assert!(error.message().contains("virtual file systems"), "{error}");
        };
        let source = open(Path::new("/proc/version")).unwrap();
        assert_eq!(source.identity().size, 0);
        is_virtual(source.check_end());
        if let Ok(source) = open(Path::new("/sys/kernel/mm/transparent_hugepage/enabled")) {
            let whole = Part { number: 1, offset: 0, size: source.identity().size };
            is_virtual(crc64_of(&source, &whole, || Ok(())).map(|_| ()));
        }
    }

    #[test]
    fn a_file_that_grew_or_shrank_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        for content in [b"".as_slice(), b"content"] {
            let path = file(&dir, content);
            let source = open(&path).unwrap();
            source.check_end().unwrap();
            fs::write(&path, b"longer content").unwrap();
            assert_eq!(kind(source.check_end()), ErrorKind::FileChanged);
        }
        let path = file(&dir, b"content");
        let source = open(&path).unwrap();
        fs::write(&path, b"con").unwrap();
        assert_eq!(kind(source.read_at(&mut [0; 9], 3)), ErrorKind::FileChanged);
    }

    #[test]
    fn a_small_file_is_read_to_the_end_that_its_size_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, b"content");
        let source = open(&path).unwrap();
        assert_eq!(source.read_whole().unwrap(), b"content");
        for changed in [&b"longer content"[..], b"con"] {
            fs::write(&path, changed).unwrap();
            assert_eq!(kind(source.read_whole()), ErrorKind::FileChanged);
        }
    }

    #[test]
    fn changes_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, b"content");
        let source = open(&path).unwrap();
        assert_eq!(source.look().unwrap(), Look { identity: source.identity(), is_in_doubt: false });

        let mut permissions = fs::metadata(&path).unwrap().permissions();
        for is_readonly in [true, false] {
            permissions.set_readonly(is_readonly);
            fs::set_permissions(&path, permissions.clone()).unwrap();
        }
        assert!(source.look().is_ok(), "a chmod is no change");

        fs::write(&path, b"longer content").unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);

        let source = open(&path).unwrap();
        fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);
        fs::write(&path, fs::read(dir.path().join("elsewhere")).unwrap()).unwrap();
        assert_eq!(kind(source.look()), ErrorKind::FileChanged);
        let modified = fs::metadata(dir.path().join("elsewhere")).unwrap().modified().unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert!(source.look().unwrap().is_in_doubt, "only its content can tell");
    }
}
