//! Progress of an upload.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::source::Part;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, unpoisoned};

/// Progress of an upload. Numbers are totals. `done_bytes`, `sent_bytes` and `retries` never decrease; `parts_done` and
/// `resumed_bytes` start from 0 again when an upload starts over. On success, `done_bytes` equals `total_bytes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What the upload is doing.
    pub phase: Phase,
    /// Size in bytes; 0 until the file has been examined, and until the end of a stream is known.
    pub total_bytes: u64,
    /// Bytes done, including resumed ones. Bytes of unfinished parts count, so a resumed upload may start slightly
    /// below the value at which it was paused.
    pub done_bytes: u64,
    /// Bytes sent by an earlier call.
    pub resumed_bytes: u64,
    /// Body bytes sent by this call, including retries.
    pub sent_bytes: u64,
    /// Total number of parts; 0 until the end of a stream is known.
    pub parts_total: u32,
    /// Number of parts on the server, including resumed ones.
    pub parts_done: u32,
    /// Average rate over the last few seconds. A resumed upload starts with the rate of the earlier call.
    pub bytes_per_second: u64,
    /// Time remaining at this rate; `None` when not known.
    pub eta: Option<Duration>,
    /// Number of retries, not counting those caused by a stale connection, a wrong clock or expired credentials.
    pub retries: u32,
}

/// What an upload is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The file and the checkpoint are being examined, or the upload is being created on the server.
    #[default]
    Preparing,
    /// Parts are being sent.
    Uploading,
    /// Local data is being read again and compared with the data on the server.
    Verifying,
    /// All parts are on the server, which is assembling the object.
    Completing,
    /// The upload has ended, successfully or not.
    Ended,
    /// The upload is waiting for credentials that the server accepts (`credentials_wait`).
    Waiting,
    /// Local data is being read for its MD5, which must be known before the data is sent. Nothing is being sent.
    Hashing,
}

/// A step of an upload. Each is a phase; the other phases are what a step waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Preparing,
    Uploading,
    Verifying,
    Completing,
    Ended,
}

/// In the order of the steps.
const PHASES: [Phase; 5] = [Phase::Preparing, Phase::Uploading, Phase::Verifying, Phase::Completing, Phase::Ended];

/// Counts the work of the workers. Nothing here makes a worker wait.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    step: AtomicU8,
    total: AtomicU64,
    /// The total is only what is known so far: more may come.
    is_open_ended: AtomicBool,
    done: AtomicU64,
    /// The highest value reported so far: a restart counts from zero, but the reported value does not decrease.
    shown: AtomicU64,
    resumed: AtomicU64,
    sent: AtomicU64,
    parts_total: AtomicU32,
    parts_done: AtomicU32,
    parts_resumed: AtomicU32,
    attempts: AtomicU32,
    retries: AtomicU32,
    complaints: AtomicU32,
    /// Requests waiting for credentials.
    waiting: AtomicU32,
    /// Threads reading data for its MD5, and threads sending data.
    hashing: AtomicU32,
    sending: AtomicU32,
    rate: Mutex<Rate>,
}

impl Meter {
    pub(crate) fn enter(&self, step: Step) {
        self.step.store(step as u8, Ordering::Release);
    }

