//! How many parts are sent at the same time. Pure: told the time, the bytes and the server's complaints, it decides.

use std::time::Duration;

/// Where it begins when the library chooses. Connections that join later on a full link get little of it, and
/// others wait for them at the end.
const AUTO_START: u32 = 16;
/// On links that lose much, more connections bring more; each costs memory, and a part that is left behind at the end.
pub(crate) const MOST_AUTO_ROUTINES: u32 = 64;
/// The rate is looked at after this time, or when each connection has sent a part if that takes longer.
const WINDOW: Duration = Duration::from_secs(1);
/// Long enough for new connections to come up to speed, however far the server is.
const UP_TO_SPEED: Duration = Duration::from_secs(2);
/// More are tried only when the rest would take at least this long: what is gained has to pay for the try.
const WORTH_TRYING: Duration = Duration::from_secs(10);
/// Twice the connections must bring at least this much for still more to be tried. Those that brought nothing are kept:
/// the others would need many seconds to take their share (docs/design.md).
const WORTHWHILE: f64 = 1.15;
/// Windows over which it is looked whether the link has become worse, so that more connections may help.
const HOLD: u32 = 3;
const WORSE: f64 = 0.75;

/// The number of parts in flight, over the time in which one upload sends, or several share it.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: u32,
    most: u32,
    growth: PaceState,
    window: Window,
    /// Parts that were announced: no more than these are ever in flight.
    parts: u32,
    /// Bytes that have not arrived.
    left: u64,
}

/// What is done at the end of a window in which nobody complained.
#[derive(Clone, Copy, Debug, PartialEq)]
enum PaceState {
    /// The connections are still coming up to speed, as long as each window is faster than the last.
    Ramp { last: f64 },
    /// There are twice as many as there were; they are compared with the rate of those.
    Probe { rate: f64 },
    /// It stays so, as long as what arrives in some windows is not much less than the best.
    Hold { best: f64, windows: u32, rates: f64 },
    /// One more, up to the most.
    Recover,
}

/// What arrived in some time. What is sent says less: much of it waits in buffers, the more the more connections begin.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    start: Duration,
    bytes: u64,
    parts: u32,
    complaints: u32,
}

impl Pace {
    /// `routines` at a time, or as many as pay when it is `None`.
    pub(crate) fn new(routines: Option<u32>) -> Pace {
        let (limit, most, growth) = match routines {
            Some(routines) => (routines, routines, PaceState::Recover),
            None => (AUTO_START, MOST_AUTO_ROUTINES, PaceState::Ramp { last: 0.0 }),
        };
        Pace { limit, most, growth, window: Window::default(), parts: 0, left: 0 }
    }

    /// So many more `parts` with `bytes` in all are to be sent.
    pub(crate) fn expect(&mut self, parts: usize, bytes: u64) {
        self.parts = self.parts.saturating_add(count(parts));
        self.left = self.left.saturating_add(bytes);
    }

    /// So many that were expected will not come.
    pub(crate) fn forget(&mut self, parts: usize, bytes: u64) {
        self.parts = self.parts.saturating_sub(count(parts));
        self.left = self.left.saturating_sub(bytes);
    }

    /// How many parts may be in flight now.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// How many requests of all kinds may be in flight now. Who starts many uploads of one request each has chosen their
    /// number: only the most and the server's complaints keep it down.
    pub(crate) fn ceiling(&self) -> u32 {
        if self.growth == PaceState::Recover { self.limit } else { self.most }
    }

    /// How many can be in flight: no more than there are.
    fn in_use(&self) -> u32 {
        self.limit.min(self.parts)
    }

    /// A part of so many bytes has arrived.
    pub(crate) fn part_done(&mut self, bytes: u64) {
        self.window.parts += 1;
        self.window.bytes += bytes;
        self.left = self.left.saturating_sub(bytes);
    }

