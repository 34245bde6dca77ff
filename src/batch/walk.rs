//! Walks a folder, in the order of the paths' bytes, and names everything in it: nothing is left out without a word.

use std::cmp::Ordering;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::Path;

use super::entry::{Entry, Found, Task};
use super::key::key_of;
use super::options::Symlinks;
use super::request::BatchRequest;
use super::select::FolderRules;
use crate::error::{Error, ErrorKind};
use crate::os;
use crate::os::identity::{FileId, Status};
use crate::source::identity::Identity;

/// The way through the tree. Of each folder on the way down, the names that are left are in memory.
pub(crate) struct Walk<'a> {
    request: &'a BatchRequest,
    folders: Vec<Folder>,
    /// The rules of files in these folders.
    rules: Vec<FolderRules>,
    /// What comes before the names of the current folder: `a/b/`.
    path: Vec<u8>,
}

struct Folder {
    names: std::vec::IntoIter<Name>,
    id: FileId,
    /// The length of the path of the folder above.
    above: usize,
}

/// A name in a folder. Sorted by its bytes, with a slash behind that of a folder: so the paths of all files are sorted.
struct Name {
    bytes: Box<[u8]>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// Followed it leads to a folder.
    LinkToFolder,
    Link,
    Other(&'static str),
}

impl<'a> Walk<'a> {
    /// Fails when the folder cannot be read.
    pub(crate) fn new(request: &'a BatchRequest) -> Result<Walk<'a>, Error> {
        let mut walk = Walk { request, folders: Vec::new(), rules: Vec::new(), path: Vec::new() };
        match walk.enter(0) {
            Ok(_) => Ok(walk),
            Err(error) => Err(error.hint("give an existing folder that may be read")),
        }
    }

    /// Reads the folder at the current path; how many names it has.
    fn enter(&mut self, above: usize) -> Result<usize, Error> {
        let directory = self.request.full_path(&self.path);
        let failed = |error: io::Error| {
            Error::os(ErrorKind::Io, format!("cannot read the folder {}", directory.display()), &error)
        };
        let id = Status::at(&directory).map_err(failed)?.id();
        if self.folders.iter().any(|folder| folder.id == id) {
            let what = format!("{} leads back to a folder above it", directory.display());
            return Err(Error::new(ErrorKind::Io, what).hint("skip symbolic links, or leave this one out by a rule"));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = self.kind(entry.file_type().map_err(failed)?, || fs::metadata(entry.path()));
            names.push(Name { bytes: os::path::bytes(Path::new(&entry.file_name())).into(), kind });
        }
        let rules = match self.request.options.ignore_files {
            true => FolderRules::read(&directory, &os::path::view(&self.path))?,
            false => None,
        };
        self.rules.extend(rules);
        names.sort_unstable_by(|a, b| a.compare(b));
        let count = names.len();
        self.folders.push(Folder { names: names.into_iter(), id, above });
        Ok(count)
    }

    /// Where a link leads is only looked at when it may be followed.
    fn kind(&self, kind: FileType, follow: impl FnOnce() -> io::Result<Metadata>) -> Kind {
        if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Folder
        } else if !kind.is_symlink() {
            Kind::Other(os::directory::describe(kind))
        } else if self.request.options.symlinks == Symlinks::Follow && follow().is_ok_and(|there| there.is_dir()) {
            Kind::LinkToFolder
        } else {
            Kind::Link
        }
    }

    fn leave(&mut self) {
        if let Some(folder) = self.folders.pop() {
            self.path.truncate(folder.above);
            let depth = self.path.len();
            self.rules.retain(|rules| rules.depth <= depth);
        }
    }

    /// What the name is in the batch; `None` when it is a folder that is looked into, or in another shard.
    fn look(&mut self, name: &Name) -> Option<Found> {
        let path = [&*self.path, &*name.bytes].concat();
        let is_folder = matches!(name.kind, Kind::Folder | Kind::LinkToFolder);
        // Other machines look at it: with many, most of the time would go into that. A link may stand where a folder was, of
        // which each shard must hear.
        if matches!(name.kind, Kind::File) && !self.request.is_path_in_shard(&path, "") {
            return None;
        }
        // The rules see what the system sees.
        let shown = os::path::view(&path);
        let skipped = |rule: String| Some(Found::Skipped { path: path.clone().into(), rule });
        if let Some(rule) = self.request.rules.exclusion(&shown, is_folder, &self.rules) {
            return skipped(rule);
        }
        match (name.kind, self.request.options.symlinks) {
            (Kind::Other(what), _) => skipped(format!("it is {what}")),
            (Kind::Link, Symlinks::Skip) => skipped("it is a symbolic link".to_owned()),
            (Kind::Link, Symlinks::Refuse) => {
                let error = Error::new(ErrorKind::Io, "it is a symbolic link, and those are refused");
                Some(failed(path, error.hint("remove it, or have links followed or skipped")))
            }
            (Kind::Folder | Kind::LinkToFolder, _) => self.look_into(path),
            (Kind::File | Kind::Link, _) => Some(self.entry(path, Task::Upload)),
        }
    }

    /// Goes into a folder. An empty one may be an object itself.
    fn look_into(&mut self, path: Vec<u8>) -> Option<Found> {
        let above = self.path.len();
        self.path.clone_from(&path);
        self.path.push(b'/');
        match self.enter(above) {
            Ok(0) if self.request.options.empty_directories => Some(self.entry(self.path.clone(), Task::Directory)),
            Ok(_) => None,
            Err(error) => {
                self.path.truncate(above);
                Some(failed(path, error))
            }
        }
    }

    fn entry(&self, path: Vec<u8>, task: Task) -> Found {
        let full = self.request.full_path(&path);
        let status = match Status::at(&full) {
            Ok(status) => status,
            Err(error) => {
                let error = Error::os(ErrorKind::Io, format!("cannot examine {}", full.display()), &error);
                return failed(path, error);
            }
        };
        if task == Task::Upload && !status.metadata().is_file() {
            let what = os::directory::describe(status.metadata().file_type());
            return Found::Skipped { path: path.into(), rule: format!("it leads to {what}") };
        }
        let options = &self.request.options;
        match key_of(&options.key_prefix, &path, options.key_encoding) {
            Ok(key) => {
                let identity = Identity::of(&status);
                Found::File(Entry::new(path.into(), key, identity, task))
            }
            Err(error) => failed(path, error),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            match self.folders.last_mut()?.names.next() {
                None => self.leave(),
                Some(name) => {
                    if let Some(found) = self.look(&name) {
                        return Some(found);
                    }
                }
            }
        }
    }
}

impl Name {
    fn compare(&self, other: &Name) -> Ordering {
        let common = self.bytes.len().min(other.bytes.len());
        let beginnings = self.bytes[..common].cmp(&other.bytes[..common]);
        beginnings.then_with(|| self.rest(common).cmp(other.rest(common)))
    }

    fn rest(&self, from: usize) -> impl Iterator<Item = u8> {
        let is_folder = matches!(self.kind, Kind::Folder | Kind::LinkToFolder);
        self.bytes[from..].iter().copied().chain(is_folder.then_some(b'/'))
    }
}

fn failed(path: Vec<u8>, error: Error) -> Found {
    Found::Failed { path: path.into(), key: String::new(), error }
}
