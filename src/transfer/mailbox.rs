//! Messages for one thread, from many.
//!
//! A channel of crossbeam would ask Rust's runtime which thread sends. On the first thread of a C program, which writes to a
//! stream, the runtime never frees what it notes for the answer, and valgrind would report that as possibly lost.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::sync::unpoisoned;

/// Messages in the order in which they came.
pub(crate) struct Mailbox<T> {
    messages: Mutex<VecDeque<T>>,
    arrived: Condvar,
}

impl<T> Mailbox<T> {
    pub(crate) fn put(&self, message: T) {
        unpoisoned(self.messages.lock()).push_back(message);
        self.arrived.notify_one();
    }

    /// The oldest message; `None` when none comes within `time`.
    pub(crate) fn take(&self, time: Duration) -> Option<T> {
        let until = Instant::now() + time;
        let mut messages = unpoisoned(self.messages.lock());
        loop {
            if let Some(message) = messages.pop_front() {
                return Some(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            messages = unpoisoned(self.arrived.wait_timeout(messages, left)).0;
        }
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Mailbox { messages: Mutex::default(), arrived: Condvar::new() }
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
}
