//! Files that a program pushes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::sync::unpoisoned;

/// So many files wait; then the program does.
const CAPACITY: usize = 1024;

/// A file that was pushed.
#[derive(Debug)]
pub(crate) struct PushedFile {
    /// In full.
    pub path: PathBuf,
    pub key: Result<String>,
}

/// The files on their way into the batch.
#[derive(Debug, Default)]
pub(crate) struct Pushed {
    state: Mutex<PushedState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PushedState {
    files: VecDeque<PushedFile>,
    sealed: bool,
    /// The batch takes no more.
    closed: bool,
    /// Somebody waits for a file, or for room: only then it is woken, which is a system call.
    awaited: bool,
}

impl Pushed {
    /// Waits for room, but no longer than `timeout`; whether the file was taken. Fails when the batch takes no files.
    pub(crate) fn add(&self, file: PushedFile, timeout: Duration) -> Result<bool> {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        while state.files.len() >= CAPACITY && !state.sealed && !state.closed {
            // An end of time that no clock can tell is no limit.
            let left = until.map_or(Duration::from_secs(3600), |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(false);
            }
            state.awaited = true;
            state = unpoisoned(self.changed.wait_timeout(state, left)).0;
        }
        if state.sealed {
            return Err(Error::invalid("the batch is sealed: nothing can be added any more"));
        }
        if state.closed {
            return Err(Error::invalid("the batch has ended: nothing can be added any more"));
        }
        state.files.push_back(file);
        self.wake(state);
        Ok(true)
    }

    pub(crate) fn seal(&self) {
        self.lock().sealed = true;
        self.changed.notify_all();
    }

    /// The batch takes no more: those who wait for room fail.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next file, waiting a while for it. `None`: none now; `Some(None)`: none any more.
    pub(crate) fn next(&self, time: Duration) -> Option<Option<PushedFile>> {
        let mut state = self.lock();
        if state.files.is_empty() && !state.sealed && !state.closed {
            state.awaited = true;
            state = unpoisoned(self.changed.wait_timeout(state, time)).0;
        }
        let file = state.files.pop_front();
        let is_over = file.is_none() && (state.sealed || state.closed);
        // Who waits for room gets some for many files.
        if state.files.len() <= CAPACITY / 2 {
            self.wake(state);
        }
        match file {
            Some(file) => Some(Some(file)),
            None if is_over => Some(None),
            None => None,
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, PushedState>) {
        let awaited = std::mem::take(&mut state.awaited);
        drop(state);
        if awaited {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, PushedState> {
        unpoisoned(self.state.lock())
    }
}
