//! Locks of threads that may panic.

use std::sync::{LockResult, PoisonError};

/// What a lock guards, also after a thread has panicked while it held the lock: all that is done under the locks of this
/// library leaves it whole at each step.
pub(crate) fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
