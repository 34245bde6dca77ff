//! What tests do to this system.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
pub(crate) use std::os::unix::fs::symlink;

/// `text`, and something behind it that is no Unicode.
pub(crate) fn not_unicode(text: &str) -> OsString {
    OsString::from_vec([text.as_bytes(), b"\xe9"].concat())
}
