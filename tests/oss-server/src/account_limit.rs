//! What an account may do in a second, over all connections.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::OssError;

/// A limit on requests, and one on the bytes of their bodies. What goes beyond is refused, and told how long to wait.
pub(crate) struct AccountLimit {
    requests: Option<Mutex<Bucket>>,
    bytes: Option<Mutex<Bucket>>,
}

impl AccountLimit {
    pub(crate) fn new(requests_per_second: Option<u32>, bytes_per_second: Option<u64>) -> Self {
        let bucket = |rate: f64| Mutex::new(Bucket::new(rate, Instant::now()));
        Self {
            requests: requests_per_second.map(|rate| bucket(f64::from(rate))),
            bytes: bytes_per_second.map(|rate| bucket(rate as f64)),
        }
    }

    /// Lets a request with so many bytes in its body pass, or refuses it.
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), OssError> {
        let limits = [
            (&self.requests, 1, "TotalQpsLimitExceeded", "requests"),
            (&self.bytes, bytes, "UploadTrafficRateLimitExceeded", "bytes"),
        ];
        for (bucket, amount, code, what) in limits {
            let Some(bucket) = bucket.as_ref().filter(|_| amount > 0) else { continue };
            if let Err(wait) = crate::lock(bucket).take(amount, Instant::now()) {
                return Err(OssError::new(503, code, "", format!("The account sends too many {what} a second."))
                    .header("x-oss-qos-delay-time", wait.as_millis().max(1).to_string()));
            }
        }
        Ok(())
    }
}

/// A token bucket. It lends: whoever comes while something is left may take more than that.
struct Bucket {
    /// A second.
    rate: f64,
    /// What may be saved up.
    most: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// So many seconds may be saved up.
    const BURST: f64 = 0.1;

    fn new(rate: f64, now: Instant) -> Self {
        let rate = rate.max(1.0);
        let most = (rate * Self::BURST).max(1.0);
        Self { rate, most, left: most, at: now }
    }

    /// Takes `amount`, or tells how long there is nothing to take.
    fn take(&mut self, amount: u64, now: Instant) -> Result<(), Duration> {
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * self.rate).min(self.most);
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / self.rate));
        }
        self.left -= amount as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_passes_as_the_rate_allows_whatever_is_asked_for() {
        for amount in [1, 7, 5000] {
            let start = Instant::now();
            let mut bucket = Bucket::new(1000.0, start);
            let at = |ms| start + Duration::from_millis(ms);
            let taken = (1..=10_000).filter(|ms| bucket.take(amount, at(*ms)).is_ok()).count() as u64 * amount;
            assert!((10_000..=10_100 + amount).contains(&taken), "{taken} in ten seconds");
        }
    }

    #[test]
    fn who_is_refused_passes_after_the_time_that_was_told() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, start);
        assert!(bucket.take(1, start).is_ok());
        let wait = bucket.take(1, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(bucket.take(1, start + wait).is_ok());
    }

    #[test]
    fn a_tenth_of_a_second_is_saved_up() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100.0, start);
        let later = start + Duration::from_secs(60);
        assert_eq!((0..100).filter(|_| bucket.take(1, later).is_ok()).count(), 10);
    }
}
