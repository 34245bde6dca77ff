//! What a checkpoint must survive.

mod format;

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::{Found, Header, Journal, PartRecord, Saved};
use crate::upload::identity::Identity;

const PART_SIZE: u64 = 102_400;

/// A header of a file with `parts` parts, of which the last is short.
fn header(parts: u64) -> Header {
    Header {
        endpoint: "https://oss-cn-hangzhou.aliyuncs.com".to_owned(),
        bucket: "examplebucket".to_owned(),
        key: "目录/big.bin".to_owned(),
        options: "5f70bf18a0860070".to_owned(),
        source: PathBuf::from("/data/big.bin"),
        identity: Identity {
            device: 64_768,
            inode: u64::MAX,
            size: parts * PART_SIZE - 1,
            modified_ns: 1_750_000_000_123_456_789,
            changed_ns: 1_750_000_001_987_654_321,
        },
        observed: UNIX_EPOCH + Duration::from_nanos(1_750_000_002_000_000_001),
        part_size: PART_SIZE,
    }
}

/// Part `number` of the file of `header`, as if its content differed with each `version`.
fn part(header: &Header, number: u32, version: u64) -> PartRecord {
    let offset = u64::from(number - 1) * header.part_size;
    let crc64 = u64::MAX - (u64::from(number) * 1000 + version);
    PartRecord {
        number,
        offset,
        size: header.part_size.min(header.identity.size - offset),
        etag: format!("\"{crc64:032X}\""),
        crc64,
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(path: &Path) -> (Journal, Found) {
    Journal::open(path).unwrap()
}

/// What the next upload finds at `path`.
fn found(path: &Path) -> Found {
    open(path).1
}

fn usable(path: &Path) -> Saved {
    match found(path) {
        Found::Usable(saved) => saved,
        other => panic!("expected a usable checkpoint, found {other:?}"),
    }
}
