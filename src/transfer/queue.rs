//! One queue for all uploads of a client: which unit of work is done next, and by how many threads at a time.
//!
//! A unit is a part of a file, or a small file of a batch. Uploads take turns, unit by unit, so that a small one does not
//! wait for all the parts of a large one. An upload with a number of routines of its own keeps to that number, and so do the
//! uploads of a batch that has one. All others share one pace, and have no more connections together than it allows: the
//! requests that they send besides their units take turns, too.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mailbox::Mailbox;
use super::pace::Pace;
use super::thread_pool::ThreadPool;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, now, unpoisoned};

/// While small files wait, parts have one of so many of the connections that they could have: a small file waits for its
/// response most of the time, and parts fill a line by few connections. They get all when the small files are done.
const BESIDE_SMALL_FILES: u32 = 12;
/// How often who waits for a turn looks whether to go on.
const SLICE: Duration = Duration::from_millis(250);

/// Work that is done unit by unit.
pub(crate) trait Units: Send + Sync {
    /// Does the next unit, and tells whoever waits for that. Before that it lets go of `self`: who waits for the last unit
    /// may count on nobody else having it any more. It must not panic.
    fn run_next(self: Arc<Self>);
}

/// The queue of a client, and the threads that serve it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pool: ThreadPool,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    /// The next one comes first.
    turns: VecDeque<Turn>,
    lanes: BTreeMap<u64, Lane>,
    paces: BTreeMap<PaceId, SharedPace>,
    /// Of lanes, requests and paces.
    last_id: u64,
    /// Threads that do units, or are about to.
    workers: u32,
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    /// The next unit of this lane.
    Unit(u64),
    /// A request at this pace, whose thread waits to be told.
    Request(u64, PaceId, Arc<Mailbox<()>>),
}

/// Which pace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PaceId(u64);

/// That of all who have none of their own.
const SHARED: PaceId = PaceId(0);

/// One upload's units, or the small files of a batch.
struct Lane {
    units: Arc<dyn Units>,
    /// Units whose turn has not come.
    waiting: usize,
    /// Units whose turn has come.
    started: usize,
    /// Units that are at work.
    in_flight: u32,
    /// No further unit begins.
    stopped: bool,
    pace: PaceId,
    /// When each unit is a whole upload of one request: how many of them there may be at a time, besides what the pace
    /// allows to requests.
    width: Option<u32>,
    units_left: usize,
    bytes_left: u64,
}

/// A pace, and what keeps to it.
#[derive(Debug)]
struct Bound {
    pace: Pace,
    since: Instant,
    units: u32,
    requests: u32,
    complaints: u32,
}

/// A pace, and how many send at it. It begins anew when one begins to send while no other does.
#[derive(Debug)]
struct SharedPace {
    routines: Option<u32>,
    bound: Bound,
    senders: u32,
}

/// Whose pace the parts and requests of an upload keep to.
#[derive(Clone, Debug)]
pub(crate) enum KeepsTo {
    /// That of all uploads of the client that have none of their own.
    Shared,
    /// So many parts at a time; other requests are not counted.
    Own(u32),
    /// That of a batch.
    Group(Arc<PaceGroup>),
}

/// A pace that some uploads have together, as long as this lives.
#[derive(Debug)]
pub(crate) struct PaceGroup {
    queue: Arc<Queue>,
    pace: PaceId,
}

impl Queue {
    pub(crate) fn pool(&self) -> &ThreadPool {
        &self.pool
    }

    /// Lets the parts of one upload take their turns. [`Sending::add`] says how many there are.
    pub(crate) fn begin(self: &Arc<Self>, keeps_to: &KeepsTo, units: Arc<dyn Units>) -> Sending {
        self.begin_lane(keeps_to, None, units)
    }

    /// As [`Queue::begin`], for units each of which is a whole upload of one request: at most `width` of them at a time.
    pub(crate) fn begin_small(self: &Arc<Self>, keeps_to: &KeepsTo, width: u32, units: Arc<dyn Units>) -> Sending {
        self.begin_lane(keeps_to, Some(width), units)
    }

    fn begin_lane(self: &Arc<Self>, keeps_to: &KeepsTo, width: Option<u32>, units: Arc<dyn Units>) -> Sending {
        let mut state = self.lock();
        let id = state.new_id();
        let pace = match keeps_to {
            KeepsTo::Own(_) => PaceId(id),
            _ => keeps_to.shared_pace().unwrap_or(SHARED),
        };
        let routines = if let KeepsTo::Own(routines) = keeps_to { Some(*routines) } else { None };
        state.paces.entry(pace).or_insert_with(|| SharedPace::new(routines)).join();
        let lane = Lane {
            units,
            waiting: 0,
            started: 0,
            in_flight: 0,
            stopped: false,
            pace,
            width,
            units_left: 0,
            bytes_left: 0,
        };
        state.lanes.insert(id, lane);
        Sending { queue: self.clone(), lane: id, count: 0, complaints: 0 }
    }

