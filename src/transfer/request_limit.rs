//! A limit on the requests per second.

use std::time::{Duration, Instant};

use crate::sync::{Mutex, unpoisoned};

/// Lets requests pass at even distances, and those of a tenth of a second at once after a lull.
#[derive(Debug)]
pub(crate) struct RequestLimit {
    distance: Duration,
    /// When the next request may be sent.
    next: Mutex<Option<Instant>>,
}

/// How much of a lull may be made up for.
const BURST: Duration = Duration::from_millis(100);

impl RequestLimit {
    /// `per_second` is at least 1.
    pub(crate) fn new(per_second: u32) -> RequestLimit {
        RequestLimit { distance: Duration::from_secs(1) / per_second.max(1), next: Mutex::default() }
    }

    /// How long to wait before the request that is about to be sent.
    pub(crate) fn delay(&self, now: Instant) -> Duration {
        let mut next = unpoisoned(self.next.lock());
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let at = next.map_or(now, |next| next.max(earliest));
        *next = Some(at + self.distance);
        at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_their_distance_and_a_lull_gives_a_short_burst() {
        let limit = RequestLimit::new(100);
        let start = Instant::now();
        let delays: Vec<_> = (0..5).map(|_| limit.delay(start).as_millis()).collect();
        assert_eq!(delays, [0, 10, 20, 30, 40]);
        let later = start + Duration::from_secs(10);
        assert_eq!((0..20).filter(|_| limit.delay(later).is_zero()).count(), 11);
    }
}
