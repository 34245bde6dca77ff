//! The key of a file: the prefix and its path.

use super::options::KeyEncoding;
use crate::error::{Error, ErrorKind, Result};
use crate::oss;
use crate::text::percent;

const ENCODE: &str = "rename it, or have such names percent-encoded (key_encoding)";

/// The key of the file with this path, whose parts are separated by `/`.
pub(crate) fn key_of(prefix: &str, path: &[u8], encoding: KeyEncoding) -> Result<String> {
    let mut key = String::with_capacity(prefix.len() + path.len());
    key.push_str(prefix);
    match encoding {
        KeyEncoding::Refuse => match std::str::from_utf8(path) {
            Ok(path) => key.push_str(path),
            Err(_) => {
                let error = Error::new(ErrorKind::InvalidArgument, "its name is not UTF-8, and a key must be");
                return Err(error.hint(ENCODE));
            }
        },
        KeyEncoding::Percent => encode(&mut key, path),
    }
    check(&key, encoding)?;
    Ok(key)
}

/// Checks a key that may have been given.
pub(crate) fn check(key: &str, encoding: KeyEncoding) -> Result<()> {
    oss::check_key(key).map_err(|error| match encoding {
        KeyEncoding::Refuse if key.starts_with(['/', '\\']) => error.hint(ENCODE),
        _ => error,
    })
}

fn encode(key: &mut String, path: &[u8]) {
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '%' => key.push_str("%25"),
                '/' | '\\' if key.is_empty() => percent::push_bytes(key, &[c as u8]),
                c => key.push(c),
            }
        }
        percent::push_bytes(key, chunk.invalid());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_is_no_key_is_refused_or_encoded() {
        let refused = |path: &[u8]| key_of("", path, KeyEncoding::Refuse).unwrap_err().to_string();
        let encoded = |path: &[u8]| key_of("", path, KeyEncoding::Percent).unwrap();
        assert!(refused(b"m\xe9").contains("not UTF-8") && refused(b"m\xe9").contains("key_encoding"));
        assert!(refused(b"\\x").contains("backslash") && refused(b"\\x").contains("key_encoding"));
        assert_eq!(
            (encoded(b"m\xe9"), encoded(b"\\x"), encoded(b"50%")),
            ("m%E9".into(), "%5Cx".into(), "50%25".into())
        );
        assert_eq!(key_of("p/", b"50%", KeyEncoding::Refuse).unwrap(), "p/50%");
        let long = vec![b'x'; 1022];
        assert_eq!(key_of("p", &long, KeyEncoding::Refuse).unwrap().len(), 1023);
        for encoding in [KeyEncoding::Refuse, KeyEncoding::Percent] {
            assert!(key_of("p/", &long, encoding).unwrap_err().message().contains("1024"));
        }
    }

    proptest! {
        #[test]
        fn no_two_names_have_one_key(one: Vec<u8>, other: Vec<u8>) {
            for encoding in [KeyEncoding::Refuse, KeyEncoding::Percent] {
                let keys = [&one, &other].map(|path| key_of("p/", path, encoding));
                if let [Ok(a), Ok(b)] = keys {
                    prop_assert_eq!(a == b, one == other);
                }
            }
        }
    }
}