    /// Looks at the time since the start, and how often the server asked to slow down or let a request time out, while so
    /// many requests of all kinds were in flight.
    pub(crate) fn observe(&mut self, now: Duration, complaints: u32, in_flight: u32) {
        let Window { start, bytes, parts, complaints: before } = self.window;
        let time = now.saturating_sub(start);
        if time < WINDOW {
            return;
        }
        if complaints > before {
            if self.growth != PaceState::Recover {
                self.most = self.limit.max(in_flight); // More would draw still more complaints.
            }
            self.limit = (self.in_use().max(in_flight) / 2).max(1);
            self.growth = PaceState::Recover;
        } else if parts >= self.in_use() || self.growth == PaceState::Recover {
            self.grow(bytes, time);
        } else {
            return; // Not everybody has had a say.
        }
        self.window = Window { start: now, complaints, ..Window::default() };
    }

    /// So many bytes have arrived in this time.
    fn grow(&mut self, bytes: u64, time: Duration) {
        let rate = bytes as f64 / time.as_secs_f64();
        let faster = |than: f64| rate > than * WORTHWHILE;
        let may_try = self.limit < self.most.min(self.parts) && self.left as f64 >= rate * WORTH_TRYING.as_secs_f64();
        self.growth = match self.growth {
            PaceState::Ramp { last } if !may_try || (faster(last) && time < UP_TO_SPEED) => {
                PaceState::Ramp { last: rate }
            }
            PaceState::Ramp { .. } => self.probe(rate),
            PaceState::Probe { rate: before } if faster(before) && may_try => self.probe(rate),
            PaceState::Probe { rate: before } => hold(rate.max(before)),
            PaceState::Hold { best, windows, rates } if windows < HOLD => {
                PaceState::Hold { best, windows: windows + 1, rates: rates + rate }
            }
            PaceState::Hold { best, windows, rates } => {
                let rate = rates / f64::from(windows);
                if rate < best * WORSE && may_try { self.probe(rate) } else { hold(best) }
            }
            PaceState::Recover => {
                self.limit = (self.limit + 1).min(self.most);
                PaceState::Recover
            }
        };
    }

    /// Tries twice as many; `rate` is that of those which there are.
    fn probe(&mut self, rate: f64) -> PaceState {
        self.limit = (self.limit * 2).min(self.most);
        PaceState::Probe { rate }
    }
}

fn count(parts: usize) -> u32 {
    u32::try_from(parts).unwrap_or(u32::MAX)
}

