//! Files that must be readable after a power cut, whenever it comes.
//!
//! Each step that makes, changes, names or removes such a file is taken here. Tests record these steps and cut the power
//! between them (`trace`, `power_cut`).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::identity::is_at;
#[cfg(test)]
use super::trace::{self, TracedFile};
use super::{directory, file};

/// A file that is written in steps.
pub(crate) struct DurableFile {
    file: File,
    #[cfg(test)]
    trace: TracedFile,
}

impl DurableFile {
    /// Opens a file to read and write it: see [`file::open_itself_to_write`].
    pub(crate) fn open(path: &Path) -> io::Result<DurableFile> {
        let file = file::open_itself_to_write(path)?;
        Ok(DurableFile {
            #[cfg(test)]
            trace: trace::found(path, &file),
            file,
        })
    }

    /// Makes a file that only this user may open and that holds `content`, at a path where nothing is, and locks it with
    /// `lock`. `None` when somebody else was faster.
    ///
    /// The content is on the disk and the lock is held before the file has its name. So nobody finds it empty, not even
    /// after a kill or a power cut. Where the file system cannot make a file without a name (NFS, some FUSE, all of
    /// Windows), it has another name until then. Where it has no links either (FAT on Unix), the name comes first: others
    /// may find it empty for a moment, and a kill in that moment leaves it so.
    pub(crate) fn create_whole(
        path: &Path,
        directory: &Path,
        content: &[u8],
        lock: impl Fn(&File) -> io::Result<()>,
    ) -> io::Result<Option<DurableFile>> {
        if let Ok(file) = file::create_unnamed(directory) {
            let made = DurableFile::made(file, directory);
            made.fill(content)?;
            lock(&made.file)?;
            match made.give_name(path) {
                Ok(()) => return Ok(Some(made)),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                // A sandbox without /proc, or a file system without links.
                Err(_) => {}
            }
        }
        if let Ok(made) = DurableFile::create_and_rename(path, directory, content, &lock) {
            return Ok(made);
        }
        let Some(made) = DurableFile::create_named(path, directory)? else { return Ok(None) };
        match made.fill(content).and_then(|()| lock(&made.file)) {
            Ok(()) => Ok(Some(made)),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(cause) => {
                let _ = remove(path);
                Err(cause)
            }
        }
    }

    /// Makes the file under another name. One that a kill has left behind is removed first.
    fn create_and_rename(
        path: &Path,
        directory: &Path,
        content: &[u8],
        lock: &impl Fn(&File) -> io::Result<()>,
    ) -> io::Result<Option<DurableFile>> {
        let unfinished = unfinished(path);
        let create = || DurableFile::create_named(&unfinished, directory);
        let mut made = create()?;
        if made.is_none() {
            remove_abandoned(&unfinished, content.len() as u64, lock)?;
            made = create()?;
        }
        let Some(made) = made else { return Ok(None) };
        match lock(&made.file)
            .and_then(|()| made.fill(content))
            .and_then(|()| rename_to_free(&made.file, &unfinished, path))
        {
            Ok(()) => Ok(Some(made)),
            Err(cause) => {
                let _ = remove(&unfinished);
                match cause.kind() {
                    // Somebody else was faster, or has taken this one for abandoned.
                    io::ErrorKind::AlreadyExists | io::ErrorKind::WouldBlock | io::ErrorKind::NotFound => Ok(None),
                    _ => Err(cause),
                }
            }
        }
    }

    /// `None` when something has that name.
    fn create_named(path: &Path, directory: &Path) -> io::Result<Option<DurableFile>> {
        let made = match file::create_named(path) {
            Ok(file) => DurableFile::made(file, directory),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(cause) => return Err(cause),
        };
        #[cfg(test)]
        made.trace.named(path);
        Ok(Some(made))
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "only a trace asks where it is"))]
    fn made(file: File, directory: &Path) -> DurableFile {
        DurableFile {
            file,
            #[cfg(test)]
            trace: trace::made(directory),
        }
    }

    fn fill(&self, content: &[u8]) -> io::Result<()> {
        // By position: who reads the file next begins at its beginning.
        self.write_all_at(content, 0)?;
        self.sync_data()
    }

    /// Fails when something has that name.
    fn give_name(&self, path: &Path) -> io::Result<()> {
        file::give_name(&self.file, path)?;
        #[cfg(test)]
        self.trace.named(path);
        Ok(())
    }

    /// To read it, to lock it, and to ask about it.
    pub(crate) fn as_file(&self) -> &File {
        &self.file
    }

    /// Writes all of `bytes` to `offset`, with one system call as a rule.
    pub(crate) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let written = file::write_all_at(&self.file, bytes, offset);
        // Some of it may be written, too, when it fails.
        #[cfg(test)]
        self.trace.written(bytes, offset);
        written
    }

    /// Cuts the file, or fills it up with NULs.
    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        let resized = self.file.set_len(length);
        #[cfg(test)]
        self.trace.resized(length);
        resized
    }

    /// When this returns, content and length survive a power cut.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.sync(File::sync_data)
    }

    /// As [`DurableFile::sync_data`], and all else that is known of the file too.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        self.sync(File::sync_all)
    }

    fn sync(&self, sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
        #[cfg(test)]
        let since = self.trace.length();
        sync(&self.file)?;
        #[cfg(test)]
        self.trace.synced(since);
        Ok(())
    }
}

