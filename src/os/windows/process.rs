//! A child process whose output is read, and which ends with all that it has started.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::windows::io::AsRawHandle;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::ptr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Pipes::PeekNamedPipe;
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, CREATE_SUSPENDED, WaitForSingleObject};

use super::job::{Job, resume};

/// How often it is looked whether there is output: a pipe cannot be waited for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Status(i32),
    /// It was killed by this library.
    Signal,
    /// Nobody can take its status away here.
    #[allow(dead_code, reason = "other systems know it")]
    Unknown,
}

/// A child that does not outlive this value, and what it prints.
#[derive(Debug)]
pub(crate) struct Child {
    child: std::process::Child,
    output: ChildStdout,
    job: Job,
    was_killed: bool,
}

impl Child {
    /// Has the shell carry `command` out, in `directory` or in the current one.
    pub(crate) fn start_by_shell(command: &str, directory: Option<&Path>) -> io::Result<Child> {
        let mut shell = Command::new("cmd.exe");
        // Without AutoRun. With /S the outer quotation marks go, and all between them stays as it is.
        shell.raw_arg(format!("/D /S /C \"{command}\""));
        Self::start_command(shell, directory)
    }

    /// Starts the program `words[0]` with the others as its arguments, in `directory` or in the current one.
    pub(crate) fn start(words: &[&OsStr], directory: Option<&Path>) -> io::Result<Child> {
        let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments);
        Self::start_command(command, directory)
    }

    /// It runs when it is in its job, so that nothing that it starts can be outside.
    fn start_command(mut command: Command, directory: Option<&Path>) -> io::Result<Child> {
        if let Some(directory) = directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.creation_flags(CREATE_SUSPENDED | CREATE_NO_WINDOW);
        let job = Job::new()?;
        let mut child = command.spawn()?;
        let begun = job.take_in(&child).and_then(|()| resume(&child));
        match (begun, child.stdout.take()) {
            (Ok(()), Some(output)) => Ok(Child { child, output, job, was_killed: false }),
            (begun, _) => {
                let _ = child.kill();
                Err(begun.err().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    /// Whether it has ended, and how.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<End>> {
        let ended = self.child.try_wait()?;
        Ok(ended.map(|status| if self.was_killed { End::Signal } else { End::Status(status.code().unwrap_or(-1)) }))
    }

    /// Waits up to `time` for output, for its end or for the child's. True: a read does not block.
    pub(crate) fn wait_for_output(&mut self, time: Duration) -> io::Result<bool> {
        let until = Instant::now() + time;
        loop {
            if self.has_output()? {
                return Ok(true);
            }
            if Instant::now() >= until || self.child.try_wait()?.is_some() {
                // What it printed last may have come since.
                return self.has_output();
            }
            sleep(LOOK_EVERY);
        }
    }

    fn has_output(&self) -> io::Result<bool> {
        let (mut count, null) = (0, ptr::null_mut());
        // SAFETY: the handle is open, and only `count` is written.
        if unsafe { PeekNamedPipe(self.output.as_raw_handle(), null, 0, ptr::null_mut(), &mut count, ptr::null_mut()) }
            != 0
        {
            return Ok(count > 0);
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
            error => Err(error),
        }
    }

    /// Waits up to `time` for its end, after its output has ended.
    pub(crate) fn wait_for_end(&self, time: Duration) {
        // SAFETY: the handle is open. What comes of it is seen by try_wait.
        unsafe { WaitForSingleObject(self.child.as_raw_handle(), time.as_millis() as u32) };
    }

    /// Ends it and all that it has started, unless it has ended.
    pub(crate) fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.was_killed = true;
        }
        self.job.end();
        let _ = self.child.wait();
    }
}

impl Read for Child {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // As elsewhere, what it has left behind lives on when it has ended by itself.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn finish(mut child: Child) -> (String, End) {
        let mut text = String::new();
        child.read_to_string(&mut text).unwrap();
        loop {
            if let Some(end) = child.try_wait().unwrap() {
                return (text, end);
            }
            child.wait_for_end(LONG);
        }
    }

    #[test]
    fn output_and_status_are_known() {
        let child = Child::start_by_shell("echo out& echo err>&2& exit 7", None).unwrap();
        assert_eq!(finish(child), ("out\r\n".into(), End::Status(7)));
        let child = Child::start(&["cmd.exe", "/C", "echo \"a b\""].map(OsStr::new), None).unwrap();
        assert_eq!(finish(child).1, End::Status(0));
        assert!(Child::start(&[OsStr::new("C:\\nowhere\\program.exe")], None).is_err());
        assert!(Child::start(&[], None).is_err());
    }

    #[test]
    fn it_runs_where_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b");
        std::fs::create_dir(&path).unwrap();
        let (printed, _) = finish(Child::start_by_shell("cd", Some(&path)).unwrap());
        assert_eq!(printed.trim_end().to_lowercase(), path.to_str().unwrap().to_lowercase());
    }

    #[test]
    fn it_is_killed_with_all_that_it_started() {
        // What it starts holds the pipe open, too.
        let mut child = Child::start_by_shell("echo x& cmd /C \"ping -n 3600 127.0.0.1 & rem\"", None).unwrap();
        assert!(child.wait_for_output(LONG).unwrap());
        child.kill();
        assert_eq!(child.try_wait().unwrap(), Some(End::Signal));
        let mut rest = String::new();
        child.read_to_string(&mut rest).unwrap();
    }
}
