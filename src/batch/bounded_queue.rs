//! A queue between two threads, of which the faster one waits: files on their way into the batch, and outcomes on their way to
//! the program.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sync::{Condvar, Deadline, Mutex, MutexGuard, unpoisoned};

/// So many wait to be taken; then who puts one in waits.
const CAPACITY: usize = 1024;

/// What is put in is taken out in the same order, and none is dropped while somebody may take it.
#[derive(Debug)]
pub(crate) struct BoundedQueue<T> {
    state: Mutex<QueueState<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct QueueState<T> {
    items: VecDeque<T>,
    /// Who puts one in need not wait for room.
    unbounded: bool,
    /// No more will come.
    ended: bool,
    /// Nobody will take any.
    closed: bool,
    /// Somebody waits: only then it is woken, which is a system call.
    awaited: bool,
}

/// What came of putting one in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    /// There was no room in time.
    Full,
    /// It was said that no more would come.
    Ended,
    /// Nobody takes any.
    Closed,
}

/// What there is to take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Item(T),
    /// None yet.
    Nothing,
    /// None any more.
    End,
}

impl<T> BoundedQueue<T> {
    /// Waits for room, but no longer than `timeout`.
    pub(crate) fn put(&self, item: T, timeout: Duration) -> Put {
        let deadline = Deadline::after(timeout);
        let mut state = self.lock();
        while state.items.len() >= CAPACITY && !state.unbounded && !state.ended && !state.closed {
            let left = deadline.left();
            if left.is_zero() {
                return Put::Full;
            }
            state = self.wait(state, left);
        }
        if state.ended {
            return Put::Ended;
        }
        if state.closed {
            return Put::Closed;
        }
        state.items.push_back(item);
        self.wake(state);
        Put::Done
    }

    /// Waits for one, but no longer than `timeout`.
    pub(crate) fn take(&self, timeout: Duration) -> Taken<T> {
        let deadline = Deadline::after(timeout);
        let mut state = self.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                // Who waits for room gets some for many.
                if state.items.len() <= CAPACITY / 2 {
                    self.wake(state);
                }
                return Taken::Item(item);
            }
            if state.ended || state.closed {
                return Taken::End;
            }
            let left = deadline.left();
            if left.is_zero() {
                return Taken::Nothing;
            }
            state = self.wait(state, left);
        }
    }

    /// Those who wait for room go on.
    pub(crate) fn stop_waiting(&self) {
        self.change(|state| state.unbounded = true);
    }

    /// No more will come.
    pub(crate) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Nobody will take any.
    pub(crate) fn close(&self) {
        self.change(|state| {
            state.closed = true;
            state.items.clear();
        });
    }

    fn change(&self, change: impl FnOnce(&mut QueueState<T>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, QueueState<T>>, time: Duration) -> MutexGuard<'a, QueueState<T>> {
        state.awaited = true;
        unpoisoned(self.changed.wait_timeout(state, time)).0
    }

    fn wake(&self, mut state: MutexGuard<'_, QueueState<T>>) {
        let awaited = std::mem::take(&mut state.awaited);
        drop(state);
        if awaited {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

impl<T> Default for BoundedQueue<T> {
    fn default() -> Self {
        let items = VecDeque::new();
        let state = QueueState { items, unbounded: false, ended: false, closed: false, awaited: false };
        BoundedQueue { state: Mutex::new(state), changed: Condvar::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn the_faster_one_waits_and_nothing_is_lost() {
        let queue = Arc::new(BoundedQueue::default());
        let putter = queue.clone();
        let thread = thread::spawn(move || {
            (0..10 * CAPACITY).for_each(|number| assert_eq!(putter.put(number, SOON), Put::Done));
            putter.end();
        });
        (0..10 * CAPACITY).for_each(|number| assert_eq!(queue.take(SOON), Taken::Item(number)));
        assert_eq!(queue.take(SOON), Taken::End);
        thread.join().unwrap();
    }

    #[test]
    fn a_full_queue_takes_no_more_until_it_need_not_be_bounded() {
        let queue = BoundedQueue::default();
        (0..CAPACITY).for_each(|number| assert_eq!(queue.put(number, Duration::ZERO), Put::Done));
        assert_eq!(queue.put(0, Duration::ZERO), Put::Full);
        queue.stop_waiting();
        assert_eq!(queue.put(0, Duration::ZERO), Put::Done);
    }

    #[test]
    fn what_has_ended_or_is_closed_says_so() {
        let queue = BoundedQueue::default();
        assert_eq!(queue.take(Duration::ZERO), Taken::Nothing);
        queue.put(1, SOON);
        queue.end();
        assert_eq!(queue.put(2, SOON), Put::Ended);
        assert_eq!((queue.take(SOON), queue.take(SOON)), (Taken::Item(1), Taken::End));
        let queue = BoundedQueue::default();
        queue.put(1, SOON);
        queue.close();
        assert_eq!((queue.put(2, SOON), queue.take(SOON)), (Put::Closed, Taken::End));
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
