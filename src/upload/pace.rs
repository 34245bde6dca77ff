//! How many parts are sent at the same time. Pure: told the time, the bytes and the server's complaints, it decides.

use std::time::Duration;

/// Where an upload begins when the library chooses.
const AUTO_START: u32 = 8;
/// On links that lose much, more connections bring more; each costs memory, and a part that is left behind at the end.
const AUTO_MOST: u32 = 64;
/// Long enough for new connections to come up to speed.
const WINDOW: Duration = Duration::from_millis(1000);
/// Twice the connections must bring at least this much for still more to be tried. Those that brought nothing are kept:
/// the others would need many seconds to take their share (docs/design.md).
const WORTHWHILE: f64 = 1.15;
/// Windows over which it is looked whether the link has become worse, so that more connections may help.
const HOLD: u32 = 10;
const WORSE: f64 = 0.75;

/// The number of parts in flight, over the time of an upload.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: u32,
    most: u32,
    growth: Growth,
    window: Window,
}

/// What is done at the end of a window in which nobody complained.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Growth {
    /// The connections are still coming up to speed, as long as each window is faster than the last.
    Ramp { last: f64 },
    /// There are twice as many as there were; they are compared with the rate of those.
    Probe { rate: f64 },
    /// It stays so, as long as what is sent in some windows is not much less than the best.
    Hold { best: f64, windows: u32, rates: f64 },
    /// One more, up to the most.
    Recover,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    start: Duration,
    bytes: u64,
    complaints: u32,
}

impl Pace {
    /// `routines` at a time, or as many as pay when it is `None`; `parts` are to be sent.
    pub(crate) fn new(routines: Option<u32>, parts: usize) -> Pace {
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        let (limit, most, growth) = match routines {
            Some(routines) => (routines, routines, Growth::Recover),
            None => (AUTO_START, AUTO_MOST, Growth::Ramp { last: 0.0 }),
        };
        Pace { limit: limit.min(parts), most: most.min(parts), growth, window: Window::default() }
    }

    /// How many parts may be in flight now.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Looks at the time since the start, the bytes sent since then, and how often the server asked to slow down or
    /// let a request time out.
    pub(crate) fn observe(&mut self, now: Duration, bytes: u64, complaints: u32) {
        let time = now.saturating_sub(self.window.start);
        if time < WINDOW {
            return;
        }
        if complaints > self.window.complaints {
            self.limit = (self.limit / 2).max(1);
            self.growth = Growth::Recover;
        } else {
            let rate = bytes.saturating_sub(self.window.bytes) as f64 / time.as_secs_f64();
            self.grow(rate);
        }
        self.window = Window { start: now, bytes, complaints };
    }

    fn grow(&mut self, rate: f64) {
        match self.growth {
            Growth::Ramp { last } if rate > last * WORTHWHILE => self.growth = Growth::Ramp { last: rate },
            Growth::Ramp { .. } => self.probe(rate),
            Growth::Probe { rate: before } if rate > before * WORTHWHILE => self.probe(rate),
            Growth::Probe { rate: before } => self.growth = hold(rate.max(before)),
            Growth::Hold { best, windows, rates } if windows < HOLD => {
                self.growth = Growth::Hold { best, windows: windows + 1, rates: rates + rate };
            }
            Growth::Hold { best, windows, rates } => {
                let rate = rates / f64::from(windows);
                if rate < best * WORSE { self.probe(rate) } else { self.growth = hold(best) }
            }
            Growth::Recover => self.limit = (self.limit + 1).min(self.most),
        }
    }

    /// Tries twice as many, if there may be more; `rate` is that of those which there are.
    fn probe(&mut self, rate: f64) {
        self.growth = if self.limit < self.most { Growth::Probe { rate } } else { hold(rate) };
        self.limit = (self.limit * 2).min(self.most);
    }
}

fn hold(best: f64) -> Growth {
    Growth::Hold { best, windows: 0, rates: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `pace` for `seconds` on a link where `rate` tells the bytes per second at a limit.
    fn run(pace: &mut Pace, seconds: u64, rate: impl Fn(u32) -> u64) -> Vec<u32> {
        let mut bytes = 0;
        let limits = (1..=seconds * 4).map(|quarter| {
            bytes += rate(pace.limit()) / 4;
            pace.observe(Duration::from_millis(quarter * 250), bytes, 0);
            pace.limit()
        });
        limits.collect()
    }

    #[test]
    fn a_given_number_is_kept() {
        let mut pace = Pace::new(Some(5), 100);
        assert!(run(&mut pace, 30, |_| 1_000_000).iter().all(|limit| *limit == 5));
        assert_eq!(Pace::new(Some(16), 3).limit(), 3, "no more than there are parts");
    }

    #[test]
    fn more_are_tried_while_that_pays() {
        let mut pace = Pace::new(None, 1000);
        let limits = run(&mut pace, 10, |limit| u64::from(limit) * 10_000_000);
        assert_eq!(limits[0], 8);
        assert_eq!(*limits.last().unwrap(), 64);
    }

    #[test]
    fn what_does_not_pay_is_not_gone_on_with() {
        let mut pace = Pace::new(None, 1000);
        let limits = run(&mut pace, 100, |limit| u64::from(limit.min(16)) * 10_000_000);
        assert_eq!(*limits.last().unwrap(), 32);
        let mut pace = Pace::new(None, 1000);
        assert_eq!(*run(&mut pace, 100, |_| 125_000_000).last().unwrap(), 16);
    }

    #[test]
    fn what_comes_up_to_speed_by_itself_is_waited_for() {
        let mut pace = Pace::new(None, 1000);
        let at = Duration::from_secs;
        let mut bytes = 0;
        for (second, rate) in [(1, 50), (2, 90), (3, 120)] {
            bytes += rate;
            pace.observe(at(second), bytes, 0);
            assert_eq!(pace.limit(), 8, "the rate is still growing");
        }
        pace.observe(at(4), bytes + 121, 0);
        assert_eq!(pace.limit(), 16);
    }

    #[test]
    fn a_link_that_begins_to_lose_gets_more_connections() {
        let mut pace = Pace::new(None, 1000);
        assert_eq!(*run(&mut pace, 100, |_| 125_000_000).last().unwrap(), 16);
        let mut lossy = |seconds| {
            let (mut at, mut bytes) = (pace.window.start, pace.window.bytes);
            for _ in 0..seconds {
                bytes += u64::from(pace.limit()) * 1_000_000;
                at += Duration::from_secs(1);
                pace.observe(at, bytes, 0);
            }
            pace.limit()
        };
        assert_eq!(lossy(HOLD), 16, "not at once");
        assert_eq!(lossy(3 * HOLD), 64);
    }

    #[test]
    fn complaints_halve_and_calm_restores() {
        let mut pace = Pace::new(Some(16), 1000);
        let at = Duration::from_secs;
        let mut seen = vec![];
        for (second, complaints) in [(1, 3), (2, 9), (3, 9), (4, 9), (5, 9)] {
            pace.observe(at(second), 1000 * second, complaints);
            seen.push(pace.limit());
        }
        assert_eq!(seen, [8, 4, 5, 6, 7]);
        for second in 6..100 {
            pace.observe(at(second), 1000 * second, 9);
        }
        assert_eq!(pace.limit(), 16, "no more than was asked for");
        for second in 100..110 {
            pace.observe(at(second), 1000 * second, second as u32);
        }
        assert_eq!(pace.limit(), 1, "never none");
    }
}
