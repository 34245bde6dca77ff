use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::*;
use crate::sync::Mutex;

/// What units do: they tell that they have begun, and end when they are let go.
struct Gated {
    name: &'static str,
    begun: Sender<&'static str>,
    go: Receiver<()>,
}

impl Units for Gated {
    fn run_next(self: Arc<Self>) {
        let _ = self.begun.send(self.name);
        let _ = self.go.recv();
    }
}

/// A queue with units of several uploads, which begin and end as the test says.
struct Stage {
    queue: Arc<Queue>,
    begin: Sender<&'static str>,
    begun: Receiver<&'static str>,
    let_go: Sender<()>,
    go: Receiver<()>,
}

impl Stage {
    fn new() -> Stage {
        let (begin, begun) = crossbeam_channel::unbounded();
        let (let_go, go) = crossbeam_channel::unbounded();
        Stage { queue: Arc::default(), begin, begun, let_go, go }
    }

    fn upload(&self, name: &'static str, routines: Option<u32>, count: usize) -> Sending {
        self.upload_at(name, &routines.map_or(KeepsTo::Shared, KeepsTo::Own), count)
    }

    fn upload_at(&self, name: &'static str, keeps_to: &KeepsTo, count: usize) -> Sending {
        let sending = self.queue.begin(keeps_to, self.units(name));
        Self::filled(sending, count)
    }

    /// Uploads of one request each.
    fn small(&self, name: &'static str, keeps_to: &KeepsTo, width: u32, count: usize) -> Sending {
        let sending = self.queue.begin_small(keeps_to, width, self.units(name));
        Self::filled(sending, count)
    }

    fn units(&self, name: &'static str) -> Arc<Gated> {
        Arc::new(Gated { name, begun: self.begin.clone(), go: self.go.clone() })
    }

    fn filled(mut sending: Sending, count: usize) -> Sending {
        (0..count).for_each(|_| sending.add(1));
        sending
    }

    fn dispatch(&self) {
        self.queue.dispatch().unwrap();
    }

