//! What a manifest says after a power cut: nothing that was not recorded, and all that was safe.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;

use super::*;
use crate::os::power_cut::PowerCut;
use crate::os::trace::Trace;
use crate::source::lease::LeaseWait;

const NAME: &str = "manifest";
const PATHS: [&str; 4] = ["a", "a/b", "b", "c"];
const SECTORS: [usize; 2] = [512, 4096];
/// Lives of up to so many operations, and how many states of each moment are looked at.
const LIVES: usize = 200;
const OPERATIONS: usize = 10;
const STATES: usize = 12;

/// The size by which the record of each path is known.
type Model = BTreeMap<&'static str, u64>;

/// In memory where that is possible: what a disk would do is the model's business.
fn fast_directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    made.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// What was true after an operation that took the steps from `begins` to `ends`.
struct Entry {
    begins: usize,
    ends: usize,
    model: Model,
    /// When it had returned, what was true was safe.
    is_promise: bool,
}

fn header() -> HeaderRecord {
    HeaderRecord { manifest: String::new(), endpoint: "e".into(), bucket: "b".into(), prefix: "p/".into() }
}

fn load(directory: &Path) -> crate::Result<Loaded> {
    open(&directory.join(NAME), &header(), "options", &LeaseWait::NONE)
}

fn record(path: &str, size: u64) -> FileRecord<'_> {
    FileRecord { path: path.into(), key: path.into(), size, etag: "x".repeat(300).into(), ..FileRecord::default() }
}

/// Each record that the manifest has.
fn read(loaded: &mut Loaded) -> Model {
    let size = |path: &&'static str| {
        let found = loaded.known.find(path.as_bytes(), path).unwrap()?;
        assert_eq!(found.record.etag.len(), 300);
        Some((*path, found.record.size))
    };
    PATHS.iter().filter_map(size).collect()
}

/// A manifest is opened, written, made safe, sorted, and opened again.
fn live(directory: &Path, trace: &Arc<Trace>, rng: &mut Rng) -> Vec<Entry> {
    let steps = || trace.steps().len();
    let mut entries = vec![Entry { begins: 0, ends: 0, model: Model::new(), is_promise: true }];
    let mut loaded: Option<Loaded> = None;
    let mut size = 0;
    for _ in 0..rng.usize(1..=OPERATIONS) {
        let begins = steps();
        let mut model = entries.last().unwrap().model.clone();
        let mut is_promise = false;
        match (&mut loaded, rng.u32(..10)) {
            (None, _) => {
                let mut opened = load(directory).unwrap();
                assert_eq!(read(&mut opened), model);
                loaded = Some(opened);
            }
            (Some(open), 0..6) => {
                let path = PATHS[rng.usize(..PATHS.len())];
                size += 1;
                open.writer.record(&record(path, size)).unwrap();
                model.insert(path, size);
            }
            (Some(open), 6..8) => {
                open.writer.flush().unwrap();
                is_promise = true;
            }
            (Some(open), 8) => {
                open.writer.finish(&open.known, true, 0).unwrap();
                is_promise = true;
                loaded = None;
            }
            (Some(_), _) => loaded = None,
        }
        entries.push(Entry { begins, ends: steps(), model, is_promise });
    }
    entries
}

/// What may be true after so many steps, path by path: what was so when all was safe, or later.
fn judge(entries: &[Entry], steps: usize, found: &Model, what: &dyn Fn() -> String) {
    let oldest = entries.iter().rposition(|entry| entry.is_promise && entry.ends <= steps).unwrap_or(0);
    let newest = entries.iter().rposition(|entry| entry.begins < steps).unwrap_or(0).max(oldest);
    for path in PATHS {
        let allowed: Vec<_> = entries[oldest..=newest].iter().map(|entry| entry.model.get(path)).collect();
        assert!(
            allowed.contains(&found.get(path)),
            "{path}: {:?} found, {allowed:?} allowed {}",
            found.get(path),
            what()
        );
    }
}

#[test]
fn a_manifest_survives_a_power_cut_at_any_step() {
    let mut rng = Rng::with_seed(7);
    let mut states = 0;
    for life in 0..LIVES {
        let directory = fast_directory();
        let trace = Trace::of(directory.path());
        let entries = live(directory.path(), &trace, &mut rng);
        let steps = trace.steps();
        let after = fast_directory();
        for count in 0..=steps.len() {
            for _ in 0..STATES.min(count + 1) {
                let cut = PowerCut::after(&steps[..count], SECTORS[rng.usize(..2)]);
                let disk = cut.one(&mut rng);
                let path = after.path().join(NAME);
                let _ = fs::remove_file(&path);
                if let Some(content) = disk.get(OsStr::new(NAME)) {
                    fs::write(&path, content).unwrap();
                }
                let what = || format!("after {count} steps of life {life}: {steps:?}");
                let mut loaded = load(after.path()).unwrap_or_else(|error| panic!("{error} {}", what()));
                judge(&entries, count, &read(&mut loaded), &what);
                // It can be gone on with.
                loaded.writer.record(&record("c", 4242)).unwrap();
                drop(loaded);
                assert_eq!(read(&mut load(after.path()).unwrap()).get("c"), Some(&4242), "{}", what());
                states += 1;
            }
        }
    }
    println!("{states} states were opened");
    assert!(states > 15_000, "{states}");
}
