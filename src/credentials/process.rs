//! Credentials that another program prints.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::key_response::{KeyResponse, from_json, issued, word};
use super::{Fetched, Issued, Provider, Secret, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::os::descriptor;
use crate::os::process::{Child, End};
use crate::sync::atomic::{AtomicBool, Ordering};

/// More than this is no key.
const MOST_OUTPUT: usize = 64 * 1024;
/// How long it is waited before it is looked whether to go on.
const SLICE: Duration = Duration::from_millis(50);
const ZERO: Duration = Duration::ZERO;

/// A program and what it prints.
pub(super) struct Process {
    command: Zeroizing<String>,
    dialect: Dialect,
    /// Where it runs: the working directory when the client was made, so that `./program` means what it meant.
    directory: Option<PathBuf>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Of Alibaba Cloud's OSS SDKs: run by a shell, prints what other services response.
    Sdk,
    /// Of Alibaba Cloud's command line, mode `External`: run without a shell, prints a profile.
    Cli,
}

impl Process {
    /// `command` is run by the system's shell: `sh -c`, on Windows `cmd /C`.
    pub(super) fn of_sdk(command: &str, directory: Option<PathBuf>) -> Self {
        Self::new(command, Dialect::Sdk, directory, Duration::from_secs(15))
    }

    /// `command` is a program and its arguments, parted by blanks.
    pub(super) fn of_cli(command: &str, directory: Option<PathBuf>) -> Self {
        Self::new(command, Dialect::Cli, directory, Duration::from_secs(60))
    }

    fn new(command: &str, dialect: Dialect, directory: Option<PathBuf>, patience: Duration) -> Self {
        Process { command: Zeroizing::new(command.to_owned()), dialect, directory, patience }
    }

    fn start(&self) -> Result<Child> {
        let started = match self.dialect {
            Dialect::Sdk => Child::start_by_shell(&self.command, self.directory.as_deref()),
            Dialect::Cli => self.start_program(),
        };
        started.map_err(|error| {
            let cannot = Error::os(ErrorKind::Credentials, "the command cannot be run", &error);
            match self.directory.as_ref().filter(|directory| !directory.is_dir()) {
                Some(gone) => cannot.hint(format_args!(
                    "{}, the working directory when the client was created, no longer exists",
                    gone.display()
                )),
                None => cannot,
            }
        })
    }

    /// A name without a folder is looked for in PATH.
    fn start_program(&self) -> io::Result<Child> {
        let mut words: Vec<&OsStr> = self.command.split_whitespace().map(OsStr::new).collect();
        let is_path = |word: &&&OsStr| Path::new(word).components().nth(1).is_some();
        let program: Option<OsString> = words.first().filter(is_path).map(|word| {
            self.directory.as_ref().map_or((*word).to_owned(), |directory| directory.join(word).into_os_string())
        });
        if let Some(program) = &program {
            words[0] = program;
        }
        Child::start(&words, self.directory.as_deref())
    }

    fn run(&self, stop: &AtomicBool) -> Result<(Zeroizing<Vec<u8>>, End)> {
        // The standard streams of the child are put together from pipes, whose own numbers must be others.
        let mut child = descriptor::away_from_standard(|| self.start())?;
        let (output, end) = finish(&mut child, Instant::now() + self.patience, stop)?.ok_or_else(|| {
            let seconds = self.patience.as_secs();
            failed(format!("the command took longer than {seconds} s and was stopped")).with_retryable(true)
        })?;
        match end {
            _ if output.len() > MOST_OUTPUT => {
                Err(failed(format!("the command printed more than {MOST_OUTPUT} bytes")))
            }
            End::Status(0) | End::Unknown => Ok((output, end)),
            End::Status(code) => Err(failed(format!("the command ended with status {code}")).with_retryable(true)),
            End::Signal => Err(failed("the command was killed by a signal").with_retryable(true)),
        }
    }
}

impl Provider for Process {
    fn name(&self) -> String {
        "process".into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        let (output, end) = self.run(stop)?;
        let issued = match self.dialect {
            Dialect::Sdk => KeyResponse::parse(&output).and_then(KeyResponse::into_issued),
            Dialect::Cli => read_profile(&output),
        };
        // Where the status is not known, the output tells whether it succeeded.
        let issued = issued.map_err(|why| {
            let error = failed(format!("the command's output {why}"));
            if end != End::Unknown {
                return error;
            }
            error.with_retryable(true).hint(
                "the exit status of the command is not known, since this program ignores SIGCHLD or reaps all its children",
            )
        });
        Ok(issued?.from("process"))
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
    let printed: Printed = from_json(json)?;
    let token = match printed.mode.to_ascii_lowercase().as_str() {
        "ak" => None,
        "ststoken" if printed.sts_token.is_empty() => return Err("lacks sts_token".into()),
        "ststoken" => Some(printed.sts_token),
        _ => return Err(format!("has the mode {}, not AK or StsToken", word(&printed.mode))),
    };
    issued(printed.access_key_id, printed.access_key_secret, token, &printed.expiration)
}

/// Reads what it prints until it has ended; `None` when that takes too long.
fn finish(child: &mut Child, until: Instant, stop: &AtomicBool) -> Result<Option<(Zeroizing<Vec<u8>>, End)>> {
    let cannot = |error: io::Error| Error::os(ErrorKind::Credentials, "the command's output cannot be read", &error);
    // Never grows, so that no copies are left behind.
    let mut read = Zeroizing::new(Vec::with_capacity(MOST_OUTPUT + 4096));
    let mut open = true;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(failed("the command was not waited for").with_retryable(true));
        }
        // First: what it printed before its end is there then. Its children may keep the pipe open for as long as they like.
        let end = child
            .try_wait()
            .map_err(|error| Error::os(ErrorKind::Credentials, "the command cannot be waited for", &error))?;
        let time = if end.is_some() { ZERO } else { SLICE };
        while open && child.wait_for_output(time).map_err(cannot)? {
            open = read_some(child, &mut read).map_err(cannot)? && read.len() <= MOST_OUTPUT;
        }
        if let Some(end) = end {
            return Ok(Some((read, end)));
        }
        if read.len() > MOST_OUTPUT {
            child.kill();
            return Ok(Some((read, End::Signal)));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        if !open {
            child.wait_for_end(SLICE);
        }
    }
}

/// False at the end.
fn read_some(child: &mut Child, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let count = child.read(&mut buffer)?;
    into.extend_from_slice(&buffer[..count]);
    buffer.zeroize();
    Ok(count > 0)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::Unavailable;
    use super::*;
    use std::thread;

    const KEY: &str = r#"{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t"}"#;

    fn fetch(command: &str) -> Result<Issued> {
        ask(&Process::of_sdk(command, None))
    }

    fn ask(process: &Process) -> Result<Issued> {
        process.fetch(&Arc::default()).map_err(Unavailable::into_error)
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
            ask(&Process::of_cli(&format!("cat  {}", file.path().display()), None))
        };
        let json = r#"{"mode":"StsToken","access_key_id":"i","access_key_secret":"s","sts_token":"t",
            "expiration":"2023-12-16T16:20:57Z"}"#;
        let issued = fetch(json).unwrap();
        assert!(issued.expires.is_some() && issued.credentials.security_token() == Some("t"));
        assert_eq!(fetch(&json.replace("StsToken", "AK")).unwrap().credentials.security_token(), None);
        assert_eq!(fetch(&format!("\u{feff}{json}")).unwrap().credentials.access_key_id(), "i");
        for (json, expected) in [
            (json.replace("sts_token", "other"), "lacks sts_token"),
            (json.replace("StsToken", "CloudSSO"), "has the mode CloudSSO, not AK or StsToken"),
            (json.replace("\"s\"", "\"\""), "access_key_secret is empty"),
            ("secret".into(), "is not the expected JSON"),
        ] {
            let error = fetch(&json).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_relative_program_is_that_of_the_clients_first_directory() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::write(folder.path().join("key.json"), KEY).unwrap();
        std::os::unix::fs::symlink("/bin/cat", folder.path().join("bin/print")).unwrap();
        let there = || Some(folder.path().to_owned());
        assert_eq!(ask(&Process::of_sdk("bin/print key.json", there())).unwrap().credentials.access_key_id(), "i");
        std::fs::write(folder.path().join("key.json"), r#"{"mode":"AK","access_key_id":"c","access_key_secret":"s"}"#)
            .unwrap();
        for program in ["bin/print", "./bin/print", "cat"] {
            let issued = ask(&Process::of_cli(&format!("{program} key.json"), there())).unwrap();
            assert_eq!(issued.credentials.access_key_id(), "c");
        }
        let gone = Process::of_sdk("true", Some(folder.path().join("gone")));
        let error = ask(&gone).unwrap_err();
        assert!(error.message().ends_with("gone, the working directory when the client was created, no longer exists"));
    }

    #[test]
    fn failures_show_neither_the_command_nor_what_it_says() {
        for (command, expected) in [
            ("echo secret >&2; echo secret; exit 3", "the command ended with status 3"),
            ("echo secret", "the command's output is not the expected JSON"),
            ("kill -9 $$ # secret", "the command was killed by a signal"),
            ("secret-program", "the command ended with status 127"),
            ("yes secret", "the command printed more than 65536 bytes"),
        ] {
            let error = fetch(command).unwrap_err();
            assert!(error.message().contains(expected) && !error.message().contains("secret"), "{error}");
        }
        let error = ask(&Process::of_cli("/nowhere/secret x", None)).unwrap_err();
        assert!(error.message().contains("cannot be run") && !error.message().contains("secret"), "{error}");
    }

    #[test]
    fn a_slow_command_is_ended_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = format!("sleep 3600 & echo $! > {}; wait", file.path().display());
        let start = Instant::now();
        let error = ask(&Process::new(&command, Dialect::Sdk, None, Duration::from_secs(1))).unwrap_err();
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
        assert!(Process::of_sdk("sleep 3600", None).fetch(&stop).unwrap_err().into_error().is_retryable());
    }
}

