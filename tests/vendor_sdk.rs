//! The vendor's C SDK exports a function `oss_upload_file` of its own: one program links both, in any order.
#![cfg(target_os = "linux")]

mod common;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;
use toolchain::*;

/// What the static archive needs, as rustc tells by `--print native-static-libs`.
const NATIVE: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// The stand-in for the vendor's SDK, shared and static, and the parts of the program that uses both.
struct Parts {
    folder: tempfile::TempDir,
}

impl Parts {
    fn new() -> Parts {
        let parts = Parts { folder: tempfile::tempdir().unwrap() };
        for name in ["vendor_sdk", "vendor_both", "vendor_unaware"] {
            let mut command = Command::new("cc");
            command.args(STRICT).args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-fPIC", "-g", "-c", "-I"]);
            command.arg(root().join("include")).arg(source(&format!("{name}.c")));
            stdout(command.arg("-o").arg(parts.path(&format!("{name}.o"))));
        }
        let object = parts.path("vendor_sdk.o");
        stdout(Command::new("cc").arg("-shared").arg(&object).arg("-o").arg(parts.vendor_shared()));
        stdout(Command::new("ar").arg("rcs").arg(parts.vendor_static()).arg(&object));
        parts
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn vendor_shared(&self) -> PathBuf {
        self.path("libvendor.so")
    }

    fn vendor_static(&self) -> PathBuf {
        self.path("libvendor.a")
    }

    fn ours_shared(&self) -> PathBuf {
        library_folder(self.folder.path()).join("liboss_upload.so")
    }

    /// Links the program with the libraries in this order, and runs it.
    fn link_and_run(&self, libraries: &[&Path]) {
        let (server, scratch) = (server(), Scratch::new(2 * PART as usize));
        let program = self.path("both");
        let mut command = Command::new("cc");
        command.arg(self.path("vendor_both.o")).arg(self.path("vendor_unaware.o"));
        stdout(command.args(libraries).args(NATIVE).arg("-o").arg(&program));
        let mut command = Command::new(program);
        with_library(&mut command, self.folder.path());
        command.env("OSS_TEST_ENDPOINT", server.endpoint()).env("OSS_TEST_FILE", &scratch.file);
        command.envs([("OSS_TEST_ID", ID), ("OSS_TEST_SECRET", SECRET), ("OSS_TEST_BUCKET", BUCKET)]);
        stdout(&mut command);
        for key in ["both", "unaware"] {
            assert_stored(&server, key, &scratch.file);
        }
    }
}

fn ours_static() -> PathBuf {
    library().with_extension("a")
}

#[test]
fn any_order_of_any_kind_links_and_calls_what_is_meant() {
    let parts = Parts::new();
    for ours in [parts.ours_shared(), ours_static()] {
        for vendor in [parts.vendor_shared(), parts.vendor_static()] {
            parts.link_and_run(&[&ours, &vendor]);
            parts.link_and_run(&[&vendor, &ours]);
        }
    }
}

#[test]
fn any_order_of_loading_finds_what_is_meant() {
    let parts = Parts::new();
    let program = parts.path("loads");
    let mut command = Command::new("cc");
    command.args(STRICT).args(["-std=c99", "-D_GNU_SOURCE"]).arg(source("vendor_dlopen.c"));
    stdout(command.arg("-ldl").arg("-o").arg(&program));
    let (ours, vendor) = (parts.ours_shared(), parts.vendor_shared());
    stdout(Command::new(&program).args([&ours, &vendor]));
    stdout(Command::new(&program).args([&vendor, &ours]));
}

/// Whoever includes both headers without the switch is told by the compiler, not by a crash.
#[test]
fn both_headers_without_the_switch_do_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let compiles = |switch: &str, vendor_first: bool| {
        let mut lines = ["#include \"vendor_sdk.h\"", "#include <oss_upload.h>"];
        if !vendor_first {
            lines.reverse();
        }
        let unit = folder.path().join("unit.c");
        std::fs::write(&unit, format!("{switch}\n{}\n", lines.join("\n"))).unwrap();
        let mut command = Command::new("cc");
        command.args(["-fsyntax-only", "-I"]).arg(root().join("include")).arg("-I").arg(root().join("tests/c"));
        output(command.arg(unit)).status.success()
    };
    for vendor_first in [true, false] {
        assert!(!compiles("", vendor_first));
        assert!(compiles("#define OSS_UPLOAD_NO_UPLOAD_FILE", vendor_first));
    }
}
