//! Paths of any bytes as text, also as serde writes and reads them.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer};
use serde::ser::Serializer;

use super::percent;
use crate::os;

/// The bytes of a path as text: a byte that belongs to no UTF-8 character, a control character and `%` become `%XX`.
pub(crate) fn encode(path: &Path) -> String {
    let mut text = String::new();
    for chunk in os::path::bytes(path).utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '%' => text.push_str("%25"),
                c if c.is_control() => percent::push_bytes(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        percent::push_bytes(&mut text, chunk.invalid());
    }
    text
}

pub(crate) fn decode(text: &str) -> PathBuf {
    os::path::from_bytes(percent_decode_str(text).collect())
}

pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(path))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    String::deserialize(deserializer).map(|text| decode(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_bytes_comes_back() {
        for (bytes, text) in [
            (b"/data/big.bin".as_slice(), "/data/big.bin"),
            ("/数据/文件".as_bytes(), "/数据/文件"),
            (b"/a%41\n\xff\xc3", "/a%2541%0A%FF%C3"),
            ("/\u{85}".as_bytes(), "/%C2%85"),
        ] {
            let path = os::path::from_bytes(bytes.to_vec());
            assert_eq!(encode(&path), text);
            assert_eq!(decode(text), path);
        }
        let all = os::path::from_bytes((1..=255).collect());
        assert_eq!(decode(&encode(&all)), all);
    }
}
