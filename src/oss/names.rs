//! The rules for names of buckets and objects.

use crate::error::{Error, Result};

/// The longest key in bytes (OSS: PutObject).
const MAX_KEY_BYTES: usize = 1023;

/// Checks a bucket's name (OSS: PutBucket). It becomes a label of the host name, so nothing else may pass.
pub fn check_bucket(bucket: &str) -> Result<()> {
    if !(3..=63).contains(&bucket.len()) {
        return Err(Error::invalid(format!(
            "the bucket's name must have 3 to 63 characters, this one has {}",
            bucket.chars().count()
        )));
    }
    if !bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(Error::invalid("the bucket's name must consist of lower-case letters, digits and hyphens"));
    }
    if bucket.starts_with('-') || bucket.ends_with('-') {
        return Err(Error::invalid("the bucket's name must begin and end with a letter or a digit"));
    }
    Ok(())
}

/// Checks an object's key (OSS: PutObject). Dot segments, `//` and a leading `?` are part of a name like any other.
pub fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::invalid("the object key is empty"));
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(Error::invalid(format!(
            "the object key must have at most {MAX_KEY_BYTES} bytes of UTF-8, this one has {}",
            key.len()
        )));
    }
    if key.starts_with(['/', '\\']) {
        return Err(Error::invalid("the object key must not begin with a slash or a backslash: leave it out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn bucket_names() {
        for good in ["abc", "1-2", "examplebucket", &"a".repeat(63)] {
            assert!(check_bucket(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", &"a".repeat(64), "Abc", "a_b", "a.b", "-ab", "ab-", "a/b", "目录目录"] {
            assert_eq!(check_bucket(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidArgument), "{bad}");
        }
    }

    #[test]
    fn object_keys() {
        for good in ["a", "a/../b", ".", "..", "a//b", "?x", "目录/测试", "a\\b", &"k".repeat(1023)] {
            assert!(check_key(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "\\a", &"k".repeat(1024), &"目".repeat(342)] {
            assert_eq!(check_key(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidArgument), "{bad}");
        }
    }
}
