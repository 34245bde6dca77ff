//! The C++ API, include/oss_upload.hpp, used by C++ programs (tests/cpp), against a local OSS: under valgrind, with
//! sanitizers, and with every standard from C++17 on. Here it is seen what they left behind.
#![cfg(target_os = "linux")]

#[path = "c/case.rs"]
mod case;
mod common;
#[path = "c/header_text.rs"]
mod header_text;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use case::{Case, stalls};
use common::{BUCKET, PART, callback, requests};
use header_text::{header, options_inc};
use serde_json::{Value, json};
use toolchain::{STRICT, build, root, stdout, with_library};

/// What every C++ program must compile under without a word, besides what C programs must.
const WARNINGS: [&str; 2] = ["-Wconversion", "-Wshadow"];
const CARRIED: [&str; 4] =
    ["-std=c++17", "-Wl,--wrap=oss_client_new", "-Wl,--wrap=oss_upload_start", "-Wl,--wrap=oss_batch_start"];

fn cpp(name: &str) -> PathBuf {
    root().join("tests/cpp").join(name)
}

/// Builds a program of tests/cpp with the system's compiler.
fn with_gcc<'a>(source: &'a str, flags: &'a [&str]) -> impl FnOnce(&Path) -> PathBuf + 'a {
    move |folder| build(folder, "c++", &[flags, &WARNINGS].concat(), &[cpp(source)])
}

/// The system's (g++ on Debian) always, and clang++ where it is installed; in CI it must be.
fn compilers() -> Vec<&'static str> {
    let clang = env::var_os("CI").is_some() || Command::new("clang++").arg("--version").output().is_ok();
    if clang { vec!["c++", "clang++"] } else { vec!["c++"] }
}

fn slow_down(key: &str, times: u32) -> Value {
    json!({
        "match": {"operation": "UploadPart", "key": key, "part": 1, "times": times},
        // What the server asks for is waited at least; the pause of the library's own choice may be no millisecond long.
        "action": {"type": "status", "status": 503, "code": "SlowDown", "headers": {"x-oss-qos-delay-time": "20"}},
    })
}

fn handles_case() -> Case {
    let keys = ["stalls-dropped", "stalls-waited", "stalls-cancelled"];
    let mut faults = keys.map(|key| stalls(key, 1)).to_vec();
    faults.push(slow_down("retried", 1));
    Case::with(false, faults.into())
}

