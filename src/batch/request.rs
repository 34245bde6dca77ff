//! What a batch is to do, checked.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::key::{self, key_of};
use super::manifest::HeaderRecord;
use super::options::{BatchMode, BatchOptions, BatchSource};
use super::select::Rules;
use super::shard::shard_of;
use crate::error::{Error, ErrorKind, Result};
use crate::oss::{self, ObjectHeaders};
use crate::text::hex::hex;
use crate::upload::in_full;

/// The most shards that a batch can be divided into.
const MAX_SHARDS: u32 = 1_000_000;

/// [`BatchOptions`] that have been found to make sense. All paths are in full.
#[derive(Debug)]
pub(crate) struct BatchRequest {
    pub options: BatchOptions,
    pub rules: Rules,
    /// Bytes of a part; `None`: chosen from the size.
    pub part_size: Option<u64>,
    /// Requests at a time; `None`: chosen by the library.
    pub connections: Option<u32>,
    /// The directory in which paths of a list begin.
    pub base: PathBuf,
}

impl BatchRequest {
    pub(crate) fn new(mut options: BatchOptions) -> Result<BatchRequest> {
        oss::check_bucket(&options.bucket)?;
        if !options.key_prefix.is_empty() {
            key::check(&options.key_prefix, options.key_encoding).map_err(|error| error.context("key_prefix"))?;
        }
        let mut base = PathBuf::from("/");
        match &mut options.source {
            BatchSource::Pushed => {}
            BatchSource::Directory(path) => *path = in_full("directory", path, ErrorKind::Io)?,
            BatchSource::List { path, .. } => {
                *path = in_full("list_path", path, ErrorKind::Io)?;
                base = in_full("list_path", Path::new("."), ErrorKind::Io)?;
            }
        }
        if let Some(path) = &mut options.manifest {
            *path = in_full("manifest_path", path, ErrorKind::Checkpoint)?;
        }
        check_combinations(&options)?;
        ObjectHeaders::new(&options.headers)?;
        Ok(BatchRequest {
            rules: Rules::new(&options.exclude, &options.include)?,
            part_size: options.part_size.bytes()?,
            connections: options.connections.count("connections")?,
            base,
            options,
        })
    }

    /// Stands for the options that shape the objects besides their content.
    pub(crate) fn shape(&self) -> String {
        let headers = ObjectHeaders::new(&self.options.headers).map(|headers| headers.shape()).unwrap_or_default();
        let text = format!("{headers}\nkeep_mtime={}", self.options.keep_mtime);
        hex(&Sha256::digest(text))
    }

    /// The path of the file that is opened, for a path of the batch.
    pub(crate) fn full_path(&self, path: &[u8]) -> PathBuf {
        let path = crate::os::path::view(path);
        match &self.options.source {
            BatchSource::Directory(root) => root.join(path),
            _ => path.into_owned(),
        }
    }

    /// Whether the file with this key belongs to the shard of this batch.
    pub(crate) fn is_in_shard(&self, key: &str) -> bool {
        let BatchOptions { shard_index, shard_count, .. } = self.options;
        shard_count < 2 || shard_of(key, shard_count) == shard_index
    }

    /// The same for what is no file, or none that can be uploaded, at this moment: by the key that it would have. So a
    /// machine that finds it otherwise finds it in the same shard.
    pub(crate) fn is_path_in_shard(&self, path: &[u8], key: &str) -> bool {
        if self.options.shard_count < 2 || !key.is_empty() {
            return self.is_in_shard(key);
        }
        let would_be = match &self.options.source {
            BatchSource::Directory(_) => key_of(&self.options.key_prefix, path, self.options.key_encoding),
            _ => self.key_of_given(&crate::os::path::view(path)),
        };
        let text = String::from_utf8_lossy(path);
        self.is_in_shard(would_be.as_deref().unwrap_or(&text))
    }

    /// Which batch, and which shard of it, its manifest is of.
    pub(crate) fn manifest_header(&self, endpoint: String) -> HeaderRecord {
        let BatchOptions { bucket, key_prefix, source, shard_index, shard_count, .. } = &self.options;
        let is_shard = *shard_count > 1;
        let source = match source {
            BatchSource::Directory(path) => crate::text::path::encode(path),
            BatchSource::List { .. } => "list".to_owned(),
            BatchSource::Pushed => "added".to_owned(),
        };
        HeaderRecord {
            manifest: String::new(),
            endpoint,
            bucket: bucket.clone(),
            prefix: key_prefix.clone(),
            source: if is_shard { source } else { String::new() },
            shard_index: if is_shard { *shard_index } else { 0 },
            shard_count: if is_shard { *shard_count } else { 0 },
        }
    }

    /// The key of a file whose path was given without one: the prefix, and the path without what leads to the root or the
    /// current directory.
    pub(crate) fn key_of_given(&self, path: &Path) -> Result<String> {
        let mut kept: Vec<&[u8]> = Vec::new();
        for component in path.components() {
            match component {
                std::path::Component::Normal(name) => kept.push(crate::os::path::bytes(Path::new(name))),
                std::path::Component::ParentDir => {
                    let what = format!("the path {} has .. in it, so no key can be made of it", path.display());
                    return Err(Error::invalid(what).hint("give the key, or another path"));
                }
                _ => {}
            }
        }
        key_of(&self.options.key_prefix, &kept.join(&b'/'), self.options.key_encoding)
    }
}

fn check_combinations(options: &BatchOptions) -> Result<()> {
    let BatchOptions { mode, manifest, shard_index, shard_count, .. } = options;
    let name = match mode {
        BatchMode::All | BatchMode::Changed => None,
        BatchMode::RetryFailed => Some("retry_failed"),
        BatchMode::Verify => Some("verify"),
        BatchMode::VerifyFull => Some("verify_full"),
    };
    if let Some(name) = name.filter(|_| manifest.is_none()) {
        return Err(Error::invalid(format!("the mode {name} needs manifest_path")));
    }
    if *mode == BatchMode::Changed && manifest.is_none() && !options.compare_remote {
        return Err(Error::invalid(
            "the mode changed needs something to compare with: set manifest_path, or compare_remote",
        ));
    }
    if *shard_count > MAX_SHARDS {
        return Err(Error::invalid(format!("shard_count is {shard_count}; it must be at most {MAX_SHARDS}")));
    }
    if *shard_index >= (*shard_count).max(1) {
        return Err(Error::invalid(format!("shard_index is {shard_index}; it must be less than shard_count")));
    }
    Ok(())
}
