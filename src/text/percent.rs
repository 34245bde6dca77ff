//! Percent-encoding of keys and query parameters (RFC 3986).

use std::borrow::Cow;
use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode_byte, utf8_percent_encode};

/// What is left as it is in a query: RFC 3986's unreserved characters. OSS signs over exactly this form (OSS: V4
/// signature, CanonicalQueryString).
pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path keeps its slashes too (OSS: V4 signature, CanonicalURI).
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// Appends `path` as it stands in a URL. Slashes and dot segments stay: a key may hold `//` and `..`.
pub(crate) fn push_path(text: &mut String, path: &str) {
    text.extend(utf8_percent_encode(path, PATH));
}

/// Appends each byte as `%XX`, whatever it is.
pub(crate) fn push_bytes(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().map(|byte| percent_encode_byte(*byte)));
}

/// Appends a query as it stands in a URL; a parameter without a value is the bare name, as in `?uploads`.
pub(crate) fn push_query<'a>(text: &mut String, query: impl IntoIterator<Item = &'a (String, Option<String>)>) {
    for (at, (name, value)) in query.into_iter().enumerate() {
        if at > 0 {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, UNRESERVED));
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            text.push('=');
            text.extend(utf8_percent_encode(value, UNRESERVED));
        }
    }
}

/// The order of two names of parameters as they stand in a URL.
pub(crate) fn compare_encoded(one: &str, other: &str) -> Ordering {
    let encoded = |name| utf8_percent_encode(name, UNRESERVED).flat_map(str::bytes);
    encoded(one).cmp(encoded(other))
}

/// What `query_parameter` made of a value, in which others write `+` for a blank. `None` when it is not UTF-8.
pub(crate) fn decode_query(value: &str) -> Option<String> {
    let value = value.replace('+', " ");
    percent_decode_str(&value).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(path: &str) -> String {
        let mut text = String::new();
        push_path(&mut text, path);
        text
    }

    fn query_parameter(name: &str, value: Option<&str>) -> String {
        let mut text = String::new();
        push_query(&mut text, &[(name.to_owned(), value.map(str::to_owned))]);
        text
    }

    #[test]
    fn a_path_keeps_slashes_and_dot_segments_only() {
        assert_eq!(
            path("a/../b//c ~!*'();:@&=+$,?#[]%.txt"),
            "a/../b//c%20~%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%3F%23%5B%5D%25.txt"
        );
        assert_eq!(path("目录"), "%E7%9B%AE%E5%BD%95");
    }

    #[test]
    fn a_parameter_without_a_value_is_bare() {
        assert_eq!(query_parameter("uploads", None), "uploads");
        assert_eq!(query_parameter("uploads", Some("")), "uploads");
        assert_eq!(query_parameter("+p", Some("a/b c")), "%2Bp=a%2Fb%20c");
    }

    #[test]
    fn a_plus_in_a_query_is_a_blank() {
        assert_eq!(decode_query("a+b%2B%20%E7%9B%AE%").as_deref(), Some("a b+ 目%"));
        assert_eq!(decode_query("%FF"), None);
    }

    proptest! {
        #[test]
        fn decoding_gives_the_text_back(text in any::<String>()) {
            let encoded = path(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)));
            prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), text.as_str());
            let parameter = query_parameter("n", Some(&text));
            prop_assert!(!parameter.contains(['/', '&', '+', '#', ' ']));
            let value = parameter.strip_prefix("n=").unwrap_or_default();
            prop_assert_eq!(decode_query(value), Some(text));
        }
    }
}