    /// A pace of `routines` at a time, for several uploads together.
    pub(crate) fn new_pace(self: &Arc<Self>, routines: u32) -> PaceGroup {
        let mut state = self.lock();
        let pace = PaceId(state.new_id());
        state.paces.insert(pace, SharedPace::new(Some(routines)));
        PaceGroup { queue: self.clone(), pace }
    }

    /// Gives threads to all units that may begin now. When no thread can be made, those that are there go on, and this is
    /// to be called again later; that fails when there are none at all.
    pub(crate) fn dispatch(self: &Arc<Self>) -> io::Result<()> {
        loop {
            let Some(unit) = self.next_unit() else { return Ok(()) };
            let worker = Worker::new(self);
            if let Err(error) = self.pool.spawn(move || worker.run(unit)) {
                return if self.lock().workers > 0 { Ok(()) } else { Err(error) };
            }
        }
    }

    /// Waits until a request may be sent at a pace that is shared. `None` when `stop` goes up or `patience` is over, or
    /// when requests are not counted.
    pub(crate) fn permit(
        self: &Arc<Self>,
        keeps_to: &KeepsTo,
        stop: &AtomicBool,
        patience: Duration,
    ) -> Option<Permit> {
        let pace = keeps_to.shared_pace()?;
        let permit = || Permit { queue: self.clone(), pace };
        let Some((id, told)) = self.lock().enter(pace) else { return Some(permit()) };
        // Those who wait already may all wait for something else. Without a thread for a unit: others try again.
        let _ = self.dispatch();
        let start = now();
        loop {
            let left = patience.saturating_sub(now().saturating_duration_since(start));
            if told.take(left.min(SLICE)).is_some() {
                return Some(permit());
            }
            if left.is_zero() || stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.lock().turns.retain(|turn| !matches!(turn, Turn::Request(other, ..) if *other == id));
        // From here on nobody tells: either it was told meanwhile, or it will not be.
        told.take(Duration::ZERO).map(|()| permit())
    }

    fn next_unit(self: &Arc<Self>) -> Option<Unit> {
        let Started { lane, pace, is_request, units } = self.lock().next_unit()?;
        Some(Unit { queue: self.clone(), lane, pace, is_request, units: Some(units) })
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }
}

impl QueueState {
    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Counts a request that may be sent now; else gives what tells when it may.
    fn enter(&mut self, pace: PaceId) -> Option<(u64, Arc<Mailbox<()>>)> {
        // Who waits already comes first.
        if self.turns.is_empty() {
            let bound = self.bound(pace);
            if bound.has_room_for_request() {
                bound.requests += 1;
                return None;
            }
        }
        let id = self.new_id();
        let told = Arc::<Mailbox<()>>::default();
        self.turns.push_back(Turn::Request(id, pace, told.clone()));
        Some((id, told))
    }

    /// The next unit that may begin. Requests that come before it are told that they may.
    fn next_unit(&mut self) -> Option<Started> {
        let mut at = 0;
        while let Some(turn) = self.turns.get(at) {
            match turn {
                Turn::Request(_, pace, tell) => {
                    let bound = &mut self.paces.entry(*pace).or_default().bound;
                    if bound.has_room_for_request() {
                        bound.requests += 1;
                        tell.put(());
                        self.turns.remove(at);
                    } else {
                        at += 1;
                    }
                }
                Turn::Unit(id) => {
                    let id = *id;
                    match self.start_unit(id) {
                        Some(started) => {
                            self.turns.remove(at);
                            self.take_turns(id);
                            return Some(started);
                        }
                        None => at += 1,
                    }
                }
            }
        }
        None
    }

    /// Counts a unit of this lane, unless there are as many in flight as may be.
    fn start_unit(&mut self, id: u64) -> Option<Started> {
        // All lanes are looked through only for one that might begin.
        if !self.has_room(id, 1) || (self.is_beside_small_files(id) && !self.has_room(id, BESIDE_SMALL_FILES)) {
            return None;
        }
        let lane = self.lanes.get_mut(&id)?;
        let bound = &mut self.paces.entry(lane.pace).or_default().bound;
        let is_request = lane.width.is_some();
        *bound.counter(is_request) += 1;
        lane.waiting -= 1;
        lane.started += 1;
        lane.in_flight += 1;
        Some(Started { lane: id, pace: lane.pace, is_request, units: lane.units.clone() })
    }