fn check_handles(case: &Case) {
    let threads = ["thread-0", "thread-1", "thread-2", "thread-3"];
    let objects =
        ["client-first", "inserted", "moved", "new-credentials", "retried", "shared-by-waiters", "stalls-waited"];
    let objects = [&objects[..], &threads].concat();
    case.assert_only_objects(&objects);
    case.assert_stored(&objects);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn handles_are_owners() {
    let case = handles_case();
    case.run_under_valgrind(with_gcc("handles.cpp", &["-std=c++17"]));
    check_handles(&case);
}

fn callbacks_case() -> Case {
    let keys = ["pause", "cancel", "other", "exception", "number", "owner", "error", "without", "wait"];
    Case::with(false, keys.map(|key| stalls(&format!("stalls-{key}"), 1)).to_vec().into())
}

fn check_callbacks(case: &Case) {
    let resumed =
        ["pause", "other", "exception", "number", "owner", "error", "wait"].map(|key| format!("stalls-{key}"));
    let objects = ["form-none", "form-some", "form-reference", "seen", "thrown-at-the-end"];
    let objects: Vec<_> = objects.into_iter().chain(resumed.iter().map(String::as_str)).collect();
    case.assert_only_objects(&objects);
    case.assert_stored(&objects);
    for key in resumed {
        // Parts 1 and 2 before the stop, 3 at both times, 4 and 5 after it.
        let parts = requests(&case.server, "UploadPart").into_iter().filter(|part| part.key.as_ref() == Some(&key));
        assert_eq!(parts.count(), 6, "{key}");
    }
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn callbacks_may_throw() {
    let case = callbacks_case();
    case.run_under_valgrind(with_gcc("callbacks.cpp", &["-std=c++17"]));
    check_callbacks(&case);
}

fn streams_case() -> Case {
    Case::with(false, json!([stalls("stalls-memory", 1)]))
}

fn check_streams(case: &Case) {
    case.assert_only_objects(&["compared", "nothing", "parts", "pointer", "small", "text", "vector", "written"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn memory_and_streams() {
    let case = streams_case();
    case.run_under_valgrind(with_gcc("streams.cpp", &["-std=c++17"]));
    check_streams(&case);
}

fn batches_case() -> Case {
    let keys = ["stalls-thrown", "stalls-cancelled", "stalls-left"];
    Case::with(false, keys.map(|key| stalls(key, 1)).to_vec().into())
}

fn check_batches(case: &Case) {
    let folder = ["tree/bytes-%FF", "tree/large", "tree/small"];
    let added: Vec<_> = (0..5).map(|number| format!("many/{number}")).collect();
    let objects: Vec<_> = folder.into_iter().chain(["added"]).chain(added.iter().map(String::as_str)).collect();
    case.assert_only_objects(&objects);
    case.assert_stored(&["added", "tree/large"]);
    let object = case.server.object(BUCKET, "tree/small").unwrap();
    assert_eq!((&*object.headers["x-oss-meta-a"], &*object.headers["content-type"]), ("b", "text/x-test"));
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn batches_and_their_outcomes() {
    let case = batches_case();
    case.run_under_valgrind(with_gcc("batches.cpp", &["-std=c++17"]));
    check_batches(&case);
}

fn errors_case() -> Case {
    let refused = json!({
        "match": {"operation": "UploadPart", "key": "refused-part", "part": 3},
        "action": {"type": "status", "status": 403, "code": "AccessDenied", "headers": {"x-oss-ec": "0003-00000001"}},
    });
    Case::with(false, json!([refused, slow_down("busy", 1000)]))
}

#[test]
fn errors_carry_every_fact() {
    let case = errors_case();
    case.run_under_valgrind(with_gcc("errors.cpp", &["-std=c++17"]));
    case.assert_only_objects(&[]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn the_response_to_a_callback_is_in_the_result() {
    let mut case = Case::new();
    case.settings.push(("CALLBACK", callback::callback("200 OK")));
    case.settings.push(("FAILING_CALLBACK", callback::callback("500 No")));
    case.run_under_valgrind(with_gcc("callback_response.cpp", &["-std=c++17"]));
    case.assert_only_objects(&["called", "failed", "not-called", "waited"]);
}

fn expected_case() -> Case {
    Case::with(false, json!([stalls("stalls-expected", 1), stalls("stalls-thrown", 1)]))
}

#[test]
fn errors_are_returned_with_exceptions_and_without() {
    for (flags, objects) in [
        (&["-std=c++23"][..], &["in-batch", "in-place", "shared", "stalls-expected"][..]),
        (&["-std=c++23", "-fno-exceptions", "-fno-rtti"], &["in-batch", "in-place", "shared", "stalls-expected"]),
    ] {
        let case = expected_case();
        case.run_under_valgrind(with_gcc("expected.cpp", flags));
        case.assert_only_objects(objects);
        assert_eq!(case.server.object(BUCKET, "in-place").unwrap().headers["x-oss-meta-a"], "b");
    }
}

/// Undefined behaviour and bad memory that valgrind does not see, such as on the stack.
#[test]
fn sanitizers_find_nothing() {
    const SANITIZERS: [&str; 3] = ["-std=c++20", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let case = handles_case();
    case.run_bare(with_gcc("handles.cpp", &SANITIZERS));
    check_handles(&case);
    let case = callbacks_case();
    case.run_bare(with_gcc("callbacks.cpp", &SANITIZERS));
    check_callbacks(&case);
    errors_case().run_bare(with_gcc("errors.cpp", &SANITIZERS));
    let case = streams_case();
    case.run_bare(with_gcc("streams.cpp", &SANITIZERS));
    check_streams(&case);
    let case = batches_case();
    case.run_bare(with_gcc("batches.cpp", &SANITIZERS));
    check_batches(&case);
}

/// Every option, field and number of the C header has its place in C++.
#[test]
fn everything_in_c_is_in_cpp() {
    let case = Case::with_server(json!([]), |config| config.versioned = true);
    case.run_under_valgrind(|folder| {
        fs::write(folder.join("carried.inc"), carried()).unwrap();
        let include = format!("-I{}", folder.display());
        build(folder, "c++", &[&CARRIED[..], &[&include], &WARNINGS].concat(), &[cpp("carried.cpp")])
    });
    case.assert_only_objects(&["described", "目/ +%?#&=.bin"]);
    case.assert_stored(&["described"]);
    let object = case.server.object(BUCKET, "described").unwrap();
    for (name, value) in [
        ("content-type", "text/x-test"),
        ("x-oss-storage-class", "IA"),
        ("x-oss-meta-author", "a c++ program"),
        ("x-oss-meta-empty", ""),
    ] {
        assert_eq!(object.headers[name], value, "{name}");
    }
    for part in requests(&case.server, "UploadPart") {
        assert!(part.headers.contains_key("content-md5") && part.signature == "v1" && part.body_bytes <= 2 * PART);
        assert!(part.user_agent.unwrap().contains("a-cpp-program/1"));
    }
}

/// What carried.cpp includes: a line for each thing that oss_upload.h declares.
fn carried() -> String {
    let header = header();
    let mut lines = Vec::new();
    for member in header.members {
        let (of, field) = member.name.split_once('.').expect("a member is named TYPE.FIELD");
        let plain = field.strip_suffix("_ms").unwrap_or(field);
        lines.push(match of {
            _ if field == "struct_size" || field.starts_with("reserved") || of == "oss_header" => continue,
            "oss_status" => number("status", field, "OSS_"),
            // options_inc() names them, save for headers.
            "oss_client_options" | "oss_upload_options" | "oss_batch_options" => continue,
            // The size of a text of its own, which is asked for: callback_response.cpp.
            "oss_result" if field == "callback_response_size" => continue,
            "oss_result" => format!("RESULT({field}, {plain})"),
            "oss_progress" => format!("PROGRESS({field}, {plain})"),
            "oss_event" => format!("EVENT({field}, {plain})"),
            "oss_batch_result" => format!("BATCH_RESULT({field}, {plain})"),
            "oss_batch_progress" => format!("BATCH_PROGRESS({field}, {plain})"),
            // A struct of its own, whose fields are those of every error: batches.cpp.
            "oss_outcome" if field == "error" => continue,
            "oss_outcome" => format!("OUTCOME({field}, {plain})"),
            "oss_error" => match field {
                "os_errno" => format!("ERROR({field}, os_error())"),
                "message" => format!("ERROR({field}, what())"),
                _ => format!("ERROR({field}, {field}())"),
            },
            _ => panic!("{of} is not known in C++"),
        });
    }
    for constant in header.constants {
        lines.push(match constant.name.as_str() {
            "OSS_VERSION" | "OSS_VERSION_NUMBER" | "OSS_PART_SIZE_AUTO" | "OSS_ROUTINES_AUTO" | "OSS_ETA_UNKNOWN" => {
                continue;
            }
            "OSS_CONTINUE" => "NUMBER(oss::control::proceed, OSS_CONTINUE)".into(),
            name @ ("OSS_PAUSE" | "OSS_CANCEL") => number("control", name, "OSS_"),
            name if name.starts_with("OSS_PHASE_") => number("phase", name, "OSS_PHASE_"),
            name if name.starts_with("OSS_EVENT_") => number("event_kind", name, "OSS_EVENT_"),
            name if name.starts_with("OSS_BATCH_") => number("batch_mode", name, "OSS_BATCH_"),
            name if name.starts_with("OSS_SYMLINKS_") => number("symlinks", name, "OSS_SYMLINKS_"),
            name if name.starts_with("OSS_KEY_") => number("key_encoding", name, "OSS_KEY_"),
            name if name.starts_with("OSS_OUTCOME_") => number("outcome_status", name, "OSS_OUTCOME_"),
            name => panic!("{name} is not known in C++"),
        });
    }
    // A macro that the including file does not define at the moment means nothing.
    let kinds = ["NUMBER", "RESULT", "PROGRESS", "EVENT", "ERROR", "BATCH_RESULT", "BATCH_PROGRESS", "OUTCOME"];
    let of_kind = |kind: &str| -> String {
        let begin = format!("{kind}(");
        let lines: Vec<_> = lines.iter().filter(|line| line.starts_with(&begin)).map(String::as_str).collect();
        assert!(lines.len() >= 8, "{kind}: {lines:?}");
        format!("#ifdef {kind}\n{}\n#endif\n", lines.join("\n"))
    };
    kinds.map(of_kind).concat() + &options_inc()
}

fn number(cpp_enum: &str, constant: &str, prefix: &str) -> String {
    let name = constant.strip_prefix(prefix).expect("the name has its prefix").to_lowercase();
    format!("NUMBER(oss::{cpp_enum}::{name}, {constant})")
}

/// Save for the synchronous call, whose callback C++ exceptions must not leave: C++ starts and waits instead.
#[test]
fn every_function_of_c_is_used() {
    let c = fs::read_to_string(root().join("include/oss_upload.h")).unwrap();
    let cpp = fs::read_to_string(root().join("include/oss_upload.hpp")).unwrap();
    let synchronous = |name: &str| {
        let begin = format!("{name}(");
        let mut lines = c.lines().skip_while(|line| line.starts_with([' ', '/']) || !line.contains(&begin)).peekable();
        assert!(lines.peek().is_some(), "{name} is declared");
        lines.take_while(|line| !line.is_empty()).any(|line| line.contains("oss_progress_fn"))
    };
    for function in header().functions {
        let word = |end: char| cpp.contains(&format!("{}{end}", function.name));
        let used = word('(') || word(',');
        assert_eq!(used, !synchronous(&function.name), "{}", function.name);
    }
}

#[test]
fn every_standard_takes_it_in_two_units() {
    let folder = tempfile::tempdir().unwrap();
    for compiler in compilers() {
        for standard in ["-std=c++17", "-std=c++20", "-std=c++2b"] {
            let flags = [&[standard, "-Wundef"][..], &WARNINGS].concat();
            let program = build(folder.path(), compiler, &flags, &[cpp("unit_a.cpp"), cpp("unit_b.cpp")]);
            stdout(with_library(&mut Command::new(program), folder.path()));
        }
    }
}

/// Templates and what the compilers warn of only when it is used.
#[test]
fn every_compiler_takes_every_program() {
    for compiler in compilers() {
        for (source, standard) in [
            ("handles.cpp", "-std=c++20"),
            ("callbacks.cpp", "-std=c++2b"),
            ("errors.cpp", "-std=c++17"),
            ("batches.cpp", "-std=c++20"),
        ] {
            let mut command = Command::new(compiler);
            command.args([standard, "-fsyntax-only", "-I"]).arg(root().join("include"));
            stdout(command.args(STRICT).args(WARNINGS).arg(cpp(source)));
        }
    }
}

#[test]
fn without_exceptions_and_std_expected_it_says_so() {
    let mut command = Command::new("c++");
    command.args(["-std=c++17", "-fno-exceptions", "-fsyntax-only", "-I"]).arg(root().join("include"));
    let output = command.arg(cpp("unit_b.cpp")).output().expect("c++ is there");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs exceptions or std::expected"));
}
