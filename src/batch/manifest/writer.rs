//! Appends to a manifest.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::Seal;
use super::record::{FileRecord, HeaderRecord, RunRecord};
use crate::error::Result;
use crate::os::durable::DurableFile;
use crate::sync::{Mutex, MutexGuard, unpoisoned};
use crate::upload::checkpoint::line::MANIFEST;

/// How long records may wait for the disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// A manifest that this batch holds.
pub(crate) struct ManifestWriter {
    pub(super) path: PathBuf,
    pub(super) header: HeaderRecord,
    pub(super) run: RunRecord,
    pub(super) seal: Seal,
    state: Mutex<WriterState>,
}

pub(super) struct WriterState {
    pub file: Arc<DurableFile>,
    /// Where the first record of this call goes, and where the next one goes.
    pub start: u64,
    pub length: u64,
    /// The record of the run is there.
    begun: bool,
    /// Lines that could not be written.
    pending: Vec<u8>,
    unsynced: bool,
    last_sync: Instant,
}

impl ManifestWriter {
    /// `length`: where the next record goes. `begun`: the record of this run is there already.
    pub(super) fn new(
        file: DurableFile,
        path: &Path,
        header: HeaderRecord,
        run: RunRecord,
        length: u64,
        begun: bool,
    ) -> ManifestWriter {
        let seal = Seal::new(&header.manifest);
        let state = WriterState {
            file: Arc::new(file),
            start: length,
            length,
            begun,
            pending: Vec::new(),
            // Who wrote before may have died before it synced.
            unsynced: true,
            last_sync: Instant::now(),
        };
        ManifestWriter { path: path.to_owned(), header, run, seal, state: Mutex::new(state) }
    }

    /// Records what became of a file. When that fails, the record waits in memory, and is written with the next one.
    pub(crate) fn record(&self, record: &FileRecord<'_>) -> Result<()> {
        let json = serde_json::to_vec(record).map_err(|error| MANIFEST.refused("write", &self.path, &error.into()))?;
        let line = self.seal.line(&json);
        let mut state = self.lock();
        if !state.begun {
            let json = serde_json::to_vec(&self.run).unwrap_or_default();
            state.pending.extend(self.seal.line(&json));
            state.begun = true;
        }
        if state.pending.is_empty() {
            let written = state.write(&line);
            if written.is_err() {
                state.pending = line;
            }
            return written.map_err(|cause| MANIFEST.refused("write", &self.path, &cause));
        }
        state.pending.extend_from_slice(&line);
        self.write_pending(&mut state)
    }

    /// Syncs when there is something to sync and the last time is long enough ago. Others can append meanwhile.
    pub(crate) fn sync_if_due(&self, now: Instant) -> Result<()> {
        let mut state = self.lock();
        if !state.unsynced || now.saturating_duration_since(state.last_sync) < SYNC_INTERVAL {
            return Ok(());
        }
        state.last_sync = now;
        self.sync(state)
    }

    /// Writes what is pending, and syncs.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut state = self.lock();
        self.write_pending(&mut state)?;
        if state.unsynced { self.sync(state) } else { Ok(()) }
    }

    fn write_pending(&self, state: &mut WriterState) -> Result<()> {
        if state.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut state.pending);
        let written = state.write(&pending);
        if written.is_err() {
            state.pending = pending;
        }
        written.map_err(|cause| MANIFEST.refused("write", &self.path, &cause))
    }

    fn sync(&self, mut state: MutexGuard<'_, WriterState>) -> Result<()> {
        state.unsynced = false;
        let file = state.file.clone();
        drop(state);
        file.sync_data().map_err(|cause| MANIFEST.refused("sync", &self.path, &cause))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, WriterState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

impl WriterState {
    /// What was written in part is written over by the next.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }
}