    /// Whether another unit of the lane may begin. Parts take no more than this share of the pace.
    fn has_room(&mut self, id: u64, share: u32) -> bool {
        let Some(lane) = self.lanes.get(&id) else { return false };
        let bound = &self.paces.entry(lane.pace).or_default().bound;
        match lane.width {
            None => bound.has_room_for_unit(share),
            Some(width) => lane.in_flight < width && bound.has_room_for_request(),
        }
    }

    /// Whether the lane has parts, and small files wait for their turn at the same pace.
    fn is_beside_small_files(&self, id: u64) -> bool {
        let Some(parts) = self.lanes.get(&id).filter(|lane| lane.width.is_none()) else { return false };
        self.lanes.values().any(|lane| lane.pace == parts.pace && lane.width.is_some() && lane.waiting > 0)
    }

    /// A unit is no longer in flight. One that was not done waits again.
    fn end_unit(&mut self, unit: &Unit, was_done: bool) {
        // The own pace of an upload has gone with its lane.
        if let Some(shared) = self.paces.get_mut(&unit.pace) {
            *shared.bound.counter(unit.is_request) -= 1;
        }
        let Some(lane) = self.lanes.get_mut(&unit.lane) else { return };
        lane.in_flight -= 1;
        if !was_done {
            lane.started -= 1;
            lane.waiting += usize::from(!lane.stopped);
            if lane.waiting == 1 {
                self.turns.push_front(Turn::Unit(unit.lane));
            }
        }
    }

    /// The lane gets another turn, after everybody else, when it needs one.
    fn take_turns(&mut self, id: u64) {
        if self.lanes.get(&id).is_some_and(|lane| lane.waiting > 0) {
            self.turns.push_back(Turn::Unit(id));
        }
    }

    fn bound(&mut self, pace: PaceId) -> &mut Bound {
        &mut self.paces.entry(pace).or_default().bound
    }

    fn bound_of(&mut self, lane: u64) -> Option<&mut Bound> {
        let pace = self.lanes.get(&lane)?.pace;
        Some(self.bound(pace))
    }
}

impl KeepsTo {
    /// `None`: it is nobody else's.
    fn shared_pace(&self) -> Option<PaceId> {
        match self {
            KeepsTo::Shared => Some(SHARED),
            KeepsTo::Own(_) => None,
            KeepsTo::Group(group) => Some(group.pace),
        }
    }
}

impl Drop for PaceGroup {
    fn drop(&mut self) {
        self.queue.lock().paces.remove(&self.pace);
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("waiting", &self.waiting).field("started", &self.started).finish_non_exhaustive()
    }
}

impl Bound {
    fn new(pace: Pace) -> Bound {
        Bound { pace, since: now(), units: 0, requests: 0, complaints: 0 }
    }

    /// `share`: only one of so many.
    fn has_room_for_unit(&self, share: u32) -> bool {
        self.units < (self.pace.limit() / share).max(1) && self.has_room_for_request()
    }

    fn has_room_for_request(&self) -> bool {
        self.in_flight() < self.pace.ceiling()
    }

    fn in_flight(&self) -> u32 {
        self.units + self.requests
    }

    fn counter(&mut self, of_requests: bool) -> &mut u32 {
        if of_requests { &mut self.requests } else { &mut self.units }
    }
}

impl Default for SharedPace {
    fn default() -> Self {
        SharedPace::new(None)
    }
}

impl SharedPace {
    fn new(routines: Option<u32>) -> Self {
        SharedPace { routines, bound: Bound::new(Pace::new(routines)), senders: 0 }
    }

    fn join(&mut self) {
        if self.senders == 0 {
            let Bound { units, requests, .. } = self.bound;
            self.bound = Bound { units, requests, ..Bound::new(Pace::new(self.routines)) };
        }
        self.senders += 1;
    }

    fn leave(&mut self, units: usize, bytes: u64) {
        self.senders -= 1;
        self.bound.pace.forget(units, bytes);
    }
}

/// An upload's part in the queue. Units that have not begun when this is dropped never do.
#[derive(Debug)]
pub(crate) struct Sending {
    queue: Arc<Queue>,
    lane: u64,
    count: usize,
    /// Of this upload, as far as they have been counted.
    complaints: u32,
}

impl Sending {
    /// How many units may be in flight now.
    pub(crate) fn limit(&self) -> u32 {
        let limit = self.queue.lock().bound_of(self.lane).map_or(0, |bound| bound.pace.limit());
        limit.min(u32::try_from(self.count).unwrap_or(u32::MAX))
    }

