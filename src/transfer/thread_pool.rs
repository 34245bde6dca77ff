//! The threads of a client: uploads run on them, and the parts that they send.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::os::thread;
use crate::sync::{Condvar, Mutex, MutexGuard, unpoisoned};

/// How long a thread waits for the next work. One that is started anew costs about as much as sending a small file.
const LINGER: Duration = Duration::from_millis(250);

/// As many threads as there is work at the same time; how much that is, others see to. A thread that has finished waits
/// a moment for the next work. When the pool is dropped, those that wait leave at once, and those that are at work
/// after it.
#[derive(Debug, Default)]
pub(crate) struct ThreadPool {
    state: Arc<Mutex<PoolState>>,
}

#[derive(Debug, Default)]
struct PoolState {
    /// Who came last is called first: so those who are not needed any more are not called, and leave.
    waiting: Vec<Arc<Slot>>,
    closed: bool,
}

/// One thread's place. Looked at and changed under the lock of the pool's state.
#[derive(Default)]
struct Slot {
    called: Condvar,
    work: Mutex<Option<Work>>,
}

type Work = Box<dyn FnOnce() + Send>;

impl ThreadPool {
    /// Runs `work` on a thread that waits, or on a new one. It must not panic. Fails when no thread can be made; `work` is
    /// dropped then.
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = lock(&self.state);
        if let Some(slot) = state.waiting.pop() {
            slot.give(Box::new(work));
            return Ok(());
        }
        drop(state);
        let state = self.state.clone();
        let run = move || {
            let slot = Arc::default();
            work();
            while let Some(work) = next(&state, &slot) {
                work();
            }
        };
        thread::spawn("oss-worker", run).map(drop)
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.waiting.drain(..).for_each(|slot| slot.called.notify_one());
    }
}

/// Waits for work; `None` when there is none for a while, or never again.
fn next(pool: &Mutex<PoolState>, slot: &Arc<Slot>) -> Option<Work> {
    let mut state = lock(pool);
    if state.closed {
        return None;
    }
    state.waiting.push(slot.clone());
    let is_waiting = |state: &mut PoolState| state.waiting.iter().any(|other| Arc::ptr_eq(other, slot));
    let waited = slot.called.wait_timeout_while(state, LINGER, is_waiting);
    let mut state = unpoisoned(waited).0;
    state.waiting.retain(|other| !Arc::ptr_eq(other, slot));
    slot.take()
}

fn lock(pool: &Mutex<PoolState>) -> MutexGuard<'_, PoolState> {
    // The lock is held for plain assignments only.
    unpoisoned(pool.lock())
}

impl Slot {
    fn give(&self, work: Work) {
        *unpoisoned(self.work.lock()) = Some(work);
        self.called.notify_one();
    }

    fn take(&self) -> Option<Work> {
        unpoisoned(self.work.lock()).take()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use crossbeam_channel::{Receiver, bounded};

    use super::*;

    /// On which thread the pool runs something, which ends there when `go` says so.
    fn runs_on(pool: &ThreadPool, go: Receiver<()>) -> ThreadId {
        let (tell, told) = bounded(1);
        let work = move || {
            let _ = tell.send(thread::current().id());
            let _ = go.recv();
        };
        pool.spawn(work).unwrap();
        told.recv().unwrap()
    }

    fn wait_until(pool: &ThreadPool, what: impl Fn(&PoolState) -> bool) {
        while !what(&lock(&pool.state)) {
            thread::yield_now();
        }
    }

    #[test]
    fn what_is_asked_for_at_the_same_time_runs_at_the_same_time() {
        let pool = ThreadPool::default();
        let (_first, go_first) = bounded(0);
        let (_second, go_second) = bounded(0);
        assert_ne!(runs_on(&pool, go_first), runs_on(&pool, go_second));
    }

    #[test]
    fn a_thread_that_has_finished_is_used_again() {
        let pool = ThreadPool::default();
        let (finish, go) = bounded(0);
        let first = runs_on(&pool, go);
        drop(finish);
        wait_until(&pool, |state| state.waiting.len() == 1);
        assert_eq!(runs_on(&pool, bounded(0).1), first);
    }

    #[test]
    fn who_came_last_is_called_first() {
        let pool = ThreadPool::default();
        let (first, second) = (bounded(0), bounded(0));
        let (early, late) = (runs_on(&pool, first.1), runs_on(&pool, second.1));
        drop(first.0);
        wait_until(&pool, |state| state.waiting.len() == 1);
        drop(second.0);
        wait_until(&pool, |state| state.waiting.len() == 2);
        let (_third, go) = bounded(0);
        assert_eq!((runs_on(&pool, go), runs_on(&pool, bounded(0).1)), (late, early));
    }

    #[test]
    fn threads_leave_when_nothing_comes_or_the_pool_is_dropped() {
        let pool = ThreadPool::default();
        runs_on(&pool, bounded(0).1);
        wait_until(&pool, |state| state.waiting.len() == 1);
        wait_until(&pool, |state| state.waiting.is_empty());
        runs_on(&pool, bounded(0).1);
        let state = Arc::downgrade(&pool.state);
        drop(pool);
        while state.strong_count() > 0 {
            thread::yield_now();
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
