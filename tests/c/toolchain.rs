//! The C compiler, the library that it links, and the programs in this folder.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::env;
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(windows)]
use std::os::windows::fs::symlink_file as symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What every C program must compile under without a word.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Whether the test is to be left out since a tool is missing: only where `make test` has said so in OSS_TEST_WITHOUT, and
/// never in CI.
pub fn is_left_out(tool: &str) -> bool {
    let without = env::var("OSS_TEST_WITHOUT").unwrap_or_default();
    let in_ci = env::var_os("CI").is_some_and(|value| value == "true");
    let left_out = !in_ci && without.split_whitespace().any(|missing| missing == tool);
    if left_out {
        println!("left out: it needs {tool}");
    }
    left_out
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn source(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

/// The shared library: that of this build, or the one that OSS_UPLOAD_LIBRARY names, such as the release build.
pub fn library() -> PathBuf {
    if let Some(given) = env::var_os("OSS_UPLOAD_LIBRARY") {
        return fs::canonicalize(&given).unwrap_or_else(|error| panic!("OSS_UPLOAD_LIBRARY names {given:?}: {error}"));
    }
    // Cargo makes all kinds of the library in one go, before the tests that link one of them, and beside these.
    let beside = env::current_exe().expect("this test knows where it is").with_file_name("liboss_upload.so");
    assert!(beside.is_file(), "{} is not there: is \"cdylib\" still among the crate types?", beside.display());
    beside
}

/// A directory with the shared library under the names by which the linker and the loader look for it.
pub fn library_folder(folder: &Path) -> PathBuf {
    let folder = folder.join("lib");
    if !folder.exists() {
        fs::create_dir(&folder).expect("a folder for the library");
        let library = library();
        if library.extension().is_some_and(|extension| extension == "dll") {
            symlink(&library, folder.join("oss_upload.dll")).expect("a link to the library");
            return folder;
        }
        symlink(&library, folder.join("liboss_upload.so")).expect("a link to the library");
        if let Some(name) = soname(&library).filter(|name| name != "liboss_upload.so") {
            symlink(&library, folder.join(name)).expect("a link to the library");
        }
    }
    folder
}

fn soname(library: &Path) -> Option<String> {
    let dynamic = stdout(Command::new("readelf").arg("-dW").arg(library));
    let line = dynamic.lines().find(|line| line.contains("(SONAME)"))?;
    Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// Compiles and links `sources` of this folder into a program in `folder`.
pub fn program(folder: &Path, compiler: &str, flags: &[&str], sources: &[&str]) -> PathBuf {
    build(folder, compiler, flags, &sources.iter().map(|name| source(name)).collect::<Vec<_>>())
}

/// Compiles and links sources of any place into a program in `folder`.
pub fn build(folder: &Path, compiler: &str, flags: &[&str], sources: &[PathBuf]) -> PathBuf {
    let name = sources[0].file_name().expect("a source is a file").to_string_lossy().replace('.', "-");
    let program = folder.join(format!("{name}-{}", flags.concat().replace('/', "_")));
    let libraries = library_folder(folder);
    let mut command = Command::new(compiler);
    if finds_races() {
        command.arg("-fsanitize=thread").arg(source("tsan.c"));
    }
    command.args(flags).args(STRICT).arg("-g").arg("-I").arg(root().join("include"));
    command.args(sources).arg("-o").arg(&program);
    command.arg("-L").arg(&libraries).args(["-loss_upload", "-pthread"]);
    stdout(&mut command);
    program
}

/// Whether scripts/races.sh wants the race detector: OSS_UPLOAD_LIBRARY names a library that has been built with it.
pub fn finds_races() -> bool {
    env::var_os("OSS_TEST_RACES").is_some()
}

/// A command that finds the library. Windows finds it beside the program.
pub fn with_library<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    if cfg!(windows) {
        return command;
    }
    command.env("LD_LIBRARY_PATH", library_folder(folder))
}

/// What a command that must succeed prints. A tool that is missing is a failure, not a reason to skip a test.
pub fn stdout(command: &mut Command) -> String {
    let output = output(command);
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

pub fn output(command: &mut Command) -> Output {
    let tool = command.get_program().to_owned();
    command.output().unwrap_or_else(|error| panic!("{tool:?} cannot be run, and this test needs it: {error}"))
}
