//! The power is cut after any step that the journal takes. What the next upload finds was so, and lacks at most what was
//! recorded after the last sync.

mod carried_on;
mod judge;
mod life;

use std::ffi::OsStr;

use fastrand::Rng;

use crate::os::power_cut::PowerCut;
use judge::{Allowed, Judge, state_of};
use life::{Kind, Life, NAME, Operation, State};

/// How many states are judged at least, in lives of up to [`LONGEST`] operations and in longer ones.
const STATES_OF_SHORT_LIVES: usize = 1_500_000;
const STATES_OF_LONG_LIVES: usize = 288_000;
const LONGEST: u32 = 4;

/// A disk tears writes at the smaller of these, or at the larger.
const SECTORS: [usize; 2] = [512, 4096];

/// Starts from nothing, from an upload of a file and of a stream, and from one whose end is torn.
fn starts() -> Vec<(Option<Vec<u8>>, State)> {
    let mut starts = vec![(None, State::Absent)];
    for kind in [Kind::File, Kind::Stream] {
        let mut life = Life::from(None, State::Absent);
        for operation in [Operation::Begin(kind), Operation::Opened, Operation::Part(1, 0)] {
            life.apply(operation).unwrap();
        }
        let state = life.state().clone();
        let content = life.content().unwrap();
        starts.push((Some(content.clone()), state.clone()));
        if kind == Kind::File {
            let torn = [&content[..], &[0; 300], b"}\n0123456789abcdef {\"type\":\"completing\"}\n"].concat();
            starts.push((Some(torn), state));
        }
    }
    starts
}

const OPERATIONS: [Operation; 10] = [
    Operation::Begin(Kind::OtherFile),
    Operation::Opened,
    Operation::Part(2, 0),
    Operation::Part(1, 1),
    Operation::Doubted,
    Operation::Completing,
    Operation::Rate(1000),
    Operation::Sync,
    Operation::Reopen,
    Operation::Remove,
];

/// Cuts the power after each step of the last operation: those before it are the last of shorter lives.
fn cut_last(life: &Life, mut each: impl FnMut(&PowerCut, usize)) {
    let steps = life.steps();
    let from = life.entries[life.entries.len() - 1].begins;
    for count in from..=steps.len() {
        each(&PowerCut::after(&steps[..count], SECTORS[0]), count);
    }
}

/// All ways to do `length` operations one after the other.
fn choices(length: u32) -> impl Iterator<Item = Vec<Operation>> {
    let base = OPERATIONS.len();
    (0..base.pow(length)).map(move |choice| (0..length).map(|at| OPERATIONS[choice / base.pow(at) % base]).collect())
}

/// An upload could do all this, one after the other, with a checkpoint in this state.
fn are_possible(state: &State, operations: &[Operation]) -> bool {
    let opened = Operation::Reopen.after(state);
    operations.iter().fold(opened, |state, operation| operation.after(&state?)).is_some()
}

#[test]
fn every_power_cut_in_every_short_life_loses_at_most_what_was_not_synced() {
    let mut judge = Judge::default();
    let mut lives = 0;
    for (content, state) in starts() {
        for operations in (1..=LONGEST).flat_map(choices).filter(|operations| are_possible(&state, operations)) {
            let mut life = Life::from(content.as_deref(), state.clone());
            operations.iter().for_each(|operation| life.apply(*operation).unwrap());
            lives += 1;
            cut_last(&life, |cut, count| {
                let allowed = Allowed::after(&life, count);
                cut.all(|disk| judge.judge(&allowed, &disk, || format!("{operations:?}, {count} steps")));
            });
        }
    }
    println!("{lives} lives, {} states, {} files read", judge.judged, judge.read);
    assert!(judge.judged >= STATES_OF_SHORT_LIVES);
}

/// Something that an upload could do next.
fn choose(rng: &mut Rng, state: &State) -> Operation {
    loop {
        let operation = match rng.u32(..40) {
            0 => Operation::Begin([Kind::File, Kind::OtherFile, Kind::Stream][rng.usize(..3)]),
            1 => Operation::Doubted,
            2 => Operation::Completing,
            3 => Operation::Rate([1000, 2000, 4000][rng.usize(..3)]),
            4..7 => Operation::Sync,
            7..9 => Operation::Reopen,
            9 => Operation::Remove,
            10..13 => Operation::Opened,
            _ => Operation::Part(rng.u32(1..=30), rng.u64(..1000)),
        };
        // A header alone is no life.
        let is_short = matches!(operation, Operation::Begin(_) | Operation::Remove) && rng.u32(..4) > 0;
        if !is_short && operation.after(state).is_some() {
            return operation;
        }
    }
}

/// The power is cut again and again: what is left goes on, with all that it was before.
#[test]
fn power_cuts_in_long_lives_lose_at_most_what_was_not_synced() {
    const LIVES: u64 = 150;
    const POWER_CUTS: usize = 4;
    const MOMENTS: usize = 12;
    const STATES: usize = 40;
    let mut judge = Judge::default();
    for seed in 0..LIVES {
        let mut rng = Rng::with_seed(seed);
        let mut life = Life::from(None, State::Absent);
        for power_cut in 0..POWER_CUTS {
            for _ in 0..rng.u32(1..60) {
                let operation = choose(&mut rng, life.state());
                life.apply(operation).unwrap();
            }
            let steps = life.steps();
            let mut last = None;
            for _ in 0..MOMENTS {
                // The first step is that it was there, or is made.
                let count = rng.usize(1..=steps.len());
                let cut = PowerCut::after(&steps[..count], SECTORS[rng.usize(..2)]);
                let allowed = Allowed::after(&life, count);
                for _ in 0..STATES {
                    let disk = cut.one(&mut rng);
                    judge.judge(&allowed, &disk, || format!("power cut {power_cut} of seed {seed}, {count} steps"));
                    last = Some((allowed.past_length(), disk));
                }
            }
            let (past, disk) = last.unwrap();
            let content = disk.get(OsStr::new(NAME));
            let state = content.map_or(State::Absent, |content| state_of(content));
            life.entries.truncate(past);
            life = Life::after(life.entries, content.map(Vec::as_slice), state);
        }
    }
    println!("{} states, {} files read", judge.judged, judge.read);
    assert!(judge.judged >= STATES_OF_LONG_LIVES);
}
