//! Locks of threads that may panic, and how long threads wait.

use std::sync::{LockResult, PoisonError};
use std::time::{Duration, Instant};

#[cfg(shuttle)]
use super::simulated::now;

/// The time by which waits are measured.
#[cfg(not(shuttle))]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What a lock guards, also after a thread has panicked while it held the lock: all that is done under the locks of this
/// library leaves it whole at each step.
pub(crate) fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// When somebody stops waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Deadline {
        Deadline(now().checked_add(timeout))
    }

    /// How long to wait before looking again; zero when the time is over.
    pub(crate) fn left(self) -> Duration {
        // An end of time that no clock can tell is no limit.
        self.0.map_or(Duration::from_secs(3600), |until| until.saturating_duration_since(now()))
    }
}