/// The name of a file until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".oss-upload-new");
    name.into()
}

/// Removes what a kill has left of a file of at most `longest` bytes; an error when it is something else.
fn remove_abandoned(unfinished: &Path, longest: u64, lock: &impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    let file = match file::open_itself_to_write(unfinished) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(cause),
    };
    match lock(&file) {
        Ok(()) if file.metadata()?.len() <= longest && is_at(&file, unfinished)? => remove(unfinished),
        Ok(()) => Err(io::ErrorKind::AlreadyExists.into()),
        // It is being made.
        Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(cause) => Err(cause),
    }
}

/// Gives a file another name, which nothing must have.
fn rename_to_free(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file::rename_to_free(file, from, to)?;
    #[cfg(test)]
    trace::renamed(from, to);
    Ok(())
}

/// Removes the name `path`; for good after [`sync_names`].
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    #[cfg(test)]
    trace::removed(path);
    Ok(())
}

/// Gives a file another name in its directory, in the place of what has that name; for good after [`sync_names`].
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    file::rename(from, to)?;
    #[cfg(test)]
    trace::renamed(from, to);
    Ok(())
}

/// When this returns, names that were put into `directory`, or taken out of it, survive a power cut, where that is possible.
pub(crate) fn sync_names(directory: &Path) -> io::Result<()> {
    #[cfg(test)]
    let since = trace::length(directory);
    directory::sync(directory)?;
    #[cfg(test)]
    trace::names_synced(directory, since);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::power_cut::PowerCut;
    use super::super::refusal::Refusal;
    use super::*;

    #[test]
    fn the_trace_tells_what_is_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("x"), directory.path().join("y"));
        let trace = trace::Trace::of(directory.path());
        let check = || {
            let disk = PowerCut::after(&trace.steps(), 512).nothing_missing();
            let read = |path: &Path| fs::read(path).ok();
            for path in [&first, &second] {
                assert_eq!(disk.get(path.file_name().unwrap()).cloned(), read(path), "{:?}", trace.steps());
            }
        };
        let made = DurableFile::create_whole(&first, directory.path(), b"content", |_| Ok(())).unwrap().unwrap();
        check();
        made.set_len(3).unwrap();
        made.write_all_at(b"more", 10).unwrap();
        check();
        made.sync_all().unwrap();
        rename(&first, &second).unwrap();
        check();
        DurableFile::open(&second).unwrap().write_all_at(b"again", 0).unwrap();
        check();
        remove(&second).unwrap();
        sync_names(directory.path()).unwrap();
        check();
        assert!(PowerCut::after(&trace.steps(), 512).nothing_missing().is_empty());
    }

    #[test]
    fn a_file_is_made_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let names = || fs::read_dir(directory.path()).unwrap().count();
        let refuse = |_: &File| Err(Refusal::NoLocks.error());
        assert!(DurableFile::create_whole(&path, directory.path(), b"content", refuse).is_err());
        assert_eq!(names(), 0);
        let unseen = |_: &File| {
            assert!(!path.exists(), "it is locked before it has its name");
            Ok(())
        };
        let made = DurableFile::create_whole(&path, directory.path(), b"content", unseen).unwrap().unwrap();
        assert_eq!(file::size_now(made.as_file()).unwrap(), 7);
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert!(DurableFile::create_whole(&path, directory.path(), b"other", |_| Ok(())).unwrap().is_none());
        assert_eq!((fs::read(&path).unwrap(), names()), (b"content".to_vec(), 1));
    }

    fn lock(file: &File) -> io::Result<()> {
        Ok(super::super::lock::try_lock(file)?)
    }

    /// As `create_whole` does where no file is without a name.
    fn create_renamed(path: &Path) -> io::Result<Option<DurableFile>> {
        DurableFile::create_and_rename(path, path.parent().unwrap(), b"content", &lock)
    }

    #[test]
    fn what_a_kill_has_left_of_a_file_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let create = || create_renamed(&path);
        for left in ["", "cont"] {
            fs::write(unfinished(&path), left).unwrap();
            let made = create().unwrap().unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"content");
            assert!(lock(&File::options().write(true).open(&path).unwrap()).is_err(), "it is locked");
            assert!(create().unwrap().is_none(), "somebody was faster");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
            drop(made);
            remove(&path).unwrap();
        }
    }

    #[test]
    fn what_is_being_made_or_is_no_such_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let create = || create_renamed(&path);
        let being_made = File::create(unfinished(&path)).unwrap();
        lock(&being_made).unwrap();
        assert!(create().unwrap().is_none());
        drop(being_made);
        fs::write(unfinished(&path), "somebody else's").unwrap();
        assert!(create().is_err());
        assert_eq!(fs::read(unfinished(&path)).unwrap(), b"somebody else's");
    }
}
