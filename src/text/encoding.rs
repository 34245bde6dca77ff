//! Text as people and programs write it: the one place that knows byte order marks.

use std::fmt;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are no text. Begins with a verb: what they are says the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotText {
    Utf16,
    NotUtf8,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotText::Utf16 => "is UTF-16 text; save it as UTF-8",
            NotText::NotUtf8 => "is not UTF-8 text",
        })
    }
}

/// The bytes without the byte order mark of UTF-8 that editors and programs of Windows put in front. Text in UTF-16,
/// which some of them write, is refused by its name.
fn without_mark(bytes: &[u8]) -> Result<&[u8], NotText> {
    if is_utf16(bytes) {
        return Err(NotText::Utf16);
    }
    Ok(bytes.strip_prefix(MARK).unwrap_or(bytes))
}

/// The text of a file, a response or a program's output, without its byte order mark.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, NotText> {
    std::str::from_utf8(without_mark(bytes)?).map_err(|_| NotText::NotUtf8)
}

/// Without any mark that begins a line: files that were joined have some in the middle.
pub(crate) fn lines_without_marks(bytes: &[u8]) -> Result<Vec<u8>, NotText> {
    let mut clean = Vec::with_capacity(bytes.len());
    for line in without_mark(bytes)?.split_inclusive(|byte| *byte == b'\n') {
        clean.extend_from_slice(line.strip_prefix(MARK).unwrap_or(line));
    }
    Ok(clean)
}

/// By its mark, or by the zero half of its first letter.
fn is_utf16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_left_out() {
        assert_eq!(utf8(b"\xef\xbb\xbfabc"), Ok("abc"));
        assert_eq!(utf8(b"abc"), Ok("abc"));
        assert_eq!(utf8(b""), Ok(""));
        assert_eq!(without_mark(b"\xef\xbb\xbf\xff"), Ok(&b"\xff"[..]));
        assert_eq!(utf8(b"\xffa"), Err(NotText::NotUtf8));
        assert_eq!(
            lines_without_marks(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\nc\xef\xbb\xbf").unwrap(),
            b"a\nb\nc\xef\xbb\xbf"
        );
    }

    #[test]
    fn utf_16_is_told_by_its_name() {
        for text in [&b"\xff\xfe{\0"[..], b"\xfe\xff\0{", b"{\0}\0", b"\0{\0}"] {
            assert_eq!(utf8(text), Err(NotText::Utf16));
        }
        assert_eq!(NotText::Utf16.to_string(), "is UTF-16 text; save it as UTF-8");
    }
}
