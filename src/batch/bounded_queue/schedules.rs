//! A queue that is nearly full or empty, and those who put and take, in many schedules.

use std::sync::Arc;

use shuttle::thread;

use super::*;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::schedules::in_every_schedule;
use crate::sync::simulated::pass;

const LONG: Duration = Duration::from_secs(3600);
const TIME: Duration = Duration::from_secs(1);

fn nearly_full() -> Arc<BoundedQueue<usize>> {
    let queue = BoundedQueue::default();
    queue.lock().items.extend(0..CAPACITY - 1);
    Arc::new(queue)
}

fn take(queue: &BoundedQueue<usize>) -> Option<usize> {
    match queue.take(LONG) {
        Taken::Item(item) => Some(item),
        Taken::End => None,
        Taken::Nothing => panic!("time stands still"),
    }
}

/// Time stands still: nobody waits although there is room, or something to take.
#[test]
fn nobody_waits_in_vain() {
    in_every_schedule(|| {
        let queue = nearly_full();
        let putters: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || (0..2).for_each(|_| assert_eq!(queue.put(CAPACITY, LONG), Put::Done)))
            })
            .collect();
        // All but the last few at once, which are what this is about.
        queue.lock().items.drain(..CAPACITY / 2);
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || std::iter::from_fn(|| take(&queue)).count())
            })
            .collect();
        putters.into_iter().for_each(|putter| putter.join().unwrap());
        queue.end();
        let taken: usize = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        assert_eq!(taken, CAPACITY - 1 + 4 - CAPACITY / 2);
    });
}

/// Those who wait for room go on when the queue closes, or need not be bounded any more.
#[test]
fn who_waits_for_room_is_told_the_end() {
    in_every_schedule(|| {
        for (end, put) in [
            (BoundedQueue::close as fn(&BoundedQueue<usize>), Put::Closed),
            (BoundedQueue::end, Put::Ended),
            (BoundedQueue::stop_waiting, Put::Done),
        ] {
            let queue = nearly_full();
            queue.put(0, Duration::ZERO);
            let putters = [0, 1].map(|_| {
                let queue = queue.clone();
                thread::spawn(move || queue.put(0, LONG))
            });
            end(&queue);
            putters.into_iter().for_each(|putter| assert_eq!(putter.join().unwrap(), put));
        }
    });
}

/// What was put in is there, what was not is not, also when the time of who waits is over at that very moment.
#[test]
fn nothing_is_lost_when_time_is_over() {
    in_every_schedule(|| {
        let queue = nearly_full();
        let put: fn(&BoundedQueue<usize>) -> bool = |queue| queue.put(0, TIME) == Put::Done;
        let take: fn(&BoundedQueue<usize>) -> bool = |queue| matches!(queue.take(TIME), Taken::Item(_));
        let over = Arc::new(AtomicUsize::new(0));
        let threads = [put, put, take].map(|work| {
            let (queue, over) = (queue.clone(), over.clone());
            thread::spawn(move || {
                let done = work(&queue);
                over.fetch_add(1, Ordering::Relaxed);
                usize::from(done)
            })
        });
        while over.load(Ordering::Relaxed) < 3 {
            pass(TIME);
            thread::yield_now();
        }
        let [one, other, taken] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(queue.lock().items.len() + taken, CAPACITY - 1 + one + other);
    });
}
