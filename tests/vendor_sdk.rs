//! Alibaba Cloud's C SDK exports a function `oss_upload_file` of its own. Which one a caller gets in a program that links
//! both is said here, for every kind and order of linking, and that the ways of docs/abi.md are right.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

mod common;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use Response::*;
use common::*;
use toolchain::*;

/// What the static archive needs, as rustc tells by `--print native-static-libs`.
const NATIVE: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// What comes of a program that both are linked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Response {
    /// Each caller of `oss_upload_file` gets this library's function.
    Ours,
    /// Each gets the SDK's.
    Sdks,
    /// The linker says that there are two.
    DoesNotLink,
}

/// How a library is linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Shared,
    Static,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    OursFirst,
    SdkFirst,
}

/// A program that links both, and this library with or without a symbol `oss_upload_file`.
#[derive(Clone, Copy, Debug)]
struct Case {
    exported: bool,
    ours: Kind,
    sdk: Kind,
    order: Order,
    /// The program calls something else of the SDK's object that has `oss_upload_file`.
    sdk_object_needed: bool,
}

impl Case {
    /// The table. A library that is linked by name gives a program what comes first; an object from an archive goes before
    /// every shared library, wherever it stands, and brings all of its symbols.
    fn response(self) -> Response {
        let sdk_object = self.sdk == Kind::Static && (self.sdk_object_needed || self.order == Order::SdkFirst);
        match (self.exported, self.ours) {
            (false, _) => Sdks,
            (true, Kind::Static) if sdk_object => DoesNotLink,
            (true, Kind::Static) => Ours,
            (true, Kind::Shared) if sdk_object => Sdks,
            (true, Kind::Shared) if self.order == Order::OursFirst => Ours,
            (true, Kind::Shared) => Sdks,
        }
    }

    /// docs/abi.md: the SDK before the shared library, or, for all else, a library without the symbol.
    fn is_documented(self) -> bool {
        !self.exported || self.ours == Kind::Shared && self.order == Order::SdkFirst
    }

    fn all() -> Vec<Case> {
        let mut all = Vec::new();
        for exported in [true, false] {
            for ours in [Kind::Shared, Kind::Static] {
                for sdk in [Kind::Shared, Kind::Static] {
                    for order in [Order::OursFirst, Order::SdkFirst] {
                        let case = Case { exported, ours, sdk, order, sdk_object_needed: true };
                        all.push(case);
                        // It decides only where an object of the SDK competes with this library's function.
                        all.extend(
                            (exported && sdk == Kind::Static).then_some(Case { sdk_object_needed: false, ..case }),
                        );
                    }
                }
            }
        }
        all
    }
}

/// The stand-in for the SDK, shared and static, and the parts of the program that uses both.
struct Parts {
    folder: tempfile::TempDir,
}

impl Parts {
    fn new() -> Parts {
        let parts = Parts { folder: tempfile::tempdir().unwrap() };
        parts.compile("vendor_sdk.c", "vendor_sdk.o", &[]);
        parts.compile("vendor_unaware.c", "vendor_unaware.o", &[]);
        let object = parts.path("vendor_sdk.o");
        stdout(Command::new("cc").arg("-shared").arg(&object).arg("-o").arg(parts.sdk(Kind::Shared)));
        stdout(Command::new("ar").arg("rcs").arg(parts.sdk(Kind::Static)).arg(&object));
        parts
    }