    /// A file of `total` bytes in `parts` parts will be sent; nothing is done yet.
    pub(crate) fn begin_round(&self, total: u64, parts: u32) {
        self.total.store(total, Ordering::Relaxed);
        self.parts_total.store(parts, Ordering::Relaxed);
        self.is_open_ended.store(false, Ordering::Relaxed);
        for counter in [&self.done, &self.resumed] {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in [&self.parts_done, &self.parts_resumed] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// A stream is to be sent, of which nobody knows the end.
    pub(crate) fn begin_stream(&self) {
        self.begin_round(0, 0);
        self.is_open_ended.store(true, Ordering::Relaxed);
    }

    /// A part of the stream is there to be sent; perhaps it is the last.
    pub(crate) fn part_comes(&self, bytes: u64, is_last: bool) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.parts_total.fetch_add(1, Ordering::Relaxed);
        self.is_open_ended.store(!is_last, Ordering::Release);
    }

    pub(crate) fn part_resumed(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.resumed.fetch_add(bytes, Ordering::Relaxed);
        self.parts_done.fetch_add(1, Ordering::Relaxed);
        self.parts_resumed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn part_done(&self) {
        self.parts_done.fetch_add(1, Ordering::Relaxed);
    }

    /// The server no longer has a part that it had.
    pub(crate) fn part_lost(&self, bytes: u64, resumed: bool) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
        self.parts_done.fetch_sub(1, Ordering::Relaxed);
        if resumed {
            self.resumed.fetch_sub(bytes, Ordering::Relaxed);
            self.parts_resumed.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The server asked to slow down, or did not keep up.
    pub(crate) fn complaint(&self) {
        self.complaints.fetch_add(1, Ordering::Relaxed);
    }

    /// A request waits for credentials until the returned value is dropped.
    pub(crate) fn waiting(&self) -> impl Drop + '_ {
        Counted::new(&self.waiting)
    }

    /// A thread reads data for its MD5 until the returned value is dropped.
    pub(crate) fn hashing(&self) -> impl Drop + '_ {
        Counted::new(&self.hashing)
    }

    /// A thread sends data until the returned value is dropped.
    pub(crate) fn sending(&self) -> impl Drop + '_ {
        Counted::new(&self.sending)
    }

    fn phase(&self) -> Phase {
        match PHASES[usize::from(self.step.load(Ordering::Acquire))] {
            Phase::Ended => Phase::Ended,
            _ if self.waiting.load(Ordering::Relaxed) > 0 => Phase::Waiting,
            Phase::Uploading if self.is_hashing() => Phase::Hashing,
            phase => phase,
        }
    }

