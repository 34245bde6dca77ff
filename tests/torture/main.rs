//! Each system call of an upload that can fail does fail, one at a time, with each usual error. The upload overcomes that, or
//! ends with a clear error, and the same call succeeds when nothing fails any more.
//!
//! A fixed sample runs always. `make torture` fails the n-th call of every kind with every error, for every n until an upload
//! has no n-th any more. strace does it from outside, so that programs in C, Python and Go are treated alike. It counts the
//! calls of each thread, so several may fail at once. It is attached to a program that has uploaded before: how a program, the
//! loader and an interpreter begin is none of this library's business. A number that is also that of a call by which the
//! program hears orders or responds is left out.
#![cfg(target_os = "linux")]

#[path = "../scenarios/commands.rs"]
mod commands;
#[path = "../common/mod.rs"]
mod common;
#[path = "../scenarios/executor.rs"]
mod executor;
#[path = "../c/header_text.rs"]
mod header_text;
mod inject;
#[path = "../scenarios/languages.rs"]
mod languages;
#[path = "../scenarios/rust.rs"]
mod rust;
#[path = "../scenarios/rust_batch.rs"]
mod rust_batch;
#[path = "../c/toolchain.rs"]
mod toolchain;
mod torment;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use inject::Injection;
use languages::Language;
use torment::{Tormentor, Verdict};
use uploads::{UPLOADS, Upload};

const CASES: usize = 500;
/// Uploads at the same time.
const AT_ONCE: usize = 2;

/// Calls that can fail, and how they usually do.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EMFILE", "EACCES", "EIO"]),
    ("pread64", &["EIO", "EINTR"]),
    ("read", &["EIO", "EINTR"]),
    ("write", &["ENOSPC", "EIO", "EINTR"]),
    ("pwrite64", &["ENOSPC", "EIO", "EINTR"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("ftruncate", &["EIO"]),
    ("linkat", &["EACCES", "ENOSPC"]),
    ("rename", &["EACCES", "ENOSPC"]),
    ("renameat", &["EACCES", "ENOSPC"]),
    ("renameat2", &["EACCES", "ENOSPC"]),
    ("unlink", &["EACCES", "EBUSY"]),
    ("unlinkat", &["EACCES", "EBUSY"]),
    ("mkdir", &["EACCES", "ENOSPC"]),
    ("getdents64", &["EIO"]),
    ("statx", &["EIO", "EACCES"]),
    ("newfstatat", &["EIO"]),
    ("flock", &["EINTR", "ENOLCK"]),
    ("fcntl", &["EMFILE", "EINTR"]),
    ("mmap", &["ENOMEM"]),
    ("clone", &["EAGAIN"]),
    ("clone3", &["EAGAIN", "ENOMEM"]),
    ("pipe2", &["EMFILE"]),
    ("socket", &["EMFILE", "ENOBUFS"]),
    ("connect", &["ECONNREFUSED", "ETIMEDOUT", "EINTR"]),
    ("sendto", &["EPIPE", "ECONNRESET", "EINTR"]),
    ("sendmsg", &["EPIPE", "ECONNRESET", "EINTR"]),
    ("recvfrom", &["ECONNRESET", "EINTR"]),
    ("poll", &["EINTR", "ENOMEM"]),
    ("ppoll", &["EINTR", "ENOMEM"]),
    ("getrandom", &["EINTR", "ENOSYS"]),
];

/// What the runtimes of Python and Go do not survive, whoever asks for it; that of a program in Rust aborts when a new thread
/// gets no stack for signals.
const OF_RUNTIMES: [&str; 3] = ["mmap", "clone", "clone3"];

#[derive(Clone, Copy, Debug)]
struct Case {
    upload: &'static Upload,
    injection: Injection,
    /// The further ones follow until there are none.
    goes_on: bool,
}

#[test]
fn an_upload_survives_the_failure_of_any_system_call() {
    if toolchain::is_left_out("strace") {
        return;
    }
    let whole = env::var_os("OSS_TORTURE").is_some_and(|value| value == "all");
    let only = env::var("OSS_UPLOAD").unwrap_or_default();
    let tools = tempfile::tempdir().expect("a folder for the programs");
    let commands = commands::prepare(tools.path());
    let uploads =
        UPLOADS.iter().filter(|upload| commands.contains_key(&upload.language) && upload.name.contains(&only));
    let jobs: VecDeque<_> = uploads.collect();
    let counted = in_parallel(&commands, tools.path(), jobs, |tormentor, upload, _| {
        CALLS
            .iter()
            .map(|(call, _)| (*call, tormentor.count(upload, call)))
            .map(|(call, n)| (upload, call, n))
            .collect()
    });
    let all = cases(&counted, whole);
    let every = if whole { 1 } else { all.len().div_ceil(CASES).max(1) };
    let chosen: VecDeque<_> = all.iter().copied().step_by(every).collect();
    println!("{} of {} cases of {} uploads", chosen.len(), all.len(), UPLOADS.len());
    let start = Instant::now();
    let failures = Mutex::new(BTreeSet::new());
    let verdicts = in_parallel(&commands, tools.path(), chosen, |tormentor, case: Case, todo| {
        let Case { upload, injection, goes_on } = case;
        let verdict = catch_unwind(AssertUnwindSafe(|| tormentor.torment(upload, injection)));
        let verdict = verdict.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let failure = format!("{}: {injection:?}: {words}", upload.name);
            println!("{failure}");
            failures.lock().unwrap().insert(failure);
            tormentor.start_anew();
            Verdict::Failed
        });
        if goes_on && verdict != Verdict::NoSuchCall {
            let injection = Injection { number: injection.number + 1, ..injection };
            todo.lock().unwrap().push_front(Case { injection, ..case });
        }
        vec![verdict]
    });
    let mut count = BTreeMap::<Verdict, usize>::new();
    verdicts.into_iter().for_each(|verdict| *count.entry(verdict).or_default() += 1);
    println!("{:.1} s: {count:?}", start.elapsed().as_secs_f32());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} cases failed", failures.len());
    assert!(!only.is_empty() || count.get(&Verdict::Overcome) > Some(&10) && count.get(&Verdict::Reported) > Some(&10));
}

