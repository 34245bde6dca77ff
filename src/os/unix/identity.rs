//! By what the system tells one file from another, and one state of a file from the next.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which file it is, among all of this machine: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    pub device: u64,
    /// Windows has 128 bits.
    pub inode: u128,
}

/// When a file was last changed, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeStamps {
    /// The time of the last write, which programs can set.
    pub modified_ns: i128,
    /// The time of the last change of any kind, which they cannot.
    pub changed_ns: i128,
}

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
    fn a_link_is_the_same_file_and_a_copy_is_another() {
        let directory = tempfile::tempdir().unwrap();
        let [first, link, copy] = ["first", "link", "copy"].map(|name| directory.path().join(name));
        fs::write(&first, "x").unwrap();
        fs::hard_link(&first, &link).unwrap();
        fs::copy(&first, &copy).unwrap();
        let [first, link, copy] = [first, link, copy].map(|path| Status::at(&path).unwrap().id());
        assert!(first == link && first != copy);
    }

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
