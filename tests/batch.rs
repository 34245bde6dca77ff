//! Many files: each ends as exactly one outcome, what is in the bucket is what is in the folder, and what was stored is not
//! sent again.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::*;
use oss_server::{Config, Server};
use oss_upload::{
    Batch, BatchEnd, BatchMode, BatchOptions, BatchOutcome, BatchSource, Client, ErrorKind, KeyEncoding, NextOutcome,
    OnFileChange, OutcomeStatus, PartSize, Routines, Symlinks, merge_manifests,
};

/// A folder, a server, and a client for it.
struct Stage {
    server: Server,
    client: Client,
    dir: tempfile::TempDir,
}

/// What came of a batch.
struct Ended {
    end: BatchEnd,
    /// By path.
    outcomes: BTreeMap<PathBuf, BatchOutcome>,
}

impl Stage {
    fn new() -> Stage {
        let server = server();
        let client = client(&server);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("tree")).unwrap();
        Stage { server, client, dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    fn manifest(&self) -> PathBuf {
        self.dir.path().join("manifest")
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The smallest parts, so that files of few bytes are large.
    fn options(&self) -> BatchOptions {
        BatchOptions {
            bucket: BUCKET.into(),
            key_prefix: "p/".into(),
            source: BatchSource::Directory(self.root()),
            part_size: PartSize::Bytes(PART),
            outcomes: true,
            ..BatchOptions::default()
        }
    }

    fn start(&self, edit: impl FnOnce(&mut BatchOptions)) -> Batch {
        let mut options = self.options();
        edit(&mut options);
        self.client.start_batch(options).unwrap()
    }

    fn run(&self, edit: impl FnOnce(&mut BatchOptions)) -> Ended {
        finish_batch(&self.start(edit))
    }

    /// With a manifest.
    fn keep(&self, edit: impl FnOnce(&mut BatchOptions)) -> Ended {
        self.run(|options| {
            options.manifest = Some(self.manifest());
            edit(options);
        })
    }

    fn puts(&self) -> usize {
        requests(&self.server, "PutObject").len()
    }

    /// The bucket has these files of the folder, byte for byte, and nothing else.
    fn assert_bucket(&self, paths: &[&str]) {
        let mut keys = self.server.objects(BUCKET);
        keys.sort();
        let mut expected: Vec<_> = paths.iter().map(|path| format!("p/{path}")).collect();
        expected.sort();
        assert_eq!(keys, expected);
        for path in paths {
            assert_stored(&self.server, &format!("p/{path}"), &self.root().join(path));
        }
    }
}

fn finish_batch(batch: &Batch) -> Ended {
    let mut outcomes = BTreeMap::new();
    loop {
        match batch.next_outcome(Duration::from_secs(60)) {
            NextOutcome::Outcome(outcome) => {
                let before = outcomes.insert(outcome.path.clone(), *outcome);
                assert!(before.is_none(), "{before:?} came twice");
            }
            NextOutcome::Pending => panic!("the batch hangs: {:?}", batch.progress()),
            NextOutcome::End => break,
        }
    }
    let end = batch.wait(Duration::from_secs(60)).expect("it ends soon after its last outcome");
    Ended { end, outcomes }
}

impl Ended {
    fn status(&self, path: &str) -> OutcomeStatus {
        self.outcome(path).status
    }

    fn outcome(&self, path: &str) -> &BatchOutcome {
        self.outcomes.get(Path::new(path)).unwrap_or_else(|| panic!("no outcome of {path}: {:?}", self.outcomes.keys()))
    }

    fn why(&self, path: &str) -> String {
        let outcome = self.outcome(path);
        assert_eq!(outcome.status, OutcomeStatus::Failed, "{outcome:?}");
        outcome.error.as_ref().unwrap().to_string()
    }

    fn statuses(&self) -> BTreeMap<&str, OutcomeStatus> {
        self.outcomes.iter().map(|(path, outcome)| (path.to_str().unwrap(), outcome.status)).collect()
    }

    #[track_caller]
    fn assert_ok(&self) {
        assert!(self.end.error.is_none(), "{:?}", self.end);
    }
}

use OutcomeStatus::{Failed, Planned, Skipped, Stored, Unchanged};

#[test]
fn a_folder_is_stored_byte_for_byte() {
    let stage = Stage::new();
    let large = content(3 * PART as usize + 5, 7);
    for (path, content) in [("a", b"1".as_slice()), ("b/c", b""), ("b/d/e", b"22"), ("large", &large), ("ü €", b"3")]
    {
        stage.write(path, content);
    }
    let ended = stage.run(|_| ());
    ended.assert_ok();
    assert!(ended.outcomes.values().all(|outcome| outcome.status == Stored && outcome.attempts > 0));
    let large = ended.outcome("large");
    assert_eq!((large.key.as_str(), large.size), ("p/large", 3 * PART + 5));
    assert_ne!(large.crc64, 0);
    let result = &ended.end.result;
    assert_eq!((result.files_stored, result.bytes_stored, result.files_failed), (5, 3 * PART + 9, 0));
    stage.assert_bucket(&["a", "b/c", "b/d/e", "large", "ü €"]);
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let stage = Stage::new();
    let large = content(3 * PART as usize, 7);
    let files = [("a", b"1".as_slice()), ("b/c", b"22"), ("b/large", &large)];
    files.iter().for_each(|(path, content)| stage.write(path, content));
    stage.keep(|_| ()).assert_ok();
    let manifest = fs::read(stage.manifest()).unwrap();
    stage.server.clear_log();

    let ended = stage.keep(|o| o.mode = BatchMode::Changed);
    ended.assert_ok();
    assert_eq!(ended.end.result.files_unchanged, 3);
    assert!(stage.server.log().is_empty(), "no request");

    // Fresh times: the content is compared. Another content of the same size is sent.
    files.iter().for_each(|(path, content)| stage.write(path, content));
    stage.write("b/c", b"33");
    let ended = stage.keep(|o| o.mode = BatchMode::Changed);
    ended.assert_ok();
    assert_eq!(ended.statuses(), [("a", Unchanged), ("b/c", Stored), ("b/large", Unchanged)].into());
    assert_eq!((stage.puts(), requests(&stage.server, "UploadPart").len()), (1, 0));
    stage.assert_bucket(&["a", "b/c", "b/large"]);
    assert_ne!(fs::read(stage.manifest()).unwrap(), manifest);

    // A batch that uploads everything does so.
    stage.server.clear_log();
    stage.keep(|_| ()).assert_ok();
    assert_eq!((stage.puts(), requests(&stage.server, "UploadPart").len()), (2, 3));
}

#[test]
fn the_manifest_is_sorted_and_forgets_what_is_gone() {
    let stage = Stage::new();
    for path in ["b", "a/z", "a-b", "c/d", "a"].iter().filter(|path| **path != "a") {
        stage.write(path, path.as_bytes());
    }
    stage.keep(|_| ()).assert_ok();
    let paths = |stage: &Stage| {
        let text = fs::read_to_string(stage.manifest()).unwrap();
        let path =
            |line: &str| line.split_once("{\"path\":\"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
        text.lines().filter_map(path).collect::<Vec<_>>()
    };
    assert_eq!(paths(&stage), ["a-b", "a/z", "b", "c/d"]);
    fs::remove_file(stage.root().join("b")).unwrap();
    stage.write("aa", b"new");
    stage.keep(|o| o.mode = BatchMode::Changed).assert_ok();
    assert_eq!(paths(&stage), ["a-b", "a/z", "aa", "c/d"]);
    assert_eq!(fs::read_dir(stage.dir.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn rules_leave_files_out_and_say_which() {
    let stage = Stage::new();
    for path in ["a.txt", "a.log", "keep.log", "build/x", "src/deep/y.txt", "src/z.tmp", "src/.ossignore"] {
        stage.write(path, b"*.tmp\n");
    }
    let ended = stage.run(|o| {
        o.exclude = "*.log\n!keep.log\n/build/\n".into();
        o.ignore_files = true;
    });
    ended.assert_ok();
    assert_eq!(
        ended.statuses(),
        [
            ("a.log", Skipped),
            ("a.txt", Stored),
            ("build", Skipped),
            ("keep.log", Stored),
            ("src/.ossignore", Stored),
            ("src/deep/y.txt", Stored),
            ("src/z.tmp", Skipped),
        ]
        .into()
    );
    assert_eq!(ended.outcome("a.log").rule, "exclude: *.log");
    assert_eq!(ended.outcome("build").rule, "exclude: /build/");
    assert_eq!(ended.outcome("src/z.tmp").rule, ".ossignore: *.tmp");
    let ended = stage.run(|o| o.include = "*.txt\nbuild/".into());
    let stored: Vec<_> = ended.statuses().into_iter().filter(|(_, status)| *status == Stored).map(|(p, _)| p).collect();
    assert_eq!(stored, ["a.txt", "build/x", "src/deep/y.txt"]);
    let mut options = stage.options();
    options.exclude = "a{b".into();
    let error = stage.client.start_batch(options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[cfg(unix)]
#[test]
fn links_and_what_is_no_file_are_named() {
    let stage = Stage::new();
    stage.write("sub/file", b"x");
    system::symlink("sub/file", stage.root().join("to-file")).unwrap();
    system::symlink("sub", stage.root().join("to-folder")).unwrap();
    system::symlink("..", stage.root().join("sub/loop")).unwrap();
    system::symlink("nowhere", stage.root().join("dangling")).unwrap();
    let _socket = UnixListener::bind(stage.root().join("socket")).unwrap();

    let ended = stage.run(|_| ());
    assert_eq!(ended.end.error.as_ref().unwrap().kind(), ErrorKind::FilesFailed);
    assert_eq!(ended.outcome("socket").rule, "it is a socket");
    assert!(ended.why("dangling").contains("No such file"));
    assert!(ended.why("sub/loop").contains("leads back"));
    assert_eq!((ended.status("to-file"), ended.status("to-folder/file")), (Stored, Stored));

    let ended = stage.run(|o| o.symlinks = Symlinks::Skip);
    ended.assert_ok();
    for link in ["to-file", "to-folder", "sub/loop", "dangling"] {
        assert_eq!(ended.outcome(link).rule, "it is a symbolic link");
    }
    let ended = stage.run(|o| o.symlinks = Symlinks::Refuse);
    assert_eq!((ended.end.result.files_failed, ended.status("sub/file")), (4, Stored));
}

#[test]
fn names_that_are_no_keys_fail_or_are_encoded() {
    let stage = Stage::new();
    let bad = system::not_unicode();
    fs::write(stage.root().join(&bad), b"x").unwrap();
    stage.write("50%", b"y");
    let ended = stage.keep(|_| ());
    let outcome = &ended.outcomes[Path::new(&bad)];
    assert!(outcome.error.as_ref().unwrap().to_string().contains("key_encoding"));
    assert_eq!(ended.status("50%"), Stored);
    // It is retried from the manifest, whose line has the name's bytes.
    let ended = stage.keep(|o| {
        o.mode = BatchMode::RetryFailed;
        o.key_encoding = KeyEncoding::Percent;
    });
    ended.assert_ok();
    assert_eq!(ended.outcomes.len(), 1);
    let key = if cfg!(windows) { "p/m%ED%A0%80.txt" } else { "p/m%E9.txt" };
    assert_eq!(ended.outcomes[Path::new(&bad)].key, key);
}

#[test]
fn pairs_are_pushed_and_no_key_comes_twice() {
    let stage = Stage::new();
    stage.write("a", b"1");
    stage.write("b", b"2");
    let root = stage.root();
    let batch = stage.start(|o| o.source = BatchSource::Pushed);
    batch.add(&root.join("a"), Some("x/1")).unwrap();
    batch.add(&root.join("b"), Some("x/1")).unwrap();
    batch.add(&root.join("missing"), Some("x/2")).unwrap();
    batch.add(&root, Some("x/3")).unwrap();
    batch.add(&root.join("b"), Some("")).unwrap();
    batch.seal();
    assert!(batch.add(&root.join("a"), Some("x/4")).is_err());
    let mut statuses = Vec::new();
    while let NextOutcome::Outcome(outcome) = batch.next_outcome(Duration::from_secs(60)) {
        statuses.push((outcome.key.clone(), outcome.status));
    }
    statuses.sort_by(|a, b| (&a.0, a.1 as u8).cmp(&(&b.0, b.1 as u8)));
    let expected = [("", Failed), ("x/1", Stored), ("x/1", Failed), ("x/2", Failed), ("x/3", Failed)];
    assert_eq!(statuses, expected.map(|(key, status)| (key.to_owned(), status)));
    assert_eq!(stage.server.objects(BUCKET), ["x/1"]);
    assert_eq!(stage.server.object(BUCKET, "x/1").unwrap().bytes, b"1".as_slice());
}

#[test]
fn who_adds_more_than_is_uploaded_can_do_something_else_meanwhile() {
    let stage = Stage::new();
    let batch = stage.start(|o| o.source = BatchSource::Pushed);
    let (mut outcomes, mut was_full) = (0, false);
    // More than wait to be uploaded and to be taken together. They are not there, so each ends at once.
    for number in 0..4000 {
        let (path, key) = (stage.root().join(number.to_string()), number.to_string());
        while !batch.try_add(&path, Some(&key), Duration::ZERO).unwrap() {
            was_full = true;
            // On one thread: without this, nothing would go on.
            while let NextOutcome::Outcome(_) = batch.next_outcome(Duration::from_millis(1)) {
                outcomes += 1;
            }
        }
    }
    batch.seal();
    assert!(was_full);
    assert!(batch.try_add(&stage.root(), Some("late"), Duration::MAX).is_err());
    assert_eq!(outcomes + finish_unordered(&batch).len(), 4000);
}

#[test]
fn a_list_names_paths_and_keys() {
    let stage = Stage::new();
    stage.write("a", b"1");
    stage.write("b\nc", b"2");
    let root = stage.root().display().to_string();
    let list = stage.dir.path().join("list");
    fs::write(&list, format!("{root}/a\tkey of a\r\n\n{root}/a\n")).unwrap();
    let run = |null_separated| stage.run(|o| o.source = BatchSource::List { path: list.clone(), null_separated });
    let ended =
        finish_unordered(&stage.start(|o| o.source = BatchSource::List { path: list.clone(), null_separated: false }));
    let prefixed = format!("p{root}/a");
    assert_eq!(ended, [("key of a".to_owned(), Stored), (prefixed, Stored)]);
    fs::write(&list, format!("{root}/b\nc\tbc\0")).unwrap();
    run(true).assert_ok();
    assert_eq!(stage.server.object(BUCKET, "bc").unwrap().bytes, b"2".as_slice());
}

fn finish_unordered(batch: &Batch) -> Vec<(String, OutcomeStatus)> {
    let mut outcomes = Vec::new();
    while let NextOutcome::Outcome(outcome) = batch.next_outcome(Duration::from_secs(60)) {
        outcomes.push((outcome.key.clone(), outcome.status));
    }
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    outcomes
}

#[test]
fn empty_folders_and_times_are_kept_on_request() {
    let stage = Stage::new();
    fs::create_dir_all(stage.root().join("empty/inner")).unwrap();
    stage.write("a", b"1");
    let time = std::time::UNIX_EPOCH + Duration::new(1_354_040_105, 120_000_000);
    fs::File::options().write(true).open(stage.root().join("a")).unwrap().set_modified(time).unwrap();
    let ended = stage.keep(|o| (o.empty_directories, o.keep_mtime) = (true, true));
    ended.assert_ok();
    assert_eq!(stage.server.objects(BUCKET), ["p/a", "p/empty/inner/"]);
    let meta = &stage.server.object(BUCKET, "p/a").unwrap().headers;
    assert!(format!("{meta:?}").contains("1354040105.12"), "{meta:?}");
    stage.server.clear_log();
    stage.keep(|o| (o.empty_directories, o.keep_mtime, o.mode) = (true, true, BatchMode::Changed)).assert_ok();
    assert!(stage.server.log().is_empty());
    // With other headers the objects are to be others.
    stage.keep(|o| (o.empty_directories, o.mode) = (true, BatchMode::Changed)).assert_ok();
    assert_eq!(stage.puts(), 2);
}

#[test]
fn a_dry_run_sends_nothing_and_leaves_nothing() {
    let stage = Stage::new();
    stage.write("a", b"1");
    let ended = stage.keep(|o| o.dry_run = true);
    ended.assert_ok();
    assert_eq!((ended.status("a"), stage.manifest().exists()), (Planned, false));
    assert!(stage.server.log().is_empty());
}

#[test]
fn shards_divide_the_files() {
    let stage = Stage::new();
    let paths: Vec<_> = (0..50).map(|number| format!("{number}")).collect();
    paths.iter().for_each(|path| stage.write(path, path.as_bytes()));
    let mut sizes = Vec::new();
    for index in 0..3 {
        let ended = stage.run(|o| (o.shard_index, o.shard_count) = (index, 3));
        ended.assert_ok();
        sizes.push(ended.outcomes.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 50);
    assert!(sizes.iter().all(|size| *size > 5), "{sizes:?}");
    stage.assert_bucket(&paths.iter().map(String::as_str).collect::<Vec<_>>());
}

impl Stage {
    fn shard_manifest(&self, index: u32) -> PathBuf {
        self.dir.path().join(format!("manifest-{index}"))
    }

    /// Uploads shard `index` of 3, with a manifest of its own.
    fn shard(&self, index: u32, edit: impl FnOnce(&mut BatchOptions)) -> Ended {
        self.run(|options| {
            (options.shard_index, options.shard_count) = (index, 3);
            options.manifest = Some(self.shard_manifest(index));
            edit(options);
        })
    }

    fn merge(&self, shards: &[u32]) -> oss_upload::Result<()> {
        let parts: Vec<_> = shards.iter().map(|index| self.shard_manifest(*index)).collect();
        merge_manifests(self.manifest(), &parts)
    }

    /// Fifty files, an empty folder, one file that is left out, and a path of which no key can be made.
    fn of_all_sorts() -> Stage {
        let stage = Stage::new();
        (0..50).for_each(|number| stage.write(&format!("d/{number}"), format!("{number}").as_bytes()));
        fs::create_dir(stage.root().join("empty")).unwrap();
        stage.write("left-out", b"x");
        let no_key = stage.root().join(system::no_key());
        fs::create_dir_all(no_key.parent().unwrap()).unwrap();
        fs::write(no_key, "x").unwrap();
        stage
    }

    fn all_sorts(options: &mut BatchOptions) {
        (options.empty_directories, options.exclude) = (true, "left-out".into());
    }
}

#[test]
fn everything_is_in_exactly_one_shard() {
    let stage = Stage::of_all_sorts();
    let mut seen: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for index in 0..3 {
        for path in stage.shard(index, Stage::all_sorts).outcomes.into_keys() {
            *seen.entry(path).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 53, "{seen:?}");
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
}

/// What is a file for one machine may be none any more for another.
#[test]
fn what_changes_meanwhile_stays_in_its_shard() {
    let stage = Stage::new();
    let paths: Vec<_> = (0..20).map(|number| format!("{number}")).collect();
    paths.iter().for_each(|path| stage.write(path, b"x"));
    let shards = |edit: fn(&mut BatchOptions)| {
        let of = |index| stage.shard(index, edit).outcomes.into_keys().map(move |path| (path, index));
        (0..3).flat_map(of).collect::<BTreeMap<_, _>>()
    };
    let before = shards(|_| ());
    for path in &paths {
        fs::remove_file(stage.root().join(path)).unwrap();
        system::symlink("nowhere", stage.root().join(path)).unwrap();
    }
    assert_eq!(shards(|o| o.symlinks = Symlinks::Skip), before);
    assert_eq!(shards(|o| o.symlinks = Symlinks::Refuse), before);
    assert_eq!(shards(|o| o.exclude = "*".into()), before);
}

#[test]
fn a_folder_that_cannot_be_looked_at_is_forgotten_by_no_shard() {
    let stage = Stage::of_all_sorts();
    for index in 0..3 {
        stage.shard(index, |_| ());
    }
    fs::rename(stage.root().join("d"), stage.dir.path().join("elsewhere")).unwrap();
    system::symlink(stage.dir.path().join("elsewhere"), stage.root().join("d")).unwrap();
    for index in 0..3 {
        stage.shard(index, |o| (o.symlinks, o.mode) = (Symlinks::Refuse, BatchMode::Changed));
    }
    fs::remove_file(stage.root().join("d")).unwrap();
    fs::rename(stage.dir.path().join("elsewhere"), stage.root().join("d")).unwrap();
    stage.server.clear_log();
    for index in 0..3 {
        stage.shard(index, |o| o.mode = BatchMode::Changed);
    }
    assert_eq!(stage.puts(), 0, "what was stored is known");
}

#[test]
fn merged_manifests_are_that_of_the_whole_batch() {
    let stage = Stage::of_all_sorts();
    for index in 0..3 {
        stage.shard(index, Stage::all_sorts);
    }
    stage.merge(&[2, 0, 1]).unwrap();
    // And once more, over the one that is there.
    stage.merge(&[0, 1, 2]).unwrap();
    stage.server.clear_log();
    let changed = stage.keep(|o| {
        Stage::all_sorts(o);
        o.mode = BatchMode::Changed;
    });
    let ended = &changed.end.result;
    assert_eq!((ended.files_unchanged, ended.files_skipped, ended.files_failed, stage.puts()), (51, 1, 1, 0));
    for mode in [BatchMode::Verify, BatchMode::VerifyFull] {
        let verified = stage.keep(|o| o.mode = mode);
        assert_eq!(verified.end.result.files_unchanged, 51, "{mode:?}");
        assert_eq!(verified.end.result.files_failed, 0, "{mode:?}");
    }
    // A shard may verify its part by the whole manifest, which is not written then.
    let of_shards = (0..3).map(|index| {
        let verified = stage.shard(index, |o| (o.mode, o.manifest) = (BatchMode::Verify, Some(stage.manifest())));
        verified.end.result.files_unchanged
    });
    assert_eq!(of_shards.sum::<u64>(), 51);
}

#[test]
fn manifests_that_do_not_belong_together_are_not_merged() {
    let stage = Stage::of_all_sorts();
    for index in 0..3 {
        stage.shard(index, |_| ());
    }
    let refusal = |merged: oss_upload::Result<()>, kind: ErrorKind, words: &str| {
        let error = merged.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!stage.manifest().exists());
    };
    refusal(stage.merge(&[]), ErrorKind::InvalidArgument, "no manifests");
    refusal(stage.merge(&[0, 2]), ErrorKind::InvalidArgument, "shard_index 1 of 3 is missing");
    refusal(stage.merge(&[0]), ErrorKind::InvalidArgument, "shard_index 1 and 1 others of 3");
    refusal(stage.merge(&[0, 1, 1, 2]), ErrorKind::InvalidArgument, "is of shard_index 1 of 3, as");
    refusal(stage.merge(&[0, 1, 9]), ErrorKind::Checkpoint, "manifest-9");
    let with = |edit: fn(&mut BatchOptions)| {
        fs::remove_file(stage.shard_manifest(2)).unwrap();
        stage.shard(2, edit);
        stage.merge(&[0, 1, 2])
    };
    refusal(with(|o| o.key_prefix = "q/".into()), ErrorKind::InvalidArgument, "/q/");
    refusal(
        with(|o| o.headers = vec![("x-oss-meta-a".into(), "b".into())]),
        ErrorKind::InvalidArgument,
        "other headers",
    );
    refusal(with(|o| o.shard_count = 4), ErrorKind::InvalidArgument, "4 shards");
    refusal(with(|o| (o.shard_index, o.shard_count) = (0, 0)), ErrorKind::InvalidArgument, "not of a shard");
}

#[test]
fn what_was_interrupted_is_not_merged() {
    let stage = Stage::of_all_sorts();
    for index in 0..2 {
        stage.shard(index, |_| ());
    }
    let relay = relay::Relay::start(stage.server.port());
    let client = client_with(&stage.server, |options| options.endpoint = Some(relay.endpoint()));
    let mut options = stage.options();
    (options.shard_index, options.shard_count, options.manifest) = (2, 3, Some(stage.shard_manifest(2)));
    options.connections = Routines::Count(1);
    let first = relay.hold_request("PutObject");
    let batch = client.start_batch(options.clone()).unwrap();
    first.reached();
    let second = relay.hold_request("PutObject");
    first.release();
    second.reached();
    // One is stored, and the next is on its way.
    assert_eq!(stage.merge(&[0, 1, 2]).unwrap_err().kind(), ErrorKind::CheckpointBusy);
    batch.pause();
    second.cut();
    finish_batch(&batch);
    let error = stage.merge(&[0, 1, 2]).unwrap_err();
    assert!(error.message().contains("interrupted") && error.message().contains("start that shard again"), "{error}");
    // At the endpoint of the others from now on.
    fs::remove_file(stage.shard_manifest(2)).unwrap();
    stage.shard(2, |o| o.mode = BatchMode::All);
    stage.merge(&[0, 1, 2]).unwrap();
}

#[test]
fn a_shard_that_nothing_is_in_can_be_merged() {
    let stage = Stage::new();
    for index in 0..3 {
        stage.shard(index, |_| ()).assert_ok();
    }
    stage.merge(&[0, 1, 2]).unwrap();
    stage.keep(|o| o.mode = BatchMode::Verify).assert_ok();
}

#[test]
fn a_manifest_of_another_shard_is_refused_before_anything_is_sent() {
    let stage = Stage::of_all_sorts();
    stage.shard(0, |_| ());
    stage.keep(|_| ());
    stage.server.clear_log();
    let refusal = |ended: Ended, words: &str| {
        let error = ended.end.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Checkpoint, "{error}");
        assert!(error.message().contains(words), "{error}");
    };
    refusal(
        stage.shard(1, |o| o.manifest = Some(stage.shard_manifest(0))),
        "is of shard_index 0 of 3, but the batch is shard_index 1 of 3",
    );
    refusal(stage.shard(0, |o| o.shard_count = 4), "is of shard_index 0 of 3, but the batch is shard_index 0 of 4");
    refusal(stage.keep(|o| o.manifest = Some(stage.shard_manifest(0))), "merge the manifests");
    refusal(stage.shard(0, |o| o.manifest = Some(stage.manifest())), "a manifest of its own");
    assert!(stage.server.log().is_empty());
    let error = merge_manifests(stage.shard_manifest(0), &[stage.shard_manifest(0)]).unwrap_err();
    assert!(error.message().contains("missing"), "{error}");
}

/// By mistake, or since the first machine seemed to be dead.
#[test]
fn a_shard_on_two_machines_at_once_harms_nothing() {
    let stage = Stage::of_all_sorts();
    let start = |name: &str| {
        let manifest = stage.dir.path().join(name);
        stage.start(|o| (o.shard_index, o.shard_count, o.manifest) = (1, 3, Some(manifest)))
    };
    let (one, other) = (start("one"), start("other"));
    let (one, other) = (finish_batch(&one), finish_batch(&other));
    let held = stage.dir.path().join("held");
    let holder = stage.start(|o| {
        (o.shard_index, o.shard_count, o.manifest, o.source) = (1, 3, Some(held.clone()), BatchSource::Pushed);
    });
    wait_until("it has its manifest", || held.exists());
    let refused = finish_batch(&start("held")).end.error.unwrap();
    assert_eq!(refused.kind(), ErrorKind::CheckpointBusy, "{refused}");
    holder.cancel();
    finish_batch(&holder);
    let paths = |ended: &Ended| ended.outcomes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&one), paths(&other));
    for path in paths(&one).iter().filter(|path| path.starts_with("d")) {
        let path = path.to_str().unwrap();
        assert_stored(&stage.server, &format!("p/{path}"), &stage.root().join(path));
    }
    stage.shard(0, |_| ());
    stage.shard(2, |_| ());
    for name in ["one", "other"] {
        let parts = [stage.shard_manifest(0), stage.dir.path().join(name), stage.shard_manifest(2)];
        merge_manifests(stage.manifest(), &parts).unwrap();
    }
}

#[test]
fn one_bad_file_stops_nothing_unless_it_is_to() {
    let stage = Stage::new();
    for number in 0..20 {
        stage.write(&format!("{number}"), b"x");
    }
    let fault = r#"[{"match":{"key":"p/7"},"action":{"type":"status","status":403,"code":"AccessDenied"}}]"#;
    faults(&stage.server, fault);
    let ended = stage.keep(|_| ());
    let error = ended.end.error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::FilesFailed);
    assert!(error.to_string().contains("1 of 20 files failed"), "{error}");
    assert!(ended.why("7").contains("AccessDenied"));
    let ended = stage.run(|o| o.stop_on_error = true);
    assert!(ended.end.error.as_ref().unwrap().to_string().contains("7: "));
    stage.server.clear_faults();
    stage.server.clear_log();
    let ended = stage.keep(|o| o.mode = BatchMode::RetryFailed);
    ended.assert_ok();
    assert_eq!((ended.outcomes.len(), stage.puts()), (1, 1));
    assert_eq!(stage.keep(|o| o.mode = BatchMode::RetryFailed).outcomes.len(), 0);
}

#[test]
fn a_busy_server_fails_no_file() {
    let stage = Stage::new();
    for number in 0..100 {
        stage.write(&format!("{number}"), b"x");
    }
    let fault = r#"[{"match":{"times":60},"action":{"type":"status","status":503}}]"#;
    faults(&stage.server, fault);
    let ended = stage.run(|_| ());
    ended.assert_ok();
    assert_eq!(ended.end.result.files_stored, 100);
}

#[test]
fn a_server_that_stays_busy_ends_the_batch() {
    let stage = Stage::new();
    let client = client_with(&stage.server, |options| options.stall_timeout = Duration::from_secs(1));
    let stage = Stage { client, ..stage };
    for number in 0..100 {
        stage.write(&format!("{number}"), b"x");
    }
    faults(&stage.server, r#"[{"match":{},"action":{"type":"status","status":503}}]"#);
    let error = stage.run(|_| ()).end.error.unwrap();
    assert!(error.message().contains("no other file could be stored meanwhile"), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn batches_of_one_account_share_its_limits_and_fail_no_file() {
    // So little that every machine reaches it.
    let limits: [fn(&mut Config); 2] =
        [|config| config.max_requests_per_second = Some(50), |config| config.max_bytes_per_second = Some(50 * 1024)];
    for limit in limits {
        let server = server_with(limit);
        let stage = Stage { client: client(&server), server, ..Stage::new() };
        let paths: Vec<_> = (0..25).map(|number| format!("{number}")).collect();
        paths.iter().for_each(|path| stage.write(path, &content(1024, 1)));
        // None knows of the others.
        let clients: Vec<_> = (0..4).map(|_| client(&stage.server)).collect();
        let batches = clients.iter().enumerate().map(|(number, client)| {
            client.start_batch(BatchOptions { key_prefix: format!("{number}/"), ..stage.options() }).unwrap()
        });
        let batches: Vec<_> = batches.collect();
        for batch in &batches {
            let ended = finish_batch(batch);
            ended.assert_ok();
            assert_eq!(ended.end.result.files_stored, 25);
        }
        assert_eq!(stage.server.objects(BUCKET).len(), 100);
        assert!(requests(&stage.server, "PutObject").iter().any(|entry| entry.status == 503), "the limit was reached");
    }
}

#[test]
fn a_bucket_that_is_not_there_ends_the_batch() {
    let stage = Stage::new();
    for number in 0..100 {
        stage.write(&format!("{number}"), b"x");
    }
    let ended = stage.run(|o| o.bucket = "no-such-bucket".into());
    let error = ended.end.error.unwrap();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "NoSuchBucket"));
}

#[test]
fn a_manifest_that_cannot_be_used_is_an_error_before_anything_is_sent() {
    let stage = Stage::new();
    stage.write("a", b"1");
    stage.keep(|_| ()).assert_ok();
    let good = fs::read(stage.manifest()).unwrap();
    stage.server.clear_log();
    let refused = |edit: fn(&mut BatchOptions)| {
        let error = stage.keep(edit).end.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Checkpoint);
        assert!(stage.server.log().is_empty());
        error.to_string()
    };
    assert!(refused(|o| o.key_prefix = "other/".into()).contains("of another batch, to oss://test-bucket/p/"));
    fs::write(stage.manifest(), b"a text of mine\n").unwrap();
    assert!(refused(|_| ()).contains("is not a manifest of this library"));
    assert_eq!(fs::read(stage.manifest()).unwrap(), b"a text of mine\n");
    let mut damaged = good.clone();
    damaged[70] ^= 1;
    fs::write(stage.manifest(), damaged).unwrap();
    assert!(refused(|_| ()).contains("damaged at its beginning"));
    // A damaged line is noticed, and its file done again.
    let mut damaged = good.clone();
    let at = good.windows(8).position(|bytes| bytes == b"\"stored\"").unwrap();
    damaged[at + 2] ^= 1;
    fs::write(stage.manifest(), damaged).unwrap();
    let ended = stage.keep(|o| o.mode = BatchMode::Changed);
    ended.assert_ok();
    assert_eq!((ended.end.result.manifest_lines_damaged, ended.status("a")), (1, Stored));
}

#[test]
fn a_pause_is_gone_on_from() {
    let stage = Stage::new();
    let large = content(6 * PART as usize, 7);
    stage.write("large", &large);
    for number in 0..300 {
        stage.write(&format!("{number}"), b"x");
    }
    let options = |o: &mut BatchOptions| {
        o.manifest = Some(stage.manifest());
        o.connections = Routines::Count(2);
    };
    let batch = stage.start(options);
    wait_until("some are stored", || batch.progress().files_stored > 20);
    batch.pause();
    let first = finish_batch(&batch);
    assert_eq!(first.end.error.unwrap().kind(), ErrorKind::Paused);
    assert!(first.end.result.files_stored < 301);
    let second = stage.run(options);
    second.assert_ok();
    assert_eq!(second.end.result.files_stored, 301);
    assert_eq!(second.end.result.files_resumed, first.end.result.files_stored);
    for number in 0..300 {
        assert_stored(&stage.server, &format!("p/{number}"), &stage.root().join(number.to_string()));
    }
    assert_stored(&stage.server, "p/large", &stage.root().join("large"));
    assert!(stage.puts() <= 302, "{}", stage.puts());
    assert!(!stage.dir.path().join("manifest.parts").exists());
}

#[test]
fn without_a_manifest_the_bucket_is_asked() {
    let stage = Stage::new();
    let large = content(3 * PART as usize, 7);
    for (path, content) in
        [("a", b"1".as_slice()), ("b/other-size", b"22"), ("b/other", b"33"), ("c", &large), ("d", b"")]
    {
        stage.write(path, content);
    }
    stage.run(|_| ()).assert_ok();
    stage.write("b/other-size", b"222");
    stage.write("b/other", b"34");
    stage.write("new", b"new");
    stage.server.clear_log();
    let ended = stage.run(|o| (o.mode, o.compare_remote) = (BatchMode::Changed, true));
    ended.assert_ok();
    let expected = [
        ("a", Unchanged),
        ("b/other", Stored),
        ("b/other-size", Stored),
        ("c", Unchanged),
        ("d", Unchanged),
        ("new", Stored),
    ];
    assert_eq!(ended.statuses(), expected.into());
    let heads: Vec<_> = requests(&stage.server, "HeadObject").into_iter().map(|entry| entry.key).collect();
    assert_eq!((heads.len(), stage.puts(), requests(&stage.server, "ListObjectsV2").len()), (4, 3, 1), "{heads:?}");
    stage.assert_bucket(&["a", "b/other", "b/other-size", "c", "d", "new"]);
}

/// Changes a file and puts its times back, as far as a program can.
fn change_with_times(path: &Path, content: &[u8]) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    fs::write(path, content).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

#[test]
fn verifying_finds_what_is_missing_foreign_replaced_or_changed() {
    let stage = Stage::new();
    for path in ["gone", "good", "longer", "replaced", "touched", "removed"] {
        stage.write(path, path.as_bytes());
    }
    stage.keep(|_| ()).assert_ok();
    let manifest = fs::read(stage.manifest()).unwrap();
    stage.keep(|o| o.mode = BatchMode::Verify).assert_ok();
    let whole = stage.keep(|o| o.mode = BatchMode::VerifyFull);
    whole.assert_ok();
    assert_eq!(whole.end.result.files_unchanged, 6);

    let put = |key: &str, content: &[u8]| {
        let file = stage.dir.path().join("other");
        fs::write(&file, content).unwrap();
        stage.client.upload_file(upload_options(key, &file), |_, _| ()).unwrap();
    };
    put("p/longer", b"longer still");
    put("p/replaced", b"REPLACED");
    put("p/foreign", b"x");
    assert!(stage.server.remove_object(BUCKET, "p/gone"));
    change_with_times(&stage.root().join("touched"), b"TOUCHED");
    fs::remove_file(stage.root().join("removed")).unwrap();
    stage.server.clear_log();

    let by_key = |ended: &Ended| -> BTreeMap<String, String> {
        let failed = ended.outcomes.values().filter(|outcome| outcome.status == Failed);
        failed.map(|outcome| (outcome.key.clone(), outcome.error.as_ref().unwrap().to_string())).collect()
    };
    let quick = stage.keep(|o| o.mode = BatchMode::Verify);
    let found = by_key(&quick);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["p/foreign", "p/gone", "p/longer", "p/replaced"]);
    assert!(found["p/gone"].contains("missing") && found["p/longer"].contains("12 bytes"), "{found:?}");
    assert_eq!(stage.server.log().len(), 1, "one page");

    let full = stage.keep(|o| o.mode = BatchMode::VerifyFull);
    let found = by_key(&full);
    let keys = ["p/foreign", "p/gone", "p/longer", "p/removed", "p/replaced", "p/touched"];
    assert_eq!(found.keys().collect::<Vec<_>>(), keys);
    let missing = io::Error::from_raw_os_error(system::MISSING).to_string();
    assert!(found["p/touched"].contains("has changed since") && found["p/removed"].contains(&missing), "{found:?}");
    assert_eq!((full.end.result.files_unchanged, full.end.result.files_failed), (1, 6));
    assert_eq!(full.end.error.unwrap().kind(), ErrorKind::FilesFailed);
    assert_eq!(fs::read(stage.manifest()).unwrap(), manifest, "the manifest stays as it is");
}

#[test]
fn a_manifest_in_use_is_an_error() {
    let stage = Stage::new();
    stage.write("a", b"1");
    let manifest = |o: &mut BatchOptions| o.manifest = Some(stage.manifest());
    let first = stage.start(|o| {
        manifest(o);
        o.source = BatchSource::Pushed;
    });
    wait_until("it has its manifest", || stage.manifest().exists());
    let error = stage.run(manifest).end.error.unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::CheckpointBusy, true));
    assert!(error.to_string().contains("the manifest") && error.to_string().contains("of this process"), "{error}");
    first.seal();
    finish_batch(&first).assert_ok();
    stage.run(manifest).assert_ok();
}

#[test]
fn a_file_that_changes_between_look_and_upload_is_stored_as_it_is_or_fails() {
    let stage = Stage::new();
    for path in ["a", "b", "c"] {
        stage.write(path, b"before");
    }
    for (on_file_change, status) in [(OnFileChange::Restart, Stored), (OnFileChange::Fail, Failed)] {
        let relay = relay::Relay::start(stage.server.port());
        let client = client_with(&stage.server, |options| options.endpoint = Some(relay.endpoint()));
        let gate = relay.hold_request("PutObject");
        let options = BatchOptions { on_file_change, connections: Routines::Count(1), ..stage.options() };
        let batch = client.start_batch(options).unwrap();
        gate.reached();
        wait_until("all were found", || batch.progress().totals_known);
        stage.write("c", format!("after {on_file_change:?}").as_bytes());
        gate.release();
        let ended = finish_batch(&batch);
        assert_eq!((ended.status("a"), ended.status("b"), ended.status("c")), (Stored, Stored, status));
        if status == Stored {
            stage.assert_bucket(&["a", "b", "c"]);
        } else {
            assert_eq!(ended.outcome("c").error.as_ref().unwrap().kind(), ErrorKind::FileChanged);
        }
    }
}

#[test]
fn what_ends_a_batch_is_told_although_nobody_takes_its_outcomes() {
    let stage = Stage::new();
    stage.write("a", b"x");
    let relay = relay::Relay::start(stage.server.port());
    let client = client_with(&stage.server, |options| options.endpoint = Some(relay.endpoint()));
    let gate = relay.hold_response("PutObject");
    let options = BatchOptions { bucket: "no-such-bucket".into(), source: BatchSource::Pushed, ..stage.options() };
    let batch = client.start_batch(options).unwrap();
    batch.add(&stage.root().join("a"), Some("a")).unwrap();
    gate.reached();
    // One more than wait for somebody.
    (0..1025).for_each(|number| batch.add(&stage.root().join("missing"), Some(&format!("{number}"))).unwrap());
    wait_until("no other outcome finds room", || batch.progress().files_failed >= 1025);
    gate.release();
    let end = batch.wait(Duration::from_secs(60)).expect("an end");
    assert_eq!(end.error.unwrap().service_code(), "NoSuchBucket");
}

#[test]
fn the_manifest_of_a_batch_that_has_ended_is_free() {
    let stage = Stage::new();
    (0..200).for_each(|number| stage.write(&format!("{number}"), b"x"));
    for round in 0..100 {
        let batch = stage.start(|o| o.manifest = Some(stage.manifest()));
        wait_until("it has begun", || batch.progress().files_stored > 0);
        batch.pause();
        let end = batch.wait(Duration::from_secs(60)).expect("an end");
        let kind = end.error.as_ref().map(|error| error.kind());
        assert!(matches!(kind, None | Some(ErrorKind::Paused)), "round {round}: {end:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_disk_full_of_the_manifest_loses_nothing() {
    children::alone("child_has_no_room_for_a_manifest");
}

#[cfg(unix)]
#[test]
#[ignore = "run by the test above in a process of its own"]
fn child_has_no_room_for_a_manifest() {
    if !children::is_alone() {
        return;
    }
    let stage = Stage::new();
    for number in 0..200 {
        stage.write(&format!("{number}"), b"x");
    }
    children::allow(Some(20_000));
    let ended = stage.keep(|_| ());
    let error = ended.end.error.unwrap();
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Checkpoint, libc::EFBIG), "{error}");
    let stored = ended.end.result.files_stored;
    assert!((1..200).contains(&stored), "{stored}");
    children::allow(None);
    stage.server.clear_log();
    let ended = stage.keep(|_| ());
    ended.assert_ok();
    assert_eq!(ended.end.result.files_stored, 200);
    // What was stored but found no room in the manifest is sent again: no more than was in flight.
    let again = stage.puts() + usize::try_from(stored).unwrap() - 200;
    assert!(again <= 64, "{again}");
}

#[test]
fn limits_are_kept() {
    let stage = Stage::new();
    for number in 0..60 {
        stage.write(&format!("{number}"), b"x");
    }
    let ended = stage.run(|o| o.max_requests_per_second = 100);
    ended.assert_ok();
    // A tenth of a second's requests may come at once in the beginning.
    assert!(ended.end.result.elapsed >= Duration::from_millis(480), "{:?}", ended.end.result.elapsed);
}

/// Whoever cancels is told what could not be removed, and of which file.
#[test]
fn a_cancel_names_what_is_left_on_the_server() {
    let stage = Stage::new();
    for name in ["one", "two"] {
        stage.write(name, &content(6 * PART as usize, 7));
    }
    let script = r#"[{"match":{"operation":"AbortMultipartUpload"},"action":{"type":"status","status":403,"code":"AccessDenied"}},
        {"match":{"operation":"UploadPart","part":[6,6]},"action":{"type":"status","status":503}}]"#;
    faults(&stage.server, script);
    let batch = stage.start(|_| ());
    let sent = |operation| requests(&stage.server, operation).len();
    wait_until("both are on their way", || sent("InitiateMultipartUpload") == 2 && sent("UploadPart") > 8);
    batch.cancel();
    let error = finish_batch(&batch).end.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    for name in ["p/one", "p/two"] {
        assert!(error.message().contains(&format!("{name}: its parts are still on the server, as upload ")), "{error}");
    }
}
