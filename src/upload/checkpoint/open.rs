//! Finds the file, or creates it, and locks it: a checkpoint, or the manifest of a batch.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use super::line::{CHECKPOINT, FileFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::os::durable::{self, DurableFile};
pub(crate) use crate::os::identity::is_at;
use crate::os::lock::try_lock;
use crate::os::refusal::Refusal;
use crate::os::{self, file};
use crate::source::lease::{LeaseWait, is_leased, still_leased};

/// How often the path may lead to a file that its last holder is just deleting.
const ATTEMPTS: u32 = 100;
/// How often an empty file is looked at again: another process may be about to write its first line.
const LOOKS_AT_EMPTY: u32 = 10;
/// Between two looks at what another process is about to do.
const PAUSE: Duration = Duration::from_millis(5);

/// A file whose lock this process holds until it is closed.
pub(crate) struct Held {
    pub file: DurableFile,
    /// It was not there before.
    pub created: bool,
}

impl FileFormat {
    /// Opens the file at `path`, or creates it with a first line.
    pub(crate) fn open_and_lock(&self, path: &Path, wait: &LeaseWait<'_>) -> Result<Held> {
        let mut looks_left = LOOKS_AT_EMPTY;
        for _ in 0..ATTEMPTS {
            let Some(held) = self.open_or_create(path, wait)? else {
                (wait.sleep)(PAUSE)?;
                continue;
            };
            // The holder before may have deleted the file between our open and our lock.
            if !is_at(held.file.as_file(), path).map_err(|cause| self.refused("examine", path, &cause))? {
                continue;
            }
            if looks_left > 0 && self.is_empty(held.file.as_file(), path)? {
                looks_left -= 1;
                drop(held);
                (wait.sleep)(PAUSE)?;
                continue;
            }
            return Ok(held);
        }
        let what =
            format!("the {} {} is repeatedly deleted and created again by another program", self.noun, path.display());
        let error = Error::new(ErrorKind::CheckpointBusy, what).with_retryable(true);
        Err(error.hint(format_args!("choose another {} path", self.short)))
    }

    /// `None` when it appeared or went away in between.
    fn open_or_create(&self, path: &Path, wait: &LeaseWait<'_>) -> Result<Option<Held>> {
        if let Some(file) = self.open_and_lock_existing(path, wait)? {
            return Ok(Some(Held { file, created: false }));
        }
        let line = self.first_line(process::id());
        let made = DurableFile::create_whole(path, &directory_of(path), line.as_bytes(), |file| Ok(try_lock(file)?));
        let made = made.map_err(|cause| self.refused("create", path, &cause))?;
        Ok(made.map(|file| Held { file, created: true }))
    }

    /// `None` when nothing is there.
    pub(crate) fn open_and_lock_existing(&self, path: &Path, wait: &LeaseWait<'_>) -> Result<Option<DurableFile>> {
        match wait.open(|| file::check_is_regular(path).and_then(|()| DurableFile::open(path)))? {
            Ok(file) => self.lock(file.as_file(), path).map(|()| Some(file)),
            Err(cause) if cause.kind() == Io::NotFound => Ok(None),
            Err(cause) if is_leased(&cause) => {
                let what = format!("the {} {}", self.noun, path.display());
                Err(still_leased(ErrorKind::Checkpoint, &what, &cause))
            }
            Err(cause) => Err(self.refused("open", path, &cause)),
        }
    }

    /// Opens a file to read it, without its lock.
    pub(crate) fn open_to_read(&self, path: &Path) -> Result<File> {
        let opened = file::check_is_regular(path).and_then(|()| file::open_itself_to_read(path));
        opened.map_err(|cause| self.refused("open", path, &cause))
    }

    /// Puts this process's id into the first line, for those who find the file locked. It is no harm when that fails.
    pub(crate) fn sign(&self, file: &DurableFile) {
        let (at, holder) = self.holder_field(process::id());
        let _ = file.write_all_at(holder.as_bytes(), at);
    }

    fn is_empty(&self, file: &File, path: &Path) -> Result<bool> {
        file.metadata().map(|about| about.len() == 0).map_err(|cause| self.refused("examine", path, &cause))
    }

    fn lock(&self, file: &File, path: &Path) -> Result<()> {
        match try_lock(file) {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(self.busy(file, path)),
            Err(TryLockError::Error(cause)) => Err(self.refused("lock", path, &cause)),
        }
    }

