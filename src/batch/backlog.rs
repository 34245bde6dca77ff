//! The files that were found and are not done.

use std::collections::VecDeque;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use super::entry::Entry;
use crate::sync::{Condvar, Mutex, MutexGuard, unpoisoned};

/// So many large files are sent at the same time: together they have enough parts to keep all connections busy.
const MOST_LARGE: u32 = 16;
/// So many files a thread takes at a time to compare them: many are so small that taking them is a part of the work.
const GROUP: usize = 32;
/// Whoever waits for files to be finished is woken each time so many are.
const WAKE_EVERY: usize = 64;

/// Files by what is to be done with them.
pub(crate) struct Backlog {
    /// As many threads may compare files as there are processors.
    most_comparing: usize,
    state: Mutex<BacklogState>,
    changed: Condvar,
}

#[derive(Default)]
struct BacklogState {
    small: VecDeque<Entry>,
    large: VecDeque<Entry>,
    to_compare: VecDeque<Entry>,
    large_in_work: u32,
    /// Threads that compare.
    comparing: usize,
    unfinished: usize,
    /// Somebody waits for a file to be finished.
    awaited: bool,
}

impl Backlog {
    pub(super) fn new() -> Backlog {
        let most_comparing = available_parallelism().map_or(1, NonZero::get);
        Backlog { most_comparing, state: Mutex::default(), changed: Condvar::new() }
    }

    /// How many files are not done.
    pub(super) fn unfinished(&self) -> usize {
        self.lock().unfinished
    }

    /// One file more is to be done.
    pub(super) fn expect(&self) {
        self.lock().unfinished += 1;
    }

    /// Waits a while, until no more than so many are unfinished.
    pub(super) fn wait(&self, most: usize) {
        let mut state = self.lock();
        if state.unfinished > most {
            state.awaited = true;
            state = unpoisoned(self.changed.wait_timeout(state, Duration::from_millis(100))).0;
            state.awaited = false;
        }
    }

    pub(super) fn finished(&self, files: usize) {
        let mut state = self.lock();
        let before = state.unfinished;
        state.unfinished -= files;
        if state.awaited && is_time_to_wake(before, state.unfinished) {
            self.changed.notify_all();
        }
    }

    pub(super) fn add_small(&self, entry: Entry) {
        self.lock().small.push_back(entry);
    }

    pub(super) fn add_large(&self, entry: Entry) {
        self.lock().large.push_back(entry);
    }

    pub(super) fn add_to_compare(&self, entry: Entry) {
        self.lock().to_compare.push_back(entry);
    }

    pub(super) fn next_small(&self) -> Option<Entry> {
        self.lock().small.pop_front()
    }

    /// A large file that may be begun now. [`Backlog::large_done`] says that it is no longer in work.
    pub(super) fn next_large(&self) -> Option<Entry> {
        let mut state = self.lock();
        if state.large_in_work >= MOST_LARGE {
            return None;
        }
        let entry = state.large.pop_front()?;
        state.large_in_work += 1;
        Some(entry)
    }

    pub(super) fn large_done(&self) {
        self.lock().large_in_work -= 1;
    }

    /// One more thread is to compare: it may, and there is enough for it.
    pub(super) fn begin_comparing(&self) -> bool {
        let mut state = self.lock();
        let is_worth_it = state.comparing < self.most_comparing && state.to_compare.len() > state.comparing * GROUP;
        state.comparing += usize::from(is_worth_it);
        is_worth_it
    }

    /// The next files for a thread that compares. When there are none, the thread no longer counts.
    pub(super) fn next_to_compare(&self) -> Vec<Entry> {
        let mut state = self.lock();
        let count = state.to_compare.len().min(GROUP);
        state.comparing -= usize::from(count == 0);
        state.to_compare.drain(..count).collect()
    }

    /// A thread that was to compare could not be had.
    pub(super) fn gave_up_comparing(&self) {
        self.lock().comparing -= 1;
    }

    /// What is not in work will not be done.
    pub(super) fn drop_waiting(&self) {
        let mut state = self.lock();
        state.unfinished -= state.small.len() + state.large.len() + state.to_compare.len();
        state.small.clear();
        state.large.clear();
        state.to_compare.clear();
    }

    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

/// When as many are left as a multiple of so many, or fewer.
fn is_time_to_wake(before: usize, now: usize) -> bool {
    now.div_ceil(WAKE_EVERY) < before.div_ceil(WAKE_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_woken_now_and_then() {
        let times = |step: usize| {
            let left: Vec<_> = (0..=4096).rev().step_by(step).collect();
            left.windows(2).filter(|pair| is_time_to_wake(pair[0], pair[1])).count()
        };
        assert_eq!([1, GROUP, WAKE_EVERY].map(times), [64, 64, 64]);
        assert!(!is_time_to_wake(4096, 4095) && is_time_to_wake(4033, 4032) && is_time_to_wake(1, 0));
    }
}
