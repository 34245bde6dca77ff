//! By what the system tells one file from another, and one state of a file from the next.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Which file it is, among all of this machine: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    pub device: u64,
    pub inode: u64,
}

/// When a file was last changed, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeStamps {
    /// The time of the last write, which programs can set.
    pub modified_ns: i128,
    /// The time of the last change of any kind, which they cannot.
    pub changed_ns: i128,
}

/// Which file `metadata` is about.
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

/// The time stamps in `metadata`.
pub(crate) fn time_stamps(metadata: &Metadata) -> TimeStamps {
    let nanoseconds = |seconds: i64, fraction: i64| i128::from(seconds) * 1_000_000_000 + i128::from(fraction);
    TimeStamps {
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_link_is_the_same_file_and_a_copy_is_another() {
        let directory = tempfile::tempdir().unwrap();
        let [first, link, copy] = ["first", "link", "copy"].map(|name| directory.path().join(name));
        fs::write(&first, "x").unwrap();
        fs::hard_link(&first, &link).unwrap();
        fs::copy(&first, &copy).unwrap();
        let [first, link, copy] = [first, link, copy].map(|path| file_id(&fs::metadata(path).unwrap()));
        assert!(first == link && first != copy);
    }

    #[test]
    fn programs_set_the_modification_time_only() {
        let file = tempfile::tempfile().unwrap();
        let before = time_stamps(&file.metadata().unwrap());
        let set = |file: &File, time| {
            file.set_modified(time).unwrap();
            time_stamps(&file.metadata().unwrap())
        };
        let early = set(&file, UNIX_EPOCH - Duration::from_millis(1500));
        assert_eq!(early.modified_ns, -1_500_000_000);
        assert!(early.changed_ns >= before.changed_ns);
        assert_eq!(set(&file, UNIX_EPOCH + Duration::new(5, 7)).modified_ns, 5_000_000_007);
    }
}
