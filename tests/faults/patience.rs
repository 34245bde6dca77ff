//! Servers that ask to be left alone for a while.

use std::time::{Duration, Instant};

use oss_upload::{EventKind, Routines};

use crate::common::*;
use crate::in_company;

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let _company = in_company();
    for header in [r#""Retry-After":"1""#, r#""x-oss-qos-delay-time":"1000""#] {
        let server = server();
        let action = format!(r#"{{"type":"status","status":503,"headers":{{{header}}}}}"#);
        faults(&server, &format!(r#"[{{"match":{{"operation":"PutObject","times":1}},"action":{action}}}]"#));
        let scratch = Scratch::new(1000);
        let start = Instant::now();
        client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
        // By itself a client would have come back within the fifth of a second.
        assert!(start.elapsed() >= Duration::from_secs(1), "{header}");
        assert_stored(&server, "key", &scratch.file);
    }
}

#[test]
fn a_server_that_is_overloaded_gets_fewer_parts_at_a_time_and_more_again_when_it_has_recovered() {
    let _company = in_company();
    let server = server();
    faults(&server, r#"[{"match":{"operation":"UploadPart","times":2},"action":{"type":"status","status":503}}]"#);
    // Some seconds long: it is looked once a second how things go.
    let client = client_with(&server, |options| options.max_bytes_per_second = 400_000);
    client.next_event();
    let scratch = Scratch::new(16 * PART as usize);
    let mut options = upload_options("key", &scratch.file);
    options.routines = Routines::Count(8);
    client.upload_file(options, |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
    let events = std::iter::from_fn(|| client.next_event());
    let changes: Vec<u32> =
        events.filter(|event| event.kind == EventKind::ConcurrencyChanged).map(|event| event.concurrency).collect();
    assert_eq!(changes[0], 4, "half of eight: {changes:?}");
    assert!(changes[1..].iter().zip(5..).all(|(now, wanted)| *now == wanted), "one more each second: {changes:?}");
    assert!(changes.len() > 1, "{changes:?}");
}

#[test]
fn the_error_says_how_often_it_was_tried() {
    let _company = in_company();
    let server = server();
    faults(&server, r#"[{"match":{},"action":{"type":"status","status":503}}]"#);
    let client = client_with(&server, |options| options.max_attempts = 3);
    let scratch = Scratch::new(1000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!((error.http_status(), error.is_retryable()), (503, true));
    assert!(error.message().contains("tried 3 times"), "{error}");
    assert_eq!(server.log().len(), 3);
    assert!(server.log().iter().any(|entry| entry.request_id == error.request_id()));
}
