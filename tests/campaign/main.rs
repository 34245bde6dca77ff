//! Random runs: files, options, languages, faults, kills, pauses, changes of the file, steps of the clock, credentials,
//! policies, two processes at once, lost checkpoints. After each call, the server's log and what is stored are judged.
//!
//! All choices follow from the seed of the run, which is the number that a failure names. `make campaign SEED=1 RUNS=10000`
//! has seeds 1 to 10,000, `make campaign SEED=4711 RUNS=1` repeats one run (not its exact moments, which are the machine's).
#![cfg(target_os = "linux")]

mod batch;
#[path = "../scenarios/commands.rs"]
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod drive;
#[path = "../scenarios/executor.rs"]
mod executor;
mod executors;
mod faults;
#[path = "../c/header_text.rs"]
mod header_text;
mod judge;
#[path = "../scenarios/languages.rs"]
mod languages;
mod plan;
#[path = "../scenarios/rust.rs"]
mod rust;
#[path = "../scenarios/rust_batch.rs"]
mod rust_batch;
#[path = "../c/toolchain.rs"]
mod toolchain;

use std::any::Any;
use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use executors::Executors;
use fastrand::Rng;
use plan::Plan;

const RUNS: u64 = 200;
/// Runs at the same time; most of their time is waiting.
const AT_ONCE: usize = 4;
/// One in so many runs is a batch.
const BATCHES: u32 = 6;

/// What happened in all runs, by name.
#[derive(Debug, Default)]
pub struct Count(BTreeMap<String, u32>);

impl Count {
    pub fn add(&mut self, what: impl std::fmt::Debug) {
        let text = format!("{what:?}");
        let name = text.split(['(', ' ', '{']).next().unwrap_or_default();
        *self.0.entry(name.to_owned()).or_default() += 1;
    }
}

#[test]
fn whatever_happens_the_object_is_the_file_or_there_is_none() {
    // Without a word, always the same: a failure must have to do with what was changed.
    let chosen = number("OSS_RUNS");
    let runs = chosen.unwrap_or(RUNS);
    let first = number("OSS_SEED").unwrap_or_else(|| if chosen.is_some() { fastrand::u64(..1_000_000_000) } else { 1 });
    println!("to repeat: make campaign SEED={first} RUNS={runs}");
    let tools = tempfile::tempdir().expect("a folder for the programs");
    let commands = commands::prepare(tools.path());
    let (next, failures, count) = (AtomicU64::new(first), Mutex::new(Vec::new()), Mutex::new(Count::default()));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut executors = Executors::new(&commands);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + runs {
                        return executors.end();
                    }
                    let mut done = Count::default();
                    let ended = catch_unwind(AssertUnwindSafe(|| run(seed, &mut executors, &mut done)));
                    if let Err(panic) = ended {
                        let words = words_of(&*panic);
                        let failure =
                            format!("make campaign SEED={seed} RUNS=1: {words}\n{}", plan_of(seed, &executors));
                        println!("{failure}");
                        failures.lock().unwrap().push(failure);
                        // Who knows what they are about.
                        executors = Executors::new(&commands);
                    }
                    let mut count = count.lock().unwrap();
                    done.0.into_iter().for_each(|(name, times)| *count.0.entry(name).or_default() += times);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{runs} runs in {:.1} s: {:?}", start.elapsed().as_secs_f32(), count.into_inner().unwrap().0);
    assert!(failures.is_empty(), "{} runs failed:\n{}", failures.len(), failures.join("\n"));
}

fn is_batch(rng: &mut Rng) -> bool {
    rng.u32(..BATCHES) == 0
}

fn plan_of(seed: u64, executors: &Executors<'_>) -> String {
    let mut rng = Rng::with_seed(seed);
    if is_batch(&mut rng) { "a batch".into() } else { format!("{:?}", Plan::choose(&mut rng, executors.languages())) }
}

fn run(seed: u64, executors: &mut Executors<'_>, count: &mut Count) {
    let mut rng = Rng::with_seed(seed);
    if is_batch(&mut rng) {
        batch::run(&mut rng, executors, count);
    } else {
        let plan = Plan::choose(&mut rng, executors.languages());
        drive::run(&plan, &mut rng, executors, count);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
