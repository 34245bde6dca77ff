//! A line of text that programs pass on: what it is, a checksum, and JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crc64::checksum;
use crate::error::{Error, ErrorKind, Result};

/// A kind of text.
pub(super) struct Kind {
    /// As it stands in the text, and in messages.
    pub name: &'static str,
    /// The call that makes it.
    pub maker: &'static str,
    /// The most bytes of one.
    pub most: usize,
}

const VERSION: u32 = 1;
const PRODUCT: &str = "oss-upload ";

impl Kind {
    /// `value` as a text, which has no line break.
    pub(super) fn seal(&self, value: &impl Serialize) -> Result<String> {
        let json = serde_json::to_string(value)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a {} cannot be written: {error}", self.name)))?;
        let begin = self.begin(VERSION);
        let digits = digits(&begin, &json);
        Ok([&begin, &digits, " ", &json].concat())
    }

    /// What `text` says, and its checksum. White space around it is allowed: texts are kept in files.
    pub(super) fn open<'a, T: DeserializeOwned>(&self, text: &'a str) -> Result<(T, &'a str)> {
        let text = text.trim_ascii();
        if text.len() > self.most {
            return Err(self.refuse(format_args!("has {} bytes; it can have at most {}", text.len(), self.most)));
        }
        let opened = text.strip_prefix(PRODUCT).and_then(|rest| rest.strip_prefix(self.name)?.strip_prefix(' '));
        let Some((version, rest)) = opened.and_then(|rest| rest.split_once(' ')) else {
            return Err(self.refuse(format_args!("is not one: it must be a text that {} gave", self.maker)));
        };
        let version: u32 = version.parse().unwrap_or(0);
        let begin = self.begin(version);
        let sealed = rest.split_once(' ').filter(|(found, json)| *found == digits(&begin, json));
        match sealed {
            Some((digits, json)) if version == VERSION => match serde_json::from_str(json) {
                Ok(value) => Ok((value, digits)),
                Err(error) => Err(self.refuse(format_args!("is malformed: {error}"))),
            },
            Some(_) => {
                let message = format!("the {} comes from a newer version of this library: update it", self.name);
                Err(Error::new(ErrorKind::Unsupported, message))
            }
            None => Err(self.refuse("is damaged: it was edited, or is not whole")),
        }
    }

    pub(super) fn refuse(&self, why: impl std::fmt::Display) -> Error {
        Error::invalid(format!("the {} {why}", self.name))
    }

    fn begin(&self, version: u32) -> String {
        format!("{PRODUCT}{} {version:04} ", self.name)
    }
}

fn digits(begin: &str, json: &str) -> String {
    format!("{:016x}", checksum([begin, json].concat().as_bytes()))
}
