//! Files that are found and uploaded, and who looks at the batch's progress meanwhile, in many schedules.

use std::sync::Arc;

use shuttle::thread;

use super::super::control::RunningUpload;
use super::*;
use crate::sync::now;
use crate::sync::schedules::in_every_schedule;
use crate::transfer::{Control, PartMeter};

const SIZE: u64 = 100;

/// As a large file is uploaded: it is in work, and then done.
fn upload(meter: &BatchMeter, control: &BatchControl) {
    let of_file = Arc::new(Meter::default());
    of_file.begin_round(SIZE, 1);
    let running = RunningUpload { control: Arc::new(Control::new()), large: Some((of_file.clone(), "file".into())) };
    let entered = control.enter(running);
    let mut part = PartMeter::new(&of_file);
    part.sent(60, 60);
    part.sent(40, 100);
    drop(entered);
    meter.settled(&BatchOutcome { status: OutcomeStatus::Stored, size: SIZE, ..BatchOutcome::default() });
}

#[test]
fn no_file_is_counted_twice_and_the_end_is_the_end() {
    in_every_schedule(|| {
        let batch = Arc::new((BatchMeter::default(), BatchControl::new()));
        let watchers = [0, 1].map(|_| {
            let batch = batch.clone();
            thread::spawn(move || {
                let mut last = 0;
                for _ in 0..3 {
                    let progress = batch.0.progress(&batch.1, now());
                    assert!(progress.bytes_done >= last, "{progress:?} after {last}");
                    assert!(progress.bytes_done <= progress.bytes_found, "{progress:?}");
                    assert!(progress.files_stored <= progress.files_found, "{progress:?}");
                    if progress.totals_known {
                        assert_eq!((progress.files_found, progress.bytes_found), (2, 2 * SIZE), "{progress:?}");
                    }
                    if progress.ended {
                        assert_eq!((progress.files_stored, progress.bytes_done), (2, 2 * SIZE), "{progress:?}");
                    }
                    last = progress.bytes_done;
                }
            })
        });
        let uploads = [0, 1].map(|_| {
            batch.0.found(SIZE);
            let batch = batch.clone();
            thread::spawn(move || upload(&batch.0, &batch.1))
        });
        batch.0.all_found();
        uploads.into_iter().for_each(|thread| thread.join().unwrap());
        batch.0.end();
        watchers.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
