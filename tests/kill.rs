//! A process that uploads is killed again and again, at any moment, until it succeeds.
//!
//! The short form runs always. `OSS_KILLS=500 cargo test --test kill -- --nocapture` kills longer, and `OSS_SEED`
//! repeats the choices of a run (not its exact moments, which are the machine's). `OSS_KILL_VICTIM` is `c/kill_victim.c`,
//! compiled by somebody else, where no C compiler runs.

#[path = "c/toolchain.rs"]
mod toolchain;

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::fixture::quiet;
use common::*;
use fastrand::Rng;
use oss_server::{LogEntry, Policy, Server};

const KILLS: u32 = 40;
/// No upload is killed more often.
const KILLS_OF_ONE: u32 = 10;
/// How long an upload takes that is left alone, about.
const UPLOAD_TIME: Duration = Duration::from_millis(500);
/// Uploads without parts that may be left behind where nobody may list or abort them: each kill just after the server
/// has opened one leaves it. Where they may be listed, none is left.
const EMPTY_UPLOADS_PER_KILL_PUT_ONLY: usize = 1;
const EMPTY_UPLOADS: usize = 0;

#[derive(Debug, Default)]
struct Count {
    uploads: u32,
    kills: u32,
    resumes: u32,
    parts: usize,
    /// Of those that the server had acknowledged.
    sent_again: usize,
}

/// One upload: a file, how it is cut and sent, and a server with its moods.
#[derive(Debug)]
struct History {
    size: usize,
    part_size: u64,
    routines: u32,
    policy: Policy,
    faults: String,
}

/// When to kill.
#[derive(Debug)]
enum Moment {
    /// After this time.
    After(Duration),
    /// So long after the server has carried out a request of this kind.
    Request(&'static str, Duration),
    /// When the server has got so many further parts.
    Parts(usize),
}

impl History {
    fn choose(rng: &mut Rng) -> History {
        let part_size = [PART, PART, 2 * PART + 17, 1 << 20][rng.usize(..4)];
        let most = if part_size > PART { 12 } else { 60 };
        // Now and then a file that goes in one piece.
        let parts = if rng.u32(..12) == 0 { 1 } else { rng.u64(3..most) };
        let size = (parts * part_size - rng.u64(..PART)) as usize;
        let policy = if rng.u32(..3) == 0 { Policy::PutOnly } else { Policy::All };
        History { size, part_size, routines: [1, 2, 3, 8][rng.usize(..4)], policy, faults: moods(rng) }
    }

