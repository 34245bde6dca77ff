//! What a checkpoint must survive.

mod child;
mod damage;
#[cfg(unix)]
mod disk_full;
mod format;
mod history;
mod holder;
#[cfg(unix)]
mod place;
mod power_cut;

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::{FileOrigin, Found, Header, Journal, Origin, PartRecord, Saved};
use crate::error::{Error, Result};
use crate::source::Part;
use crate::source::identity::Identity;
use crate::source::lease::LeaseWait;
use crate::transfer::Growth;

/// What a full path begins with.
const ROOT: &[u8] = if cfg!(windows) { b"C:\\" } else { b"/" };
const PART_SIZE: u64 = 102_400;
const UPLOAD_ID: &str = "0004B9894A22E5B1888A1E29F8236E2D";

/// A header of a file with `parts` parts, of which the last is short.
fn header(parts: u64) -> Header {
    Header {
        endpoint: "https://oss-cn-hangzhou.aliyuncs.com".to_owned(),
        bucket: "examplebucket".to_owned(),
        key: "目录/big.bin".to_owned(),
        options: "5f70bf18a0860070".to_owned(),
        observed: UNIX_EPOCH + Duration::from_nanos(1_750_000_002_000_000_001),
        origin: Origin::File(FileOrigin {
            path: crate::os::path::from_bytes([ROOT, b"data/big.bin"].concat()),
            identity: Identity {
                device: 64_768,
                inode: u64::MAX.into(),
                size: parts * PART_SIZE - 1,
                modified_ns: 1_750_000_000_123_456_789,
                changed_ns: 1_750_000_001_987_654_321,
            },
            part_size: PART_SIZE,
        }),
    }
}

/// A header of a stream that is cut into parts of `PART_SIZE`.
fn stream_header() -> Header {
    Header { origin: Origin::Stream(Growth::new(Some(PART_SIZE), 2 * PART_SIZE).unwrap()), ..header(1) }
}

fn file_of(header: &mut Header) -> &mut FileOrigin {
    let Origin::File(file) = &mut header.origin else { panic!("it is of a file") };
    file
}

/// Part `number` of the file of `header`, as if its content differed with each `version`.
fn part(header: &Header, number: u32, version: u64) -> PartRecord {
    let offset = u64::from(number - 1) * PART_SIZE;
    let size = header.file().map_or(PART_SIZE, |file| PART_SIZE.min(file.identity.size - offset));
    let crc64 = u64::MAX - (u64::from(number) * 1000 + version);
    let part = Part { number, offset, size };
    PartRecord { part, etag: format!("\"{crc64:032X}\""), crc64 }
}

/// A checkpoint at `path` with an upload id and the parts `1..=done`.
fn begun(path: &Path, header: &Header, done: u32) -> Journal {
    let (journal, _) = open(path);
    journal.begin(header).unwrap();
    journal.opened(UPLOAD_ID).unwrap();
    for number in 1..=done {
        journal.part(&part(header, number, 0));
    }
    assert_eq!(journal.trouble(), None);
    journal
}

/// What such a checkpoint holds.
fn saved(header: &Header, done: u32) -> Saved {
    let parts = (1..=done).map(|number| part(header, number, 0)).collect();
    Saved {
        header: header.clone(),
        upload_id: Some(UPLOAD_ID.to_owned()),
        parts,
        completing: false,
        doubted: false,
        rate: None,
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Opens it for the upload of some other file, without waiting for a lease.
fn try_open(path: &Path) -> Result<(Journal, Found)> {
    Journal::open(path, Some(&file_of(&mut header(1)).identity), &LeaseWait::NONE)
}

fn open(path: &Path) -> (Journal, Found) {
    try_open(path).unwrap()
}

/// Why the checkpoint at `path` cannot be opened.
fn refusal(path: &Path) -> Error {
    match try_open(path) {
        Err(error) => error,
        Ok((_, found)) => panic!("{} was opened: {found:?}", path.display()),
    }
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

/// Why the checkpoint at `path` is void, and what could be saved of it.
#[cfg(unix)]
fn void(path: &Path) -> (String, Option<Saved>) {
    match found(path) {
        Found::Void { reason, saved } => (reason, saved),
        other => panic!("expected a void checkpoint, found {other:?}"),
    }
}
