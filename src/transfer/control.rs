//! How to stop an upload.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, now, unpoisoned};

/// What the user asked for. A later stop_request replaces an earlier one, but nothing replaces a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopRequest {
    /// Nothing: it goes on.
    None,
    Pause,
    Cancel,
}

/// The user's stop_request, and the flag at which the current round of work stops.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<ControlState>,
    changed: Condvar,
}

#[derive(Debug)]
struct ControlState {
    stop_request: StopRequest,
    stop: Arc<AtomicBool>,
}

impl Control {
    pub(crate) fn new() -> Self {
        let state = ControlState { stop_request: StopRequest::None, stop: Arc::default() };
        Control { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn pause(&self) {
        self.ask(StopRequest::Pause);
    }

    pub(crate) fn cancel(&self) {
        self.ask(StopRequest::Cancel);
    }

    pub(crate) fn stop_request(&self) -> StopRequest {
        self.lock().stop_request
    }

    /// A new flag, for work that begins now. It is up already when the user wants to stop.
    pub(crate) fn begin_round(&self) -> Arc<AtomicBool> {
        let mut state = self.lock();
        state.stop = Arc::new(AtomicBool::new(state.stop_request != StopRequest::None));
        state.stop.clone()
    }

    /// Stops the round whose flag this is, since a part of it has failed. Another may run meanwhile.
    pub(crate) fn halt(&self, round: &AtomicBool) {
        let state = self.lock();
        round.store(true, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for `time`, or less when `stop` goes up.
    pub(crate) fn sleep(&self, time: Duration, stop: &AtomicBool) {
        let until = now() + time;
        let mut state = self.lock();
        while !stop.load(Ordering::Relaxed) {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return;
            }
            state = unpoisoned(self.changed.wait_timeout(state, left)).0;
        }
    }

    fn ask(&self, stop_request: StopRequest) {
        let mut state = self.lock();
        if state.stop_request != StopRequest::Cancel {
            state.stop_request = stop_request;
        }
        state.stop.store(true, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ControlState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_stays_a_cancel() {
        let control = Control::new();
        control.pause();
        assert_eq!(control.stop_request(), StopRequest::Pause);
        control.cancel();
        control.pause();
        assert_eq!(control.stop_request(), StopRequest::Cancel);
    }

    #[test]
    fn a_round_that_begins_after_the_request_is_stopped() {
        let control = Control::new();
        let first = control.begin_round();
        assert!(!first.load(Ordering::Relaxed));
        let second = control.begin_round();
        control.halt(&first);
        assert!(first.load(Ordering::Relaxed));
        assert!(!second.load(Ordering::Relaxed), "a failure stops its own round only");
        control.pause();
        assert!(control.begin_round().load(Ordering::Relaxed));
    }

    #[test]
    fn sleep_ends_when_the_round_stops() {
        let control = Arc::new(Control::new());
        let stop = control.begin_round();
        let other = control.clone();
        let thread = std::thread::spawn(move || other.pause());
        control.sleep(Duration::from_secs(3600), &stop);
        thread.join().unwrap();
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
