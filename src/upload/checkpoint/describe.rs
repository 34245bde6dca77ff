//! A checkpoint in words, for people.

use std::fmt::Write;
use std::io::BufReader;
use std::path::Path;

use super::journal::{foreign, newer};
use super::model::{FileOrigin, Origin, Saved};
use super::open::{open_to_read, refused};
use super::read::{Good, Reading, read};
use super::record::nanoseconds;
use crate::error::Result;
use crate::text::date::rfc3339;

/// Describes in a few lines the content and state of the checkpoint file at `path`.
///
/// The file is not changed and its lock is not taken, so it may belong to a running upload. Fails if the file cannot be
/// read or is not a checkpoint.
pub fn describe(path: &Path) -> Result<String> {
    let file = open_to_read(path)?;
    let failed = |cause| refused("read", path, &cause);
    let length = file.metadata().map_err(failed)?.len();
    let mut text = TextLines(String::new());
    text.line("checkpoint", path.display());
    match read(BufReader::new(&file), length).map_err(failed)? {
        Reading::Fresh => text.line("state", "fresh: nothing was started"),
        Reading::Journal(good) => {
            text.line("state", state(&good.saved));
            text.upload(&good.saved);
            text.journal(&good, length);
        }
        Reading::Void { reason, saved } => {
            text.line("state", format_args!("void, all parts will be sent again: {reason}"));
            if let Some(saved) = saved {
                text.upload(&saved);
            }
        }
        Reading::Newer(what) => return Err(newer(path, &what)),
        Reading::Foreign => return Err(foreign(path)),
    }
    Ok(text.0)
}

fn state(saved: &Saved) -> &'static str {
    match saved {
        Saved { completing: true, .. } => "completing: the last request may have been sent",
        Saved { upload_id: Some(_), .. } => "uploading",
        Saved { upload_id: None, .. } => "started, but no upload ID was recorded",
    }
}

struct TextLines(String);

impl TextLines {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{name:<12} {value}");
    }

    /// Keys and paths are quoted, because they may contain characters that a terminal interprets.
    fn upload(&mut self, saved: &Saved) {
        let header = &saved.header;
        self.line("endpoint", header.endpoint.escape_debug());
        self.line("bucket", header.bucket.escape_debug());
        self.line("key", format_args!("{:?}", header.key));
        if let Some(file) = header.file() {
            self.line("source", format_args!("{:?}", file.path));
            self.line("size", format_args!("{} bytes", file.identity.size));
            self.line("modified", rfc3339(file.identity.modified_ns));
        } else {
            self.line("source", "a stream");
        }
        self.line("upload id", saved.upload_id.as_deref().unwrap_or("none").escape_debug());
        match &header.origin {
            Origin::File(file) => self.line("part size", format_args!("{} bytes", file.part_size)),
            Origin::Stream(growth) => {
                self.line("part size", format_args!("{} to {} bytes", growth.first(), growth.largest()));
            }
        }
        self.line("options", header.options.escape_debug());
    }

    fn journal(&mut self, good: &Good, length: u64) {
        let Good { saved, created, .. } = good;
        let bytes: u64 = saved.parts.iter().map(|record| record.part.size).sum();
        self.line("begun", rfc3339(nanoseconds(*created)));
        let total = |count: Option<u64>| count.map_or(String::new(), |count| format!(" of {count}"));
        let file = saved.header.file();
        self.line("parts done", format_args!("{}{}", saved.parts.len(), total(file.map(FileOrigin::parts_total))));
        self.line("bytes done", format_args!("{bytes}{}", total(file.map(|file| file.identity.size))));
        if let Some(rate) = saved.rate {
            self.line("rate", format_args!("{rate} bytes per second, most recently"));
        }
        if length > good.length {
            let torn = length - good.length;
            self.line("damage", format_args!("the last {torn} bytes are a torn record, which will be dropped"));
        }
    }
}
