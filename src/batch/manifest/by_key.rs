//! The records in the order of their keys, which is that of a bucket's list.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use super::known::Known;
use super::line::Seal;
use super::record::FileRecord;
use super::sort::Sorter;
use crate::text;
use crate::upload::checkpoint::open::directory_of;

/// Gives the latest record of every file that has a key to `take`, with its key and path.
pub(crate) fn sort_by_key(
    known: &Known,
    manifest: &Path,
    mut take: impl FnMut(String, PathBuf, &FileRecord<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let directory = directory_of(manifest);
    let mut sorter = Sorter::new(&directory);
    let swapped = Seal::new("");
    known.each_line(true, |line| {
        let record = known.seal.open(line).and_then(|json| serde_json::from_slice::<FileRecord<'_>>(json).ok());
        match record.filter(|record| !record.key.is_empty()) {
            // Lines are sorted by the path, then by the key: each takes the other's place.
            Some(record) => sorter.add(&swapped.line(&serde_json::to_vec(&swap(record))?)),
            None => Ok(()),
        }
    })?;
    sorter.finish(|line| {
        let Some(record) = swapped.open(line).and_then(|json| serde_json::from_slice::<FileRecord<'_>>(json).ok())
        else {
            return Ok(());
        };
        let key = String::from_utf8(crate::os::path::bytes(&text::path::decode(&record.path)).to_vec());
        let path = text::path::decode(&record.key);
        key.map_or(Ok(()), |key| take(key, path, &record))
    })
}

fn swap(record: FileRecord<'_>) -> FileRecord<'_> {
    let key = text::path::encode(&crate::os::path::from_bytes(record.key.as_bytes().to_vec()));
    let path = record.path.clone();
    FileRecord { path: Cow::Owned(key), key: path, ..record }
}
