//! Tests that need a process of their own run this test program again, with one test only.

use std::env::{current_exe, var_os};
use std::path::{Path, PathBuf};
use std::process::Command;

const PATH: &str = "OSS_UPLOAD_TEST_CHECKPOINT";

/// A command that runs the ignored test `name` of `module` on the checkpoint at `path`.
pub(super) fn command(module: &str, name: &str, path: &Path) -> Command {
    let mut command = Command::new(current_exe().unwrap());
    add_arguments(&mut command, module, name, path);
    command
}

/// As [`command`], and a write beyond the file size limit is an error, instead of the end of the process.
#[cfg(unix)]
pub(super) fn command_without_sigxfsz(module: &str, name: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(current_exe().unwrap());
    add_arguments(&mut command, module, name, path);
    command
}

fn add_arguments(command: &mut Command, module: &str, name: &str, path: &Path) {
    let (_, module) = module.split_once("::").unwrap();
    command.args(["--exact", "--ignored", "--nocapture", "--test-threads=1"]).arg(format!("{module}::{name}"));
    command.env(PATH, path);
}

/// The path, when this process is such a child; `None` when somebody runs the ignored tests.
pub(super) fn path() -> Option<PathBuf> {
    var_os(PATH).map(PathBuf::from)
}

/// Runs a child and asserts that its test passed.
pub(super) fn passes(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}
