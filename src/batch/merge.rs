//! The manifests of all shards become one.

use std::path::{Path, PathBuf};

use super::manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::options::DEFAULT_STALL_TIMEOUT;
use crate::os::thread;
use crate::sync::atomic::AtomicBool;
use crate::transfer::Control;
use crate::upload::{in_full, while_leased};

/// Writes one manifest of those of all shards of a batch, in any order. It is that of the same batch without shards: use it
/// with [`BatchMode::Changed`](crate::BatchMode::Changed) or [`BatchMode::Verify`](crate::BatchMode::Verify). Nothing is sent.
///
/// Nothing is written, and the error says why, unless the manifests are of the same batch (endpoint, bucket, prefix,
/// source, headers and number of shards), each shard is there once, and each has come to its end. What was interrupted is
/// started again first. An existing manifest of that batch at `out` is replaced; the others stay as they are.
pub fn merge_manifests(out: impl AsRef<Path>, manifests: &[impl AsRef<Path>]) -> Result<()> {
    let out = in_full("out", out.as_ref(), ErrorKind::Checkpoint)?;
    let parts = manifests.iter().map(|path| in_full("manifests", path.as_ref(), ErrorKind::Checkpoint));
    let parts = parts.collect::<Result<Vec<PathBuf>>>()?;
    // Not on the thread of the program: its stack may be small, and writes may raise signals.
    let work = move || {
        let (control, goes_on) = (Control::new(), AtomicBool::new(false));
        while_leased(&control, &goes_on, DEFAULT_STALL_TIMEOUT, |wait| manifest::merge(&out, &parts, wait))
    };
    let thread = thread::spawn("oss-merge", work).map_err(|error| Error::no_thread(&error))?;
    thread.join().unwrap_or_else(|payload| Err(Error::from_panic(&*payload)))
}
