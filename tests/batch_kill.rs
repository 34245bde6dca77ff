//! A process that uploads a folder is killed again and again, at any moment, until the folder is stored: no file is lost, and
//! none is sent twice but those that were in flight.
//!
//! `OSS_KILLS=2000 cargo test --test batch_kill` kills longer; `OSS_SEED` repeats the choices of a run (not its exact
//! moments, which are the machine's).

mod common;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::*;
use fastrand::Rng;
use oss_server::Server;
use oss_upload::{BatchMode, BatchOptions, BatchSource, Client, NextOutcome, PartSize, Routines};

const KILLS: u32 = 200;
/// No batch is killed more often.
const KILLS_OF_ONE: u32 = 20;
const IN_FLIGHT: u32 = 4;

const ENDPOINT: &str = "TEST_ENDPOINT";
const FOLDER: &str = "TEST_FOLDER";

fn options(folder: &Path) -> BatchOptions {
    BatchOptions {
        bucket: BUCKET.into(),
        key_prefix: "p/".into(),
        source: BatchSource::Directory(folder.join("tree")),
        manifest: Some(folder.join("manifest")),
        part_size: PartSize::Bytes(PART),
        connections: Routines::Count(IN_FLIGHT),
        // A victim may have ended just before it is killed; a batch that uploads everything would do so again.
        mode: BatchMode::Changed,
        ..BatchOptions::default()
    }
}

/// What the victim does; nothing when somebody else runs the ignored tests.
#[test]
#[ignore = "run by the other test in a process of its own"]
fn child_uploads_a_folder() {
    let (Ok(endpoint), Ok(folder)) = (env::var(ENDPOINT), env::var(FOLDER)) else { return };
    let credentials = oss_upload::Credentials::new(ID, SECRET, None);
    let client = Client::new(oss_upload::ClientOptions {
        endpoint: Some(endpoint),
        region: Some("cn-hangzhou".into()),
        credentials: oss_upload::CredentialsSource::Given(credentials),
        ..Default::default()
    });
    let options = BatchOptions { outcomes: true, ..options(Path::new(&folder)) };
    let batch = client.and_then(|client| client.start_batch(options)).expect("the batch starts");
    let mut failed = Vec::new();
    while let NextOutcome::Outcome(outcome) = batch.next_outcome(Duration::MAX) {
        failed.extend(outcome.error);
    }
    let end = batch.wait(Duration::MAX).expect("it ends");
    assert!(end.error.is_none(), "{end:?}, {failed:?}");
}

struct History {
    server: Server,
    dir: tempfile::TempDir,
    /// Path and size.
    files: BTreeMap<String, usize>,
    kills: u32,
}

impl History {
    /// A tree of small files, some large ones, and one that takes a part.
    fn new(rng: &mut Rng) -> History {
        let dir = tempfile::tempdir().unwrap();
        let mut files = BTreeMap::new();
        for number in 0..rng.usize(20..400) {
            let folder = ["", "a/", "a/b/", "a-b/", "z/"][rng.usize(..5)];
            files.insert(format!("{folder}{number}"), rng.usize(..3000));
        }
        for number in 0..rng.usize(..4) {
            files.insert(format!("a/large-{number}"), rng.usize(PART as usize + 1..20 * PART as usize));
        }
        for (path, size) in &files {
            let path = dir.path().join("tree").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content(*size, *size as u64 + 1)).unwrap();
        }
        History { server: server(), dir, files, kills: 0 }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture", "child_uploads_a_folder"]);
        command.env(ENDPOINT, self.server.endpoint()).env(FOLDER, self.dir.path());
        // One that fails says why.
        command.stdout(Stdio::null()).spawn().expect("the victim starts")
    }

    /// Kills the victim when the server has got so many further requests, and a moment later. Whether it had ended before.
    fn kill_at(&self, requests: usize, moment: Duration) -> bool {
        let begun = self.server.log().len();
        let mut child = self.start();
        let start = Instant::now();
        while self.server.log().len() < begun + requests {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "the victim failed by itself");
                return true;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "the victim hangs");
            std::thread::yield_now();
        }
        let now = Instant::now();
        while now.elapsed() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    fn run(&mut self, rng: &mut Rng) {
        let requests = self.files.values().map(|size| size.div_ceil(PART as usize).max(1)).sum::<usize>();
        while self.kills < KILLS_OF_ONE {
            let soon = Duration::from_micros((3000.0 * rng.f64().powi(3)) as u64);
            if self.kill_at(rng.usize(..requests / 6 + 2), soon) {
                break;
            }
            self.kills += 1;
        }
        let status = self.start().wait().unwrap();
        assert!(status.success(), "the batch that nobody kills succeeds");
        self.judge();
    }

    fn judge(&self) {
        let mut keys = self.server.objects(BUCKET);
        keys.sort();
        assert_eq!(keys, self.files.keys().map(|path| format!("p/{path}")).collect::<Vec<_>>());
        for path in self.files.keys() {
            let object = self.server.object(BUCKET, &format!("p/{path}")).unwrap();
            assert!(object.bytes == fs::read(self.dir.path().join("tree").join(path)).unwrap(), "{path}");
        }
        assert!(self.server.uploads(BUCKET).is_empty(), "nothing is left on the server");
        let names: Vec<_> = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let (mut puts, mut parts) = (0, 0);
        for entry in self.server.log().iter().filter(|entry| entry.status == 200) {
            puts += usize::from(entry.operation == "PutObject");
            parts += usize::from(entry.operation == "UploadPart");
        }
        let small = self.files.values().filter(|size| **size <= PART as usize).count();
        let large: usize =
            self.files.values().filter(|size| **size > PART as usize).map(|size| size.div_ceil(PART as usize)).sum();
        let most = (self.kills * IN_FLIGHT) as usize;
        assert!(puts <= small + most, "{puts} puts of {small} files, {} kills", self.kills);
        assert!(parts <= large + most, "{parts} parts of {large}, {} kills", self.kills);
        self.assert_manifest_says_so();
    }

    /// A batch that compares finds nothing to do.
    fn assert_manifest_says_so(&self) {
        self.server.clear_log();
        let end =
            client(&self.server).start_batch(options(self.dir.path())).unwrap().wait(Duration::from_secs(60)).unwrap();
        assert!(end.error.is_none(), "{end:?}");
        assert_eq!(end.result.files_unchanged, self.files.len() as u64, "{end:?}");
        assert!(self.server.log().is_empty());
    }
}

#[test]
fn a_batch_that_is_killed_loses_nothing() {
    let kills: u32 = env::var("OSS_KILLS").map_or(KILLS, |text| text.parse().expect("a number"));
    let seed = env::var("OSS_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a number"));
    println!("OSS_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut killed, mut histories) = (0, 0);
    while killed < kills {
        let mut history = History::new(&mut rng);
        history.run(&mut rng);
        killed += history.kills;
        histories += 1;
    }
    println!("{histories} batches killed {killed} times");
}
