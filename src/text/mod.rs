//! Text: byte order marks, dates, hexadecimal digits, paths and percent-encoding. The protocol and the providers of
//! credentials stand on it.

pub(crate) mod date;
mod encoding;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub(crate) mod hex;
pub(crate) mod path;
pub(crate) mod percent;

pub(crate) use encoding::{lines_without_marks, utf8};
