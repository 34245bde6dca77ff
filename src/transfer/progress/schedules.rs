//! Workers that send, and who looks at the progress meanwhile, in many schedules.

use std::sync::Arc;

use shuttle::thread::{self, JoinHandle};

use super::*;
use crate::sync::now;
use crate::sync::schedules::in_every_schedule;

const PART: Part = Part { number: 1, offset: 0, size: 100 };

fn send(meter: &Meter) {
    let mut part = PartMeter::new(meter);
    part.sent(60, 60);
    part.sent(30, 30);
    part.sent(70, 100);
    part.acknowledged(&PART);
}

fn sender(meter: &Arc<Meter>) -> JoinHandle<()> {
    let meter = meter.clone();
    thread::spawn(move || send(&meter))
}

/// Looks at whatever moments: what was done stays so, and is no more than there is; what is said to be final is.
fn watcher(meter: &Arc<Meter>, total: u64) -> JoinHandle<()> {
    let meter = meter.clone();
    thread::spawn(move || {
        let mut last = Progress::default();
        for _ in 0..3 {
            let progress = meter.progress(now());
            assert!(progress.done_bytes >= last.done_bytes, "{progress:?} after {last:?}");
            assert!(progress.sent_bytes >= last.sent_bytes, "{progress:?} after {last:?}");
            assert!(progress.resumed_bytes <= progress.done_bytes, "{progress:?}");
            // 0 as long as the end of a stream is not known.
            assert!([0, total].contains(&progress.total_bytes), "{progress:?}");
            if progress.total_bytes > 0 {
                assert!(progress.done_bytes <= total, "{progress:?}");
                assert!(progress.parts_done <= progress.parts_total, "{progress:?}");
            }
            if progress.phase == Phase::Ended {
                assert_eq!(progress.done_bytes, total, "{progress:?}");
            }
            last = progress;
        }
    })
}

fn assert_done(meter: &Meter, parts: u32) {
    let Progress { total_bytes, done_bytes, parts_total, parts_done, .. } = meter.progress(now());
    assert_eq!((done_bytes, total_bytes), (u64::from(parts) * 100, u64::from(parts) * 100));
    assert_eq!((parts_done, parts_total), (parts, parts));
}

#[test]
fn progress_never_runs_backwards() {
    in_every_schedule(|| {
        let meter = Arc::new(Meter::default());
        meter.begin_round(300, 3);
        let watchers = [watcher(&meter, 300), watcher(&meter, 300)];
        meter.part_resumed(100);
        let senders = [sender(&meter), sender(&meter)];
        senders.into_iter().for_each(|thread| thread.join().unwrap());
        meter.enter(Step::Ended);
        watchers.into_iter().for_each(|thread| thread.join().unwrap());
        assert_done(&meter, 3);
    });
}

#[test]
fn no_more_of_a_stream_is_done_than_there_is() {
    in_every_schedule(|| {
        let meter = Arc::new(Meter::default());
        meter.begin_stream();
        let watchers = [watcher(&meter, 200), watcher(&meter, 200)];
        let senders = [false, true].map(|is_last| {
            meter.part_comes(100, is_last);
            sender(&meter)
        });
        senders.into_iter().for_each(|thread| thread.join().unwrap());
        meter.enter(Step::Ended);
        watchers.into_iter().for_each(|thread| thread.join().unwrap());
        assert_done(&meter, 2);
    });
}
