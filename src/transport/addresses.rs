//! Which addresses of a name did not answer lately: they are tried last.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::sync::{Mutex, MutexGuard, unpoisoned};

/// So long an address is tried last. A machine that has come back is found again then.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// More addresses than a client meets.
const MOST: usize = 1024;

/// The addresses that no connection could be opened to.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    failed: Mutex<HashMap<SocketAddr, Instant>>,
}

impl Addresses {
    /// `addresses` in the order in which to try them. When all of them have failed it was the way to them: all begin
    /// anew.
    pub(super) fn in_order(&self, addresses: &[SocketAddr], now: Instant) -> Vec<SocketAddr> {
        let mut failed = self.failed();
        failed.retain(|_, when| now.saturating_duration_since(*when) < REMEMBERED);
        if addresses.iter().all(|address| failed.contains_key(address)) {
            addresses.iter().for_each(|address| _ = failed.remove(address));
        }
        let mut ordered = addresses.to_vec();
        ordered.sort_by_key(|address| failed.contains_key(address));
        ordered
    }

    pub(super) fn has_failed(&self, address: SocketAddr, now: Instant) {
        let mut failed = self.failed();
        if failed.len() < MOST {
            failed.insert(address, now);
        }
    }

    pub(super) fn has_responded(&self, address: SocketAddr) {
        self.failed().remove(&address);
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        unpoisoned(self.failed.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_answer_is_tried_last_for_some_minutes() {
        let [a, b, c] = [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let (addresses, start) = (Addresses::default(), Instant::now());
        assert_eq!(addresses.in_order(&[a, b, c], start), [a, b, c]);
        addresses.has_failed(a, start);
        assert_eq!(addresses.in_order(&[a, b, c], start), [b, c, a]);
        assert_eq!(addresses.in_order(&[c, a, b], start), [c, b, a]);
        addresses.has_failed(b, start);
        assert_eq!(addresses.in_order(&[a, b, c], start), [c, a, b]);
        addresses.has_responded(a);
        assert_eq!(addresses.in_order(&[a, b, c], start), [a, c, b]);
        assert_eq!(addresses.in_order(&[b, a], start + REMEMBERED), [b, a]);
    }

    #[test]
    fn when_all_have_failed_all_begin_anew() {
        let [a, b] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let (addresses, now) = (Addresses::default(), Instant::now());
        addresses.has_failed(a, now);
        addresses.has_failed(b, now);
        assert_eq!(addresses.in_order(&[a, b], now), [a, b]);
        addresses.has_failed(a, now);
        assert_eq!(addresses.in_order(&[a, b], now), [b, a]);
        assert_eq!(addresses.in_order(&[a], now), [a]);
    }
}
