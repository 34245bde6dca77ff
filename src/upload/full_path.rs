//! Paths in full: a path means what it meant when the call was made, wherever the program goes meanwhile.

use std::path::{Path, PathBuf, absolute};

use crate::error::{Error, ErrorKind, Result};
use crate::os::path::{self, LONGEST, UNITS};

/// `path` from the root on, as it is at this moment. Links and `..` stay as they are: only the file system knows what
/// they mean. `field` names the option, and an error is of `kind`.
pub(crate) fn in_full(field: &str, path: &Path, kind: ErrorKind) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid(format!("{field} is empty")));
    }
    let full = absolute(path).map_err(|cause| {
        let what = format!("{field} {} is relative, and the current directory cannot be found", path.display());
        Error::os(kind, what, &cause).hint("give a path that begins with /, or change to a directory that exists")
    })?;
    let length = path::length(&full);
    if length > LONGEST {
        let what = format!("{field} has {length} {UNITS} as an absolute path; the system allows {LONGEST}");
        return Err(Error::new(kind, what).hint("use a shorter path").with_errno(path::TOO_LONG));
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(path: &str) -> Result<PathBuf> {
        in_full("file_path", Path::new(path), ErrorKind::Io)
    }

    #[test]
    fn a_relative_path_begins_in_the_current_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(full("x").unwrap(), here.join("x"));
        assert_eq!(full("./a/../x").unwrap(), here.join("a/../x"), "a may be a link");
        assert_eq!(full("/a/../x").unwrap(), Path::new("/a/../x"));
    }

    #[test]
    fn what_no_system_call_takes_is_refused() {
        assert_eq!(full("").unwrap_err().kind(), ErrorKind::InvalidArgument);
        let longest = "/".to_owned() + &"x".repeat(LONGEST - 1);
        assert_eq!(full(&longest).unwrap(), Path::new(&longest));
        let error = full(&(longest + "x")).unwrap_err();
        assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Io, path::TOO_LONG));
        assert!(error.message().contains("4096 bytes as an absolute path"), "{error}");
    }
}
