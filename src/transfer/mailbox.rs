//! Messages for one thread, from many.
//!
//! A channel of crossbeam would ask Rust's runtime which thread sends. On the first thread of a C program, which writes to a
//! stream, the runtime never frees what it notes for the answer, and valgrind would report that as possibly lost.

use std::collections::VecDeque;
use std::fmt;
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::unpoisoned;

/// Messages in the order in which they came.
pub(crate) struct Mailbox<T> {
    state: Mutex<MailboxState<T>>,
    arrived: Condvar,
    /// How many messages there are, for a look without the lock.
    count: AtomicUsize,
}

struct MailboxState<T> {
    messages: VecDeque<T>,
    /// The thread sleeps: only then it is woken, which is a system call.
    sleeps: bool,
}

/// How often the thread looks before it sleeps: where parts are small, the next one arrives sooner than a thread wakes up,
/// and to sleep for each costs a fifth of the CPU time of parts of 100 KB.
const LOOKS: u32 = 10;
/// After so many looks it lets others run in between.
const QUICK_LOOKS: u32 = 6;

impl<T> Mailbox<T> {
    pub(crate) fn put(&self, message: T) {
        let mut state = unpoisoned(self.state.lock());
        state.messages.push_back(message);
        self.count.store(state.messages.len(), Ordering::Release);
        let sleeps = state.sleeps;
        drop(state);
        if sleeps {
            self.arrived.notify_one();
        }
    }

    /// The oldest message; `None` when none comes within `time`.
    pub(crate) fn take(&self, time: Duration) -> Option<T> {
        self.look();
        let until = Instant::now() + time;
        let mut state = unpoisoned(self.state.lock());
        loop {
            if let Some(message) = state.messages.pop_front() {
                self.count.store(state.messages.len(), Ordering::Release);
                return Some(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state.sleeps = true;
            state = unpoisoned(self.arrived.wait_timeout(state, left)).0;
            state.sleeps = false;
        }
    }

    /// Looks for a message for some microseconds.
    fn look(&self) {
        for look in 0..LOOKS {
            if self.count.load(Ordering::Acquire) > 0 {
                return;
            }
            if look < QUICK_LOOKS {
                (0..1 << look).for_each(|_| hint::spin_loop());
            } else {
                thread::yield_now();
            }
        }
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let state = MailboxState { messages: VecDeque::new(), sleeps: false };
        Mailbox { state: Mutex::new(state), arrived: Condvar::new(), count: AtomicUsize::new(0) }
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn messages_come_in_order_and_are_waited_for() {
        let mailbox = Arc::new(Mailbox::default());
        assert_eq!(mailbox.take(Duration::ZERO), None);
        assert_eq!(mailbox.take(Duration::from_millis(1)), None);
        mailbox.put(1);
        mailbox.put(2);
        assert_eq!((mailbox.take(Duration::ZERO), mailbox.take(Duration::ZERO)), (Some(1), Some(2)));
        let other = mailbox.clone();
        let sender = thread::spawn(move || other.put(3));
        assert_eq!(mailbox.take(Duration::from_secs(60)), Some(3));
        sender.join().unwrap();
    }
}
