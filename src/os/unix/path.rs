//! Paths as bytes, which need not be UTF-8, and how long they may be.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The variable of the environment that names the user's directory.
pub(crate) const HOME: &str = "HOME";

/// What paths are measured in.
pub(crate) const UNITS: &str = "bytes";

/// The longest path that the system takes, in bytes, without the NUL at its end.
pub(crate) const LONGEST: usize = libc::PATH_MAX as usize - 1;

/// The number of the error that a longer one gets.
pub(crate) const TOO_LONG: i32 = libc::ENAMETOOLONG;

/// The bytes of `path`.
pub(crate) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// How long `path` is, in [`UNITS`].
pub(crate) fn length(path: &Path) -> usize {
    path.as_os_str().len()
}

/// The path that a caller of the C interface has given.
pub(crate) fn from_given(bytes: &[u8]) -> Option<PathBuf> {
    Some(from_bytes(bytes.to_vec()))
}

/// The path of these bytes.
pub(crate) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

/// The same, of bytes that somebody else keeps.
pub(crate) fn view(bytes: &[u8]) -> Cow<'_, Path> {
    Cow::Borrowed(Path::new(OsStr::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_as_they_are() {
        let path = from_bytes(b"/m\xe9".to_vec());
        assert_eq!((bytes(&path), path.to_str()), (b"/m\xe9".as_slice(), None));
        assert_eq!(view(b"/m\xe9"), path);
    }
}
