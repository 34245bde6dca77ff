//! Percent-encoding as OSS uses it: everything but `A-Z a-z 0-9 - . _ ~` is encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &STRICT.remove(b'/');

/// Encodes one query name or value: the slash is encoded too.
#[must_use]
pub fn encode(text: impl AsRef<[u8]>) -> String {
    percent_encode(text.as_ref(), STRICT).to_string()
}

/// Encodes a path: the slash stays.
#[must_use]
pub fn encode_path(text: impl AsRef<[u8]>) -> String {
    percent_encode(text.as_ref(), PATH).to_string()
}

/// Decodes a path, in which `+` is a plus. `None` when the result is not UTF-8.
pub(crate) fn decode_path(text: &str) -> Option<String> {
    String::from_utf8(percent_decode(text.as_bytes()).collect()).ok()
}

/// Decodes one query name or value, in which `+` is a blank: several clients write blanks so.
pub(crate) fn decode_query(text: &str) -> Option<String> {
    decode_path(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_unreserved() {
        assert_eq!(encode("a-Z_0.~/+ *%"), "a-Z_0.~%2F%2B%20%2A%25");
        assert_eq!(encode_path("目/a b"), "%E7%9B%AE/a%20b");
    }

    #[test]
    fn decodes_plus_only_in_queries() {
        assert_eq!(decode_path("a+b%2B%2F..").as_deref(), Some("a+b+/.."));
        assert_eq!(decode_query("a+b%2B").as_deref(), Some("a b+"));
        assert_eq!(decode_path("%FF"), None);
    }
}
