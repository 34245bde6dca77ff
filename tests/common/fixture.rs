//! One file, its uploads with a checkpoint, and all that can be done to them on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oss_server::{Config, Server};
use oss_upload::{
    Checkpoint, Client, ClientOptions, Error, Outcome, Result, Routines, Upload, UploadOptions, UploadResult,
};

use super::relay::Relay;
use super::{
    BUCKET, PART, Scratch, assert_stored, client_options, faults, requests, server_with, upload_options, wait_until,
};

/// The object's name.
pub const KEY: &str = "key";
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file, and a server behind a relay.
pub struct Fixture {
    pub server: Server,
    pub relay: Relay,
    pub scratch: Scratch,
    pub client: Client,
}

impl Fixture {
    /// A file of `parts` parts, of which the last is short.
    pub fn new(parts: usize) -> Fixture {
        Fixture::with(parts, |_| (), |_| ())
    }

    pub fn with(parts: usize, server: impl FnOnce(&mut Config), client: impl FnOnce(&mut ClientOptions)) -> Fixture {
        Fixture::of_size(parts * PART as usize - 1000, server, client)
    }

    pub fn of_size(size: usize, server: impl FnOnce(&mut Config), client: impl FnOnce(&mut ClientOptions)) -> Fixture {
        let server = server_with(server);
        let relay = Relay::start(server.port());
        let mut options = ClientOptions { endpoint: Some(relay.endpoint()), ..client_options(&server) };
        client(&mut options);
        let client = Client::new(options).expect("the client options are right");
        Fixture { server, relay, scratch: Scratch::new(size), client }
    }

    /// One part after the other, with a checkpoint beside the file.
    pub fn options(&self) -> UploadOptions {
        UploadOptions {
            routines: Routines::Count(1),
            checkpoint: Checkpoint::BesideFile,
            ..upload_options(KEY, &self.scratch.file)
        }
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.scratch.path("source.bin.cp")
    }

    pub fn start_with(&self, edit: impl FnOnce(&mut UploadOptions)) -> Upload {
        let mut options = self.options();
        edit(&mut options);
        self.client.start(options).expect("the upload options are right")
    }

    pub fn start(&self) -> Upload {
        self.start_with(|_| ())
    }

    pub fn run_with(&self, edit: impl FnOnce(&mut UploadOptions)) -> Result<UploadResult> {
        finish(&self.start_with(edit))
    }

    pub fn run(&self) -> Result<UploadResult> {
        self.run_with(|_| ())
    }

    /// Runs until part `part` fails for good: the server has all parts before it. What was logged until then is
    /// forgotten.
    pub fn stop_at_with(&self, part: u32, edit: impl FnOnce(&mut UploadOptions)) -> Error {
        refuse_part(&self.server, part);
        let error = self.run_with(edit).expect_err("the part fails");
        assert_eq!((error.service_code(), error.part_number()), ("AccessDenied", part), "{error}");
        self.server.clear_faults();
        self.server.clear_log();
        error
    }

    pub fn stop_at(&self, part: u32) {
        self.stop_at_with(part, |_| ());
        assert!(self.checkpoint().exists(), "a failed upload keeps its checkpoint");
        assert_eq!(self.parts_on_server(), (1..part).collect::<Vec<_>>());
    }

    /// The numbers of the parts that were sent, in order, each as often as it was sent.
    pub fn sent(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> =
            requests(&self.server, "UploadPart").iter().filter_map(|entry| entry.part_number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// How many requests of an operation there were.
    pub fn count(&self, operation: &str) -> usize {
        requests(&self.server, operation).len()
    }

    /// The parts of the one upload that is open on the server.
    pub fn parts_on_server(&self) -> Vec<u32> {
        let uploads = self.server.uploads(BUCKET);
        assert_eq!(uploads.len(), 1, "one upload is open: {uploads:?}");
        uploads[0].parts.iter().map(|part| part.number).collect()
    }

    pub fn upload_id(&self) -> String {
        self.server.uploads(BUCKET)[0].upload_id.clone()
    }

    /// The object is the file, and nothing else is left anywhere.
    pub fn assert_done(&self) {
        assert_stored(&self.server, KEY, &self.scratch.file);
        assert!(!self.checkpoint().exists(), "the checkpoint is left behind");
    }

    /// Nothing of it is left on the server, nor beside the file.
    pub fn assert_nothing_left(&self) {
        assert_nothing_on(&self.server);
        assert!(!self.checkpoint().exists(), "the checkpoint is left behind");
    }
}

/// Waits until the server has done all that had arrived when a client died.
pub fn quiet(server: &Server) {
    wait_until("the server hears of the death", || server.open_connections() == 0);
    // What has arrived whole is carried out although its connection has gone. The server counts that connection as open until
    // then, but not one that it has not accepted yet: nothing tells of that, but it takes no time.
    let mut before = server.log().len();
    loop {
        thread::sleep(Duration::from_millis(10));
        let now = server.log().len();
        if now == before {
            return;
        }
        before = now;
    }
}

pub fn assert_nothing_on(server: &Server) {
    assert_eq!(server.objects(BUCKET), Vec::<String>::new());
    assert!(server.uploads(BUCKET).is_empty(), "an upload is left behind: {:?}", server.uploads(BUCKET));
}

/// Waits for the end, which must come.
pub fn outcome(upload: &Upload) -> Outcome {
    upload.wait(PATIENCE).expect("the upload hangs")
}

pub fn finish(upload: &Upload) -> Result<UploadResult> {
    let outcome = outcome(upload);
    outcome.error.map_or(Ok(outcome.result), Err)
}

/// From now on this part is refused, and the upload with it.
pub fn refuse_part(server: &Server, part: u32) {
    let script = r#"[{"match":{"operation":"UploadPart","part":PART},
        "action":{"type":"status","status":403,"code":"AccessDenied","before_body":false}}]"#;
    faults(server, &script.replace("PART", &part.to_string()));
}

/// The lines of a checkpoint: the first line, the header, the upload id, the parts.
pub fn lines(checkpoint: &Path) -> Vec<String> {
    let text = fs::read_to_string(checkpoint).expect("the checkpoint is read");
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// The lines of a checkpoint that are about parts.
pub fn part_lines(checkpoint: &Path) -> usize {
    lines(checkpoint).iter().filter(|line| is_part(line)).count()
}

/// Cuts the last `count` parts off a checkpoint, and all that stands behind them.
pub fn forget_parts(checkpoint: &Path, count: usize) {
    let lines = lines(checkpoint);
    let parts: Vec<usize> = (0..lines.len()).filter(|at| is_part(&lines[*at])).collect();
    let end = parts.get(parts.len() - count).copied().unwrap_or(parts[parts.len() - 1] + 1);
    fs::write(checkpoint, lines[..end].concat()).expect("the checkpoint is written");
}

fn is_part(line: &str) -> bool {
    line.contains(r#""type":"part""#)
}
