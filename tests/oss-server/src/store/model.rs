//! What a bucket holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::blob::Blob;
use super::headers::{Headers, SharedHeaders};
use crate::etag::Etag;

/// How an object came to be; told in `x-oss-object-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ObjectKind {
    Normal,
    Multipart,
    Appendable,
}

impl ObjectKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Multipart => "Multipart",
            Self::Appendable => "Appendable",
        }
    }
}

/// A stored object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    pub(crate) etag: Etag,
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) kind: ObjectKind,
    pub(crate) parts: u32,
    /// Headers that came with it and describe it.
    pub(crate) headers: Headers,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
    pub(crate) version_id: Option<String>,
    #[serde(skip)]
    pub(crate) blob: Blob,
}

/// An uploaded part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    pub(crate) etag: Etag,
    pub(crate) modified: i64,
    #[serde(skip)]
    pub(crate) blob: Blob,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) initiated: i64,
    pub(crate) sequential: bool,
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(skip)]
    pub(crate) parts: BTreeMap<u32, Part>,
}

#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<String, Arc<Object>>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) headers: SharedHeaders,
}

pub(crate) fn millis(time: OffsetDateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1_000_000) as i64
}

pub(crate) fn from_millis(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

pub(crate) fn storage_class(headers: &BTreeMap<String, String>) -> &str {
    headers.get("x-oss-storage-class").map_or("Standard", String::as_str)
}
