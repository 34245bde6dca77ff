//! The C API, used by C programs (tests/c) under valgrind, against a local OSS. Here it is seen what they left behind.
#![cfg(target_os = "linux")]

#[path = "c/case.rs"]
mod case;
mod common;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use case::*;
use common::{BUCKET, ID, requests};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

#[test]
fn bad_input_is_refused_before_anything_is_sent() {
    let case = Case::new();
    case.run("bad_input");
    assert_eq!(case.server.connections_accepted(), 0);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn bad_files_are_refused_before_anything_is_sent() {
    let case = Case::new();
    case.run("bad_file");
    assert_eq!(case.server.connections_accepted(), 0);
    assert_eq!(case.files(), ["empty", "fifo", "unreadable"]);
}

#[test]
fn bad_servers_are_told_apart_and_nothing_is_left() {
    let key = |key: &str, action: Value| json!({"match": {"key": key}, "action": action});
    let mut case = Case::with(
        false,
        json!([
            key("html-502", json!({"type": "status", "status": 502, "body": "html"})),
            key("html-200", json!({"type": "status", "status": 200, "body": "html"})),
            key("hangs-up", json!({"type": "close", "at": "before_processing"})),
            key("resets", json!({"type": "reset", "after_body_bytes": 1000})),
        ]),
    );
    case.settings.push(("OTHER_ENDPOINT", speaker_of_something_else()));
    case.run("bad_server");
    case.assert_only_objects(&[]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
    assert!(requests(&case.server, "InitiateMultipartUpload").iter().any(|request| request.status == 403));
    assert!(requests(&case.server, "PutObject").iter().any(|request| request.status == 404));
}

/// A server that does not speak HTTP. It lives as long as this process.
fn speaker_of_something_else() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            // Whoever has gone again has not missed anything.
            let _ = connection.and_then(|mut connection| connection.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"));
        }
    });
    endpoint
}

const UPLOADED: [&str; 9] =
    ["auto", "empty", "headers", "no-user-data", "parts", "slow", "small", "watched", "目/ +%?#&=\u{1}.bin"];

fn check_uploaded(case: &Case) {
    case.assert_only_objects(&UPLOADED);
    case.assert_stored(&["auto", "headers", "no-user-data", "parts", "slow", "watched", UPLOADED[8]]);
    let headers = case.server.object(BUCKET, "headers").unwrap().headers;
    assert_eq!(headers["content-type"], "text/x-test");
    assert_eq!(headers["x-oss-meta-author"], "a c program");
    assert_eq!(case.server.object(BUCKET, "parts").unwrap().parts, 5);
    assert_eq!(case.server.object(BUCKET, "empty").unwrap().size, 0);
    assert_eq!(case.files().len(), 2, "besides the sources: {:?}", case.files());
}

fn upload_stalls() -> Value {
    ["stalls-pause", "stalls-cancel", "stalls-other", "stalls-negative"].map(|key| stalls(key, 1)).to_vec().into()
}

#[test]
fn uploads_and_callbacks() {
    let case = Case::with(false, upload_stalls());
    case.run("upload");
    check_uploaded(&case);
    let parts = requests(&case.server, "UploadPart");
    let with_md5 = parts.iter().filter(|part| part.headers.contains_key("content-md5"));
    assert_eq!(with_md5.map(|part| part.key.clone().unwrap()).collect::<BTreeSet<_>>(), ["headers".into()].into());
}

#[test]
fn uploads_and_callbacks_over_tls() {
    let mut case = Case::with(true, upload_stalls());
    let _ca_file = trust(&mut case);
    case.run("upload");
    check_uploaded(&case);
}

/// Tells programs to trust the server, as long as the file is there.
fn trust(case: &mut Case) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(case.server.ca_pem().expect("a TLS server has a CA").as_bytes()).unwrap();
    case.settings.push(("CA_FILE", file.path().to_str().unwrap().to_owned()));
    file
}

/// The program by itself shows that the stack is large enough, over TLS too, and valgrind that nothing is left behind.
#[test]
fn an_upload_on_a_small_stack_that_signals_interrupt() {
    let slow = json!([
        {"match": {"operation": ["PutObject", "UploadPart"]},
         "action": {"type": "slow_read", "bytes_per_second": 1_000_000}},
        {"match": {}, "action": {"type": "drip", "bytes": 50, "ms": 5}},
    ]);
    let source = |folder: &Path| toolchain::program(folder, "cc", &CFLAGS, &["own_thread.c"]);
    for (tls, valgrind) in [(false, true), (false, false), (true, false)] {
        let mut case = Case::with(tls, slow.clone());
        let _ca_file = tls.then(|| trust(&mut case));
        if valgrind {
            case.run_under_valgrind(source)
        } else {
            case.run_bare(source)
        }
        case.assert_only_objects(&["parts", "whole"]);
        case.assert_stored(&["parts"]);
        assert!(case.files().is_empty(), "left behind: {:?}", case.files());
    }
}

