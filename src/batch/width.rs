//! How many small files are sent at a time, when the library chooses. Pure: the clock is the caller's.

use std::time::Duration;

use crate::transfer::MOST_AUTO_ROUTINES;

/// So many where nothing waits long.
const FEW: u32 = 16;
/// A file that took less spent most of its time at work, not waiting: more at a time would only cost memory.
const SLOW: Duration = Duration::from_millis(5);
/// So many times the files a second must be stored with the most at a time, or there will be few again.
const WORTHWHILE: f64 = 1.5;
/// A window is at least so long, and each connection has a say in it.
const WINDOW: Duration = Duration::from_millis(50);
/// Whether more pay is judged over this time: on a busy machine, a short one is much faster or slower by chance.
const TRIAL: Duration = Duration::from_millis(300);
/// So many times longer a request takes at least when its connection is opened for it.
const WHILE_OPENING: f64 = 2.0;
/// After so long, what did not pay is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Few, or the most when files wait long and that pays.
#[derive(Debug)]
pub(crate) struct Width {
    state: State,
    window: Window,
}

/// What the window at hand is for. Rates are files a second.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Connections are being opened.
    Opening,
    /// Nothing is tried before this time. A window in which all stood still must not be what a trial is compared with: the
    /// best counts.
    Few {
        until: Duration,
        best: f64,
    },
    /// The most are tried; so fast it was with few.
    Trial {
        before: f64,
    },
    Most,
}

#[derive(Debug, Default)]
struct Window {
    start: Duration,
    files: u32,
    /// That the files took in all.
    time: Duration,
}

impl Width {
    pub(crate) fn new() -> Width {
        Width { state: State::Opening, window: Window::default() }
    }

    pub(crate) fn get(&self) -> u32 {
        match self.state {
            State::Opening | State::Few { .. } => FEW,
            State::Trial { .. } | State::Most => MOST_AUTO_ROUTINES,
        }
    }

    /// A file that took so long has ended at `now`, while others waited; the new width, when it is another.
    pub(crate) fn file_done(&mut self, now: Duration, took: Duration) -> Option<u32> {
        self.window.files += 1;
        self.window.time += took;
        let elapsed = now.saturating_sub(self.window.start);
        let least = if matches!(self.state, State::Trial { .. }) { TRIAL } else { WINDOW };
        let before = self.get();
        if elapsed < least || self.window.files < before {
            return None;
        }
        let Window { files, time, .. } =
            std::mem::replace(&mut self.window, Window { start: now, ..Window::default() });
        self.state = self.state.next(now, f64::from(files) / elapsed.as_secs_f64(), time / files >= SLOW);
        Some(self.get()).filter(|width| *width != before)
    }
}

impl State {
    /// After a window with this rate.
    fn next(self, now: Duration, rate: f64, is_slow: bool) -> State {
        match self {
            // A long way is seen at once: each wait with few would be one of many files.
            State::Opening if is_slow => State::Trial { before: rate * WHILE_OPENING },
            State::Opening => State::Few { until: now, best: 0.0 },
            State::Few { until, best } if is_slow && now >= until => State::Trial { before: rate.max(best) },
            State::Few { until, best } => State::Few { until, best: rate.max(best) },
            State::Trial { before } if rate < before * WORTHWHILE => State::Few { until: now + AGAIN, best: 0.0 },
            // Whatever made files wait is over.
            State::Most if !is_slow => State::Few { until: now, best: 0.0 },
            State::Trial { .. } | State::Most => State::Most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The width after so many seconds, when a file takes what `latency` says for a width.
    fn after(seconds: f64, latency: impl Fn(u32) -> f64) -> u32 {
        let mut width = Width::new();
        let mut now = 0.0;
        while now < seconds {
            let took = latency(width.get());
            now += took / f64::from(width.get());
            width.file_done(Duration::from_secs_f64(now), Duration::from_secs_f64(took));
        }
        width.get()
    }

    #[test]
    fn a_long_way_takes_many_at_once() {
        assert_eq!(after(0.06, |_| 0.05), 64);
        assert_eq!(after(0.11, |_| 0.1), 64);
        assert_eq!(after(60.0, |_| 0.02), 64);
    }

    #[test]
    fn where_nothing_waits_more_are_not_tried() {
        assert_eq!(after(10.0, |_| 0.0008), 16);
    }

    #[test]
    fn a_machine_that_stood_still_has_few_again() {
        let mut width = Width::new();
        let mut done = |from: u64, until: u64, took: u64| {
            // 20 files a millisecond, or one: in microseconds.
            let step = took / u64::from(width.get());
            let times = (1..).map(|number| from + number * step).take_while(|now| *now <= until);
            times.for_each(|now| _ = width.file_done(Duration::from_micros(now), Duration::from_micros(took)));
            width.get()
        };
        assert_eq!(done(0, 200_000, 800), 16);
        assert_eq!(done(200_000, 260_000, 16_000), 64, "it seems that files wait");
        assert_eq!(done(260_000, 900_000, 3_200), 16, "as many files a second as before");
    }

    #[test]
    fn what_made_files_wait_may_end() {
        let mut width = Width { state: State::Most, window: Window::default() };
        (1..100).for_each(|number| _ = width.file_done(Duration::from_millis(number), Duration::from_millis(2)));
        assert_eq!(width.get(), 16);
    }

    #[test]
    fn what_does_not_pay_is_taken_back() {
        // A machine that does 1,000 files a second, however many are in work.
        assert_eq!(after(5.0, |width| f64::from(width) / 1000.0), 16);
    }
}
