//! Time, for threads that shuttle schedules: it stands still until a test lets it pass.
//!
//! Shuttle's own `wait_timeout` never ends by itself. Here it does, at whatever moment the test's clock gets there. Where
//! no clock passes, who is not woken waits for ever, and shuttle reports that.

use std::sync::{Arc, LazyLock, LockResult, Mutex as RealMutex, PoisonError};
use std::time::{Duration, Instant};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{self, MutexGuard};
use shuttle::thread;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

shuttle::lazy_static! {
    static ref CLOCK: RealMutex<Clock> = RealMutex::default();
}

/// One for each schedule.
#[derive(Default)]
struct Clock {
    passed: Duration,
    last_id: u64,
    waits: Vec<Wait>,
}

/// Somebody waits, but not for ever.
struct Wait {
    id: u64,
    until: Duration,
    condvar: Arc<sync::Condvar>,
}

fn with_clock<T>(work: impl FnOnce(&mut Clock) -> T) -> T {
    let mut clock = whole(CLOCK.lock());
    work(&mut clock)
}

/// A schedule in which a thread has panicked has failed: nothing else matters.
fn whole<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn now() -> Instant {
    *START + with_clock(|clock| clock.passed)
}

/// Lets this time pass, and waits until everybody whose wait is over by then has gone on.
pub(crate) fn pass(time: Duration) {
    with_clock(|clock| clock.passed += time);
    let over =
        || with_clock(|clock| clock.waits.iter().find(|wait| wait.until <= clock.passed).map(|w| w.condvar.clone()));
    while let Some(condvar) = over() {
        condvar.notify_all();
        // Until then it may hold its lock; others go first.
        thread::yield_now();
    }
}

/// As that of std, which may also wake without a reason.
#[derive(Debug, Default)]
pub(crate) struct Condvar(Arc<sync::Condvar>);

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar::default()
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let for_no_reason = thread_rng().gen_ratio(1, 16);
        if time.is_zero() || for_no_reason {
            return Ok((guard, ()));
        }
        let id = with_clock(|clock| clock.enter(time, &self.0));
        let waited = self.0.wait(guard);
        with_clock(|clock| clock.waits.retain(|wait| wait.id != id));
        match waited {
            Ok(guard) => Ok((guard, ())),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), ()))),
        }
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let until = now() + time;
        while condition(&mut guard) {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                break;
            }
            guard = whole(self.wait_timeout(guard, left)).0;
        }
        Ok((guard, ()))
    }
}

impl Clock {
    fn enter(&mut self, time: Duration, condvar: &Arc<sync::Condvar>) -> u64 {
        self.last_id += 1;
        self.waits.push(Wait { id: self.last_id, until: self.passed + time, condvar: condvar.clone() });
        self.last_id
    }
}
