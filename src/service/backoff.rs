//! When to try again. Pure: the clock, the dice and the sleeping are the caller's.

use std::time::Duration;

use crate::sync::atomic::{AtomicU32, Ordering};

/// Exponential back-off with full jitter, as Alibaba Cloud's second-generation SDKs have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// How often a request is tried, the first time included.
    pub max_attempts: u32,
}

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(20);
/// A server that asks for more patience than this is not believed.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

impl RetryPolicy {
    /// How long to wait before the next try, after `failed` tries have failed; `None` when that was the last.
    ///
    /// `asked` is what the server wants (Retry-After, x-oss-qos-delay-time); `dice` is random in 0..1.
    pub(crate) fn delay(&self, failed: u32, asked: Option<Duration>, dice: f64) -> Option<Duration> {
        if failed >= self.max_attempts {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(16);
        let ceiling = FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
        let jittered = ceiling.mul_f64(dice.clamp(0.0, 1.0));
        // Jitter comes on top of what the server asked for: all clients were asked for the same.
        Some(asked.map_or(jittered, |asked| asked.min(LONGEST_ASKED) + jittered.min(FIRST_DELAY)))
    }
}

/// What all requests of one upload may spend on retries together, so that a dying server is not hammered by every part
/// on its own. Successes earn it back: an upload that gets on may retry without end.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    left: AtomicU32,
    most: u32,
}

/// What there is on top of one request's own attempts.
const SHARED_RETRIES: u32 = 50;

impl RetryBudget {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        let most = policy.max_attempts.saturating_add(SHARED_RETRIES);
        RetryBudget { left: AtomicU32::new(most), most }
    }

    /// Takes one retry; false when none is left.
    pub(crate) fn spend(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// A request has succeeded.
    pub(crate) fn earn(&self) {
        let more = |left| (left < self.most).then_some(left + 1);
        // Full already is as good.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { max_attempts: 8 };

    #[test]
    fn delays_double_up_to_a_ceiling() {
        let worst: Vec<u128> = (1..8).map(|failed| POLICY.delay(failed, None, 1.0).unwrap().as_millis()).collect();
        assert_eq!(worst, [200, 400, 800, 1600, 3200, 6400, 12800]);
        let patient = RetryPolicy { max_attempts: 1000 };
        assert_eq!(patient.delay(999, None, 1.0), Some(LONGEST_DELAY));
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        assert_eq!(POLICY.delay(3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(POLICY.delay(3, None, 0.5), Some(Duration::from_millis(400)));
    }

    #[test]
    fn attempts_end() {
        assert_eq!(POLICY.delay(8, None, 0.5), None);
        assert_eq!(RetryPolicy { max_attempts: 1 }.delay(1, None, 0.5), None);
    }

    #[test]
    fn a_budget_ends_unless_it_is_earned_back() {
        let budget = RetryBudget::new(POLICY);
        assert_eq!(std::iter::repeat_with(|| budget.spend()).take_while(|granted| *granted).count(), 58);
        budget.earn();
        assert!(budget.spend() && !budget.spend());
        for _ in 0..10_000 {
            budget.earn();
            assert!(budget.spend(), "every second request may fail for ever");
        }
        (0..1000).for_each(|_| budget.earn());
        assert_eq!(budget.left.into_inner(), 58, "calm does not save up");
    }

    #[test]
    fn the_server_is_heard_within_reason() {
        let asked = |ms| POLICY.delay(1, Some(Duration::from_millis(ms)), 0.0).unwrap();
        assert_eq!(asked(700), Duration::from_millis(700));
        assert_eq!(asked(86_400_000), LONGEST_ASKED);
    }
}
