//! Who stops an upload, and who sleeps meanwhile, in many schedules.

use shuttle::thread;

use super::*;
use crate::sync::schedules::in_every_schedule;

const LONG: Duration = Duration::from_secs(3600);

/// Time stands still: who sleeps in a round wakes since it is stopped, by whatever stops it.
#[test]
fn whatever_stops_a_round_wakes_its_sleepers() {
    in_every_schedule(|| {
        let control = Arc::new(Control::new());
        let round = control.begin_round();
        let sleepers = [0, 1].map(|_| {
            let (control, round) = (control.clone(), round.clone());
            thread::spawn(move || control.sleep(LONG, &round))
        });
        control.halt(&round);
        // Before anything else wakes them.
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
        let next = control.begin_round();
        let sleeper = {
            let (control, next) = (control.clone(), next.clone());
            thread::spawn(move || control.sleep(LONG, &next))
        };
        control.pause();
        sleeper.join().unwrap();
    });
}

/// Whatever comes first, a cancel stays one, and stops the round that runs and all that begin.
#[test]
fn no_round_runs_past_a_cancel() {
    in_every_schedule(|| {
        let control = Arc::new(Control::new());
        for ask in [Control::pause, Control::cancel] {
            let control = control.clone();
            thread::spawn(move || ask(&control));
        }
        for _ in 0..2 {
            let round = control.begin_round();
            control.sleep(LONG, &round);
            assert!(round.load(Ordering::Relaxed));
        }
        while control.stop_request() != StopRequest::Cancel {
            thread::yield_now();
        }
    });
}
