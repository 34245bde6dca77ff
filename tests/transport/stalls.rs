//! Peers that keep an upload waiting are left after the stall timeout, and the request is tried again.

use std::time::{Duration, Instant};

use oss_server::Server;
use oss_upload::{ClientOptions, ErrorKind, PartSize};

use crate::common::*;

/// The stall timeout. A processor that is emulated needs longer between two bytes.
fn stall() -> Duration {
    let times = std::env::var("OSS_TEST_SLOWNESS").map_or(1, |text| text.parse().expect("a whole number"));
    Duration::from_millis(600) * times
}

/// More than connections buffer.
const SIZE: usize = 12 << 20;

/// What a peer does for ever, unless it is left.
const TRICKS: [(&str, &str); 4] = [
    ("it is silent", r#"{"type":"stall","at":"before_response"}"#),
    ("its response drips", r#"{"type":"drip","bytes":1,"ms":150}"#),
    ("it does not begin to read", r#"{"type":"stall","at":"before_body"}"#),
    ("it stops reading", r#"{"type":"stall","after_body_bytes":1000000}"#),
];

fn hurried(options: &mut ClientOptions) {
    options.stall_timeout = stall();
    options.max_attempts = 2;
}

/// One upload in one request, with the trick `times` times. Returns the error.
fn upload(server: &Server, trick: &str, times: u32, edit: impl FnOnce(&mut ClientOptions)) -> Option<ErrorKind> {
    faults(server, &format!(r#"[{{"match":{{"operation":"PutObject","times":{times}}},"action":{trick}}}]"#));
    let scratch = Scratch::new(SIZE);
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Bytes(SIZE as u64);
    let client = client_with(server, |options| {
        hurried(options);
        edit(options);
    });
    let start = Instant::now();
    let mut retries = 0;
    let result = client.upload_file(options, |_, progress| retries = progress.retries);
    assert!(start.elapsed() >= stall() * times, "patience lasts that long");
    match result {
        Ok(_) => {
            assert_stored(server, "key", &scratch.file);
            assert_eq!(retries, times);
            None
        }
        Err(error) => {
            assert!(error.is_retryable() && error.message().contains("127.0.0.1"), "{error}");
            Some(error.kind())
        }
    }
}

#[test]
fn a_peer_that_holds_an_upload_up_is_left_and_tried_again() {
    for (what, trick) in TRICKS {
        let server = server();
        assert_eq!(upload(&server, trick, 1, |_| ()), None, "{what}");
    }
}

#[test]
fn a_peer_that_holds_an_upload_up_over_tls_is_left_and_tried_again() {
    for (what, trick) in TRICKS {
        let tls = TlsServer::start(|_| ());
        assert_eq!(upload(&tls.server, trick, 1, |o| o.certificate_authorities = tls.authorities()), None, "{what}");
    }
}

#[test]
fn a_peer_that_holds_every_attempt_up_is_a_timeout() {
    for (what, trick) in TRICKS {
        let server = server();
        assert_eq!(upload(&server, trick, 2, |_| ()), Some(ErrorKind::Timeout), "{what}");
    }
}

#[test]
fn an_upload_that_is_slow_by_wish_is_not_taken_for_stalled() {
    let server = server();
    let client = client_with(&server, |options| {
        hurried(options);
        options.max_bytes_per_second = PART * 1000 / (3 * stall().as_millis() as u64);
    });
    let scratch = Scratch::new(PART as usize);
    let start = Instant::now();
    let result = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert!(start.elapsed() > stall() * 2);
    assert_eq!((result.attempts, result.bytes_sent), (1, PART));
    assert_stored(&server, "key", &scratch.file);
}
