//! By what the system tells one file from another, and one state of a file from the next.

pub(crate) use super::status::{Status, is_at};

/// Which file it is, among all of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    /// The number of the device or volume.
    pub device: u64,
    /// The number of the file there. Windows has 128 bits.
    pub inode: u128,
}

/// When a file was last changed, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeStamps {
    /// The time of the last write, which programs can set.
    pub modified_ns: i128,
    /// The time of the last change of any kind, which they cannot; on Windows few do.
    pub changed_ns: i128,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

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
}
