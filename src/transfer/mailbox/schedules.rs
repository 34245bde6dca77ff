//! Messages and who sleeps for them, in many schedules.

use std::sync::Arc;

use shuttle::thread;

use super::*;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::schedules::in_every_schedule;
use crate::sync::simulated::pass;

const LONG: Duration = Duration::from_secs(3600);

/// Messages of each sender arrive in their order, and no sleeper is left asleep: what is left is taken when the next is put.
#[test]
fn no_message_is_slept_through() {
    in_every_schedule(|| {
        let mailbox = Arc::new(Mailbox::default());
        for sender in 0..2 {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                mailbox.leave((sender, 0));
                mailbox.put((sender, 1));
                mailbox.put((sender, 2));
            });
        }
        let mut next = [0; 2];
        while next != [3; 2] {
            // It may wake for no reason.
            if let Some((sender, message)) = mailbox.take(LONG) {
                assert_eq!(message, next[sender]);
                next[sender] += 1;
            }
        }
        assert_eq!(mailbox.take(Duration::ZERO), None);
    });
}

/// Where no other message follows, one that was left is found when the time is over, and none is lost to that.
#[test]
fn what_was_left_is_found_in_time() {
    in_every_schedule(|| {
        let mailbox = Arc::new(Mailbox::default());
        let sender = mailbox.clone();
        thread::spawn(move || (0..2).for_each(|message| sender.leave(message)));
        let found = Arc::new(AtomicBool::new(false));
        let over = found.clone();
        let taker = thread::spawn(move || {
            let mut taken = vec![];
            while taken.len() < 2 {
                taken.extend(mailbox.take(PATIENCE));
            }
            found.store(true, Ordering::Relaxed);
            assert_eq!(taken, [0, 1]);
        });
        while !over.load(Ordering::Relaxed) {
            pass(PATIENCE);
            thread::yield_now();
        }
        taker.join().unwrap();
    });
}
