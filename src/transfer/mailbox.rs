//! Messages for one thread, from many.
//!
//! A channel of crossbeam would ask Rust's runtime which thread sends. On the first thread of a C program, which writes to a
//! stream, the runtime never frees what it notes for the answer, and valgrind would report that as possibly lost.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, now, unpoisoned};

/// Messages in the order in which they came.
pub(crate) struct Mailbox<T> {
    state: Mutex<MailboxState<T>>,
    arrived: Condvar,
}

struct MailboxState<T> {
    messages: VecDeque<T>,
    /// The thread sleeps, since then: only then it is woken, which is a system call.
    asleep: Option<Instant>,
}

/// How long a message may lie there. Where parts are small, to wake a thread for each costs a fifth of the CPU time.
const PATIENCE: Duration = Duration::from_millis(20);

impl<T> Mailbox<T> {
    /// Wakes the thread.
    pub(crate) fn put(&self, message: T) {
        self.add(message, Duration::ZERO);
    }

    /// Leaves a message that the next one will follow: the thread is woken when it has slept for a while.
    pub(crate) fn leave(&self, message: T) {
        self.add(message, PATIENCE);
    }

    fn add(&self, message: T, patience: Duration) {
        let mut state = unpoisoned(self.state.lock());
        state.messages.push_back(message);
        let is_due = state.asleep.is_some_and(|since| now().saturating_duration_since(since) >= patience);
        if is_due {
            state.asleep = None;
        }
        drop(state);
        if is_due {
            self.arrived.notify_one();
        }
    }

    /// The oldest message; `None` when none comes within `time`.
    pub(crate) fn take(&self, time: Duration) -> Option<T> {
        let mut state = unpoisoned(self.state.lock());
        if state.messages.is_empty() && !time.is_zero() {
            state.asleep = Some(now());
            let sleeps = |state: &mut MailboxState<T>| state.asleep.is_some();
            state = unpoisoned(self.arrived.wait_timeout_while(state, time, sleeps)).0;
            state.asleep = None;
        }
        state.messages.pop_front()
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        let state = MailboxState { messages: VecDeque::new(), asleep: None };
        Mailbox { state: Mutex::new(state), arrived: Condvar::new() }
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
    use std::thread;

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

    #[test]
    fn what_is_left_does_not_wake_who_has_just_fallen_asleep() {
        let mailbox = Arc::new(Mailbox::default());
        let asleep_since = |mailbox: &Mailbox<u32>, since: Instant| {
            unpoisoned(mailbox.state.lock()).asleep = Some(since);
        };
        let is_asleep = |mailbox: &Mailbox<u32>| unpoisoned(mailbox.state.lock()).asleep.is_some();
        let now = now();
        asleep_since(&mailbox, now + PATIENCE);
        mailbox.leave(1);
        assert!(is_asleep(&mailbox));
        mailbox.put(2);
        assert!(!is_asleep(&mailbox));
        asleep_since(&mailbox, now.checked_sub(PATIENCE).unwrap());
        mailbox.leave(3);
        assert!(!is_asleep(&mailbox));
        assert_eq!([0; 3].map(|_| mailbox.take(Duration::ZERO)), [Some(1), Some(2), Some(3)]);
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
