//! Runs what threads do together in many orders: half of them by chance, half with few changes of priority (PCT), which finds
//! what needs one thread to be held up for long.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// So many, unless `OSS_SCHEDULES` says another number.
const SCHEDULES: usize = 20_000;
/// Changes of priority in a schedule.
const CHANGES: usize = 3;

/// Fails when an assertion of `test` does in one of the schedules, when its threads wait for each other or for nobody, or when
/// they come to no end. Shuttle then prints the schedule, which `shuttle::replay` runs again.
pub(crate) fn in_every_schedule(test: fn()) {
    let schedules = std::env::var("OSS_SCHEDULES").map_or(SCHEDULES, |number| number.parse().expect("a number"));
    run(RandomScheduler::new(schedules / 2), test);
    run(PctScheduler::new(CHANGES, schedules - schedules / 2), test);
}

fn run(scheduler: impl Scheduler + 'static, test: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 17;
    // All atomics are as if they were sequentially consistent.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(test);
}
