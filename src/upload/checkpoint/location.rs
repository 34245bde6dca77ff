//! Where the checkpoint file is.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use crate::options::Checkpoint;
use crate::os;
use crate::text::hex::hex;

/// The path of the checkpoint file; `None` without a checkpoint. In full, as the paths are that it is made from.
pub(crate) fn location(choice: &Checkpoint, source: &Path, bucket: &str, key: &str) -> Option<PathBuf> {
    match choice {
        Checkpoint::Off => None,
        Checkpoint::BesideFile => {
            let mut path = OsString::from(source);
            path.push(".cp");
            Some(PathBuf::from(path))
        }
        Checkpoint::File(path) => Some(path.clone()),
        Checkpoint::Directory(directory) => Some(directory.join(file_name(source, bucket, key))),
    }
}

/// The form of Alibaba Cloud's SDKs: the MD5 of the absolute source path, and that of the destination's URL. Links and `..`
/// in the path are resolved, so that the same file is found by every spelling. Two hard links are two names.
fn file_name(source: &Path, bucket: &str, key: &str) -> String {
    // What is not there will not be uploaded either: the name does not matter then.
    let source = fs::canonicalize(source).unwrap_or_else(|_| source.to_owned());
    let destination = format!("oss://{bucket}/{key}");
    format!("{}-{}.cp", md5_hex(os::path::bytes(&source)), md5_hex(destination.as_bytes()))
}

fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::testing::{not_unicode, symlink};

    fn in_directory(source: &str, key: &str) -> PathBuf {
        location(&Checkpoint::Directory("/var/cp".into()), Path::new(source), "examplebucket", key).unwrap()
    }

    #[test]
    fn names_in_a_directory_are_those_of_the_vendor() {
        assert_eq!(
            in_directory("/data/big.bin", "dir/big.bin"),
            Path::new("/var/cp/c30e4f5819fb6d33474459c8e6f3b566-894c1335064f542638136440421a0c7a.cp")
        );
        assert_eq!(
            in_directory("/data/目录/文件.bin", "目录/文件.bin"),
            Path::new("/var/cp/4fc003879e9df85df6316b69d3883c41-05bcdd0102ecfe36555c8b4b404e5d09.cp")
        );
    }

    #[test]
    fn names_in_a_directory_follow_the_file_and_not_the_spelling() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(dir.join("real")).unwrap();
        fs::write(dir.join("real/f"), "").unwrap();
        fs::hard_link(dir.join("real/f"), dir.join("real/g")).unwrap();
        symlink(dir.join("real"), dir.join("folder")).unwrap();
        symlink("real/f", dir.join("link")).unwrap();
        let name = |path: &str, key: &str| in_directory(dir.join(path).to_str().unwrap(), key);
        for spelling in ["folder/f", "link", "folder/../real/f", "real/./f", "real//f"] {
            assert_eq!(name(spelling, "key"), name("real/f", "key"), "{spelling}");
        }
        assert_ne!(name("real/g", "key"), name("real/f", "key"));
        assert_ne!(name("link", "other"), name("real/f", "key"));
    }

    #[test]
    fn beside_the_file_keeps_its_bytes() {
        let source = PathBuf::from(not_unicode("/data/x"));
        let path = location(&Checkpoint::BesideFile, &source, "b", "k").unwrap();
        assert_eq!(os::path::bytes(&path), [os::path::bytes(&source), b".cp"].concat());
    }

    #[test]
    fn a_given_file_is_taken_as_it_is() {
        let at = |choice| location(&choice, Path::new("/data/x"), "b", "k");
        assert_eq!(at(Checkpoint::Off), None);
        assert_eq!(at(Checkpoint::File("/cp/x".into())), Some("/cp/x".into()));
    }
}