    /// The units that begin next, in the order of their names.
    fn next(&self, count: usize) -> Vec<&'static str> {
        let mut names: Vec<_> = (0..count).map(|_| self.begun.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn let_go(&self, count: usize) {
        (0..count).for_each(|_| self.let_go.send(()).unwrap());
    }

    fn in_flight(&self) -> u32 {
        let state = self.queue.lock();
        state.paces.values().map(|shared| shared.bound.in_flight()).sum()
    }

    fn wait_until(&self, what: impl Fn(&QueueState) -> bool) {
        while !what(&self.queue.lock()) {
            thread::yield_now();
        }
    }

    fn permit(&self) -> Option<Permit> {
        self.queue.permit(&KeepsTo::Shared, &AtomicBool::new(false), Duration::ZERO)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.let_go(10_000);
    }
}

#[test]
fn uploads_with_a_number_of_their_own_keep_it() {
    let stage = Stage::new();
    let _few = stage.upload("few", Some(2), 100);
    let _many = stage.upload("many", Some(3), 100);
    stage.dispatch();
    assert_eq!(stage.next(5), ["few", "few", "many", "many", "many"]);
    stage.dispatch();
    assert_eq!(stage.in_flight(), 5);
    assert_eq!(stage.queue.lock().workers, 5);
}

#[test]
fn all_others_share_one_pace_and_take_turns() {
    let stage = Stage::new();
    let _large = stage.upload("large", None, 10_000);
    stage.dispatch();
    assert_eq!(stage.next(16), ["large"; 16]);
    let _small = stage.upload("small", None, 3);
    let _other = stage.upload("other", None, 10_000);
    stage.dispatch();
    assert_eq!(stage.in_flight(), 16);
    stage.let_go(9);
    assert_eq!(stage.next(9), ["large", "large", "large", "other", "other", "other", "small", "small", "small"]);
    stage.let_go(4);
    assert_eq!(stage.next(4), ["large", "large", "other", "other"]);
    assert_eq!(stage.in_flight(), 16);
}

#[test]
fn a_worker_serves_all_uploads_and_leaves_when_nothing_is_to_be_done() {
    let stage = Stage::new();
    let uploads: Vec<_> = ["a", "b", "c"].into_iter().map(|name| stage.upload(name, Some(1), 1)).collect();
    // Only one thread can be had.
    let unit = stage.queue.next_unit().unwrap();
    let worker = Worker::new(&stage.queue);
    stage.queue.pool.spawn(move || worker.run(unit)).unwrap();
    stage.let_go(3);
    assert_eq!(stage.next(3), ["a", "b", "c"]);
    stage.wait_until(|state| state.workers == 0);
    assert!(uploads.iter().all(|upload| upload.has_ended(1)));
    assert_eq!(stage.in_flight(), 0);
}

#[test]
fn a_unit_for_which_there_is_no_thread_comes_again_first() {
    let stage = Stage::new();
    let first = stage.upload("first", Some(5), 1);
    let _second = stage.upload("second", Some(5), 1);
    let refused = stage.queue.next_unit().unwrap();
    assert!(!first.has_ended(0));
    drop(refused);
    assert_eq!(stage.in_flight(), 0);
    let again = stage.queue.next_unit().unwrap();
    assert!(Arc::ptr_eq(&again.queue, &stage.queue) && again.lane == first.lane);
    first.stop();
    drop(again);
    assert!(first.has_ended(0), "what was stopped does not come again");
    assert_eq!(stage.queue.lock().turns.len(), 1);
}

#[test]
fn an_upload_that_stops_begins_no_unit_and_leaves_nothing() {
    let stage = Stage::new();
    let upload = stage.upload("stopped", None, 100);
    stage.dispatch();
    stage.next(16);
    upload.stop();
    stage.let_go(16);
    stage.wait_until(|state| state.workers == 0);
    assert!(upload.has_ended(16) && stage.begun.is_empty());
    drop(upload);
    let state = stage.queue.lock();
    assert!(state.lanes.is_empty() && state.turns.is_empty());
    let shared = &state.paces[&SHARED];
    assert_eq!((state.paces.len(), shared.senders, shared.bound.units), (1, 0, 0));
}

#[test]
fn an_upload_that_is_gone_while_its_units_run_is_no_trouble() {
    let stage = Stage::new();
    for routines in [None, Some(3)] {
        drop({
            let upload = stage.upload("gone", routines, 100);
            stage.dispatch();
            stage.next(3);
            upload
        });
        stage.let_go(16);
        stage.wait_until(|state| state.workers == 0);
        assert_eq!(stage.in_flight(), 0);
        stage.go.try_iter().count();
        stage.begun.try_iter().count();
    }
}

#[test]
fn requests_at_the_shared_pace_wait_for_their_turn() {
    let stage = Stage::new();
    let permits: Vec<_> = (0..64).map(|_| stage.permit().expect("there is room")).collect();
    assert!(stage.permit().is_none(), "as many as at the shared pace");
    assert!(stage.queue.lock().turns.is_empty(), "who goes away waits no more");
    let _own = stage.upload("own", Some(1), 1);
    stage.dispatch();
    assert_eq!(stage.next(1), ["own"], "with a number of its own it is not held up");

    let _upload = stage.upload("shared", None, 2);
    stage.dispatch();
    let queue = stage.queue.clone();
    let waiter =
        thread::spawn(move || queue.permit(&KeepsTo::Shared, &AtomicBool::new(false), Duration::MAX).is_some());
    stage.wait_until(|state| state.turns.len() == 2);
    drop(permits);
    assert!(waiter.join().unwrap());
    assert_eq!(stage.next(2), ["shared", "shared"]);
}

#[test]
fn parts_and_requests_do_not_starve_each_other() {
    let stage = Stage::new();
    let _upload = stage.upload("part", None, 100);
    stage.dispatch();
    assert_eq!(stage.next(16), ["part"; 16]);
    let mut permits: Vec<_> = (0..48).map(|_| stage.permit().expect("there is room beside the parts")).collect();
    assert!(stage.permit().is_none());
    stage.let_go(1);
    assert_eq!(stage.next(1), ["part"], "the next part comes before a request that is not there");
    permits.pop();
    assert!(stage.permit().is_some());
}

#[test]
fn small_files_keep_to_their_width_and_leave_parts_a_share() {
    let stage = Stage::new();
    let small = stage.small("small", &KeepsTo::Shared, 20, 22);
    let _large = stage.upload("part", None, 100);
    stage.dispatch();
    let begun = stage.next(21);
    assert_eq!((begun.iter().filter(|name| **name == "small").count(), stage.in_flight()), (20, 21));
    assert!(stage.begun.is_empty());
    small.stop();
    stage.dispatch();
    assert_eq!(stage.next(15), ["part"; 15], "no small file waits any more");
}

#[test]
fn uploads_of_a_group_have_one_pace() {
    let stage = Stage::new();
    let group = KeepsTo::Group(Arc::new(stage.queue.new_pace(3)));
    let small = stage.small("small", &group, 3, 100);
    let large = stage.upload_at("part", &group, 100);
    stage.dispatch();
    stage.next(3);
    assert!(stage.begun.is_empty());
    assert!(stage.queue.permit(&group, &AtomicBool::new(false), Duration::ZERO).is_none());
    let _other = stage.upload("other", None, 1);
    stage.dispatch();
    assert_eq!(stage.next(1), ["other"]);
    drop((small, large, group));
    assert_eq!(stage.queue.lock().paces.len(), 1);
}

#[test]
fn a_request_that_waits_is_stopped() {
    let stage = Stage::new();
    let _permits: Vec<_> = (0..64).map(|_| stage.permit()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let (queue, flag) = (stage.queue.clone(), stop.clone());
    let waiter = thread::spawn(move || queue.permit(&KeepsTo::Shared, &flag, Duration::MAX).is_none());
    stage.wait_until(|state| state.turns.len() == 1);
    stop.store(true, Ordering::Relaxed);
    assert!(waiter.join().unwrap());
    assert!(stage.queue.lock().turns.is_empty());
}

#[test]
fn the_shared_pace_hears_all_complaints_and_begins_anew_when_nobody_sends() {
    let stage = Stage::new();
    let mut one = stage.upload("one", None, 1000);
    let mut other = stage.upload("other", None, 8);
    assert_eq!((one.limit(), other.limit()), (16, 8), "no more than an upload has");
    stage.queue.lock().bound(SHARED).since -= Duration::from_secs(10);
    other.observe(1);
    assert_eq!(one.limit(), 8);
    one.unit_done(1);
    one.observe(0);
    assert_eq!(one.limit(), 8, "not heard twice");
    drop(one);
    assert_eq!(other.limit(), 8);
    drop(other);
    assert_eq!(stage.upload("next", None, 1000).limit(), 16);
}

/// Holds what must be let go before the last unit is heard of.
struct Holder {
    held: Mutex<Option<Sender<()>>>,
    heard: Sender<()>,
}

impl Units for Holder {
    fn run_next(self: Arc<Self>) {
        let heard = self.heard.clone();
        drop(self);
        let _ = heard.send(());
    }
}

#[test]
fn nothing_of_an_upload_is_held_when_its_last_unit_was_heard_of() {
    for _ in 0..1000 {
        let queue = Arc::new(Queue::default());
        let (held, is_held) = bounded::<()>(0);
        let (heard, hear) = bounded(1);
        let units = Arc::new(Holder { held: Mutex::new(Some(held)), heard });
        assert!(units.held.lock().unwrap().is_some());
        let mut sending = queue.begin(&KeepsTo::Own(1), units);
        sending.add(1);
        queue.dispatch().unwrap();
        hear.recv().unwrap();
        drop(sending);
        assert!(matches!(is_held.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected)));
    }
}