#[cfg(windows)]
#[cfg(test)]
mod tests {
    use super::super::Unavailable;
    use super::*;

    const KEY: &str = r#"{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t"}"#;

    fn fetch(command: &str) -> Result<Issued> {
        Process::of_sdk(command, None).fetch(&Arc::default()).map_err(Unavailable::into_error)
    }

    #[test]
    fn what_a_command_prints_is_read() {
        let issued = fetch(&format!("echo noise>&2& echo {KEY}")).unwrap();
        assert_eq!((issued.credentials.access_key_id(), issued.credentials.security_token()), ("i", Some("t")));
    }

    #[test]
    fn failures_show_neither_the_command_nor_what_it_says() {
        // In long lines: Wine takes its time for each.
        let much = format!("for /L %i in (1,1,200) do @echo {}", "secret".repeat(100));
        for (command, expected) in [
            ("echo secret& exit 3", "the command ended with status 3"),
            ("echo secret", "the command's output is not the expected JSON"),
            (&much, "the command printed more than 65536 bytes"),
        ] {
            let error = fetch(command).unwrap_err();
            assert!(error.message().contains(expected) && !error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_slow_command_is_ended() {
        let start = Instant::now();
        let slow = Process::new("ping -n 3600 127.0.0.1", Dialect::Sdk, None, Duration::from_secs(1));
        // What it prints meanwhile is not too much.
        let error = slow.fetch(&Arc::default()).map_err(Unavailable::into_error).unwrap_err();
        assert!(error.message().contains("took longer than") && error.is_retryable(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
