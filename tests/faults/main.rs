//! What goes wrong between a client and a server, and what an upload makes of it: it goes on, or ends with a clear
//! error. Never is there a wrong object, and nothing is left behind.

#[path = "../common/mod.rs"]
mod common;

mod clocks;
mod early_responses;
mod matrix;
mod patience;
mod peers;
mod resumes;
mod stale;
mod table;
mod tokens;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Threads and open files are counted for the whole process: who counts must be alone.
static HOUSE: RwLock<()> = RwLock::new(());

fn in_company() -> RwLockReadGuard<'static, ()> {
    HOUSE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    HOUSE.write().unwrap_or_else(PoisonError::into_inner)
}
