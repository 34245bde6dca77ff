//! What a checkpoint remembers, and what must be true of it.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::options::MAX_PARTS;
use crate::upload::identity::Identity;

/// Which upload it is: the destination, the source as it was, and how it is cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub endpoint: String,
    pub bucket: String,
    pub key: String,
    /// A digest of the options that shape the object.
    pub options: String,
    /// Absolute.
    pub source: PathBuf,
    pub identity: Identity,
    /// When the source was looked at.
    pub observed: SystemTime,
    pub part_size: u64,
}

/// A part that the server has acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub number: u32,
    pub offset: u64,
    pub size: u64,
    pub etag: String,
    #[serde(with = "super::record::text")]
    pub crc64: u64,
}

/// All that a checkpoint remembers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Saved {
    pub header: Header,
    /// `None`: the process ended before the server's response to Initiate was recorded.
    pub upload_id: Option<String>,
    /// By number, each once.
    pub parts: Vec<PartRecord>,
    /// CompleteMultipartUpload may have been sent.
    pub completing: bool,
    /// The parts may come from two files: a later call found another change time, device or inode, and went on.
    pub doubted: bool,
    /// Bytes per second, as they were last.
    pub rate: Option<u64>,
}

/// What was at the checkpoint's path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Nothing,
    Usable(Saved),
    Void {
        reason: String,
        /// The header and the upload id when both checksums were good, so that the old upload can be aborted. It never
        /// holds parts.
        saved: Option<Saved>,
    },
}

impl Header {
    /// What is wrong with this header, when it cannot be that of an upload.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.source.is_absolute() {
            return Err("the source's path is not absolute".to_owned());
        }
        if self.part_size == 0 || self.parts_total() > MAX_PARTS {
            return Err(format!("{} bytes cannot be split into parts of {}", self.identity.size, self.part_size));
        }
        Ok(())
    }

    /// How many parts the file has; an empty file has one. The part size must not be 0.
    pub(super) fn parts_total(&self) -> u64 {
        self.identity.size.div_ceil(self.part_size).max(1)
    }

    /// What is wrong with `part`, when it cannot be one of this file.
    pub(super) fn check_part(&self, part: &PartRecord) -> Result<(), String> {
        let number = u64::from(part.number);
        if number == 0 || number > self.parts_total() {
            return Err(format!("part {number} of {} parts", self.parts_total()));
        }
        // Cannot overflow: the parts before the last one lie inside the file.
        let offset = (number - 1) * self.part_size;
        let size = self.part_size.min(self.identity.size - offset);
        if (part.offset, part.size) != (offset, size) {
            return Err(format!("part {number} has a wrong offset or size"));
        }
        Ok(())
    }
}