    fn compile(&self, source_name: &str, object: &str, macros: &[&str]) {
        let mut command = Command::new("cc");
        command.args(STRICT).args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-fPIC", "-g", "-c", "-I"]);
        command.arg(root().join("include")).args(macros).arg(source(source_name));
        stdout(command.arg("-o").arg(self.path(object)));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sdk(&self, kind: Kind) -> PathBuf {
        self.path(if kind == Kind::Shared { "libvendor.so" } else { "libvendor.a" })
    }

    /// A program with the libraries of this case. `Err` is what the linker said.
    fn link(&self, case: Case, unaware: bool) -> Result<PathBuf, String> {
        let mut macros = Vec::new();
        macros.extend(case.sdk_object_needed.then_some("-DVENDOR_MULTIPART"));
        macros.extend(unaware.then_some("-DVENDOR_UNAWARE"));
        self.compile("vendor_both.c", "vendor_both.o", &macros);
        let mut libraries = [ours(case.exported, case.ours), self.sdk(case.sdk)];
        if case.order == Order::SdkFirst {
            libraries.reverse();
        }
        let program = self.path("both");
        let mut command = Command::new("cc");
        command.arg(self.path("vendor_both.o"));
        if unaware {
            command.arg(self.path("vendor_unaware.o"));
        }
        let linked = output(command.args(libraries).args(NATIVE).arg("-o").arg(&program));
        let said = String::from_utf8_lossy(&linked.stderr).into_owned();
        if linked.status.success() { Ok(program) } else { Err(said) }
    }

    /// Runs a program against a server, which has these objects afterwards, and gives what it prints.
    fn run(&self, command: &mut Command, objects: &[&str]) -> String {
        let (server, scratch) = (server(), Scratch::new(2 * PART as usize));
        command.env("OSS_TEST_ENDPOINT", server.endpoint()).env("OSS_TEST_FILE", &scratch.file);
        command.envs([("OSS_TEST_ID", ID), ("OSS_TEST_SECRET", SECRET), ("OSS_TEST_BUCKET", BUCKET)]);
        let printed = stdout(command);
        for key in objects {
            assert_stored(&server, key, &scratch.file);
        }
        printed
    }

    /// A program with a part that knows this library only, and, as docs/abi.md wants it, one whose every part knows of both.
    fn check(&self, case: Case) {
        let programs: &[bool] = if case.exported && case.is_documented() { &[true, false] } else { &[true] };
        for &unaware in programs {
            let response = match self.link(case, unaware) {
                Err(said) if said.contains("multiple definition of `oss_upload_file'") => DoesNotLink,
                Err(said) => panic!("{case:?}: {said}"),
                Ok(program) => self.response_of(&program, case, unaware),
            };
            assert_eq!(response, case.response(), "{case:?}, with a part that knows this library only: {unaware}");
        }
    }

    fn response_of(&self, program: &Path, case: Case, unaware: bool) -> Response {
        let mut command = Command::new(program);
        let libraries = if case.exported { library_folder(self.folder.path()) } else { UNEXPORTED.clone() };
        command.env("LD_LIBRARY_PATH", libraries);
        let mut objects = vec!["both"];
        objects.extend((unaware && case.response() == Ours).then_some("unaware"));
        let printed = self.run(&mut command, &objects);
        let letter = |caller: &str| printed.lines().find_map(|line| line.strip_prefix(caller)).map(str::to_owned);
        let sdks = letter("the SDK's caller: ").expect("the SDK's caller is always there");
        // One process has one function of a name: both callers get it.
        assert_eq!(letter("our caller: "), unaware.then(|| sdks.clone()), "{case:?}");
        match sdks.as_str() {
            "o" => Ours,
            "v" => Sdks,
            other => panic!("{case:?}: {other}"),
        }
    }
}

/// This library, as this build or one without the symbol.
fn ours(exported: bool, kind: Kind) -> PathBuf {
    let shared = if exported { library() } else { UNEXPORTED.join("liboss_upload.so") };
    if kind == Kind::Shared { shared } else { shared.with_extension("a") }
}

/// Where the library lies that was built as docs/abi.md says, in a folder that keeps it for the next time.
static UNEXPORTED: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-default-features");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--lib", "--no-default-features", "--target-dir"]).arg(&target);
    stdout(command.current_dir(root()));
    target.join("debug")
});

#[test]
fn every_order_of_every_kind_is_known() {
    let parts = Parts::new();
    for case in Case::all() {
        parts.check(case);
    }
}

