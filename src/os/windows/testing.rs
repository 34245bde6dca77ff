//! What tests do to this system.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::{symlink_dir, symlink_file};
use std::path::Path;

/// `text`, and something behind it that is no Unicode: half of a pair.
pub(crate) fn not_unicode(text: &str) -> OsString {
    OsString::from_wide(&text.encode_utf16().chain([0xD800]).collect::<Vec<_>>())
}

/// A link at `link` that leads to `target`.
pub(crate) fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    match target.as_ref().is_dir() {
        true => symlink_dir(target, link),
        false => symlink_file(target, link),
    }
}
