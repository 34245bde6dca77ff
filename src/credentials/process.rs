//! Credentials that another program prints.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::answer::{KeyAnswer, issued, word};
use super::{Issued, Provider, Secret, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::os::descriptor;

/// More than this is no key.
const MOST_OUTPUT: usize = 64 * 1024;
/// How long it is waited before it is looked whether to go on.
const SLICE: Duration = Duration::from_millis(50);

/// A program and what it prints.
pub(super) struct Process {
    command: Zeroizing<String>,
    dialect: Dialect,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Of the vendor's OSS SDKs: run by a shell, prints what other services answer.
    Sdk,
    /// Of the vendor's command line, mode `External`: run without a shell, prints a profile.
    Cli,
}

impl Process {
    /// `command` is run by `sh -c`.
    pub(super) fn of_sdk(command: &str) -> Self {
        Self::new(command, Dialect::Sdk, Duration::from_secs(15))
    }

    /// `command` is a program and its arguments, parted by blanks.
    pub(super) fn of_cli(command: &str) -> Self {
        Self::new(command, Dialect::Cli, Duration::from_secs(60))
    }

    fn new(command: &str, dialect: Dialect, patience: Duration) -> Self {
        Process { command: Zeroizing::new(command.to_owned()), dialect, patience }
    }

    fn command(&self) -> Command {
        if self.dialect == Dialect::Sdk {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(self.command.as_str());
            return command;
        }
        let mut words = self.command.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }

    fn run(&self, stop: &AtomicBool) -> Result<Zeroizing<Vec<u8>>> {
        let mut command = self.command();
        // What it says on standard error may hold secrets. A group of its own, so that its children end with it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let cannot = |error: &io::Error| Error::os(ErrorKind::Credentials, "the command cannot be run", error);
        // The standard streams of the child are put together from pipes, whose own numbers must be others.
        let mut child = descriptor::away_from_standard(|| command.spawn()).map_err(|error| cannot(&error))?;
        let output = child.stdout.take().ok_or_else(|| failed("the command has no output"))?;
        let mut running = Running { child, ended: None };
        let (output, status) = running.finish(output, Instant::now() + self.patience, stop)?.ok_or_else(|| {
            let seconds = self.patience.as_secs();
            failed(format!("the command took longer than {seconds} s and was ended")).with_retryable(true)
        })?;
        match status.code() {
            _ if output.len() > MOST_OUTPUT => {
                Err(failed(format!("the command printed more than {MOST_OUTPUT} bytes")))
            }
            Some(0) => Ok(output),
            Some(code) => Err(failed(format!("the command ended with status {code}")).with_retryable(true)),
            None => Err(failed("the command was ended by a signal").with_retryable(true)),
        }
    }
}

impl Provider for Process {
    fn name(&self) -> String {
        "process".into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Result<Issued> {
        let output = self.run(stop)?;
        let issued = match self.dialect {
            Dialect::Sdk => KeyAnswer::parse(&output).and_then(KeyAnswer::into_issued),
            Dialect::Cli => read_profile(&output),
        };
        issued.map_err(|why| failed(format!("the command's output {why}")))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Printed {
    mode: String,
    access_key_id: String,
    access_key_secret: Secret,
    sts_token: Secret,
    expiration: Value,
}

fn read_profile(json: &[u8]) -> std::result::Result<Issued, String> {
    let printed: Printed = serde_json::from_slice(json).map_err(|_| "is not the JSON that it should be".to_owned())?;
    let token = match printed.mode.to_ascii_lowercase().as_str() {
        "ak" => None,
        "ststoken" if printed.sts_token.is_empty() => return Err("lacks sts_token".into()),
        "ststoken" => Some(printed.sts_token),
        _ => return Err(format!("has the mode {}, not AK or StsToken", word(&printed.mode))),
    };
    issued(printed.access_key_id, printed.access_key_secret, token, &printed.expiration)
}

/// A child that does not outlive this.
struct Running {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Reads what it prints until it has ended; `None` when that takes too long.
    fn finish(
        &mut self,
        mut output: ChildStdout,
        until: Instant,
        stop: &AtomicBool,
    ) -> Result<Option<(Zeroizing<Vec<u8>>, ExitStatus)>> {
        let cannot =
            |error: io::Error| Error::os(ErrorKind::Credentials, "the command's output cannot be read", &error);
        // Never grows, so that no copies are left behind.
        let mut read = Zeroizing::new(Vec::with_capacity(MOST_OUTPUT + 4096));
        let mut buffer = [0; 4096];
        let mut open = true;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(failed("the command was not waited for").with_retryable(true));
            }
            // First: what it printed before its end is there then.
            self.look()?;
            while open && readable(&output, self.ended.is_some()).map_err(cannot)? {
                let count = output.read(&mut buffer).map_err(cannot)?;
                read.extend_from_slice(&buffer[..count]);
                open = count > 0 && read.len() <= MOST_OUTPUT;
            }
            buffer.zeroize();
            // Its children may keep the pipe open for as long as they like.
            if let Some(status) = self.ended {
                return Ok(Some((read, status)));
            }
            if read.len() > MOST_OUTPUT {
                self.kill();
                return Ok(self.ended.map(|status| (read, status)));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            if !open {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn look(&mut self) -> Result<()> {
        if self.ended.is_none() {
            let cannot = |error| Error::os(ErrorKind::Credentials, "the command cannot be waited for", &error);
            self.ended = self.child.try_wait().map_err(cannot)?;
        }
        Ok(())
    }

    fn kill(&mut self) {
        if self.ended.is_none() {
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended just now; then there is nobody to kill.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether there is something to read, or the end; waits a little for it unless the writer has ended.
fn readable(output: &ChildStdout, ended: bool) -> io::Result<bool> {
    let time = if ended { Duration::ZERO } else { SLICE };
    let time = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    match poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&time)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t"}"#;

    fn fetch(command: &str) -> Result<Issued> {
        Process::of_sdk(command).fetch(&Arc::default())
    }

    #[test]
    fn what_a_command_prints_is_read() {
        let issued = fetch(&format!("echo noise >&2; echo '{KEY}'")).unwrap();
        assert_eq!((issued.credentials.access_key_id(), issued.credentials.security_token()), ("i", Some("t")));
        assert_eq!(issued.expires, None);
    }

    #[test]
    fn a_profile_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fetch = |json: &str| {
            std::fs::write(file.path(), json).unwrap();
            Process::of_cli(&format!("cat  {}", file.path().display())).fetch(&Arc::default())
        };
        let json = r#"{"mode":"StsToken","access_key_id":"i","access_key_secret":"s","sts_token":"t",
            "expiration":"2023-12-16T16:20:57Z"}"#;
        let issued = fetch(json).unwrap();
        assert!(issued.expires.is_some() && issued.credentials.security_token() == Some("t"));
        assert_eq!(fetch(&json.replace("StsToken", "AK")).unwrap().credentials.security_token(), None);
        for (json, expected) in [
            (json.replace("sts_token", "other"), "lacks sts_token"),
            (json.replace("StsToken", "CloudSSO"), "has the mode CloudSSO, not AK or StsToken"),
            (json.replace("\"s\"", "\"\""), "access_key_secret is empty"),
            ("secret".into(), "is not the JSON"),
        ] {
            let error = fetch(&json).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn failures_show_neither_the_command_nor_what_it_says() {
        for (command, expected) in [
            ("echo secret >&2; echo secret; exit 3", "the command ended with status 3"),
            ("echo secret", "the command's output is not the JSON that it should be"),
            ("kill -9 $$ # secret", "the command was ended by a signal"),
            ("secret-program", "the command ended with status 127"),
            ("yes secret", "the command printed more than 65536 bytes"),
        ] {
            let error = fetch(command).unwrap_err();
            assert!(error.message().contains(expected) && !error.message().contains("secret"), "{error}");
        }
        let error = Process::of_cli("/nowhere/secret x").fetch(&Arc::default()).unwrap_err();
        assert!(error.message().contains("cannot be run") && !error.message().contains("secret"), "{error}");
    }

    #[test]
    fn a_slow_command_is_ended_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = format!("sleep 3600 & echo $! > {}; wait", file.path().display());
        let start = Instant::now();
        let error = Process::new(&command, Dialect::Sdk, Duration::from_secs(1)).fetch(&Arc::default()).unwrap_err();
        assert!(error.message().contains("took longer than") && error.is_retryable(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(10));
        let pid: i32 = std::fs::read_to_string(file.path()).unwrap().trim().parse().unwrap();
        // Gone, or dead and not yet collected by its new parent; the signal may take a moment.
        let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat"));
        while stat().is_ok_and(|stat| !stat.contains(" Z ")) {
            assert!(start.elapsed() < Duration::from_secs(10), "the child lives on");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_command_that_leaves_a_child_behind_is_not_waited_for() {
        let start = Instant::now();
        fetch(&format!("sleep 20 & echo '{KEY}'")).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn it_can_be_stopped() {
        let stop = Arc::new(AtomicBool::new(true));
        assert!(Process::of_sdk("sleep 3600").fetch(&stop).unwrap_err().is_retryable());
    }
}