#[test]
fn the_documented_ways_are_right() {
    // In them the call of the SDK is the SDK's; every case above has uploaded by oss_client_upload_file().
    for case in Case::all().into_iter().filter(|case| case.is_documented()) {
        assert_eq!(case.response(), Sdks, "{case:?}");
    }
    let page = std::fs::read_to_string(root().join("docs/abi.md")).unwrap();
    for words in ["OSS_UPLOAD_NO_UPLOAD_FILE", "--no-default-features", "before this one"] {
        assert!(page.contains(words), "docs/abi.md does not say {words}");
    }
}

#[test]
fn only_the_name_comes_and_goes_with_the_feature() {
    for kind in [Kind::Shared, Kind::Static] {
        let names = |exported| {
            let mut command = Command::new("nm");
            // The index of an archive is what a linker looks into; nm itself cannot read all objects of a release build.
            command.args(if kind == Kind::Shared { &["-D", "--defined-only"][..] } else { &["--print-armap"] });
            let listed = stdout(command.arg(ours(exported, kind)));
            let names = listed.lines().filter_map(|line| match kind {
                Kind::Shared => line.split_whitespace().last(),
                Kind::Static => line.split_once(" in ").map(|(name, _)| name),
            });
            let mut names: Vec<_> = names.filter(|name| name.starts_with("oss_")).map(str::to_owned).collect();
            names.sort();
            names
        };
        let (with, without) = (names(true), names(false));
        let promised = std::fs::read_to_string(root().join("symbols.txt")).unwrap();
        let promised: Vec<_> = promised.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(with, promised, "{kind:?}");
        assert_eq!(with.iter().filter(|name| !without.contains(name)).collect::<Vec<_>>(), ["oss_upload_file"]);
        assert_eq!(without.iter().filter(|name| !with.contains(name)).count(), 0);
    }
}

#[test]
fn any_order_of_loading_finds_what_is_meant() {
    let parts = Parts::new();
    let program = parts.path("loads");
    let mut command = Command::new("cc");
    command.args(STRICT).args(["-std=c99", "-D_GNU_SOURCE", "-I"]).arg(root().join("include"));
    stdout(command.arg(source("vendor_dlopen.c")).arg("-ldl").arg("-o").arg(&program));
    for (exported, word) in [(true, "exported"), (false, "not exported")] {
        let (ours, sdk) = (ours(exported, Kind::Shared), parts.sdk(Kind::Shared));
        let mut objects = vec!["oss_client_upload_file"];
        objects.extend(exported.then_some("oss_upload_file"));
        for libraries in [[&ours, &sdk], [&sdk, &ours]] {
            parts.run(Command::new(&program).args(libraries).arg(word), &objects);
        }
    }
}

/// Whoever includes both headers without the switch is told by the compiler, not by a crash.
#[test]
fn both_headers_without_the_switch_do_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let compiles = |language: &str, switch: &str, sdk_first: bool| {
        let cpp = language == "c++";
        let sdk = "#include \"vendor_sdk.h\"\n";
        let sdk = if cpp { format!("extern \"C\" {{\n{sdk}}}\n") } else { sdk.into() };
        let ours = format!("#include <oss_upload.h{}>\n", if cpp { "pp" } else { "" });
        let lines = if sdk_first { [&sdk, &ours] } else { [&ours, &sdk] };
        let unit = folder.path().join("unit.c");
        std::fs::write(&unit, format!("{switch}\n{}{}", lines[0], lines[1])).unwrap();
        let mut command = Command::new("cc");
        command.args(["-fsyntax-only", "-x", language, if cpp { "-std=c++17" } else { "-std=c99" }, "-I"]);
        command.arg(root().join("include")).arg("-I").arg(root().join("tests/c"));
        output(command.arg(unit)).status.success()
    };
    for language in ["c", "c++"] {
        for sdk_first in [true, false] {
            assert!(!compiles(language, "", sdk_first));
            assert!(compiles(language, "#define OSS_UPLOAD_NO_UPLOAD_FILE", sdk_first));
        }
    }
}
