//! What a checkpoint remembers, and what must be true of it.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::options::MAX_PARTS;
use crate::source::Part;
use crate::source::identity::Identity;
use crate::transfer::Growth;

/// Which upload it is: the destination, the source as it was, and how it is cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub endpoint: String,
    pub bucket: String,
    pub key: String,
    /// A digest of the options that shape the object.
    pub options: String,
    /// When the source was looked at, or the stream opened.
    pub observed: SystemTime,
    pub origin: Origin,
}

/// What is uploaded, and how it is cut.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    File(FileOrigin),
    Stream(Growth),
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FileOrigin {
    /// Absolute.
    pub path: PathBuf,
    pub identity: Identity,
    pub part_size: u64,
}

/// A part that the server has acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    #[serde(flatten)]
    pub part: Part,
    pub etag: String,
    #[serde(with = "super::decimal")]
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
        let Origin::File(file) = &self.origin else { return Ok(()) };
        if !file.path.is_absolute() {
            return Err("the source's path is not absolute".to_owned());
        }
        if file.part_size == 0 || file.parts_total() > MAX_PARTS {
            return Err(format!("{} bytes cannot be split into parts of {}", file.identity.size, file.part_size));
        }
        Ok(())
    }

    /// The file; `None` for a stream.
    pub(crate) fn file(&self) -> Option<&FileOrigin> {
        match &self.origin {
            Origin::File(file) => Some(file),
            Origin::Stream(_) => None,
        }
    }

    /// What is wrong with `part`, when it cannot be one of this upload.
    pub(super) fn check_part(&self, part: &Part) -> Result<(), String> {
        let number = u64::from(part.number);
        let total = self.file().map_or(MAX_PARTS, FileOrigin::parts_total);
        if number == 0 || number > total {
            return Err(format!("part {number} of {total} parts"));
        }
        let is_at_its_place = match &self.origin {
            Origin::File(file) => {
                // Cannot overflow: the parts before the last one lie inside the file.
                let offset = (number - 1) * file.part_size;
                (part.offset, part.size) == (offset, file.part_size.min(file.identity.size - offset))
            }
            // The last one may be short, and which that is nobody knows.
            Origin::Stream(growth) => {
                part.offset == growth.offset(part.number) && (1..=growth.size(part.number)).contains(&part.size)
            }
        };
        if is_at_its_place { Ok(()) } else { Err(format!("part {number} has a wrong offset or size")) }
    }
}

impl FileOrigin {
    /// How many parts the file has; an empty file has one. The part size must not be 0.
    pub(super) fn parts_total(&self) -> u64 {
        self.identity.size.div_ceil(self.part_size).max(1)
    }
}