/// Each call that an upload makes, with each error; when `whole`, also those beyond what was counted.
fn cases(counted: &[(&'static Upload, &'static str, Vec<bool>)], whole: bool) -> Vec<Case> {
    let mut all = Vec::new();
    for (upload, call, count) in counted {
        let of_runtime = !matches!(upload.language, Language::C | Language::Cpp) && OF_RUNTIMES.contains(call);
        let (_, errnos) = CALLS.iter().find(|(name, _)| name == call).expect("it is in the table");
        for errno in errnos.iter().filter(|_| !of_runtime) {
            for (at, _) in count.iter().enumerate().filter(|(_, is_of_program)| !**is_of_program) {
                let number = at as u32 + 1;
                let goes_on = whole && at + 1 == count.len();
                all.push(Case { upload, injection: Injection { call, errno, number }, goes_on });
            }
        }
    }
    all
}

/// Carries out `jobs`, each worker with programs of its own. A job may add others.
fn in_parallel<J: Send, R: Send>(
    commands: &commands::Commands,
    tools: &Path,
    jobs: VecDeque<J>,
    work: impl Fn(&mut Tormentor<'_>, J, &Mutex<VecDeque<J>>) -> Vec<R> + Sync,
) -> Vec<R> {
    let (jobs, results) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for number in 0..AT_ONCE {
            let (jobs, results, work) = (&jobs, &results, &work);
            scope.spawn(move || {
                let folder = tools.join(format!("worker-{number}"));
                fs::create_dir_all(&folder).expect("a folder for a worker");
                let mut tormentor = Tormentor::new(commands, folder);
                loop {
                    let next = jobs.lock().unwrap().pop_front();
                    let Some(job) = next else { return };
                    let done = work(&mut tormentor, job, jobs);
                    results.lock().unwrap().extend(done);
                }
            });
        }
    });
    results.into_inner().unwrap()
}