#[test]
fn credentials_from_a_source_and_waiting_for_others() {
    let case = Case::new();
    let key = json!({"AccessKeyId": ID, "AccessKeySecret": SECRET}).to_string();
    fs::write(case.scratch.path("key.json"), key).unwrap();
    case.run("credentials");
    case.assert_stored(&["process", "waited"]);
    case.assert_only_objects(&["process", "waited"]);
}

#[test]
fn the_response_to_a_callback_is_read() {
    let mut case = Case::with(false, vec![stalls("silent", 1)].into());
    case.settings.push(("CALLBACK", common::callback::callback("200 OK")));
    case.settings.push(("FAILING_CALLBACK", common::callback::callback("500 No")));
    case.run("callback_response");
    case.assert_only_objects(&["failed", "none", "parts"]);
    case.assert_stored(&["failed", "none", "parts"]);
}

#[test]
fn memory_becomes_objects() {
    let case = Case::with(false, json!([stalls("stalls-freed", 1)]));
    case.run("memory");
    case.assert_only_objects(&["nothing", "parts", "small"]);
    case.assert_stored(&["parts"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn streams_become_objects() {
    let held = json!([{
        "match": {"operation": "UploadPart", "key": "holds"},
        "action": {"type": "stall", "at": "before_response"},
    }]);
    let case = Case::with(false, held);
    case.run("streams");
    case.assert_only_objects(&["nothing", "parts", "small", "wrong"]);
    let puts = requests(&case.server, "PutObject");
    assert_eq!(puts.iter().filter(|put| put.key.as_deref() == Some("small")).count(), 1);
    assert_eq!(case.server.object(BUCKET, "parts").unwrap().parts, 5);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn batches_become_objects() {
    let keys = ["stalls-paused", "stalls-cancelled", "stalls-freed"];
    let case = Case::with(false, keys.map(|key| stalls(key, 1)).to_vec().into());
    case.run("batches");
    let objects = case.server.objects(BUCKET);
    let small = objects.iter().find(|key| key.ends_with("/small.bin")).expect("a key that was made of a path");
    case.assert_only_objects(&["added/with a key", small, "client-first", "tree/small", "tree/sub/large"]);
    case.assert_stored(&["client-first", "tree/sub/large"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn shared_uploads_become_objects() {
    let case = Case::with(false, vec![stalls("stalls-cancelled", 1)].into());
    case.run("shared_uploads");
    case.assert_only_objects(&["shared"]);
    case.assert_stored(&["shared"]);
}

#[test]
fn handles_in_any_order() {
    let keys = ["stalls-look", "stalls-early", "stalls-freed", "stalls-kept", "stalls-waiters"];
    let case = Case::with(false, keys.map(|key| stalls(key, 1)).to_vec().into());
    case.run("handles");
    let objects = ["again", "client-first", "freed-at-once", "replaced", "stalls-kept"];
    let shared: Vec<_> = (0..6).map(|i| format!("shared-{i}")).collect();
    let objects: Vec<_> = objects.into_iter().chain(shared.iter().map(String::as_str)).collect();
    case.assert_only_objects(&objects);
    case.assert_stored(&objects);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn what_is_no_handle_is_refused() {
    let case = Case::new();
    case.run("foreign_handles");
    case.assert_only_objects(&["mixed-up"]);
}

/// Not under valgrind: to look at freed memory is an error there, and here a courtesy that mostly works.
#[test]
fn a_freed_handle_is_refused() {
    let case = Case::new();
    case.run_bare(|folder| toolchain::program(folder, "cc", &CFLAGS, &["freed_handles.c"]));
    assert_eq!(case.server.connections_accepted(), 0);
    case.assert_only_objects(&[]);
}

#[test]
fn options_of_older_and_newer_programs() {
    let case = Case::new();
    case.run("options");
    case.assert_only_objects(&["copied", "newer", "older"]);
    case.assert_stored(&["copied", "newer", "older"]);
    assert_eq!(case.server.object(BUCKET, "copied").unwrap().headers["x-oss-meta-a"], "b");
}

#[test]
fn checkpoints() {
    let once = [
        "stalls-beside",
        "stalls-path",
        "stalls-dir",
        "stalls-empty",
        "stalls-progress",
        "stalls-cancelled",
        "stalls-without",
        "stalls-held",
        "stalls-damaged",
    ];
    let mut faults = once.map(|key| stalls(key, 1)).to_vec();
    faults.push(stalls("stalls-twice", 2));
    faults.extend(["fails-part", "fails-part-without"].map(|key| {
        json!({
            "match": {"operation": "UploadPart", "part": 4, "key": key, "times": 1},
            "action": {"type": "status", "status": 403, "code": "AccessDenied"},
        })
    }));
    let case = Case::with(false, faults.into());
    case.run("checkpoint");
    let objects = [
        "fails-part",
        "stalls-beside",
        "stalls-damaged",
        "stalls-dir",
        "stalls-empty",
        "stalls-held",
        "stalls-path",
        "stalls-progress",
    ];
    case.assert_only_objects(&objects);
    case.assert_stored(&objects);
    assert_eq!(case.files(), ["checkpoints"]);
}

#[test]
fn outputs_are_whole() {
    let silent = json!([{"match": {"key": "silent"}, "action": {"type": "stall", "at": "before_processing"}}]);
    let case = Case::with(false, silent);
    case.run("outputs");
    case.assert_only_objects(&["waited", "whole"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn events_are_heard() {
    let slow_down = json!([{
        "match": {"operation": "UploadPart", "key": "retried", "part": 1, "times": 1},
        "action": {"type": "status", "status": 503, "code": "SlowDown"},
    }]);
    let case = Case::with(false, slow_down);
    case.run("events");
    case.assert_only_objects(&["heard", "retried", "small"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn refused_threads_are_done_without_or_told_apart() {
    let mut case = Case::with(
        false,
        json!([{
            "match": {"operation": "UploadPart", "key": "more-later"},
            "action": {"type": "stall", "at": "before_response", "ms": 500},
        }]),
    );
    case.settings.push(("NAMED_ENDPOINT", case.server.endpoint().replace("127.0.0.1", "localhost")));
    // Valgrind has a pthread_create() of its own.
    case.run_bare(|folder| toolchain::program(folder, "cc", &CFLAGS, &["no_threads.c"]));
    case.assert_only_objects(&["more-later", "one-worker", "resumed"]);
    case.assert_stored(&["more-later", "one-worker", "resumed"]);
    let opened = |request: &oss_server::LogEntry| request.key.as_deref() == Some("resumed");
    assert_eq!(requests(&case.server, "InitiateMultipartUpload").iter().filter(|request| opened(request)).count(), 1);
}

/// Signals, limits and descriptors are the program's: it runs by itself, since valgrind has its own way with them.
fn run_as_guest(case: &Case, program: &str) {
    case.run_bare(|folder| toolchain::program(folder, "cc", &CFLAGS, &[&format!("{program}.c")]));
}

#[test]
fn no_thread_takes_a_signal_of_the_program() {
    let keys = ["stalls-waited-for", "stalls-handled"];
    let case = Case::with(false, keys.map(|key| stalls(key, 1)).to_vec().into());
    run_as_guest(&case, "signals");
    case.assert_only_objects(&[]);
}

#[test]
fn no_write_raises_a_signal() {
    let case = Case::new();
    run_as_guest(&case, "quiet_writes");
    case.assert_only_objects(&["logs-parts", "logs-whole", "parts", "whole"]);
    case.assert_stored(&["logs-parts", "parts"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}

#[test]
fn standard_descriptors_stay_closed_and_the_log_goes_nowhere_else() {
    let keys: Vec<_> = (1..8).map(|which| format!("closed-{which}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let mut case = Case::with(false, keys.iter().map(|key| stalls(key, 1)).collect::<Vec<_>>().into());
    let key = case.scratch.path("key.json");
    fs::write(&key, json!({"AccessKeyId": ID, "AccessKeySecret": SECRET}).to_string()).unwrap();
    case.settings.push(("CREDENTIALS", format!("process:cat '{}'", key.display())));
    run_as_guest(&case, "descriptors");
    case.assert_stored(&keys);
    assert_eq!(case.files(), ["database", "key.json", "log"]);
    let log = fs::read_to_string(case.scratch.path("log")).unwrap();
    assert!(log.lines().all(|line| line.starts_with("oss-upload [")), "{log}");
    let told = fs::read_to_string(case.scratch.path("database")).unwrap();
    assert!(told.contains("OSS_UPLOAD_LOG is \"verbos\"; it must be off, info or debug"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_thread_that_is_cancelled_ends_after_the_call() {
    let case = Case::with(false, vec![stalls("stalls-cancelled", 1)].into());
    run_as_guest(&case, "cancelled_thread");
    case.assert_only_objects(&["parts", "watched", "whole"]);
    case.assert_stored(&["parts", "watched"]);
    assert!(case.files().is_empty(), "left behind: {:?}", case.files());
}