    fn is_hashing(&self) -> bool {
        self.hashing.load(Ordering::Relaxed) > 0 && self.sending.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn complaints(&self) -> u32 {
        self.complaints.load(Ordering::Relaxed)
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn resumed(&self) -> (u32, u64) {
        (self.parts_resumed.load(Ordering::Relaxed), self.resumed.load(Ordering::Relaxed))
    }

    /// The rate of an earlier call, reported until this call has a rate of its own.
    pub(crate) fn expect_rate(&self, bytes_per_second: Option<u64>) {
        self.rate_so_far().expected = bytes_per_second.unwrap_or(0);
    }

    /// Bytes per second at `now`.
    pub(crate) fn rate(&self, now: Instant) -> u64 {
        let resumed = self.resumed.load(Ordering::Relaxed);
        let (done, _) = self.shown_bytes();
        self.rate_of(now, done.saturating_sub(resumed))
    }

    fn rate_of(&self, now: Instant, done: u64) -> u64 {
        self.rate_so_far().observe(now, done)
    }

    fn rate_so_far(&self) -> MutexGuard<'_, Rate> {
        unpoisoned(self.rate.lock())
    }

    /// The bytes done, which never decrease, and the total.
    fn shown_bytes(&self) -> (u64, u64) {
        let done = self.done.load(Ordering::Relaxed);
        let done = self.shown.fetch_max(done, Ordering::Relaxed).max(done);
        let total = self.total.load(Ordering::Relaxed);
        (done.min(total), total)
    }

    /// The progress at `now`. Others count on meanwhile: what says that a number is final is looked at before the number, and
    /// what is part of a number before the whole.
    pub(crate) fn progress(&self, now: Instant) -> Progress {
        let phase = self.phase();
        let is_open_ended = self.is_open_ended.load(Ordering::Acquire);
        let resumed = self.resumed.load(Ordering::Relaxed);
        let parts_done = self.parts_done.load(Ordering::Relaxed);
        let (done, total) = self.shown_bytes();
        let bytes_per_second = self.rate_of(now, done.saturating_sub(resumed));
        let known = |count| if is_open_ended { 0 } else { count };
        Progress {
            phase,
            total_bytes: if is_open_ended { 0 } else { total },
            done_bytes: done,
            resumed_bytes: resumed,
            sent_bytes: self.sent(),
            parts_total: known(self.parts_total.load(Ordering::Relaxed)),
            parts_done,
            bytes_per_second,
            eta: if is_open_ended { None } else { eta(total - done, bytes_per_second) },
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}

/// Counted as long as this value lives.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU32) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Counted(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long what is left takes at a rate; `None` when that cannot be told.
pub(crate) fn eta(left: u64, per_second: u64) -> Option<Duration> {
    match (left, per_second) {
        (0, _) => Some(Duration::ZERO),
        (_, 0) => None,
        (left, rate) => Some(Duration::from_secs_f64(left as f64 / rate as f64)),
    }
}

/// The bytes of one part that count as done, over all attempts to send it: a failed attempt takes nothing back.
pub(crate) struct PartMeter<'a> {
    meter: &'a Meter,
    furthest: u64,
}

impl<'a> PartMeter<'a> {
    pub(crate) fn new(meter: &'a Meter) -> Self {
        PartMeter { meter, furthest: 0 }
    }

    /// `count` more bytes were sent, which makes `position` in this attempt.
    pub(crate) fn sent(&mut self, count: u64, position: u64) {
        self.meter.sent.fetch_add(count, Ordering::Relaxed);
        if position > self.furthest {
            self.meter.done.fetch_add(position - self.furthest, Ordering::Relaxed);
            self.furthest = position;
        }
    }

    /// The server has the whole part.
    pub(crate) fn acknowledged(&mut self, part: &Part) {
        self.sent(0, part.size);
        self.meter.part_done();
    }
}

/// The rate over the last few seconds, from observed progress.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    seen: VecDeque<(Instant, u64)>,
    /// The rate of an earlier call; 0 if there was none.
    expected: u64,
}

const RATE_WINDOW: Duration = Duration::from_secs(5);

impl Rate {
    pub(crate) fn observe(&mut self, now: Instant, done: u64) -> u64 {
        self.seen.push_back((now, done));
        while self.seen.len() > 2 && now.saturating_duration_since(self.seen[1].0) >= RATE_WINDOW {
            self.seen.pop_front();
        }
        let (then, before) = self.seen[0];
        let time = now.saturating_duration_since(then).as_secs_f64();
        let seen = if time < 0.05 { 0.0 } else { done.saturating_sub(before) as f64 / time };
        if self.expected == 0 {
            return seen as u64;
        }
        // The longer it has been seen, the less counts what was expected.
        let weight = (time / RATE_WINDOW.as_secs_f64()).min(1.0);
        (seen * weight + self.expected as f64 * (1.0 - weight)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Part = Part { number: 1, offset: 0, size: 100 };

    #[test]
    fn a_retried_part_does_not_run_backwards_and_ends_exactly() {
        let meter = Meter::default();
        let now = Instant::now();
        meter.begin_round(250, 3);
        meter.part_resumed(150);
        let mut part = PartMeter::new(&meter);
        part.sent(80, 80);
        assert_eq!(meter.progress(now).done_bytes, 230);
        part.sent(30, 30);
        assert_eq!(meter.progress(now).done_bytes, 230, "the second try is behind the first");
        part.sent(70, 100);
        part.acknowledged(&PART);
        let progress = meter.progress(now);
        assert_eq!((progress.done_bytes, progress.resumed_bytes, progress.sent_bytes), (250, 150, 180));
        assert_eq!((progress.parts_done, progress.parts_total), (2, 3));
    }

    #[test]
    fn each_step_is_shown_as_its_phase() {
        let meter = Meter::default();
        for step in [Step::Preparing, Step::Uploading, Step::Verifying, Step::Completing, Step::Ended] {
            meter.enter(step);
            assert_eq!(format!("{:?}", meter.progress(Instant::now()).phase), format!("{step:?}"));
        }
    }

    #[test]
    fn waiting_is_shown_over_what_is_waited_for() {
        let meter = Meter::default();
        let phase = || meter.progress(Instant::now()).phase;
        meter.enter(Step::Uploading);
        let (one, other) = (meter.waiting(), meter.waiting());
        assert_eq!(phase(), Phase::Waiting);
        drop(one);
        assert_eq!(phase(), Phase::Waiting);
        drop(other);
        assert_eq!(phase(), Phase::Uploading);
        let _left = meter.waiting();
        meter.enter(Step::Ended);
        assert_eq!(phase(), Phase::Ended);
    }

    #[test]
    fn hashing_is_shown_while_nobody_sends() {
        let meter = Meter::default();
        let phase = || meter.progress(Instant::now()).phase;
        meter.enter(Step::Uploading);
        let hashing = meter.hashing();
        assert_eq!(phase(), Phase::Hashing);
        let sending = meter.sending();
        assert_eq!(phase(), Phase::Uploading);
        drop(sending);
        assert_eq!(phase(), Phase::Hashing);
        drop(hashing);
        assert_eq!(phase(), Phase::Uploading);
    }

    #[test]
    fn a_resume_begins_with_the_rate_of_the_earlier_call_and_comes_to_its_own() {
        let meter = Meter::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        meter.begin_round(10_000_000, 1);
        meter.part_resumed(4_000_000);
        meter.expect_rate(Some(100_000));
        let first = meter.progress(at(0));
        assert_eq!((first.bytes_per_second, first.eta), (100_000, Some(Duration::from_secs(60))));
        let mut part = PartMeter::new(&meter);
        let mut last = first.bytes_per_second;
        for tenth in 1..=60 {
            part.sent(2000, tenth * 2000);
            let rate = meter.progress(at(tenth * 100)).bytes_per_second;
            assert!(rate <= last && last - rate <= 4000, "from {last} to {rate} in a tenth of a second");
            last = rate;
        }
        assert_eq!(last, 20_000);
    }

    #[test]
    fn a_resume_that_stalls_has_no_rate_soon() {
        let meter = Meter::default();
        let start = Instant::now();
        meter.begin_round(100, 1);
        meter.expect_rate(Some(1000));
        assert_eq!(meter.progress(start).bytes_per_second, 1000);
        assert_eq!(meter.progress(start + RATE_WINDOW).bytes_per_second, 0);
    }

    #[test]
    fn a_restart_is_not_shown_as_a_step_back() {
        let meter = Meter::default();
        let now = Instant::now();
        meter.begin_round(100, 1);
        PartMeter::new(&meter).sent(60, 60);
        assert_eq!(meter.progress(now).done_bytes, 60);
        meter.begin_round(100, 1);
        assert_eq!(meter.progress(now).done_bytes, 60);
        PartMeter::new(&meter).sent(90, 90);
        assert_eq!(meter.progress(now).done_bytes, 90);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_leaves_out_resumed_bytes() {
        let meter = Meter::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        meter.begin_round(10_000_000, 1);
        meter.part_resumed(9_000_000);
        assert_eq!(meter.progress(at(0)).bytes_per_second, 0);
        let mut part = PartMeter::new(&meter);
        for tenth in 1..=100 {
            part.sent(1000, tenth * 1000);
            let progress = meter.progress(at(tenth * 100));
            assert!((9_500..=10_500).contains(&progress.bytes_per_second), "{progress:?}");
        }
        assert!((85..=95).contains(&meter.progress(at(10_000)).eta.unwrap().as_secs()));
        for tenth in 101..=160 {
            meter.progress(at(tenth * 100));
        }
        assert_eq!(meter.progress(at(16_000)).bytes_per_second, 0, "a stalled upload has no rate");
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
