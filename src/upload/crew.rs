//! The threads on which uploads run.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

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
    called: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    /// Never more than there are threads waiting.
    work: VecDeque<Work>,
    closed: bool,
}

type Work = Box<dyn FnOnce() + Send>;

impl Crew {
    /// Runs `work` on a thread that waits, or on a new one. It must not panic.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.room.lock();
        if state.waiting > state.work.len() {
            state.work.push_back(Box::new(work));
            self.room.called.notify_one();
            return Ok(());
        }
        drop(state);
        let room = self.room.clone();
        let run = move || {
            work();
            while let Some(work) = room.next() {
                work();
            }
        };
        thread::Builder::new().name("oss-upload".into()).spawn(run).map(drop)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.room.lock().closed = true;
        self.room.called.notify_all();
    }
}

impl Room {
    /// Waits for work; `None` when there is none for a while, or never again.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        state.waiting += 1;
        let idle = |state: &mut State| state.work.is_empty() && !state.closed;
        let waited = self.called.wait_timeout_while(state, LINGER, idle);
        let mut state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        state.waiting -= 1;
        state.work.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lock is held for plain assignments only.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("waiting", &self.waiting).field("closed", &self.closed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

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
        wait_until(&crew, |state| state.waiting == 1);
        assert_eq!(runs_on(&crew, bounded(0).1), first);
    }

    #[test]
    fn threads_leave_when_nothing_comes_or_the_crew_is_dropped() {
        let crew = Crew::default();
        runs_on(&crew, bounded(0).1);
        wait_until(&crew, |state| state.waiting == 1);
        wait_until(&crew, |state| state.waiting == 0);
        runs_on(&crew, bounded(0).1);
        let room = Arc::downgrade(&crew.room);
        drop(crew);
        while room.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
