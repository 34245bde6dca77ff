//! Servers that ask for a pause of years, or for a senseless one: it is a minute at most, and is ended at once by who cancels.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use oss_upload::{Client, ErrorKind, EventKind, Routines, UploadOptions};

use super::{BUCKET, MEMORY, Scratch, alone, client_with, hurried, memory, server, upload_options};
use crate::front::{Front, Operation, Trick};
use crate::table::{End, Row};

/// What a client waits at the most because it was asked to, and what it waits by itself before the second attempt.
const LONGEST: Duration = Duration::from_millis(60_200);
const SOON: Duration = Duration::from_millis(200);
const MINUTE: Duration = Duration::from_secs(60);
/// As docs/promises.md has it.
const PAUSES: usize = 12;

struct Pause {
    header: &'static str,
    trick: Trick,
    is_long: bool,
}

macro_rules! pause {
    ($header:literal, $is_long:literal) => {
        Pause { header: $header, trick: |out, _| busy(out, $header), is_long: $is_long }
    };
}

const ASKED: [Pause; PAUSES] = [
    pause!("Retry-After: 315360000", true),
    pause!("Retry-After: 18446744073709551615", true),
    pause!("Retry-After: 99999999999999999999999999", true),
    pause!("Retry-After: -1", false),
    pause!("Retry-After: -99999999999999999999999999", false),
    pause!("Retry-After: 1e99", false),
    pause!("Retry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\nDate: Mon, 18 Dec 2023 10:00:00 GMT", true),
    // No date of this age.
    pause!("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\nDate: Mon, 18 Dec 2023 10:00:00 GMT", false),
    pause!("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\nDate: Mon, 18 Dec 2023 10:00:00 GMT", false),
    pause!("x-oss-qos-delay-time: 315360000000", true),
    pause!("x-oss-qos-delay-time: 99999999999999999999999999", true),
    pause!("x-oss-qos-delay-time: -1", false),
];

fn busy(out: &mut dyn Write, header: &str) -> io::Result<()> {
    let body = "<Error><Code>SlowDown</Code></Error>";
    write!(out, "HTTP/1.1 503 Service Unavailable\r\n{header}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// How long the client says that it waits before it tries again.
fn told_pause(client: &Client) -> Duration {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < MINUTE, "nothing is tried again");
        match client.next_event() {
            Some(event) if event.kind == EventKind::Retry => return event.elapsed,
            Some(_) => {}
            None => thread::yield_now(),
        }
    }
}

#[test]
fn no_server_can_make_a_client_wait_for_years() {
    let _alone = alone();
    let server = server();
    let front = Front::start(server.port());
    let scratch = Scratch::new(1000);
    for Pause { header, trick, is_long } in ASKED {
        let end = End::Fails { retryable: true, says: "SlowDown" };
        front.set(&Row { name: header, operation: Operation::PutObject, trick, end });
        let client = client_with(&server, |options| {
            hurried(options);
            options.endpoint = Some(front.endpoint());
        });
        assert!(client.next_event().is_none(), "the queue is open from here on");
        let before = memory::begin();
        let options = UploadOptions { routines: Routines::Count(1), ..upload_options("key", &scratch.file) };
        let upload = client.start(options).unwrap();
        let pause = told_pause(&client);
        let expected = if is_long { MINUTE..=LONGEST } else { Duration::ZERO..=SOON };
        assert!(expected.contains(&pause), "{header}: {pause:?}");
        let start = Instant::now();
        if is_long {
            upload.cancel();
        }
        let error = upload.wait(MINUTE).expect("it ends").error.expect("it fails");
        assert!(start.elapsed() < Duration::from_secs(20), "{header}: it ends after {:?}", start.elapsed());
        assert_eq!(error.kind() == ErrorKind::Cancelled, is_long, "{header}: {error}");
        assert!(is_long || error.is_retryable() && error.message().contains("SlowDown"), "{header}: {error}");
        assert!(memory::peak() - before < MEMORY, "{header}");
    }
    assert!(server.object(BUCKET, "key").is_none());
}
