//! Paths as bytes: UTF-8, but a surrogate that stands alone, which no UTF-8 has, is three bytes (WTF-8).

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf, Prefix, absolute};

use windows_sys::Win32::Foundation::ERROR_FILENAME_EXCED_RANGE;

/// The variable of the environment that names the user's directory.
pub(crate) const HOME: &str = "USERPROFILE";

/// What paths are measured in.
pub(crate) const UNITS: &str = "UTF-16 units";

/// The longest path that the system takes, in UTF-16 units, without the NUL at its end and with `\\?\UNC` before it.
pub(crate) const LONGEST: usize = 32_767 - 1 - 7;

/// The number of the error that a longer one gets.
pub(crate) const TOO_LONG: i32 = ERROR_FILENAME_EXCED_RANGE as i32;

/// The bytes of `path`.
pub(crate) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// How long `path` is, in [`UNITS`].
pub(crate) fn length(path: &Path) -> usize {
    path.as_os_str().encode_wide().count()
}

/// The path that a caller of the C interface has given; `None` when it is not UTF-8.
pub(crate) fn from_given(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// The path of these bytes. What no path can hold becomes U+FFFD.
pub(crate) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    match String::from_utf8(bytes) {
        Ok(text) => PathBuf::from(text),
        Err(not_utf8) => PathBuf::from(OsString::from_wide(&units(not_utf8.as_bytes()))),
    }
}

/// The same, of bytes that somebody else keeps.
pub(crate) fn view(bytes: &[u8]) -> Cow<'_, Path> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(Path::new(text)),
        Err(_) => Cow::Owned(from_bytes(bytes.to_vec())),
    }
}

/// The path in full and with a NUL at its end, as calls take it that are not of Rust's library: longer than 260 units, too.
pub(super) fn for_calls(path: &Path) -> io::Result<Vec<u16>> {
    let full = absolute(path)?;
    let kind = full.components().next().and_then(|first| match first {
        Component::Prefix(prefix) => Some(prefix.kind()),
        _ => None,
    });
    let (before, skipped) = match kind {
        Some(Prefix::Disk(_)) => (r"\\?\", 0),
        // One of the two backslashes that it begins with.
        Some(Prefix::UNC(..)) => (r"\\?\UNC", 1),
        _ => ("", 0),
    };
    Ok(before.encode_utf16().chain(full.as_os_str().encode_wide().skip(skipped)).chain([0]).collect())
}

fn units(mut rest: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(rest.len());
    while let Some(chunk) = rest.utf8_chunks().next() {
        units.extend(chunk.valid().encode_utf16());
        rest = &rest[chunk.valid().len()..];
        match *rest {
            [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
                units.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
                rest = &rest[3..];
            }
            [] => {}
            _ => {
                units.push(char::REPLACEMENT_CHARACTER as u16);
                rest = &rest[chunk.invalid().len()..];
            }
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_comes_back() {
        for units in [&[0x61, 0x76EE, 0xD83D, 0xDE00][..], &[0xD800], &[0xDC00, 0xD800, 0x61], &[0xDBFF, 0xFFFF]] {
            let path = PathBuf::from(OsString::from_wide(units));
            assert_eq!(from_bytes(bytes(&path).to_vec()), path, "{units:x?}");
        }
    }

    #[test]
    fn what_no_path_holds_is_replaced_and_refused_from_a_caller() {
        assert_eq!(from_bytes(b"a\xe9b\xff".to_vec()), Path::new("a\u{FFFD}b\u{FFFD}"));
        assert_eq!((from_given(b"a\xe9b"), from_given("目录\\x".as_bytes())), (None, Some("目录\\x".into())));
        assert_eq!(from_given(b"\xED\xA0\x80"), None);
    }

    #[test]
    fn length_counts_units() {
        assert_eq!(length(Path::new("a目😀")), 4);
    }

    #[test]
    fn a_path_for_calls_may_be_long() {
        let told = |path: &str| OsString::from_wide(&for_calls(Path::new(path)).unwrap());
        assert_eq!(told(r"C:\a\b"), OsString::from("\\\\?\\C:\\a\\b\0"));
        assert_eq!(told(r"\\server\share\a"), OsString::from("\\\\?\\UNC\\server\\share\\a\0"));
        assert_eq!(told(r"\\?\C:\a"), OsString::from("\\\\?\\C:\\a\0"));
    }
}
