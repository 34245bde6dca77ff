//! The executors: how that of each language is built and run.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::toolchain::{self, root};
use crate::{header_text, rust};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    C,
    Cpp,
    Python,
    Go,
}

impl Language {
    /// Builds the executor in `tools`, and says how to run it; `None` when it needs a tool that is left out.
    pub fn executor(self, tools: &Path) -> Option<impl Fn() -> Command + Send + Sync + use<>> {
        let program = self.program(tools)?;
        let (config, tools) = (tools.join("config.json"), tools.to_owned());
        fs::write(&config, PROFILES).expect("the profiles are written");
        Some(move || {
            let mut command = Command::new(&program);
            match self {
                Language::Rust => {
                    command.args(["--exact", "--ignored", "--nocapture", "languages::executor_for_rust"]);
                    command.env(EXECUTOR, "1");
                }
                Language::Python => {
                    let package = root().join("bindings/python");
                    command.arg(package.join("tests/scenarios.py"));
                    command.env("PYTHONPATH", package).env("OSS_UPLOAD_LIBRARY", toolchain::library());
                }
                Language::C | Language::Cpp | Language::Go => _ = toolchain::with_library(&mut command, &tools),
            }
            shielded(command, &config)
        })
    }

    fn program(self, tools: &Path) -> Option<PathBuf> {
        let needs = match self {
            Language::Rust | Language::C => None,
            Language::Cpp => Some("c++"),
            Language::Python => Some("python3"),
            Language::Go => Some("go"),
        };
        if needs.is_some_and(toolchain::is_left_out) {
            return None;
        }
        Some(match self {
            Language::Rust => env::current_exe().expect("this program"),
            Language::C => with_options_inc(tools, "cc", &["-std=c99", "-D_POSIX_C_SOURCE=200809L"], "scenarios.c"),
            Language::Cpp => with_options_inc(tools, "c++", &["-std=c++17"], "scenarios.cpp"),
            Language::Python => "python3".into(),
            Language::Go => go_program(tools),
        })
    }
}

/// The executor for C on another platform: OSS_TEST_CC is its compiler, and OSS_TEST_RUNNER what runs its programs here,
/// if anything; both may have arguments. OSS_UPLOAD_LIBRARY is its library.
#[allow(dead_code, reason = "each test binary uses some of it")]
pub fn executor_elsewhere(tools: &Path) -> impl Fn() -> Command {
    let words = |name| env::var(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (compiler, runner) = (words("OSS_TEST_CC"), words("OSS_TEST_RUNNER"));
    let [compiler, flags @ ..] = compiler.as_slice() else { panic!("OSS_TEST_CC names no compiler") };
    let flags: Vec<_> =
        ["-std=c99", "-D_POSIX_C_SOURCE=200809L"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let program = with_options_inc(tools, compiler, &flags, "scenarios.c");
    let (config, tools) = (tools.join("config.json"), tools.to_owned());
    fs::write(&config, PROFILES).expect("the profiles are written");
    move || {
        let mut words = runner.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().expect("a program"));
        toolchain::with_library(command.args(words), &tools);
        shielded(command, &config)
    }
}

/// No variable of the machine reaches it.
fn shielded(mut command: Command, config: &Path) -> Command {
    for variable in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "OSS_UPLOAD_LOG"] {
        command.env_remove(variable);
    }
    command.env("ALIBABA_CLOUD_CONFIG_FILE", config);
    command
}

/// A profile that this library cannot use.
const PROFILES: &str = r#"{"current": "login", "profiles": [{"name": "login", "mode": "CloudSSO"}]}"#;

const EXECUTOR: &str = "OSS_TEST_SCENARIOS";

#[test]
#[ignore = "it is run as the executor of Rust"]
fn executor_for_rust() {
    if env::var_os(EXECUTOR).is_some() {
        rust::execute();
    }
}

/// Builds a program that includes the list of all options.
fn with_options_inc(tools: &Path, compiler: &str, flags: &[&str], source: &str) -> PathBuf {
    fs::write(tools.join("options.inc"), header_text::options_inc()).expect("the list of options is written");
    let include = format!("-I{}", tools.display());
    toolchain::program(tools, compiler, &[flags, &[&include]].concat(), &[source])
}

fn go_program(tools: &Path) -> PathBuf {
    let program = tools.join("scenarios");
    let mut build = Command::new("go");
    build.current_dir(root().join("bindings/go")).args(["build", "-o"]).arg(&program).arg("./internal/scenarios");
    // Before the folder of the release build, which need not be there.
    build.env("CGO_LDFLAGS", format!("-O2 -g -L{}", toolchain::library_folder(tools).display()));
    toolchain::stdout(&mut build);
    program
}
