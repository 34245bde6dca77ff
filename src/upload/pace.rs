//! How many parts are sent at the same time. Pure: told the time, the bytes and the server's complaints, it decides.

use std::time::Duration;

/// Where an upload begins when the library chooses.
const AUTO_START: u32 = 8;
/// More connections than this gain nothing on any link that was measured.
const AUTO_MOST: u32 = 32;
/// Long enough for new connections to come up to speed.
const WINDOW: Duration = Duration::from_millis(1000);
/// More connections must bring at least this much, or they are let go again.
const WORTHWHILE: f64 = 1.10;

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
    /// Double, as long as that pays. The best rate so far, and at which limit.
    Search { rate: f64, at: u32 },
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
            None => (AUTO_START, AUTO_MOST, Growth::Search { rate: 0.0, at: AUTO_START }),
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
            Growth::Search { rate: best, .. } if rate > best * WORTHWHILE && self.limit < self.most => {
                self.growth = Growth::Search { rate, at: self.limit };
                self.limit = (self.limit * 2).min(self.most);
            }
            Growth::Search { rate: best, at } => {
                // What did not pay is taken back, and the search is over.
                if rate <= best * WORTHWHILE {
                    self.limit = at;
                }
                self.most = self.limit;
                self.growth = Growth::Recover;
            }
            Growth::Recover => self.limit = (self.limit + 1).min(self.most),
        }
    }
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
        assert_eq!(*limits.last().unwrap(), 32);
    }

    #[test]
    fn what_does_not_pay_is_taken_back() {
        let mut pace = Pace::new(None, 1000);
        let limits = run(&mut pace, 10, |limit| u64::from(limit.min(16)) * 10_000_000);
        assert!(limits.contains(&32));
        assert_eq!(*limits.last().unwrap(), 16);
        let mut pace = Pace::new(None, 1000);
        assert_eq!(*run(&mut pace, 10, |_| 125_000_000).last().unwrap(), 8);
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
