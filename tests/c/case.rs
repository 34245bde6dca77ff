//! What a C or C++ program is run with: a local OSS, a folder with a file, and valgrind.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oss_server::{AccessKey, Config, Server};
use serde_json::{Value, json};

use crate::common::{self, BUCKET, ID, PART, Scratch, content};
use crate::toolchain;

/// Four parts and a shorter one.
const SIZE: usize = 4 * PART as usize + 40_000;
/// Long enough to be found nowhere by chance.
pub const SECRET: &str = "TopSecretKeyThatNobodyMaySee00";
const TOKEN: &str = "TopSecretTokenThatNobodyMaySee";
pub const CFLAGS: [&str; 2] = ["-std=c99", "-D_POSIX_C_SOURCE=200809L"];
const VALGRIND: [&str; 5] = [
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--num-callers=30",
];

/// A local OSS, a folder with a file, and a program that uses both.
pub struct Case {
    pub server: Server,
    pub scratch: Scratch,
    pub settings: Vec<(&'static str, String)>,
}

impl Case {
    pub fn new() -> Case {
        Case::with(false, json!([]))
    }

    pub fn with(tls: bool, faults: Value) -> Case {
        Case::with_server(faults, |config| config.tls = tls)
    }

    pub fn with_server(faults: Value, edit: impl FnOnce(&mut Config)) -> Case {
        let server = common::server_with(|config| {
            config.access_keys = vec![AccessKey::new(ID, SECRET)];
            edit(config);
        });
        common::faults(&server, &faults.to_string());
        Case { server, scratch: Scratch::new(SIZE), settings: Vec::new() }
    }

    /// Runs a C program of this folder under valgrind. It must succeed, say so in one line, and nothing else may be
    /// printed.
    pub fn run(&self, program: &str) {
        let source = format!("{program}.c");
        self.run_under_valgrind(|folder| toolchain::program(folder, "cc", &CFLAGS, &[&source]));
    }

    /// Runs a program, which `build` puts into a folder, under valgrind.
    pub fn run_under_valgrind(&self, build: impl FnOnce(&Path) -> PathBuf) {
        if toolchain::finds_races() || toolchain::is_left_out("valgrind") {
            return self.run_bare(build);
        }
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("valgrind.txt");
        let mut command = Command::new("valgrind");
        command.args(VALGRIND).arg(format!("--log-file={}", log.display()));
        command.arg(format!("--suppressions={}", toolchain::source("valgrind.supp").display()));
        self.run_command(command.arg(build(folder.path())), folder.path());
    }

    /// Runs a program, which `build` puts into a folder, as it is.
    pub fn run_bare(&self, build: impl FnOnce(&Path) -> PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        self.run_command(&mut Command::new(build(folder.path())), folder.path());
    }

    fn run_command(&self, command: &mut Command, folder: &Path) {
        let small = folder.join("small.bin");
        fs::write(&small, content(5000, 2)).unwrap();
        toolchain::with_library(command, folder);
        for variable in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "OSS_UPLOAD_LOG"] {
            command.env_remove(variable);
        }
        let path = |path: PathBuf| path.into_os_string().into_string().expect("temporary paths are UTF-8");
        let settings = [
            ("ENDPOINT", self.server.endpoint()),
            ("ID", ID.into()),
            ("SECRET", SECRET.into()),
            ("TOKEN", TOKEN.into()),
            ("BUCKET", BUCKET.into()),
            ("DIR", path(self.scratch.dir.path().into())),
            ("FILE", path(self.scratch.file.clone())),
            ("SMALL_FILE", path(small)),
        ];
        command.envs(settings.iter().chain(&self.settings).map(|(name, value)| (format!("OSS_TEST_{name}"), value)));
        let output = toolchain::output(command);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let said = format!("{command:?} ended with {}\n{out}{err}", output.status);
        assert!(
            output.status.success(),
            "{said}\n{}",
            fs::read_to_string(folder.join("valgrind.txt")).unwrap_or_default()
        );
        assert!(out.ends_with(" checks, 0 failed\n") && out.lines().count() == 1, "{said}");
        assert!(err.is_empty(), "the library writes to nobody's standard error: {said}");
    }

    /// The files in the scratch folder besides the source.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.scratch.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let names: BTreeSet<_> = names.filter(|name| name != "source.bin").collect();
        names.into_iter().collect()
    }

    /// These objects are there, and nothing else.
    pub fn assert_only_objects(&self, wanted: &[&str]) {
        assert!(self.server.uploads(BUCKET).is_empty(), "left on the server: {:?}", self.server.uploads(BUCKET));
        let mut wanted: Vec<_> = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(self.server.objects(BUCKET), wanted);
    }

    pub fn assert_stored(&self, keys: &[&str]) {
        for key in keys {
            common::assert_stored(&self.server, key, &self.scratch.file);
        }
    }
}

/// The server takes the third part of `key` in only after it has been sent `times` times.
pub fn stalls(key: &str, times: u32) -> Value {
    json!({
        "match": {"operation": "UploadPart", "part": 3, "key": key, "times": times},
        "action": {"type": "stall", "at": "before_processing"},
    })
}