    fn busy(&self, file: &File, path: &Path) -> Error {
        let mut first = vec![0; self.first_line_length()];
        let named = file::read_exact_at(file, &mut first, 0).ok().and_then(|()| self.holder_of(&first));
        let (holder, hint) = match named {
            Some(pid) if os::lock::has_ended(pid) => {
                (left_behind(pid, &os::lock::holders(file)), "end the process that holds it")
            }
            Some(pid) if pid == process::id() => {
                (format!("another upload of this process ({pid})"), "wait until it ends")
            }
            Some(pid) => (format!("process {pid}"), "wait until that upload ends"),
            None => ("another process".to_owned(), "wait until that upload ends"),
        };
        let what = format!("the {} {} is in use by {holder}", self.noun, path.display());
        let error = Error::new(ErrorKind::CheckpointBusy, what).with_retryable(true);
        error.hint(format_args!("{hint}, or choose another {} path", self.short))
    }

    /// The operating system said no: what to do about it depends on why.
    pub(crate) fn refused(&self, verb: &str, path: &Path, cause: &io::Error) -> Error {
        let what = format!("cannot {verb} the {} {}", self.noun, path.display());
        Error::os(ErrorKind::Checkpoint, what, cause).hint(self.advice(cause, path))
    }

    fn advice(&self, cause: &io::Error, path: &Path) -> String {
        let another = format!("choose another {} path", self.short);
        match Refusal::of(cause) {
            Refusal::Missing if !directory_of(path).exists() => {
                format!("the directory {} does not exist: create it", directory_of(path).display())
            }
            Refusal::Missing => format!("it does not exist, and cannot be created there: {another}"),
            Refusal::NoDirectory => format!("a part of its path is a file: {another}"),
            Refusal::Link => "symbolic links are not followed: give the path of the file itself".to_owned(),
            Refusal::Directory if self.short == CHECKPOINT.short => {
                "it is a directory: give a file's path, or name it as the checkpoint directory".to_owned()
            }
            Refusal::Directory => "it is a directory: give a file's path".to_owned(),
            Refusal::NotRegular => format!("it is not a regular file: {another}"),
            Refusal::Forbidden => format!(
                "the user {} must own it and may write in its directory: allow that, or {another}",
                os::privacy::this_user()
            ),
            Refusal::ReadOnly => {
                format!("the file system is read-only: choose a {} path or directory elsewhere", self.short)
            }
            Refusal::NameTooLong if self.short == CHECKPOINT.short => {
                format!("its name is too long: {another}, or a checkpoint directory")
            }
            Refusal::NameTooLong => format!("its name is too long: {another}"),
            Refusal::Full => format!("free some space, or choose a {} path elsewhere", self.short),
            Refusal::TooLarge => {
                "this process may not write files this large: raise its limit (RLIMIT_FSIZE, ulimit -f)".to_owned()
            }
            Refusal::NoLocks => "that file system has no locks: choose a path elsewhere".to_owned(),
            Refusal::Other => another,
        }
    }
}

/// Opens the checkpoint at `path`, or creates it with a first line.
pub(super) fn open_and_lock(path: &Path, wait: &LeaseWait<'_>) -> Result<Held> {
    CHECKPOINT.open_and_lock(path, wait)
}

/// `None` when nothing is there.
pub(super) fn open_and_lock_existing(path: &Path, wait: &LeaseWait<'_>) -> Result<Option<DurableFile>> {
    CHECKPOINT.open_and_lock_existing(path, wait)
}

/// Opens a checkpoint to read it, without its lock.
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    CHECKPOINT.open_to_read(path)
}

/// The operating system said no.
pub(super) fn refused(verb: &str, path: &Path, cause: &io::Error) -> Error {
    CHECKPOINT.refused(verb, path, cause)
}

/// Who holds the lock that process `pid` had taken before it ended.
fn left_behind(pid: u32, holders: &[u32]) -> String {
    match holders {
        [] => format!(
            "process {pid}, which has ended, or by a child that it forked; or it runs in another container or on another \
             machine"
        ),
        [child] => format!("process {child}, which was forked by process {pid}, which has ended"),
        [child, ..] => format!("process {child} and others, which were forked by process {pid}, which has ended"),
    }
}

/// Makes sure that nobody else can read or write the file, and that nobody else has put it there.
pub(crate) fn make_private(file: &File, path: &Path) -> Result<()> {
    os::privacy::make_private(file, &directory_of(path)).map_err(|cause| refused("use", path, &cause))
}

/// Makes a name that was put into the directory of `path`, or taken out of it, survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    durable::sync_names(&directory_of(path))
}

pub(crate) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("/"),
    }
}
