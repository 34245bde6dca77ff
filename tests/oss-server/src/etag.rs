//! ETags, kept small: a server may hold millions of them.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 32 capital hexadecimal digits; of an object made of parts, their number stands behind a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Etag {
    digits: [u8; 16],
    parts: Option<NonZeroU32>,
}

impl Etag {
    pub(crate) fn new(digits: [u8; 16]) -> Self {
        Self { digits, parts: None }
    }

    pub(crate) fn of_parts(digits: [u8; 16], count: u32) -> Self {
        Self { digits, parts: NonZeroU32::new(count) }
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032X}", u128::from_be_bytes(self.digits))?;
        self.parts.map_or(Ok(()), |parts| write!(f, "-{parts}"))
    }
}

impl FromStr for Etag {
    type Err = &'static str;

    /// Reads one in capital or small letters, in quotes or without.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "no ETag of this server";
        let text = text.trim().trim_matches('"');
        let (digits, parts) = text.split_once('-').map_or((text, None), |(digits, parts)| (digits, Some(parts)));
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let digits = u128::from_str_radix(digits, 16).map_err(|_| WRONG)?.to_be_bytes();
        let parts = parts.map(str::parse).transpose().map_err(|_| WRONG)?;
        Ok(Self { digits, parts })
    }
}

impl From<Etag> for String {
    fn from(etag: Etag) -> Self {
        etag.to_string()
    }
}

impl TryFrom<String> for Etag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_read_as_they_are_written() {
        let plain = Etag::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xAB]);
        assert_eq!(plain.to_string(), "000102030405060708090A0B0C0D0EAB");
        assert_eq!("\"000102030405060708090a0b0c0d0eab\"".parse(), Ok(plain));
        let of_parts = Etag::of_parts([0xFF; 16], 10_000);
        assert_eq!(of_parts.to_string(), "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF-10000");
        assert_eq!(of_parts.to_string().parse(), Ok(of_parts));
        for wrong in ["", "A", "+00102030405060708090A0B0C0D0EAB", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF-", "目"] {
            assert!(wrong.parse::<Etag>().is_err(), "{wrong}");
        }
    }
}
