//! The lines of a manifest: JSON behind a checksum, which also says to which manifest the line belongs.

use std::borrow::Cow;
use std::io::{self, BufRead};

use crate::crc64::Crc64;
use crate::text::hex::digits;

/// The most bytes of a line with its line break: a path of 4,096 bytes and a key of 1,023, each of them escaped, and an
/// error's message.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// The hexadecimal digits of a checksum.
const DIGITS: usize = 16;
/// A file's line begins with this, after its checksum.
const FILE: &[u8] = b"{\"path\":\"";
const KEY: &[u8] = b",\"key\":\"";

/// The checksums of one manifest's lines. A line of another manifest does not pass.
#[derive(Clone)]
pub(super) struct Seal(Crc64);

impl Seal {
    /// `id` is that of the manifest; the first record, which has the id, is sealed with an empty one.
    pub(super) fn new(id: &str) -> Seal {
        let mut crc = Crc64::new();
        crc.update(id.as_bytes());
        Seal(crc)
    }

    /// The line that carries `json`.
    pub(super) fn line(&self, json: &[u8]) -> Vec<u8> {
        let mut line = Vec::with_capacity(DIGITS + json.len() + 2);
        line.extend_from_slice(&self.digits(json));
        line.push(b' ');
        line.extend_from_slice(json);
        line.push(b'\n');
        line
    }

    /// The JSON in `line`, when it is undamaged and belongs to this manifest.
    pub(super) fn open<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let (digits, rest) = line.split_at_checked(DIGITS)?;
        let json = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
        (digits == self.digits(json)).then_some(json)
    }

    fn digits(&self, json: &[u8]) -> [u8; DIGITS] {
        let mut crc = self.0.clone();
        crc.update(json);
        digits(crc.value())
    }
}

/// By what the lines of files are sorted: the bytes of the path, then the text of the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey<'a> {
    pub path: Cow<'a, [u8]>,
    pub key: &'a [u8],
}

impl<'a> SortKey<'a> {
    /// Of a line whose seal is known to be good; `None` when it is not that of a file.
    pub(super) fn of_line(line: &'a [u8]) -> Option<SortKey<'a>> {
        SortKey::of_json(line.get(DIGITS + 1..)?)
    }

    pub(super) fn of_json(json: &'a [u8]) -> Option<SortKey<'a>> {
        let (path, rest) = text(json.strip_prefix(FILE)?)?;
        let key = rest.strip_prefix(KEY).and_then(text).map_or(&[][..], |(key, _)| key);
        Some(SortKey { path: decoded(path), key })
    }
}

/// Where path and key stand in a line, so that they need not be looked for again.
#[derive(Clone, Copy)]
pub(super) struct KeyPlace {
    path_end: usize,
    key_end: usize,
    /// The path stands there as it is.
    is_plain: bool,
}

impl KeyPlace {
    /// Of a line of a file; a line that is none is sorted first.
    pub(super) fn of_line(line: &[u8]) -> KeyPlace {
        let start = DIGITS + 1 + FILE.len();
        let Some((path, rest)) = line.get(start..).and_then(text) else {
            return KeyPlace { path_end: 0, key_end: 0, is_plain: true };
        };
        let path_end = start + path.len();
        let key = rest.strip_prefix(KEY).and_then(text);
        let key_end = key.map_or(path_end, |(key, _)| path_end + 1 + KEY.len() + key.len());
        KeyPlace { path_end, key_end, is_plain: matches!(decoded(path), Cow::Borrowed(_)) }
    }

    /// In the line that it was made from.
    pub(super) fn key<'a>(&self, line: &'a [u8]) -> SortKey<'a> {
        let path = line.get(DIGITS + 1 + FILE.len()..self.path_end).unwrap_or_default();
        let key = line.get(self.path_end + 1 + KEY.len()..self.key_end).unwrap_or_default();
        SortKey { path: if self.is_plain { Cow::Borrowed(path) } else { decoded(path) }, key }
    }
}

/// The bytes of a JSON text up to its closing quote, and what follows.
fn text(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        match json[at] {
            b'"' => return Some((&json[..at], &json[at + 1..])),
            // The next character is escaped.
            _ => at += 2,
        }
    }
}

/// The bytes that a path's JSON text stands for.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\\', b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    let quoted = [b"\"", text, b"\""].concat();
    // What is no JSON is sorted as it stands; nobody will find it.
    let plain: String = serde_json::from_slice(&quoted).unwrap_or_default();
    Cow::Owned(percent_encoding::percent_decode_str(&plain).collect())
}

/// Reads the next line, with its line break, into `line`; false at the end. A line that is too long is cut, and no seal
/// fits it.
pub(super) fn read_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    loop {
        let available = source.fill_buf()?;
        if available.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = memchr::memchr(b'\n', available).map(|at| at + 1);
        let taken = end.unwrap_or(available.len());
        let room = MAX_LINE.saturating_sub(line.len());
        line.extend_from_slice(&available[..taken.min(room)]);
        source.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_its_manifest_and_is_whole() {
        let seal = Seal::new("one");
        let line = seal.line(b"{\"path\":\"a\"}");
        assert_eq!(seal.open(&line), Some(b"{\"path\":\"a\"}".as_slice()));
        assert_eq!(Seal::new("other").open(&line), None);
        for at in 0..line.len() {
            let mut damaged = line.clone();
            damaged[at] ^= 1;
            assert_eq!(seal.open(&damaged), None, "{at}");
        }
        assert_eq!(seal.open(&line[..line.len() - 1]), None);
    }

    #[test]
    fn lines_are_sorted_by_path_and_key() {
        let key = |json: &'static str| SortKey::of_json(json.as_bytes()).unwrap();
        let plain = key(r#"{"path":"a/b","key":"p/a/b","size":1}"#);
        assert_eq!((&*plain.path, plain.key), (b"a/b".as_slice(), b"p/a/b".as_slice()));
        assert_eq!(&*key(r#"{"path":"a\"%FF%25","status":"failed"}"#).path, b"a\"\xff%");
        assert_eq!(key(r#"{"path":"a","status":"failed","key":"x"}"#).key, b"", "the key comes second or not at all");
        assert!(key(r#"{"path":"a/b","key":"1"}"#) < key(r#"{"path":"a/b","key":"2"}"#));
        assert!(key(r#"{"path":"a","key":"2"}"#) < key(r#"{"path":"a-b","key":"1"}"#));
        assert_eq!(SortKey::of_json(b"{\"end\":1}"), None);
        assert_eq!(SortKey::of_json(b"{\"path\":\"a\\"), None);
        for json in [
            r#"{"path":"a/b","key":"p/a/b","size":1}"#,
            r#"{"path":"a\"%FF%25","status":"failed"}"#,
            r#"{"path":"","key":"","size":1}"#,
        ] {
            let line = Seal::new("").line(json.as_bytes());
            assert_eq!(Some(KeyPlace::of_line(&line).key(&line)), SortKey::of_line(&line), "{json}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_no_trouble() {
        let text = [vec![b'x'; 3 * MAX_LINE], b"\nshort\nlast".to_vec()].concat();
        let mut source = io::BufReader::with_capacity(100, text.as_slice());
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while read_line(&mut source, &mut line).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [MAX_LINE, 6, 4]);
    }
}
