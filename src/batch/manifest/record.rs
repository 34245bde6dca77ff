//! The records of a manifest as JSON. `docs/manifest-format.md` describes them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::source::identity::Identity;
use crate::upload::checkpoint::decimal;

/// The first record: whose manifest it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeaderRecord {
    /// Its id, from which the checksums of all further lines begin.
    pub manifest: String,
    pub endpoint: String,
    pub bucket: String,
    pub prefix: String,
    /// Of a shard: where its batch finds files, in words or as the folder's path; else empty.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub source: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shard_index: u32,
    /// 0: all files of the batch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shard_count: u32,
}

impl HeaderRecord {
    /// What a manifest with this header is about, for people.
    pub(super) fn shard(&self) -> String {
        match self.shard_count {
            0 => "all shards".to_owned(),
            count => format!("shard_index {} of {count}", self.shard_index),
        }
    }
}

/// A run has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// From 1.
    pub run: u64,
    /// Stands for the headers and whatever else shapes the objects: files stored with others are sent again.
    pub options: String,
}

/// The run has ended, and all lines of files before this one are sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndRecord {
    /// The number of the run.
    pub end: u64,
    pub options: String,
    pub files: u64,
    pub failed: u64,
}

/// What became of one file. `path` is the first field and `key` the second: lines are sorted by them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileRecord<'a> {
    /// The path as `text::path` writes it; in a folder, from there.
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    /// Empty when none could be made.
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub key: Cow<'a, str>,
    pub status: RecordStatus,
    #[serde(default)]
    pub size: u64,
    #[serde(default, with = "decimal", skip_serializing_if = "is_zero")]
    pub modified_ns: i128,
    #[serde(default, with = "decimal", skip_serializing_if = "is_zero")]
    pub changed_ns: i128,
    #[serde(default, with = "decimal", skip_serializing_if = "is_zero")]
    pub inode: u128,
    #[serde(default, with = "decimal", skip_serializing_if = "is_zero")]
    pub crc64: u64,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub etag: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub version_id: Cow<'a, str>,
    /// The file was written to so shortly before it was read that its times may not show a further change.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fresh: bool,
    /// Why it was skipped.
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub rule: Cow<'a, str>,
    /// Why it failed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorRecord<'a>>,
}

/// How the file ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordStatus {
    /// The object is what the file was.
    #[default]
    Stored,
    Skipped,
    Failed,
}

/// Why a file failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErrorRecord<'a> {
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    pub retryable: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub http_status: u16,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub code: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub request_id: Cow<'a, str>,
}

impl FileRecord<'_> {
    pub(crate) fn set_identity(&mut self, identity: &Identity) {
        let Identity { size, modified_ns, changed_ns, inode, device: _ } = *identity;
        (self.size, self.modified_ns, self.changed_ns, self.inode) = (size, modified_ns, changed_ns, inode);
    }

    /// The file is, as far as its size, its times and its inode tell, the one that was recorded. The device does not count:
    /// it changes with each mount of some file systems.
    pub(crate) fn is_same_file(&self, now: &Identity) -> bool {
        let recorded = (self.size, self.modified_ns, self.changed_ns, self.inode);
        !self.fresh && recorded == (now.size, now.modified_ns, now.changed_ns, now.inode)
    }
}

impl<'a> From<&'a Error> for ErrorRecord<'a> {
    fn from(error: &'a Error) -> Self {
        ErrorRecord {
            message: error.message().into(),
            retryable: error.is_retryable(),
            http_status: error.http_status(),
            code: error.service_code().into(),
            request_id: error.request_id().into(),
        }
    }
}

fn is_empty(text: &str) -> bool {
    text.is_empty()
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_record_comes_back_and_its_path_comes_first() {
        let error = Error::new(ErrorKind::Service, "no").with_retryable(true).with_service(503, "Busy", "", "R1");
        let record = FileRecord {
            path: "a/\"b".into(),
            key: "p/a/\"b".into(),
            status: RecordStatus::Failed,
            size: 7,
            modified_ns: -1,
            inode: u64::MAX.into(),
            error: Some(ErrorRecord::from(&error)),
            ..FileRecord::default()
        };
        let json = serde_json::to_string(&record).unwrap();
        assert!(json.starts_with(r#"{"path":"a/\"b","key":"p/a/\"b","status":"failed","size":7,"#), "{json}");
        assert_eq!(serde_json::from_str::<FileRecord<'_>>(&json).unwrap(), record);
    }

    #[test]
    fn a_file_is_the_same_by_size_times_and_inode() {
        let identity = Identity { device: 1, inode: 2, size: 3, modified_ns: 4, changed_ns: 5 };
        let mut record = FileRecord::default();
        record.set_identity(&identity);
        assert!(record.is_same_file(&Identity { device: 9, ..identity }));
        for other in [
            Identity { inode: 9, ..identity },
            Identity { size: 9, ..identity },
            Identity { modified_ns: 9, ..identity },
            Identity { changed_ns: 9, ..identity },
        ] {
            assert!(!record.is_same_file(&other));
        }
        record.fresh = true;
        assert!(!record.is_same_file(&identity));
    }
}
