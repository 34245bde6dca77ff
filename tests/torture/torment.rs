//! One upload with one call that fails, and what is expected of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use oss_server::PendingUpload;

use crate::commands::Commands;
use crate::common::{BUCKET, wait_until};
use crate::executor::{Executor, Response};
use crate::inject::{Injection, Traced};
use crate::languages::Language;
use crate::uploads::{Stage, UPLOADS, Upload};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It ended as if nothing had failed.
    Overcome,
    /// With a clear error; then the same call succeeded.
    Reported,
    /// The program's own call failed, not one of the library.
    OfProgram,
    /// There were not so many.
    NoSuchCall,
    Failed,
}

/// Runs uploads in programs that it keeps.
pub struct Tormentor<'a> {
    commands: &'a Commands,
    /// For logs.
    folder: PathBuf,
    programs: BTreeMap<Language, Executor>,
}

impl<'a> Tormentor<'a> {
    pub fn new(commands: &'a Commands, folder: PathBuf) -> Tormentor<'a> {
        Tormentor { commands, folder, programs: BTreeMap::new() }
    }

    /// Nobody knows what its programs are about.
    pub fn start_anew(&mut self) {
        self.programs.clear();
    }

    fn errors(&self) -> PathBuf {
        self.folder.join("errors")
    }

    /// A program that has uploaded once, so that what is done only once by its runtime is done.
    fn program(&mut self, language: Language) -> Executor {
        if let Some(program) = self.programs.remove(&language) {
            return program;
        }
        let mut command: Command = self.commands[&language]();
        command.stderr(File::options().create(true).append(true).open(self.errors()).expect("a file for errors"));
        let mut program = Executor::start(&mut command);
        let warm_up = UPLOADS.iter().find(|upload| upload.name == "parts").expect("the usual upload");
        let stage = Stage::prepare(warm_up, &mut program);
        assert_eq!(stage.call(&mut program).get("status"), "OSS_OK");
        program
    }

    /// The calls of a kind that an upload makes: true for those of the program itself.
    pub fn count(&mut self, upload: &Upload, call: &str) -> Vec<bool> {
        let mut program = self.program(upload.language);
        let stage = Stage::prepare(upload, &mut program);
        let traced = Traced::attach(program.id(), call, None, self.folder.join("calls"));
        let response = stage.call(&mut program);
        let seen = traced.detach();
        let ends = [upload.status, "OSS_OK"].contains(&response.get("status"));
        assert!(ends, "{}: {response:?}", upload.name);
        self.programs.insert(upload.language, program);
        seen.calls
    }

    /// Makes one call of the upload fail. What is wrong then is a panic.
    pub fn torment(&mut self, upload: &Upload, injection: Injection) -> Verdict {
        let mut program = self.program(upload.language);
        let stage = Stage::prepare(upload, &mut program);
        let files = open_files(&program);
        let traced = Traced::attach(program.id(), injection.call, Some(injection), self.folder.join("calls"));
        let response = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stage.call(&mut program)));
        let seen = traced.detach();
        if seen.is_of_program() {
            return Verdict::OfProgram;
        }
        let Some(line) = &seen.injected else {
            self.programs.insert(upload.language, program);
            return Verdict::NoSuchCall;
        };
        let response = response.unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            panic!("{words}: {line}: {}", self.last_words())
        });
        let verdict = judge(upload, &stage, &response).unwrap_or_else(|wrong| panic!("{wrong}: {line}: {response:?}"));
        check_traces(&program, &files, line);
        let words = self.last_words();
        assert!(!words.contains("panicked"), "a panic: {words}: {line}: {response:?}");
        if verdict == Verdict::Reported || upload.status == "OSS_PAUSED" {
            self.check_again(upload, &stage, &mut program, line);
        }
        self.programs.insert(upload.language, program);
        verdict
    }

    /// Nothing fails any more: the same call succeeds, and nothing is left.
    fn check_again(&self, upload: &Upload, stage: &Stage, program: &mut Executor, line: &str) {
        let again = stage.call(program);
        let ends = again.get("status") == upload.status || again.get("status") == "OSS_OK";
        assert!(ends, "the next call fails: {again:?}: {line}");
        let right = stage.check_objects(again.get("status") == "OSS_OK");
        right.unwrap_or_else(|wrong| panic!("{wrong}, after the next call: {line}"));
        if again.get("status") == "OSS_OK" {
            assert!(stage.left().is_empty(), "the next call leaves {:?}: {line}", stage.left());
        }
    }

    /// What its programs have said.
    fn last_words(&self) -> String {
        let words = fs::read_to_string(self.errors()).unwrap_or_default();
        let _ = fs::write(self.errors(), "");
        words
    }
}

/// It has succeeded with the right object, or has said why not, and has left nothing or something to go on with.
fn judge(upload: &Upload, stage: &Stage, response: &Response) -> Result<Verdict, String> {
    let status = response.get("status");
    let succeeded = status == "OSS_OK";
    stage.check_objects(succeeded)?;
    let (left, message) = (stage.left(), response.all("message").concat());
    if status == "OSS_INTERNAL" || !succeeded && message.is_empty() {
        return Err("no clear error".into());
    }
    if succeeded && !left.is_empty() {
        return Err(format!("{left:?} is left"));
    }
    let told = message + &response.all("outcome").concat();
    let is_told = |open: &PendingUpload| told.contains(&open.upload_id);
    let unknown = || -> Vec<_> {
        let open = stage.server.uploads(BUCKET).into_iter();
        open.filter(|open| !is_told(open) && (left.is_empty() || status == "OSS_CANCELLED")).collect()
    };
    if !unknown().is_empty() {
        return Err(format!("left on the server without a word: {:?}", unknown()));
    }
    Ok(if status == upload.status { Verdict::Overcome } else { Verdict::Reported })
}

/// No thread of the library and no open file has stayed.
fn check_traces(program: &Executor, files: &[String], line: &str) {
    wait_until(&format!("threads are left behind: {line}"), || {
        !threads(program).iter().any(|name| name.starts_with("oss-"))
    });
    wait_until(&format!("files are left open: {:?}, there were {files:?}: {line}", open_files(program)), || {
        open_files(program).len() <= files.len()
    });
}

fn threads(program: &Executor) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", program.id())).expect("its threads").flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).collect()
}

fn open_files(program: &Executor) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{}/fd", program.id())).expect("its files").flatten();
    let files = files.filter_map(|file| Some(fs::read_link(file.path()).ok()?.display().to_string()));
    // Rust's standard library keeps the first open when getrandom() is not there; the others are of Go's runtime.
    let of_runtimes = ["/dev/urandom", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"];
    files.filter(|file| !of_runtimes.contains(&file.as_str())).collect()
}
