//! Threads that come, wait and leave, in many schedules.

use shuttle::sync::mpsc::channel;
use shuttle::thread;

use super::*;
use crate::sync::schedules::in_every_schedule;
use crate::sync::simulated::pass;

/// What is spawned by several threads runs, also when the thread that is called for it has just waited long enough; and when the
/// pool is dropped, every thread of it leaves at once.
fn work_runs_and_threads_leave(lingers: u32) {
    let pool = Arc::new(ThreadPool::default());
    let (tell, told) = channel();
    let spawners: Vec<_> = (0..2)
        .map(|_| {
            let (pool, tell) = (pool.clone(), tell.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    let tell = tell.clone();
                    pool.spawn(move || tell.send(()).unwrap()).unwrap();
                }
            })
        })
        .collect();
    let clock = thread::spawn(move || (0..lingers).for_each(|_| pass(LINGER)));
    (0..4).for_each(|_| told.recv().unwrap());
    spawners.into_iter().for_each(|spawner| spawner.join().unwrap());
    drop(pool);
    clock.join().unwrap();
}

#[test]
fn all_work_runs_and_all_threads_leave() {
    in_every_schedule(|| work_runs_and_threads_leave(0));
}

#[test]
fn all_work_runs_when_threads_give_up_waiting() {
    in_every_schedule(|| work_runs_and_threads_leave(3));
}
