//! Who stops a batch, and uploads that begin meanwhile, in many schedules.

use shuttle::thread;

use super::*;
use crate::sync::schedules::in_every_schedule;

/// An upload that begins while the batch is stopped is stopped as well, and a cancel is the last word.
#[test]
fn no_upload_escapes_a_stop() {
    in_every_schedule(|| {
        let batch = Arc::new(BatchControl::new());
        let stops = [BatchControl::pause, BatchControl::cancel].map(|stop| {
            let batch = batch.clone();
            thread::spawn(move || stop(&batch))
        });
        let uploads = [0, 1].map(|_| {
            let batch = batch.clone();
            thread::spawn(move || {
                let control = Arc::new(Control::new());
                let _entered = batch.enter(RunningUpload { control: control.clone(), large: None });
                // It sleeps until it is stopped: time stands still.
                control.sleep(std::time::Duration::from_secs(3600), &control.begin_round());
                while control.stop_request() != StopRequest::Cancel {
                    thread::yield_now();
                }
            })
        });
        stops.into_iter().chain(uploads).for_each(|thread| thread.join().unwrap());
        assert!(batch.lock().uploads.is_empty());
    });
}