fn hold(best: f64) -> PaceState {
    PaceState::Hold { best, windows: 0, rates: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// A time in which parts of 1 MB arrive at a pace's limit.
    struct Link {
        pace: Pace,
        quarters: u64,
        complaints: u32,
    }

    impl Link {
        fn new(routines: Option<u32>, megabytes: u64) -> Link {
            let mut pace = Pace::new(routines);
            pace.expect(megabytes as usize, megabytes * MB);
            Link { pace, quarters: 0, complaints: 0 }
        }

        /// Goes on for `seconds`, while `rate` tells the MB a second at a limit; the limits that there were.
        fn run(&mut self, seconds: u64, rate: impl Fn(u32) -> u64) -> Vec<u32> {
            let quarter = |_| {
                self.quarters += 1;
                let arrived = |quarters| quarters * rate(self.pace.limit()) / 4;
                let parts = arrived(self.quarters) - arrived(self.quarters - 1);
                (0..parts).for_each(|_| self.pace.part_done(MB));
                self.pace.observe(Duration::from_millis(self.quarters * 250), self.complaints, 0);
                self.pace.limit()
            };
            (0..seconds * 4).map(quarter).collect()
        }

        fn last_of(&mut self, seconds: u64, rate: impl Fn(u32) -> u64) -> u32 {
            self.run(seconds, rate).pop().unwrap()
        }
    }

    #[test]
    fn a_given_number_is_kept() {
        assert!(Link::new(Some(5), 1000).run(30, |_| 10).iter().all(|limit| *limit == 5));
    }

    #[test]
    fn more_are_tried_while_that_pays() {
        let limits = Link::new(None, 100_000).run(10, |limit| 10 * u64::from(limit));
        assert_eq!((limits[0], limits[39]), (16, 64));
    }

    #[test]
    fn what_does_not_pay_is_not_gone_on_with() {
        assert_eq!(Link::new(None, 100_000).last_of(100, |_| 125), 32);
        assert_eq!(Link::new(None, 100_000).last_of(100, |limit| 10 * u64::from(limit.min(16))), 32);
    }

    #[test]
    fn nothing_is_tried_when_the_rest_is_short() {
        let nearly = 125 * 11;
        assert_eq!(Link::new(None, nearly).last_of(10, |_| 125), 16);
        assert_eq!(Link::new(None, nearly).last_of(10, |_| 60), 32);
    }

    #[test]
    fn what_comes_up_to_speed_by_itself_is_waited_for() {
        let mut link = Link::new(None, 100_000);
        for rate in [50, 90, 120] {
            assert_eq!(link.last_of(1, |_| rate), 16, "the rate is still growing");
        }
        assert_eq!(link.last_of(1, |_| 121), 32);
    }

    #[test]
    fn each_connection_has_a_say() {
        let mut link = Link::new(None, 100_000);
        assert_eq!(link.last_of(3, |_| 5), 16, "15 of 16 parts have arrived");
        assert_eq!(link.last_of(1, |_| 5), 32, "they had more than the time to come up to speed");
    }

    #[test]
    fn a_link_that_begins_to_lose_gets_more_connections() {
        let mut link = Link::new(None, 1_000_000);
        assert_eq!(link.last_of(100, |_| 125), 32);
        let lossy = u64::from;
        assert_eq!(link.last_of(2, lossy), 32, "not at once");
        assert_eq!(link.last_of(20, lossy), 64);
    }

    #[test]
    fn complaints_halve_and_calm_restores() {
        let mut pace = Pace::new(Some(16));
        pace.expect(1000, 1000 * MB);
        let at = Duration::from_secs;
        let mut seen = vec![];
        for (second, complaints) in [(1, 3), (2, 9), (3, 9), (4, 9), (5, 9)] {
            pace.observe(at(second), complaints, 0);
            seen.push(pace.limit());
        }
        assert_eq!(seen, [8, 4, 5, 6, 7]);
        for second in 6..100 {
            pace.observe(at(second), 9, 0);
        }
        assert_eq!(pace.limit(), 16, "no more than was asked for");
        for second in 100..110 {
            pace.observe(at(second), second as u32, 0);
        }
        assert_eq!(pace.limit(), 1, "never none");
    }

    #[test]
    fn half_of_few_parts_is_fewer_still() {
        let mut pace = Pace::new(Some(16));
        pace.expect(3, 3 * MB);
        pace.observe(Duration::from_secs(1), 1, 0);
        assert_eq!(pace.limit(), 1);
    }

    #[test]
    fn requests_of_all_kinds_have_a_limit_of_their_own_until_the_server_complains() {
        let mut pace = Pace::new(None);
        pace.expect(1000, 1000 * MB);
        assert_eq!((pace.limit(), pace.ceiling()), (16, 64));
        pace.observe(Duration::from_secs(1), 1, 0);
        assert_eq!((pace.limit(), pace.ceiling()), (8, 8));
        let own = Pace::new(Some(5));
        assert_eq!((own.limit(), own.ceiling()), (5, 5));
    }

    #[test]
    fn what_joins_and_what_leaves_counts() {
        let mut link = Link::new(None, 10);
        assert_eq!(link.last_of(3, |_| 3), 16, "nothing to try anything for");
        link.pace.expect(100_000, 100_000 * MB);
        let tried = link.last_of(5, |limit| 2 * u64::from(limit));
        assert!(tried > 16, "{tried}");
        link.pace.forget(100_000, 100_000 * MB);
        assert_eq!(link.last_of(10, |limit| 10 * u64::from(limit)), tried);
    }

    #[test]
    fn after_a_complaint_no_more_are_tried_than_there_were() {
        let mut link = Link::new(None, 1_000_000);
        assert_eq!(link.last_of(100, |_| 125), 32);
        link.complaints = 1;
        assert_eq!(link.last_of(1, |_| 125), 16);
        assert_eq!(link.last_of(100, |limit| 10 * u64::from(limit)), 32);
    }
}