    /// One more unit, of so many bytes, waits for its turn. Nothing is done before [`Queue::dispatch`].
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        let mut state = self.queue.lock();
        let state = &mut *state;
        let Some(lane) = state.lanes.get_mut(&self.lane).filter(|lane| !lane.stopped) else { return };
        lane.waiting += 1;
        lane.units_left += 1;
        lane.bytes_left += bytes;
        state.paces.entry(lane.pace).or_default().bound.pace.expect(1, bytes);
        if lane.waiting == 1 {
            state.turns.push_back(Turn::Unit(self.lane));
        }
    }

    /// A unit of so many bytes has arrived.
    pub(crate) fn unit_done(&mut self, bytes: u64) {
        let mut state = self.queue.lock();
        let state = &mut *state;
        if let Some(lane) = state.lanes.get_mut(&self.lane) {
            lane.units_left = lane.units_left.saturating_sub(1);
            lane.bytes_left = lane.bytes_left.saturating_sub(bytes);
            state.paces.entry(lane.pace).or_default().bound.pace.part_done(bytes);
        }
    }

    /// Has the pace look at how things go. The server has complained so often about this upload.
    pub(crate) fn observe(&mut self, complaints: u32) {
        let more = complaints.saturating_sub(std::mem::replace(&mut self.complaints, complaints));
        if let Some(bound) = self.queue.lock().bound_of(self.lane) {
            bound.complaints += more;
            let in_flight = bound.in_flight();
            bound.pace.observe(now().saturating_duration_since(bound.since), bound.complaints, in_flight);
        }
    }

    /// No further unit begins.
    pub(crate) fn stop(&self) {
        let mut state = self.queue.lock();
        if let Some(lane) = state.lanes.get_mut(&self.lane) {
            lane.waiting = 0;
            lane.stopped = true;
        }
        state.turns.retain(|turn| !matches!(turn, Turn::Unit(id) if *id == self.lane));
    }

    /// No unit waits, and no more than `done` have begun.
    pub(crate) fn has_ended(&self, done: usize) -> bool {
        self.queue.lock().lanes.get(&self.lane).is_none_or(|lane| lane.waiting == 0 && lane.started == done)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.stop();
        let mut state = self.queue.lock();
        let lane = state.lanes.remove(&self.lane);
        if let Some(Lane { pace, units_left, bytes_left, .. }) = lane {
            if pace == PaceId(self.lane) {
                state.paces.remove(&pace);
            } else if let Some(shared) = state.paces.get_mut(&pace) {
                shared.leave(units_left, bytes_left);
            }
        }
        drop(state);
        // Whatever it holds is let go without the lock.
        drop(lane);
    }
}

/// A unit whose turn has come. When this is dropped before it was done, its turn comes again.
struct Unit {
    queue: Arc<Queue>,
    lane: u64,
    pace: PaceId,
    is_request: bool,
    units: Option<Arc<dyn Units>>,
}

/// What a unit that has been counted is.
struct Started {
    lane: u64,
    pace: PaceId,
    is_request: bool,
    units: Arc<dyn Units>,
}

impl Unit {
    fn run(mut self) {
        if let Some(units) = self.units.take() {
            units.run_next();
        }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        let was_done = self.units.take().is_none();
        self.queue.lock().end_unit(self, was_done);
    }
}

/// A thread that does units, as long as there are some for it.
struct Worker {
    queue: Arc<Queue>,
}

impl Worker {
    fn new(queue: &Arc<Queue>) -> Worker {
        queue.lock().workers += 1;
        Worker { queue: queue.clone() }
    }

    fn run(&self, first: Unit) {
        let mut next = Some(first);
        while let Some(unit) = next {
            unit.run();
            next = self.queue.next_unit();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.lock().workers -= 1;
    }
}

/// A request of an upload that shares its pace may be sent, as long as this lives.
#[derive(Debug)]
pub(crate) struct Permit {
    queue: Arc<Queue>,
    pace: PaceId,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        if let Some(shared) = state.paces.get_mut(&self.pace) {
            shared.bound.requests -= 1;
        }
        let somebody_waits = !state.turns.is_empty();
        drop(state);
        if somebody_waits {
            // Without a thread for it: whose unit it is tries again.
            let _ = self.queue.dispatch();
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
