//! What the system says about a file.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::os::identity::{FileId, TimeStamps};

/// What the system says about a file at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Status(Metadata);

impl Status {
    /// Of an open file.
    pub(crate) fn of(file: &File) -> io::Result<Status> {
        file.metadata().map(Status)
    }

    /// Of the file that `path` leads to.
    pub(crate) fn at(path: &Path) -> io::Result<Status> {
        fs::metadata(path).map(Status)
    }

    /// Its kind, its size, and the rest that all systems know.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.0
    }

    /// Which file it is.
    pub(crate) fn id(&self) -> FileId {
        FileId { device: self.0.dev(), inode: self.0.ino().into() }
    }

    /// When it was changed.
    pub(crate) fn times(&self) -> TimeStamps {
        let nanoseconds = |seconds: i64, fraction: i64| i128::from(seconds) * 1_000_000_000 + i128::from(fraction);
        TimeStamps {
            modified_ns: nanoseconds(self.0.mtime(), self.0.mtime_nsec()),
            changed_ns: nanoseconds(self.0.ctime(), self.0.ctime_nsec()),
        }
    }
}

/// Whether `path` still leads to `file`, by no link.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = Status::of(file)?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Status(there).id() == ours.id()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn programs_set_the_modification_time_only() {
        let file = tempfile::tempfile().unwrap();
        let before = Status::of(&file).unwrap().times();
        let set = |file: &File, time| {
            file.set_modified(time).unwrap();
            Status::of(file).unwrap().times()
        };
        let early = set(&file, UNIX_EPOCH - Duration::from_millis(1500));
        assert_eq!(early.modified_ns, -1_500_000_000);
        assert!(early.changed_ns >= before.changed_ns);
        assert_eq!(set(&file, UNIX_EPOCH + Duration::new(5, 7)).modified_ns, 5_000_000_007);
    }
}
