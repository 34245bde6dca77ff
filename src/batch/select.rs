//! Which files of a folder are uploaded, by rules like those of `.gitignore`.

use std::fs;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Error, ErrorKind, Result};

/// The name of files with rules.
pub(crate) const IGNORE_FILE: &str = ".ossignore";
/// The largest of them that is read.
const MAX_IGNORE_FILE: u64 = 1024 * 1024;

/// The rules of a batch, checked.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    exclude: Gitignore,
    include: Option<Gitignore>,
}

impl Rules {
    /// Rules hold from the folder on that is uploaded.
    pub(crate) fn new(exclude: &str, include: &str) -> Result<Rules> {
        let include = if include.trim().is_empty() { None } else { Some(compile("include", include)?) };
        Ok(Rules { exclude: compile("exclude", exclude)?, include })
    }

    /// The rule by which this path is left out; `inner` are the rules of files in folders above it, the nearest last.
    pub(crate) fn exclusion(&self, path: &Path, is_directory: bool, inner: &[FolderRules]) -> Option<String> {
        match self.exclude.matched(path, is_directory) {
            Match::Ignore(glob) => return Some(format!("exclude: {}", glob.original())),
            Match::Whitelist(_) => {}
            Match::None => {
                if let Some(rule) = exclusion_by_folder(path, is_directory, inner) {
                    return Some(rule);
                }
            }
        }
        let include = self.include.as_ref().filter(|_| !is_directory)?;
        // A folder that is named takes in all that is in it.
        match include.matched_path_or_any_parents(path, false) {
            Match::Ignore(_) => None,
            _ => Some("include: no rule names it".to_owned()),
        }
    }
}

/// The rules of a file in a folder.
#[derive(Debug)]
pub(crate) struct FolderRules {
    /// How many bytes of a path are those of the folder.
    pub depth: usize,
    rules: Gitignore,
}

impl FolderRules {
    /// Those of the file with rules in `directory`, which is `folder` in the tree; `None` when there is no such file.
    pub(crate) fn read(directory: &Path, folder: &Path) -> Result<Option<FolderRules>> {
        let path = directory.join(IGNORE_FILE);
        let failed = |error| Error::os(ErrorKind::Io, format!("cannot read the rules in {}", path.display()), &error);
        match fs::metadata(&path) {
            Ok(about) if about.is_file() && about.len() <= MAX_IGNORE_FILE => {}
            Ok(_) => {
                let what = format!("cannot read the rules in {}: it is no regular file of up to 1 MiB", path.display());
                return Err(Error::new(ErrorKind::Io, what));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        let rules = compile_in(folder, &path.display().to_string(), &text)?;
        Ok(Some(FolderRules { depth: folder.as_os_str().len(), rules }))
    }
}

fn exclusion_by_folder(path: &Path, is_directory: bool, inner: &[FolderRules]) -> Option<String> {
    for folder in inner.iter().rev() {
        match folder.rules.matched(path, is_directory) {
            Match::Ignore(glob) => return Some(format!("{IGNORE_FILE}: {}", glob.original())),
            Match::Whitelist(_) => return None,
            Match::None => {}
        }
    }
    None
}

fn compile(name: &str, lines: &str) -> Result<Gitignore> {
    compile_in(Path::new(""), name, lines)
}

fn compile_in(folder: &Path, name: &str, lines: &str) -> Result<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    for line in lines.lines() {
        let wrong = |error| Error::invalid(format!("{name}: the rule {line:?} is not one: {error}"));
        builder.add_line(None, line).map_err(wrong)?;
    }
    builder.build().map_err(|error| Error::invalid(format!("{name}: {error}")))
}
