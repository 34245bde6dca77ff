//! Makes one manifest of those of all shards of a batch.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::super::shard::shard_of;
use super::line::Seal;
use super::load::{Contents, examine, open};
use super::record::{FileRecord, HeaderRecord};
use super::sort::Sorter;
use crate::error::{Error, ErrorKind, Result};
use crate::source::lease::LeaseWait;
use crate::upload::checkpoint::line::MANIFEST;
use crate::upload::checkpoint::open::directory_of;

/// Writes to `out` the manifest of the batch whose shards have the manifests `parts`. Nothing is written unless they are all
/// there, each has come to its end, and they belong together. One at a time is open, and locked meanwhile.
pub(crate) fn merge(out: &Path, parts: &[PathBuf], wait: &LeaseWait<'_>) -> Result<()> {
    let directory = directory_of(out);
    let mut merger = Merger { sorter: Sorter::new(&directory), first: None, seen: BTreeMap::new(), failed: 0 };
    for path in parts {
        merger.take(path, wait)?;
    }
    merger.write(out, wait)
}

/// The lines of the manifests so far, sealed for none.
struct Merger<'a> {
    sorter: Sorter<'a>,
    /// What the first manifest is of, and the options of its files.
    first: Option<(PathBuf, HeaderRecord, String)>,
    /// The manifest of each shard.
    seen: BTreeMap<u32, PathBuf>,
    failed: u64,
}

impl Merger<'_> {
    fn take(&mut self, path: &Path, wait: &LeaseWait<'_>) -> Result<()> {
        let Some(file) = MANIFEST.open_and_lock_existing(path, wait)? else {
            return Err(MANIFEST.refused("read", path, &io::ErrorKind::NotFound.into()));
        };
        let Some(contents) = examine(file.as_file(), path)? else { return Err(is_not_whole(path, "is empty")) };
        let options = check_whole(&contents, path)?;
        self.check_belongs(&contents.header, options, path)?;
        self.failed += contents.end.as_ref().map_or(0, |end| end.failed);
        self.add_lines(&contents, path)
    }

    fn check_belongs(&mut self, header: &HeaderRecord, options: &str, path: &Path) -> Result<()> {
        if header.shard_count < 2 {
            return Err(refuse(path, "is not of a shard"));
        }
        let batch = |header: &HeaderRecord| {
            let HeaderRecord { endpoint, bucket, prefix, source, shard_count, .. } = header.clone();
            (endpoint, bucket, prefix, source, shard_count)
        };
        if let Some((first, known, _)) = self.first.as_ref().filter(|(_, known, _)| batch(known) != batch(header)) {
            let of = |header| {
                let (endpoint, bucket, prefix, source, count) = batch(header);
                format!("{count} shards of {source} to oss://{bucket}/{prefix} at {endpoint}")
            };
            return Err(refuse(
                path,
                format_args!("is of {}, but {} is of {}", of(header), first.display(), of(known)),
            ));
        }
        if let Some((first, ..)) = self.first.as_ref().filter(|(.., known)| known != options) {
            let what = format!("is of objects with other headers than {}", first.display());
            return Err(refuse(path, what).hint("upload that shard again, with the headers of the others"));
        }
        if let Some(other) = self.seen.insert(header.shard_index, path.to_owned()) {
            return Err(refuse(path, format_args!("is of {}, as {} is", header.shard(), other.display())));
        }
        self.first.get_or_insert_with(|| (path.to_owned(), header.clone(), options.to_owned()));
        Ok(())
    }

    fn add_lines(&mut self, contents: &Contents, path: &Path) -> Result<()> {
        let Some(section) = &contents.ended else { return Ok(()) };
        let HeaderRecord { manifest, shard_index, shard_count, .. } = &contents.header;
        let (seal, plain) = (Seal::new(manifest), Seal::new(""));
        let mut stranger = None;
        let copied = section.each_line(|_, line| {
            let Some(json) = seal.open(line) else { return Ok(()) };
            let record: FileRecord<'_> = serde_json::from_slice(json)?;
            if !record.key.is_empty() && shard_of(&record.key, *shard_count) != *shard_index {
                stranger.get_or_insert_with(|| record.key.to_string());
            }
            self.sorter.add(&plain.line(json))
        });
        copied.map_err(|cause| MANIFEST.refused("read", path, &cause))?;
        match stranger {
            Some(key) => Err(refuse(path, format_args!("has the file {key:?}, which is of another shard"))),
            None => Ok(()),
        }
    }

    fn write(self, out: &Path, wait: &LeaseWait<'_>) -> Result<()> {
        let Some((_, header, options)) = self.first else {
            return Err(Error::invalid("there are no manifests to merge"));
        };
        let missing: Vec<String> = (0..header.shard_count)
            .filter(|index| !self.seen.contains_key(index))
            .map(|index| index.to_string())
            .collect();
        if let Some((first, rest)) = missing.split_first() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} others", rest.len()) };
            let what = format!("the manifest of shard_index {first}{more} of {} is missing", header.shard_count);
            return Err(Error::invalid(what));
        }
        let header = HeaderRecord { source: String::new(), shard_index: 0, shard_count: 0, ..header };
        let writer = open(out, &header, &options, false, wait)?.writer;
        let plain = Seal::new("");
        let written = writer.replace(self.failed, |take| {
            self.sorter.finish(|line| plain.open(line).map_or(Ok(()), |json| take(&writer.seal.line(json))))
        });
        written.map_err(|cause| MANIFEST.refused("write", out, &cause))
    }
}

/// The options of its files, when all is in it that its shard has done.
fn check_whole<'a>(contents: &'a Contents, path: &Path) -> Result<&'a str> {
    match &contents.end {
        _ if contents.damaged > 0 => {
            let what = format!("has damaged lines ({})", contents.damaged);
            Err(is_not_whole(path, &what))
        }
        Some(end) if contents.interrupted.is_none() && contents.tail.is_none() => Ok(&end.options),
        _ => Err(is_not_whole(path, "is of a batch that was interrupted")),
    }
}

fn is_not_whole(path: &Path, what: &str) -> Error {
    let message = format!("the manifest {} {what}", path.display());
    Error::new(ErrorKind::Checkpoint, message).hint("start that shard again with it, so that it comes to its end")
}

fn refuse(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("the manifest {} {what}", path.display()))
}
