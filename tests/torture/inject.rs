//! Makes one system call of a running process fail, from outside, by strace.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The file that a program reads by itself.
pub const CONTENT: &str = "content.bin";
/// A thread that is just ending cannot be traced: it is tried for ten seconds at least.
const MOST_ATTEMPTS: u32 = 500;

/// So long strace may take to let a process go.
const LONGEST_END: Duration = Duration::from_secs(10);

/// The `number`-th call of `call` of each thread, counted from now, fails with `errno`.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    pub call: &'static str,
    pub errno: &'static str,
    pub number: u32,
}

/// A process under strace.
pub struct Traced {
    strace: Child,
    injection: Option<Injection>,
    log: PathBuf,
}

/// What strace saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// The call that failed, as strace writes it; `None`: no thread made so many.
    pub injected: Option<String>,
    /// For each number, up to the most calls that a thread made: whether one of them was the program's own, by which it hears
    /// orders, responds, or reads what it uploads from memory.
    pub calls: Vec<bool>,
}

impl Traced {
    /// Returns when all threads of the process are traced. `None`: nothing fails, calls are only counted.
    pub fn attach(process: u32, call: &str, injection: Option<Injection>, log: PathBuf) -> Traced {
        let mut command = Command::new("strace");
        // -y names what is behind a descriptor.
        command.args(["-f", "-y", "-e", &format!("trace={call}"), "-o"]).arg(&log);
        if let Some(Injection { call, errno, number }) = injection {
            command.args(["-e", &format!("inject={call}:error={errno}:when={number}")]);
        }
        command.args(["-p", &process.to_string()]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut said = String::new();
        for _ in 0..MOST_ATTEMPTS {
            let mut strace = command.spawn().expect("strace, which this test needs, starts");
            let mut errors = BufReader::new(strace.stderr.take().expect("its errors"));
            said.clear();
            while errors.read_line(&mut said).expect("what strace says") > 0 {
                if said.contains("attached") {
                    return Traced::begun(strace, injection, errors, log);
                }
            }
            strace.wait().expect("strace ends");
            thread::sleep(Duration::from_millis(20));
        }
        panic!("strace does not attach: {said}");
    }

    fn begun(strace: Child, injection: Option<Injection>, mut errors: BufReader<ChildStderr>, log: PathBuf) -> Traced {
        // Nobody reads on: what it says of threads goes nowhere, and a full pipe must not stop it.
        thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Traced { strace, injection, log }
    }

    /// Lets the process go.
    pub fn detach(mut self) -> Seen {
        let id = Pid::from_child(&self.strace);
        // It has ended by itself when the process has. But it can wait for ever for a thread of a process that is ending.
        let _ = kill_process(id, Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < LONGEST_END && self.strace.try_wait().is_ok_and(|ended| ended.is_none()) {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.strace.kill();
        self.strace.wait().expect("strace ends");
        let log = BufReader::new(File::open(&self.log).expect("the log of strace"));
        let (mut seen, mut threads) = (Seen::default(), BTreeMap::<String, usize>::new());
        for line in log.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            // It was let go while that call was failing, which is not written then.
            let mut fails = line.ends_with("(INJECTED)");
            if !["resumed>", "+++", "---"].iter().any(|mark| line.contains(mark)) {
                let thread = line.split(' ').next().unwrap_or_default().to_owned();
                let number = threads.entry(thread).or_default();
                seen.calls.resize(seen.calls.len().max(*number + 1), false);
                seen.calls[*number] |= is_of_program(&line);
                *number += 1;
                let is_due = self.injection.is_some_and(|injection| injection.number as usize == *number);
                fails |= is_due && line.contains("<detached");
            }
            if fails && (seen.injected.is_none() || is_of_program(&line)) {
                seen.injected = Some(line);
            }
        }
        let _ = fs::remove_file(&self.log);
        seen
    }
}

impl Seen {
    /// The program's own call has failed.
    pub fn is_of_program(&self) -> bool {
        self.injected.as_deref().is_some_and(is_of_program)
    }
}

/// A call with a standard descriptor, or with the content that the program holds in memory.
fn is_of_program(line: &str) -> bool {
    ["(0<", "(1<", "(2<", CONTENT].iter().any(|own| line.contains(own))
}