    fn parts(&self) -> usize {
        self.size.div_ceil(self.part_size as usize).max(1)
    }
}

/// Faults that a client overcomes by itself.
fn moods(rng: &mut Rng) -> String {
    let mut rules = Vec::new();
    let mut add = |rng: &mut Rng, operation: &str, action: &str| {
        if rng.bool() {
            let every = rng.u32(5..15);
            rules.push(format!(r#"{{"match":{{"operation":{operation},"every":{every}}},"action":{action}}}"#));
        }
    };
    add(rng, r#""UploadPart""#, r#"{"type":"status","status":500,"before_body":false}"#);
    add(rng, r#""UploadPart""#, r#"{"type":"reset","after_body_bytes":5000}"#);
    add(rng, r#""UploadPart""#, r#"{"type":"close","at":"before_response"}"#);
    add(rng, r#"["ListParts","HeadObject","AbortMultipartUpload"]"#, r#"{"type":"status","status":503}"#);
    add(
        rng,
        r#"["InitiateMultipartUpload","CompleteMultipartUpload"]"#,
        r#"{"type":"reset","at":"before_processing"}"#,
    );
    format!("[{}]", rules.join(","))
}

impl Moment {
    fn choose(rng: &mut Rng, parts: usize) -> Moment {
        // Mostly at once: the next thing that the victim does may take less than a millisecond.
        let soon = Duration::from_micros((3000.0 * rng.f64().powi(3)) as u64);
        match rng.u32(..12) {
            0..3 => Moment::Request("InitiateMultipartUpload", soon),
            3..5 => Moment::Request("CompleteMultipartUpload", soon),
            5 => Moment::Request("ListParts", soon),
            6..9 => Moment::Parts(rng.usize(1..=parts)),
            _ => Moment::After(UPLOAD_TIME.mul_f64(rng.f64())),
        }
    }
}

/// What runs in a history, and what came of it.
struct Run<'a> {
    server: &'a Server,
    program: &'a Path,
    library: &'a Path,
    file: &'a Path,
    checkpoint: PathBuf,
    history: &'a History,
}

impl Run<'_> {
    fn start(&self) -> Child {
        let History { size, part_size, routines, .. } = self.history;
        let rate = (*size as u64 * 1000 / UPLOAD_TIME.as_millis() as u64).max(1 << 20);
        let mut command = Command::new(self.program);
        toolchain::with_library(&mut command, self.library);
        command.args([&self.server.endpoint(), "key"]).arg(self.file).arg(&self.checkpoint);
        command.args([part_size.to_string(), routines.to_string(), rate.to_string()]);
        command.stdout(Stdio::piped()).spawn().expect("the victim starts")
    }

    /// Whether the moment to kill has come for a victim that was started at `start`, with `begun` entries in the log.
    fn has_come(&self, moment: &Moment, start: Instant, begun: usize) -> bool {
        let since = || self.server.log().split_off(begun);
        match moment {
            Moment::After(time) => start.elapsed() >= *time,
            Moment::Parts(count) => since().iter().filter(|entry| is_acknowledged(entry)).count() >= *count,
            Moment::Request(operation, then) => {
                let come = since().iter().any(|entry| entry.operation == *operation);
                if come {
                    thread::sleep(*then);
                }
                come
            }
        }
    }

    /// Lets the victim live until `moment`, or to its end when there is none. True when it has ended by itself.
    fn ends_before(&self, victim: &mut Child, moment: Option<&Moment>) -> bool {
        let start = Instant::now();
        let begun = self.server.log().len();
        loop {
            if victim.try_wait().expect("the victim's state").is_some() {
                return true;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "the upload hangs: {:?}", self.history);
            if moment.is_some_and(|moment| self.has_come(moment, start, begun)) {
                return false;
            }
            thread::sleep(Duration::from_micros(200));
        }
    }
}

/// The server has a part, and has said so as far as it knows.
fn is_acknowledged(entry: &LogEntry) -> bool {
    entry.operation == "UploadPart" && entry.status == 200 && entry.stored && entry.answered
}

/// Parts of the runs so far that the server had acknowledged, by upload.
type Acknowledged = BTreeMap<String, BTreeSet<u32>>;

/// Counts parts of one run that go again although the server has acknowledged them, in an earlier run or in this one.
fn count_again(acknowledged: &mut Acknowledged, log: &[LogEntry]) -> usize {
    let mut again = BTreeSet::new();
    for entry in log.iter().filter(|entry| entry.operation == "UploadPart") {
        let (Some(id), Some(number)) = (&entry.upload_id, entry.part_number) else { continue };
        let known = acknowledged.entry(id.clone()).or_default();
        if known.contains(&number) {
            again.insert((id, number));
        }
        if is_acknowledged(entry) {
            known.insert(number);
        }
    }
    again.len()
}

/// The log for people.
fn told(log: &[LogEntry]) -> String {
    let line = |entry: &LogEntry| {
        let LogEntry { seq, time, connection, operation, part_number, status, answered, stored, fault, .. } = entry;
        let (part, fault) = (part_number.unwrap_or(0), fault.as_ref().map_or("", |fault| fault.action.as_str()));
        format!("{seq} {time} connection {connection} {operation} {part}: {status} {answered} {stored} {fault}\n")
    };
    log.iter().map(line).collect()
}

fn live_through(history: &History, program: &Path, library: &Path, rng: &mut Rng, count: &mut Count) {
    let scratch = Scratch::new(history.size);
    let server = server_with(|config| config.policy = history.policy);
    faults(&server, &history.faults);
    let checkpoint = scratch.path("victim.cp");
    let run = Run { server: &server, program, library, file: &scratch.file, checkpoint, history };
    let mut acknowledged = Acknowledged::new();
    let (mut kills, mut seen) = (0, 0);
    loop {
        let moment = (kills < KILLS_OF_ONE).then(|| Moment::choose(rng, history.parts()));
        let resumes = fs::metadata(&run.checkpoint).is_ok_and(|checkpoint| checkpoint.len() > 0);
        count.resumes += u32::from(resumes);
        let mut victim = run.start();
        let ended = run.ends_before(&mut victim, moment.as_ref());
        // SIGKILL; it may have ended by itself in between.
        let _ = victim.kill();
        let output = victim.wait_with_output().expect("the victim's end");
        quiet(&server);
        let log = server.log();
        let again = count_again(&mut acknowledged, &log[seen..]);
        seen = log.len();
        count.sent_again += again;
        let what = || format!("{history:?}, after {kills} kills, {moment:?}");
        // Only without the server's list, a part counts as missing whose acknowledgement the victim did not live to write.
        let allowed = if history.policy == Policy::All { 0 } else { history.routines as usize };
        let allowed = if kills == 0 { 0 } else { allowed };
        assert!(again <= allowed, "{again} acknowledged parts were sent again: {}\n{}", what(), told(&log));
        if output.status.code() != system::KILLED {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}: {}", what());
            break;
        }
        assert!(!ended, "it was not we who killed it: {}: {}", output.status, what());
        kills += 1;
    }
    count.uploads += 1;
    count.kills += kills;
    count.parts += history.parts();
    assert_ends_right(&run, kills);
}

fn assert_ends_right(run: &Run<'_>, kills: u32) {
    let history = run.history;
    let object = run.server.object(BUCKET, "key").expect("the object is stored");
    assert!(object.bytes == fs::read(run.file).expect("the file is read"), "another object: {history:?}");
    assert!(!run.checkpoint.exists(), "the checkpoint is left behind: {history:?}");
    let left = run.server.uploads(BUCKET);
    assert!(left.iter().all(|upload| upload.parts.is_empty()), "parts are left behind: {history:?}: {left:?}");
    let tolerated = match history.policy {
        Policy::All => EMPTY_UPLOADS,
        Policy::PutOnly => EMPTY_UPLOADS_PER_KILL_PUT_ONLY * kills as usize,
    };
    assert!(left.len() <= tolerated, "uploads are left behind after {kills} kills: {history:?}: {left:?}");
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_leaves_nothing() {
    let seed = number("OSS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let kills = number("OSS_KILLS").map_or(KILLS, |kills| kills as u32);
    println!("to repeat the choices: OSS_SEED={seed} OSS_KILLS={kills}");
    let library = tempfile::tempdir().expect("a folder for the program");
    let program = env::var_os("OSS_KILL_VICTIM").map(PathBuf::from);
    let program = program.unwrap_or_else(|| toolchain::program(library.path(), "cc", &[], &["kill_victim.c"]));
    let mut count = Count::default();
    let mut rng = Rng::with_seed(seed);
    while count.kills < kills {
        let history = History::choose(&mut rng);
        live_through(&history, &program, library.path(), &mut rng, &mut count);
    }
    println!("{count:?}");
    assert!(count.resumes > 0);
}
