//! Outcomes on their way to the program, which takes them out on a thread of its own.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::outcome::BatchOutcome;
use crate::sync::unpoisoned;

/// So many outcomes wait; then the batch does.
const CAPACITY: usize = 1024;

/// None is ever dropped while somebody may take it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<OutboxState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutboxState {
    outcomes: VecDeque<BatchOutcome>,
    /// Who puts one in need not wait for room.
    unbounded: bool,
    /// Nobody will take any.
    closed: bool,
    /// No more will come.
    ended: bool,
    /// Somebody waits for an outcome, or for room: only then it is woken, which is a system call.
    awaited: bool,
}

/// What there is to take.
pub(crate) enum Taken {
    Outcome(Box<BatchOutcome>),
    /// None yet.
    Nothing,
    /// None any more.
    End,
}

impl Outbox {
    /// Waits for room.
    pub(crate) fn put(&self, outcome: BatchOutcome) {
        let mut state = self.lock();
        while state.outcomes.len() >= CAPACITY && !state.unbounded && !state.closed {
            state.awaited = true;
            state = unpoisoned(self.changed.wait(state));
        }
        if !state.closed {
            state.outcomes.push_back(outcome);
            self.wake(state);
        }
    }

    pub(crate) fn take(&self, timeout: Duration) -> Taken {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        loop {
            if let Some(outcome) = state.outcomes.pop_front() {
                // Who waits for room gets some for many outcomes.
                if state.outcomes.len() <= CAPACITY / 2 {
                    self.wake(state);
                }
                return Taken::Outcome(Box::new(outcome));
            }
            if state.ended {
                return Taken::End;
            }
            // An end of time that no clock can tell is no limit.
            let left = until.map_or(Duration::from_secs(3600), |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Taken::Nothing;
            }
            state.awaited = true;
            state = unpoisoned(self.changed.wait_timeout(state, left)).0;
        }
    }

    /// The batch is being stopped: those who wait for room go on.
    pub(crate) fn stop_waiting(&self) {
        self.lock().unbounded = true;
        self.changed.notify_all();
    }

    /// Nobody will take outcomes.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.outcomes.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// No more outcomes will come.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn wake(&self, mut state: MutexGuard<'_, OutboxState>) {
        let awaited = std::mem::take(&mut state.awaited);
        drop(state);
        if awaited {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, OutboxState> {
        unpoisoned(self.state.lock())
    }
}
