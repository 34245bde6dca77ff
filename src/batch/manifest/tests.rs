//! What a manifest says after a power cut: nothing that was not recorded, and all that was safe.

mod carried_on;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;

use super::*;
use crate::error::ErrorKind;
use crate::os::power_cut::{PowerCut, fast_directory};
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

/// What was true after an operation that took the steps from `begins` to `ends`.
struct Entry {
    begins: usize,
    ends: usize,
    model: Model,
    /// When it had returned, what was true was safe.
    is_promise: bool,
}

fn header() -> HeaderRecord {
    HeaderRecord {
        manifest: String::new(),
        endpoint: "e".into(),
        bucket: "b".into(),
        prefix: "p/".into(),
        ..HeaderRecord::default()
    }
}

/// A child of another test has all open files between its fork and its exec, and so the lock of a manifest that was just
/// closed.
fn load(directory: &Path) -> crate::Result<Loaded> {
    loop {
        match open(&directory.join(NAME), &header(), "options", false, &LeaseWait::NONE) {
            Err(error) if error.kind() == ErrorKind::CheckpointBusy => std::thread::yield_now(),
            loaded => return loaded,
        }
    }
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

/// The file in `docs/manifest-format.md`, built by this code, and read by it.
#[test]
fn the_documented_example_is_true() {
    let document = include_str!("../../../docs/manifest-format.md");
    let example = document.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let header = HeaderRecord {
        manifest: "8f14e45fceea167a5a36dedd4bea2543".into(),
        endpoint: "https://oss-cn-hangzhou.aliyuncs.com".into(),
        bucket: "examplebucket".into(),
        prefix: "photos/".into(),
        ..HeaderRecord::default()
    };
    let options = "5f70bf18a0860070".to_owned();
    let stored = FileRecord {
        path: "2026/m%E9lange.jpg".into(),
        key: "photos/2026/m%E9lange.jpg".into(),
        size: 307_199,
        modified_ns: 1_750_000_000_123_456_789,
        changed_ns: 1_750_000_001_987_654_321,
        inode: 1_311_768,
        crc64: 17_316_241_934_517_465_329,
        etag: "5B3C1A2E053D763E1B002CC607C5A0FE".into(),
        ..FileRecord::default()
    };
    let error = ErrorRecord {
        message: "PutObject: the server refused the request".into(),
        retryable: false,
        http_status: 403,
        code: "AccessDenied".into(),
        request_id: "5C3D9175B6FC201293AD4890".into(),
    };
    let failed = FileRecord {
        path: "2026/secret.jpg".into(),
        key: "photos/2026/secret.jpg".into(),
        status: RecordStatus::Failed,
        error: Some(error),
        ..FileRecord::default()
    };
    let skipped = FileRecord {
        path: "Thumbs.db".into(),
        status: RecordStatus::Skipped,
        rule: "exclude: Thumbs.db".into(),
        ..FileRecord::default()
    };
    let end = record::EndRecord { end: 1, options, files: 3, failed: 1 };
    let (first, seal) = (line::Seal::new(""), line::Seal::new(&header.manifest));
    let mut text = crate::upload::checkpoint::line::MANIFEST.first_line(4242).into_bytes();
    text.extend(first.line(&serde_json::to_vec(&header).unwrap()));
    for record in [stored, failed, skipped] {
        text.extend(seal.line(&serde_json::to_vec(&record).unwrap()));
    }
    text.extend(seal.line(&serde_json::to_vec(&end).unwrap()));
    assert_eq!(example, String::from_utf8(text).unwrap(), "docs/manifest-format.md");

    let directory = fast_directory();
    fs::write(directory.path().join(NAME), example).unwrap();
    let mut loaded = open(&directory.path().join(NAME), &header, "5f70bf18a0860070", false, &LeaseWait::NONE).unwrap();
    let found = loaded.known.find(b"2026/m\xe9lange.jpg", "photos/2026/m%E9lange.jpg").unwrap().unwrap();
    assert!(found.has_these_options && !found.is_interrupted && found.record.size == 307_199);
    assert_eq!(loaded.known.failures().unwrap().len(), 1);
}

/// The manifests of two shards, both with the file "a".
fn shards(directory: &Path) -> [std::path::PathBuf; 2] {
    [0, 1].map(|shard_index| {
        let path = directory.join(format!("m{shard_index}"));
        let header = HeaderRecord { source: "list".into(), shard_index, shard_count: 2, ..header() };
        let Loaded { writer, known, .. } = open(&path, &header, "options", false, &LeaseWait::NONE).unwrap();
        writer.record(&record("a", 1)).unwrap();
        writer.finish(&known, true, 0).unwrap();
        path
    })
}

#[test]
fn a_file_that_is_not_of_its_shard_is_not_merged() {
    let directory = fast_directory();
    let (parts, out) = (shards(directory.path()), directory.path().join("out"));
    let error = merge(&out, &parts, &LeaseWait::NONE).unwrap_err();
    assert!(error.message().contains("has the file \"a\", which is of another shard"), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_manifest_with_a_damaged_line_is_not_merged() {
    let directory = fast_directory();
    let parts = shards(directory.path());
    let mut bytes = fs::read(&parts[0]).unwrap();
    let at = bytes.iter().rposition(|byte| *byte == b'x').unwrap();
    bytes[at] = b'y';
    fs::write(&parts[0], bytes).unwrap();
    let error = merge(&directory.path().join("out"), &parts, &LeaseWait::NONE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checkpoint);
    assert!(error.message().contains("damaged lines (1)"), "{error}");
}
