//! Compares the bucket, and the files, with a manifest. Nothing is sent, and the manifest stays as it is.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::entry::{Entry, Stored, Task};
use super::job::BatchJob;
use super::manifest::{FileRecord, Known, RecordStatus, sort_by_key};
use super::options::BatchMode;
use super::outcome::{BatchOutcome, OutcomeStatus};
use super::remote_list::RemoteList;
use super::schedule::{Schedule, failed, outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::oss::list_objects::ListedObject;
use crate::source::identity::Identity;
use crate::text;
use crate::upload::checkpoint::line::MANIFEST;

/// Goes through the records of `known` and the list of the bucket side by side.
pub(crate) fn verify(job: &Arc<BatchJob>, schedule: &Arc<Schedule>, known: &Known) -> Result<()> {
    let path = job.request.options.manifest.clone().unwrap_or_default();
    let mut verifier = Verifier { job, schedule, list: RemoteList::new(job)?, is_over: None };
    let read = sort_by_key(known, &path, |key, path, record| {
        verifier.take(key, path, record).map_err(|error| {
            verifier.is_over = Some(error);
            io::ErrorKind::Interrupted.into()
        })
    });
    match (verifier.is_over.take(), read) {
        (Some(error), _) => Err(error),
        (None, Err(cause)) => Err(MANIFEST.refused("read", &path, &cause)),
        (None, Ok(())) => verifier.finish(),
    }
}

struct Verifier<'a> {
    job: &'a Arc<BatchJob>,
    schedule: &'a Arc<Schedule>,
    list: RemoteList<'a>,
    /// Why the records are not gone through any further.
    is_over: Option<Error>,
}

impl Verifier<'_> {
    /// Takes the records in the order of their keys. `path` is that of the manifest.
    fn take(&mut self, key: String, path: PathBuf, record: &FileRecord<'_>) -> Result<()> {
        if self.job.control.is_stopping() {
            return Err(crate::service::stopped());
        }
        self.skip_foreign(&key)?;
        let listed = match self.list.peek()? {
            Some(object) if object.key == key => self.list.take(),
            _ => None,
        };
        if record.status == RecordStatus::Skipped || !self.job.request.is_in_shard(&key) {
            return Ok(());
        }
        self.job.meter.found(record.size);
        let bytes = crate::os::path::bytes(&path);
        match finding(record, listed) {
            Some(error) => self.schedule.tell(failed(bytes, &key, record.size, error)),
            None if self.job.request.options.mode == BatchMode::VerifyFull => {
                self.schedule.add(to_verify(bytes, key, record));
            }
            None => self.schedule.tell(BatchOutcome {
                status: OutcomeStatus::Unchanged,
                crc64: record.crc64,
                etag: record.etag.to_string(),
                version_id: record.version_id.to_string(),
                ..outcome(bytes, &key, record.size)
            }),
        }
        Ok(())
    }

    /// Objects that come before `key` are in no record.
    fn skip_foreign(&mut self, key: &str) -> Result<()> {
        while self.list.peek()?.is_some_and(|object| object.key.as_str() < key) {
            self.tell_foreign();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        while self.list.peek()?.is_some() && !self.job.control.is_stopping() {
            self.tell_foreign();
        }
        Ok(())
    }

    fn tell_foreign(&mut self) {
        let Some(object) = self.list.take().filter(|object| self.job.request.is_in_shard(&object.key)) else { return };
        self.job.meter.found(0);
        let error = Error::new(ErrorKind::Service, "the bucket has this object, but the manifest does not");
        self.schedule.tell(failed(&[], &object.key, object.size, error));
    }
}

/// What the list shows to be wrong.
fn finding(record: &FileRecord<'_>, listed: Option<ListedObject>) -> Option<Error> {
    if record.status == RecordStatus::Failed {
        let why = record.error.as_ref().map(|error| error.message.as_ref()).unwrap_or_default();
        let error = Error::new(ErrorKind::Service, format!("by the manifest, its upload failed: {why}"));
        return Some(error.hint("upload it again"));
    }
    let Some(object) = listed else {
        let error = Error::new(ErrorKind::Service, "the object is missing in the bucket");
        return Some(error.with_service(404, "NoSuchKey", "", "").hint("upload the file again"));
    };
    let replaced = |how: String| {
        Some(
            Error::new(ErrorKind::ChecksumMismatch, format!("the object was replaced: {how}"))
                .hint("upload the file again"),
        )
    };
    if object.size != record.size {
        return replaced(format!("it has {} bytes, and had {}", object.size, record.size));
    }
    let etags_differ =
        !object.etag.is_empty() && !record.etag.is_empty() && !object.etag.eq_ignore_ascii_case(&record.etag);
    if etags_differ { replaced(format!("it has the ETag {}, and had {}", object.etag, record.etag)) } else { None }
}

fn to_verify(path: &[u8], key: String, record: &FileRecord<'_>) -> Entry {
    let FileRecord { size, modified_ns, changed_ns, inode, .. } = *record;
    let stored = Stored {
        size,
        crc64: record.crc64,
        etag: record.etag.to_string(),
        version_id: record.version_id.to_string(),
        resumed: false,
    };
    let identity = Identity { device: 0, inode, size, modified_ns, changed_ns };
    Entry::new(path.into(), key, identity, Task::Verify(stored))
}

impl Schedule {
    /// Asks the bucket, and reads the file, whether they still have what was stored.
    pub(crate) fn check(&self, entry: &Entry, stored: &Stored) -> Result<()> {
        let head = self.job.head(entry)?;
        let wrong = |what: String, hint: &str| Err(Error::new(ErrorKind::ChecksumMismatch, what).hint(hint));
        match head {
            None => {
                return wrong("the object is missing in the bucket, or has no CRC-64".into(), "upload the file again");
            }
            Some(there) if (there.size, there.crc64) != (stored.size, stored.crc64) => {
                let Stored { size, crc64, .. } = there;
                let what = format!(
                    "the object was replaced: it has {size} bytes and CRC-64 {crc64}, and had {} and {}",
                    stored.size, stored.crc64
                );
                return wrong(what, "upload the file again");
            }
            Some(_) => {}
        }
        // An empty folder is an object without a file.
        if entry.path.ends_with(b"/") || self.has_content(entry, stored)?.is_some() {
            return Ok(());
        }
        let path = text::path::encode(&self.job.request.full_path(&entry.path));
        let what = format!("the file {path} has changed since it was uploaded");
        Err(Error::new(ErrorKind::FileChanged, what).hint("upload it again"))
    }
}
