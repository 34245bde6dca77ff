//! Reads a list of files: one path an entry, or `PATH<TAB>KEY`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::entry::{Entry, Found, Task};
use super::key;
use super::key_set::KeySet;
use super::request::BatchRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::os;
use crate::os::identity::Status;
use crate::source::identity::Identity;

/// The most bytes of an entry: a path and a key, with room for more.
const MAX_ENTRY: usize = 16 * 1024;

/// The list, as far as it was not read.
pub(crate) struct List {
    path: PathBuf,
    source: BufReader<File>,
    separator: u8,
}

/// One of its entries.
pub(crate) struct Pair {
    /// As it was given.
    pub path: Vec<u8>,
    /// `None`: the prefix and the path.
    pub key: Option<String>,
}

impl List {
    pub(crate) fn open(path: &Path, null_separated: bool) -> Result<List> {
        let file = File::open(path)
            .map_err(|error| Error::os(ErrorKind::Io, format!("cannot open the list {}", path.display()), &error))?;
        let separator = if null_separated { 0 } else { b'\n' };
        Ok(List { path: path.to_owned(), source: BufReader::new(file), separator })
    }

    /// The next entry that is not empty; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Pair>> {
        loop {
            let mut entry = Vec::new();
            let mut limited = std::io::Read::take(&mut self.source, MAX_ENTRY as u64 + 1);
            let read = limited.read_until(self.separator, &mut entry);
            read.map_err(|error| {
                Error::os(ErrorKind::Io, format!("cannot read the list {}", self.path.display()), &error)
            })?;
            if entry.is_empty() {
                return Ok(None);
            }
            if entry.len() > MAX_ENTRY {
                let what = format!("an entry of the list {} has more than {MAX_ENTRY} bytes", self.path.display());
                let hint = "entries end with a line break, or with a zero byte if the list is said to be so";
                return Err(Error::invalid(what).hint(hint));
            }
            if entry.last() == Some(&self.separator) {
                entry.pop();
            }
            if self.separator == b'\n' && entry.last() == Some(&b'\r') {
                entry.pop();
            }
            if !entry.is_empty() {
                return pair(entry).map(Some);
            }
        }
    }
}

fn pair(mut entry: Vec<u8>) -> Result<Pair> {
    let Some(tab) = memchr::memrchr(b'\t', &entry) else { return Ok(Pair { path: entry, key: None }) };
    let key = String::from_utf8(entry.split_off(tab + 1));
    entry.pop();
    let shown = String::from_utf8_lossy(&entry).into_owned();
    let key = key.map_err(|_| Error::invalid(format!("the key of {shown:?} in the list is not UTF-8")))?;
    Ok(Pair { path: entry, key: Some(key).filter(|key| !key.is_empty()) })
}

/// What a program pushed, or a list named, is in the batch. Paths in full.
pub(crate) fn look(request: &BatchRequest, keys: &mut KeySet, path: &Path, key: Result<String>) -> Found {
    let bytes = os::path::bytes(path);
    match examine(request, keys, path, key) {
        Ok((key, identity)) => Found::File(Entry::new(bytes.into(), key, identity, Task::Upload)),
        Err((key, error)) => Found::Failed { path: bytes.into(), key, error },
    }
}

fn examine(
    request: &BatchRequest,
    keys: &mut KeySet,
    path: &Path,
    key: Result<String>,
) -> std::result::Result<(String, Identity), (String, Error)> {
    let key = key.map_err(|error| (String::new(), error))?;
    key::check(&key, request.options.key_encoding).map_err(|error| (key.clone(), error))?;
    let failed = |error| Error::os(ErrorKind::Io, format!("cannot examine {}", path.display()), &error);
    let status = Status::at(path).map_err(|error| (key.clone(), failed(error)))?;
    let metadata = status.metadata();
    if !metadata.is_file() {
        let what = format!("{} is {}", path.display(), os::directory::describe(metadata.file_type()));
        return Err((key, Error::new(ErrorKind::Io, what).hint("only regular files can be uploaded")));
    }
    if !keys.insert(&key) {
        let what = format!("another file of this batch has the key {key:?}");
        return Err((key, Error::invalid(what).hint("give each file a key of its own")));
    }
    Ok((key, Identity::of(&status)))
}
