//! Uploads that take turns, in many schedules. Time stands still where nothing else is said: who waits in vain waits for ever.

use shuttle::sync::mpsc::{Sender, channel};
use shuttle::thread::{self, JoinHandle};

use super::*;
use crate::sync::atomic::AtomicU32;
use crate::sync::schedules::in_every_schedule;
use crate::sync::simulated::pass;

const LONG: Duration = Duration::from_secs(3600);

/// How many are at work at the same time, and that there are never too many.
struct AtWork {
    now: AtomicU32,
    most: u32,
}

impl AtWork {
    fn no_more_than(most: u32) -> Arc<AtWork> {
        Arc::new(AtWork { now: AtomicU32::new(0), most })
    }

    fn work(&self) {
        let before = self.now.fetch_add(1, Ordering::SeqCst);
        assert!(before < self.most, "{} more than {}", before + 1, self.most);
        thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Unit {
    at_work: Arc<AtWork>,
    done: Sender<()>,
}

impl Units for Unit {
    fn run_next(self: Arc<Self>) {
        self.at_work.work();
        // Who stopped the upload does not listen.
        let _ = self.done.send(());
    }
}

/// An upload of so many units, on a thread of its own as its coordinator is.
fn upload(queue: &Arc<Queue>, keeps_to: &KeepsTo, at_work: &Arc<AtWork>, count: usize) -> JoinHandle<()> {
    let (queue, keeps_to, at_work) = (queue.clone(), keeps_to.clone(), at_work.clone());
    thread::spawn(move || {
        let (done, is_done) = channel();
        let mut sending = queue.begin(&keeps_to, Arc::new(Unit { at_work, done }));
        for _ in 0..count {
            sending.add(1);
            queue.dispatch().unwrap();
        }
        for _ in 0..count {
            is_done.recv().unwrap();
            sending.unit_done(1);
        }
        assert!(sending.has_ended(count));
    })
}

/// A request besides units, which waits for its turn.
fn request(queue: &Arc<Queue>, keeps_to: &KeepsTo, at_work: &Arc<AtWork>) -> JoinHandle<()> {
    let (queue, keeps_to, at_work) = (queue.clone(), keeps_to.clone(), at_work.clone());
    thread::spawn(move || {
        let permit = queue.permit(&keeps_to, &AtomicBool::new(false), LONG);
        at_work.work();
        drop(permit.expect("time stands still"));
    })
}

/// Nothing of it is left in the queue, and no thread is at work.
fn assert_idle(queue: &Arc<Queue>) {
    while queue.lock().workers > 0 {
        thread::yield_now();
    }
    let state = queue.lock();
    assert!(state.turns.is_empty() && state.lanes.is_empty(), "{state:?}");
    assert!(state.paces.values().all(|shared| shared.bound.in_flight() == 0 && shared.senders == 0), "{state:?}");
}

#[test]
fn units_and_requests_take_turns_and_nobody_is_forgotten() {
    in_every_schedule(|| {
        let queue = Arc::<Queue>::default();
        let group = KeepsTo::Group(Arc::new(queue.new_pace(1)));
        let one = AtWork::no_more_than(1);
        let uploads = [upload(&queue, &group, &one, 2), upload(&queue, &group, &one, 1)];
        let requests = [request(&queue, &group, &one), request(&queue, &group, &one)];
        uploads.into_iter().chain(requests).for_each(|thread| thread.join().unwrap());
        assert_idle(&queue);
    });
}

#[test]
fn uploads_with_routines_of_their_own_keep_them() {
    in_every_schedule(|| {
        let queue = Arc::<Queue>::default();
        let [one, two] = [1, 2].map(AtWork::no_more_than);
        let uploads = [upload(&queue, &KeepsTo::Own(1), &one, 3), upload(&queue, &KeepsTo::Own(2), &two, 3)];
        uploads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_idle(&queue);
    });
}

/// Who gives up waiting for a turn leaves it to others, also when it comes at that very moment.
#[test]
fn a_turn_that_nobody_waits_for_is_not_lost() {
    in_every_schedule(|| {
        let queue = Arc::<Queue>::default();
        let group = KeepsTo::Group(Arc::new(queue.new_pace(1)));
        let one = AtWork::no_more_than(1);
        let impatient: Vec<_> = [false, true]
            .map(|stops| {
                let (queue, group, one) = (queue.clone(), group.clone(), one.clone());
                thread::spawn(move || {
                    let (stop, patience) = if stops { (true, LONG) } else { (false, SLICE / 2) };
                    let permit = queue.permit(&group, &AtomicBool::new(stop), patience);
                    if permit.is_some() {
                        one.work();
                    }
                })
            })
            .into();
        let others = [upload(&queue, &group, &one, 2), request(&queue, &group, &one)];
        let clock = thread::spawn(|| (0..2).for_each(|_| pass(SLICE)));
        impatient.into_iter().chain(others).for_each(|thread| thread.join().unwrap());
        clock.join().unwrap();
        assert_idle(&queue);
    });
}

/// Units that wait when their upload is stopped never begin, and those of others go on.
#[test]
fn an_upload_that_is_stopped_holds_up_no_other() {
    in_every_schedule(|| {
        let queue = Arc::<Queue>::default();
        let group = KeepsTo::Group(Arc::new(queue.new_pace(1)));
        let one = AtWork::no_more_than(1);
        let other = upload(&queue, &group, &one, 2);
        let (done, is_done) = channel();
        let mut stopped = queue.begin(&group, Arc::new(Unit { at_work: one.clone(), done }));
        (0..2).for_each(|_| stopped.add(1));
        queue.dispatch().unwrap();
        stopped.stop();
        let begun = queue.lock().lanes[&stopped.lane].started;
        (0..begun).for_each(|_| is_done.recv().unwrap());
        assert!(stopped.has_ended(begun));
        drop(stopped);
        other.join().unwrap();
        assert_idle(&queue);
        assert!(is_done.try_recv().is_err());
    });
}

/// The pace falls when the server complains and rises again while units come and go: it is never none, never more than was
/// asked for, and nobody waits when it has risen.
#[test]
fn a_pace_that_changes_forgets_nobody() {
    in_every_schedule(|| {
        let queue = Arc::<Queue>::default();
        let group = KeepsTo::Group(Arc::new(queue.new_pace(2)));
        let two = AtWork::no_more_than(2);
        let uploads = [upload(&queue, &group, &two, 2), request(&queue, &group, &two)];
        let (done, is_done) = channel();
        let mut sending = queue.begin(&group, Arc::new(Unit { at_work: two.clone(), done }));
        (0..2).for_each(|_| sending.add(1));
        for complaints in [1, 1, 2, 2] {
            pass(Duration::from_secs(1));
            sending.observe(complaints);
            assert!((1..=2).contains(&sending.limit()));
            queue.dispatch().unwrap();
        }
        (0..2).for_each(|_| is_done.recv().unwrap());
        drop(sending);
        uploads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_idle(&queue);
    });
}
