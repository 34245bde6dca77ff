//! A bandwidth limit that all uploads of a client share.

use std::time::{Duration, Instant};

use crate::sync::{Mutex, unpoisoned};

/// Hands out bytes at a steady rate, in the order of asking.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: u64,
    /// When all bytes handed out so far have been sent at the rate.
    paid_until: Mutex<Instant>,
}

/// Idle time saves up no more than this much of the rate, so that a pause is not followed by a burst.
const BURST: Duration = Duration::from_millis(100);

impl Throttle {
    pub(crate) fn new(bytes_per_second: u64, now: Instant) -> Self {
        Throttle { bytes_per_second: bytes_per_second.max(1), paid_until: Mutex::new(now) }
    }

    /// The most that should be asked for at once, so that the flow stays even.
    pub(crate) fn quantum(&self) -> usize {
        (self.bytes_per_second / 20).clamp(512, 64 * 1024) as usize
    }

    /// Takes `bytes` and tells how long to wait before sending them.
    pub(crate) fn take(&self, bytes: usize, now: Instant) -> Duration {
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let mut paid_until = unpoisoned(self.paid_until.lock());
        let start = (*paid_until).max(now.checked_sub(BURST).unwrap_or(now));
        *paid_until = start + cost;
        start.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_over_ten_seconds() {
        let start = Instant::now();
        let throttle = Throttle::new(1_000_000, start);
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(10) {
            now += throttle.take(throttle.quantum(), now);
            sent += throttle.quantum();
        }
        assert!((9_900_000..10_300_000).contains(&sent), "{sent}");
    }

    #[test]
    fn idle_time_saves_up_little() {
        let start = Instant::now();
        let throttle = Throttle::new(1_000_000, start);
        let later = start + Duration::from_secs(60);
        let free = std::iter::repeat_with(|| throttle.take(10_000, later)).take_while(|wait| wait.is_zero()).count();
        assert!((10..=11).contains(&free), "{free}");
    }
}
