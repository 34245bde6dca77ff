//! The records of the journal as JSON.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::decimal;
use super::model::{FileOrigin, Header, Origin, PartRecord};
use crate::source::identity::Identity;
use crate::transfer::Growth;

/// One line of the journal. Fields that a reader may ignore can be added to a type; anything else takes a new type or
/// a new version of the format.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Record {
    Header(HeaderRecord),
    Stream(StreamRecord),
    Upload { upload_id: String },
    Part(PartRecord),
    Doubted,
    Completing,
    Rate { bytes_per_second: u64 },
}

const KNOWN_TYPES: [&str; 7] = ["header", "stream", "upload", "part", "doubted", "completing", "rate"];

/// Why the JSON of a record with a good checksum is of no use.
pub(super) enum Fault {
    /// A type that this version does not know, so a newer one wrote it.
    UnknownType(String),
    Malformed(String),
}

impl Record {
    pub(super) fn parse(json: &[u8]) -> Result<Record, Fault> {
        #[derive(Deserialize)]
        struct Tag {
            r#type: String,
        }
        serde_json::from_slice(json).map_err(|error| match serde_json::from_slice::<Tag>(json) {
            Ok(tag) if !KNOWN_TYPES.contains(&tag.r#type.as_str()) => Fault::UnknownType(tag.r#type),
            _ => Fault::Malformed(error.to_string()),
        })
    }
}

/// A header as it stands in the file. Numbers that may pass 2^53 are decimal texts, because many readers of JSON would
/// round them.
#[derive(Serialize, Deserialize)]
pub(super) struct HeaderRecord {
    endpoint: String,
    bucket: String,
    key: String,
    options: String,
    #[serde(with = "crate::text::path")]
    source: PathBuf,
    size: u64,
    #[serde(with = "decimal")]
    modified_ns: i128,
    #[serde(with = "decimal")]
    changed_ns: i128,
    #[serde(with = "decimal")]
    device: u64,
    #[serde(with = "decimal")]
    inode: u128,
    #[serde(with = "moment")]
    observed_ns: SystemTime,
    part_size: u64,
    #[serde(with = "moment")]
    created_ns: SystemTime,
}

/// The header of a stream as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct StreamRecord {
    endpoint: String,
    bucket: String,
    key: String,
    options: String,
    first_part_size: u64,
    largest_part_size: u64,
    #[serde(with = "moment")]
    observed_ns: SystemTime,
    #[serde(with = "moment")]
    created_ns: SystemTime,
}

impl Record {
    /// The first record of a checkpoint.
    pub(super) fn of_header(header: &Header, created: SystemTime) -> Record {
        let Header { endpoint, bucket, key, options, observed, origin } = header.clone();
        match origin {
            Origin::File(FileOrigin { path, identity, part_size }) => {
                let Identity { device, inode, size, modified_ns, changed_ns } = identity;
                Record::Header(HeaderRecord {
                    endpoint,
                    bucket,
                    key,
                    options,
                    source: path,
                    size,
                    modified_ns,
                    changed_ns,
                    device,
                    inode,
                    observed_ns: observed,
                    part_size,
                    created_ns: created,
                })
            }
            Origin::Stream(growth) => Record::Stream(StreamRecord {
                endpoint,
                bucket,
                key,
                options,
                first_part_size: growth.first(),
                largest_part_size: growth.largest(),
                observed_ns: observed,
                created_ns: created,
            }),
        }
    }
}

impl HeaderRecord {
    /// The header, and when it was written.
    pub(super) fn into_header(self) -> (Header, SystemTime) {
        let HeaderRecord { device, inode, size, modified_ns, changed_ns, .. } = self;
        let origin = Origin::File(FileOrigin {
            path: self.source,
            identity: Identity { device, inode, size, modified_ns, changed_ns },
            part_size: self.part_size,
        });
        let Self { endpoint, bucket, key, options, observed_ns: observed, created_ns, .. } = self;
        (Header { endpoint, bucket, key, options, observed, origin }, created_ns)
    }
}

impl StreamRecord {
    /// The header, and when it was written; `None` when parts cannot have these sizes.
    pub(super) fn into_header(self) -> Option<(Header, SystemTime)> {
        let origin = Origin::Stream(Growth::of_checkpoint(self.first_part_size, self.largest_part_size)?);
        let Self { endpoint, bucket, key, options, observed_ns: observed, created_ns, .. } = self;
        Some((Header { endpoint, bucket, key, options, observed, origin }, created_ns))
    }
}

/// Nanoseconds since 1970, negative before.
pub(crate) fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

fn from_nanoseconds(count: i128) -> Option<SystemTime> {
    const SECOND: u128 = 1_000_000_000;
    let distance = count.unsigned_abs();
    let distance = Duration::new(u64::try_from(distance / SECOND).ok()?, (distance % SECOND) as u32);
    if count < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// A time as decimal text: nanoseconds since 1970.
mod moment {
    use std::time::SystemTime;

    use serde::de::{Deserializer, Error};
    use serde::ser::Serializer;

    use super::decimal;

    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        decimal::serialize(&super::nanoseconds(*time), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        super::from_nanoseconds(decimal::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no such time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_also_from_before_1970() {
        for count in [0, 1, -1, 1_750_000_000_123_456_789, -1_500_000_000, i128::from(i64::MAX) * 1_000_000_000] {
            assert_eq!(from_nanoseconds(count).map(nanoseconds), Some(count));
        }
        assert_eq!(from_nanoseconds(i128::MAX), None);
        assert_eq!(from_nanoseconds(i128::MIN), None);
    }
}
