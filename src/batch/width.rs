//! How many small files are sent at a time, when the library chooses. Pure: the clock is the caller's.

use std::time::Duration;

use crate::transfer::MOST_AUTO_ROUTINES;

/// It begins with so many.
const FIRST: u32 = 16;
/// A file that took less spent most of its time at work, not waiting: more at a time would only cost memory.
const SLOW: Duration = Duration::from_millis(5);
/// Twice as many must bring at least this much, or there will be half as many again.
const WORTHWHILE: f64 = 1.3;
/// A window is at least so long, and each connection has a say in it.
const WINDOW: Duration = Duration::from_millis(50);
/// After so long, what did not pay is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Doubles as long as that pays.
#[derive(Debug)]
pub(crate) struct Width {
    width: u32,
    /// Files a second before the last doubling.
    before: Option<f64>,
    /// Doubling did not pay, or cannot go on; until then nothing is tried.
    settled_until: Option<Duration>,
    window: Window,
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
        Width { width: FIRST, before: None, settled_until: None, window: Window::default() }
    }

    pub(crate) fn get(&self) -> u32 {
        self.width
    }

    /// A file that took so long has ended at `now`, while others waited; the new width, when it is another.
    pub(crate) fn file_done(&mut self, now: Duration, took: Duration) -> Option<u32> {
        self.window.files += 1;
        self.window.time += took;
        let elapsed = now.saturating_sub(self.window.start);
        if elapsed < WINDOW || self.window.files < self.width {
            return None;
        }
        let Window { files, time, .. } =
            std::mem::replace(&mut self.window, Window { start: now, ..Window::default() });
        let rate = f64::from(files) / elapsed.as_secs_f64();
        let is_slow = time / files >= SLOW;
        let width = self.next(now, rate, is_slow);
        (width != self.width).then(|| std::mem::replace(&mut self.width, width)).map(|_| width)
    }

    fn next(&mut self, now: Duration, rate: f64, is_slow: bool) -> u32 {
        match self.before {
            Some(before) if rate < before * WORTHWHILE => {
                self.before = None;
                self.settled_until = Some(now + AGAIN);
                self.width / 2
            }
            _ if !is_slow
                || self.width >= MOST_AUTO_ROUTINES
                || self.settled_until.is_some_and(|until| now < until) =>
            {
                self.before = None;
                self.width
            }
            _ => {
                self.before = Some(rate);
                (self.width * 2).min(MOST_AUTO_ROUTINES)
            }
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
        assert_eq!(after(0.3, |_| 0.05), 64);
        assert_eq!(after(0.3, |_| 0.1), 64);
        assert_eq!(after(60.0, |_| 0.02), 64);
    }

    #[test]
    fn where_nothing_waits_more_are_not_tried() {
        assert_eq!(after(10.0, |_| 0.0008), 16);
    }

    #[test]
    fn what_does_not_pay_is_taken_back() {
        // A machine that does 1,000 files a second, however many are in work.
        assert_eq!(after(5.0, |width| f64::from(width) / 1000.0), 16);
    }
}
