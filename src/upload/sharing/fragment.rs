//! Which parts a host has sent.

use serde::{Deserialize, Serialize};

use super::sealed::Kind;
use super::token::Token;
use crate::error::Result;
use crate::oss::bare_etag;
use crate::source::identity::Identity;
use crate::upload::checkpoint::{PartRecord, decimal};

/// 10,000 parts with the longest ETags that are taken from a server.
const FRAGMENT: Kind = Kind { name: "fragment", maker: "oss_shared_upload_send_parts()", most: 4 * 1024 * 1024 };

/// What a file's time stamps were. On one file system, they tell whether it is the same file in the same state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileTimes {
    #[serde(with = "decimal")]
    pub modified_ns: i128,
    #[serde(with = "decimal")]
    pub changed_ns: i128,
}

/// Parts of one file, as the server has acknowledged them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fragment {
    pub times: FileTimes,
    pub parts: Vec<PartRecord>,
}

/// A fragment as it stands in the text. What the token tells is not repeated.
#[derive(Serialize, Deserialize)]
struct FragmentRecord {
    token: String,
    #[serde(flatten)]
    times: FileTimes,
    parts: Vec<SentPart>,
}

#[derive(Serialize, Deserialize)]
struct SentPart {
    number: u32,
    etag: String,
    #[serde(with = "decimal")]
    crc64: u64,
}

impl FileTimes {
    pub(crate) fn of(identity: &Identity) -> FileTimes {
        FileTimes { modified_ns: identity.modified_ns, changed_ns: identity.changed_ns }
    }
}

impl Fragment {
    pub(crate) fn text<'a>(
        token: &Token,
        times: FileTimes,
        parts: impl Iterator<Item = &'a PartRecord>,
    ) -> Result<String> {
        let parts =
            parts.map(|record| SentPart { number: record.part.number, etag: record.etag.clone(), crc64: record.crc64 });
        FRAGMENT.seal(&FragmentRecord { token: token.id.clone(), times, parts: parts.collect() })
    }

    /// Reads one of the fragments of `token`.
    pub(crate) fn parse(text: &str, token: &Token) -> Result<Fragment> {
        let (record, _): (FragmentRecord, _) = FRAGMENT.open(text)?;
        if record.token != token.id {
            return Err(FRAGMENT.refuse("belongs to another token: its parts are those of another upload"));
        }
        let count = token.plan.count();
        let part = |sent: SentPart| match (sent.number, bare_etag(&sent.etag)) {
            (number, Some(etag)) if (1..=count).contains(&number) => {
                Ok(PartRecord { part: token.plan.part(number), etag, crc64: sent.crc64 })
            }
            (number, _) => Err(FRAGMENT.refuse(format_args!("names part {number}, which there cannot be"))),
        };
        let parts = record.parts.into_iter().map(part).collect::<Result<_>>()?;
        Ok(Fragment { times: record.times, parts })
    }
}
