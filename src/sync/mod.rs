//! Locks, atomics and waiting, as threads share them.
//!
//! All files but those of `os` and `capi` take these from here, so that the tests of schedules (`scripts/schedules.sh`) can run
//! them on simulated threads and a simulated clock.

#[cfg(all(test, shuttle))]
pub(crate) mod schedules;
#[cfg(shuttle)]
pub(crate) mod simulated;
mod waiting;

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(shuttle)]
pub(crate) use simulated::{Condvar, now};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(shuttle))]
pub(crate) use waiting::now;
pub(crate) use waiting::{Deadline, unpoisoned};
