//! The threads on which uploads run.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::os::thread;

/// How long a thread waits for the next upload. One that is started anew costs about as much as sending a small file.
const LINGER: Duration = Duration::from_millis(250);

/// Threads that have finished an upload, and wait a moment for the next one. They leave at once when the crew is
/// dropped; those that are at work finish it first.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    room: Arc<Room>,
}

/// Where threads wait.
#[derive(Debug, Default)]
struct Room {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who came last is called first: so those who are not needed any more are not called, and leave.
    waiting: Vec<Arc<Seat>>,
    closed: bool,
}

/// One thread's place. Looked at and changed under the room's lock.
#[derive(Default)]
struct Seat {
    called: Condvar,
    work: Mutex<Option<Work>>,
}

type Work = Box<dyn FnOnce() + Send>;

impl Crew {
    /// Runs `work` on a thread that waits, or on a new one. It must not panic.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.room.lock();
        if let Some(seat) = state.waiting.pop() {
            seat.give(Box::new(work));
            return Ok(());
        }
        drop(state);
        let room = self.room.clone();
        let run = move || {
            let seat = Arc::default();
            work();
            while let Some(work) = room.next(&seat) {
                work();
            }
        };
        thread::spawn("oss-upload", run).map(drop)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let mut state = self.room.lock();
        state.closed = true;
        state.waiting.drain(..).for_each(|seat| seat.called.notify_one());
    }
}

impl Room {
    /// Waits for work; `None` when there is none for a while, or never again.
    fn next(&self, seat: &Arc<Seat>) -> Option<Work> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.waiting.push(seat.clone());
        let is_waiting = |state: &mut State| state.waiting.iter().any(|other| Arc::ptr_eq(other, seat));
        let waited = seat.called.wait_timeout_while(state, LINGER, is_waiting);
        let mut state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        state.waiting.retain(|other| !Arc::ptr_eq(other, seat));
        seat.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lock is held for plain assignments only.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Seat {
    fn give(&self, work: Work) {
        *self.work.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(work);
        self.called.notify_one();
    }

    fn take(&self) -> Option<Work> {
        self.work.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use crossbeam_channel::{Receiver, bounded};

    use super::*;

    /// On which thread the crew runs something, which ends there when `go` says so.
    fn runs_on(crew: &Crew, go: Receiver<()>) -> ThreadId {
        let (tell, told) = bounded(1);
        let work = move || {
            let _ = tell.send(thread::current().id());
            let _ = go.recv();
        };
        crew.run(work).unwrap();
        told.recv().unwrap()
    }

    fn wait_until(crew: &Crew, what: impl Fn(&State) -> bool) {
        while !what(&crew.room.lock()) {
            thread::yield_now();
        }
    }

    #[test]
    fn what_is_asked_for_at_the_same_time_runs_at_the_same_time() {
        let crew = Crew::default();
        let (_first, go_first) = bounded(0);
        let (_second, go_second) = bounded(0);
        assert_ne!(runs_on(&crew, go_first), runs_on(&crew, go_second));
    }

    #[test]
    fn a_thread_that_has_finished_is_used_again() {
        let crew = Crew::default();
        let (finish, go) = bounded(0);
        let first = runs_on(&crew, go);
        drop(finish);
        wait_until(&crew, |state| state.waiting.len() == 1);
        assert_eq!(runs_on(&crew, bounded(0).1), first);
    }

    #[test]
    fn who_came_last_is_called_first() {
        let crew = Crew::default();
        let (first, second) = (bounded(0), bounded(0));
        let (early, late) = (runs_on(&crew, first.1), runs_on(&crew, second.1));
        drop(first.0);
        wait_until(&crew, |state| state.waiting.len() == 1);
        drop(second.0);
        wait_until(&crew, |state| state.waiting.len() == 2);
        let (_third, go) = bounded(0);
        assert_eq!((runs_on(&crew, go), runs_on(&crew, bounded(0).1)), (late, early));
    }

    #[test]
    fn threads_leave_when_nothing_comes_or_the_crew_is_dropped() {
        let crew = Crew::default();
        runs_on(&crew, bounded(0).1);
        wait_until(&crew, |state| state.waiting.len() == 1);
        wait_until(&crew, |state| state.waiting.is_empty());
        runs_on(&crew, bounded(0).1);
        let room = Arc::downgrade(&crew.room);
        drop(crew);
        while room.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
