//! What the caller is told, during the upload and at its end.

use std::time::Duration;

use oss_upload::{Phase, Progress, Routines};

use crate::common::*;

#[test]
fn the_result_of_an_upload_in_parts_is_what_the_server_has() {
    let server = server_with(|config| config.versioned = true);
    let scratch = Scratch::new(250_000);
    let result = client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    let object = server.object(BUCKET, "key").unwrap();
    let log = server.log();
    let complete = log.last().unwrap();
    assert_eq!(result.etag, object.etag);
    assert_eq!((result.crc64, object.crc64), (oss_server::crc64(&scratch.bytes()), result.crc64));
    assert_eq!(Some(result.version_id.clone()), object.version_id);
    assert_eq!(result.request_id, complete.request_id);
    assert_eq!(Some(&result.upload_id), complete.upload_id.as_ref());
    assert_eq!((result.size, result.part_size, result.part_size_raised), (250_000, PART, false));
    assert_eq!((result.parts, object.parts, result.parts_resumed), (3, 3, 0));
    assert_eq!((result.bytes_sent, result.bytes_resumed), (250_000, 0));
    assert_eq!(result.attempts as usize, log.len());
    assert_eq!(result.restart_reason, "");
    assert!(result.elapsed > Duration::ZERO);
}

#[test]
fn hashing_before_anything_is_sent_is_shown() {
    let server = server();
    let scratch = Scratch::new(0);
    std::fs::File::create(&scratch.file).unwrap().set_len(64 << 20).unwrap();
    let mut options = upload_options("key", &scratch.file);
    (options.part_size, options.content_md5) = (oss_upload::PartSize::Bytes(64 << 20), true);
    let upload = client(&server).start(options).unwrap();
    wait_until("it hashes", || upload.progress().phase == Phase::Hashing);
    assert_eq!(upload.progress().sent_bytes, 0);
    wait_until("it sends", || upload.progress().phase != Phase::Hashing);
    assert!(upload.wait(Duration::from_secs(30)).expect("it ends").error.is_none());
}

#[test]
fn the_result_of_an_upload_in_one_request_is_what_the_server_has() {
    let server = server_with(|config| config.versioned = true);
    let scratch = Scratch::new(1000);
    let result = client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    let object = server.object(BUCKET, "key").unwrap();
    assert_eq!((&result.etag, Some(&result.version_id)), (&object.etag, object.version_id.as_ref()));
    assert_eq!((result.crc64, object.crc64), (oss_server::crc64(&scratch.bytes()), result.crc64));
    assert_eq!((result.request_id.as_str(), result.upload_id.as_str()), (server.log()[0].request_id.as_str(), ""));
    assert_eq!((result.parts, result.bytes_sent, result.attempts), (1, 1000, 1));
}

#[test]
fn what_is_sent_twice_counts_twice_in_the_result() {
    let server = server();
    let fault = r#"{"type":"close","at":"before_response"}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"UploadPart","part":2,"times":1}},"action":{fault}}}]"#));
    let scratch = Scratch::new(250_000);
    let result = client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_eq!((result.bytes_sent, result.attempts), (250_000 + PART, 6));
    assert_eq!(server.log().len(), 6);
}

#[test]
fn progress_never_runs_backwards_and_ends_exactly_at_the_total() {
    let server = server();
    // Slow enough to be seen on the way, and with parts that must be sent again.
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","every":3},"action":{"type":"status","status":500,"before_body":false}},
            {"match":{"operation":"UploadPart"},"action":{"type":"stall","at":"before_response","ms":100}}]"#,
    );
    let scratch = Scratch::new(900_000);
    let mut seen: Vec<Progress> = Vec::new();
    // Side by side, one part might be the third of all several times in a row.
    let client = client_with(&server, |options| options.max_attempts = 20);
    let mut options = upload_options("key", &scratch.file);
    options.routines = Routines::Count(2);
    let result = client.upload_file(options, |_, progress| seen.push(progress)).unwrap();
    assert_stored(&server, "key", &scratch.file);
    for pair in seen.windows(2) {
        assert!(pair[0].done_bytes <= pair[1].done_bytes, "{pair:?}");
        assert!(pair[0].sent_bytes <= pair[1].sent_bytes, "{pair:?}");
        assert!(pair[0].parts_done <= pair[1].parts_done, "{pair:?}");
        assert!(pair[0].retries <= pair[1].retries, "{pair:?}");
    }
    assert!(seen.iter().all(|p| p.done_bytes <= p.total_bytes && (p.total_bytes == 900_000 || p.total_bytes == 0)));
    let steps = seen.iter().filter(|p| p.done_bytes > 0 && p.done_bytes < p.total_bytes).count();
    assert!(steps >= 2, "the way there is shown, not the end only: {seen:?}");
    let last = seen.last().unwrap();
    assert_eq!((last.phase, last.total_bytes, last.done_bytes), (Phase::Ended, 900_000, 900_000));
    assert_eq!((last.parts_done, last.parts_total, last.resumed_bytes), (9, 9, 0));
    assert_eq!((last.eta, last.sent_bytes), (Some(Duration::ZERO), result.bytes_sent));
    assert!(last.sent_bytes > 900_000 && last.retries > 0, "parts were sent again: {last:?}");
}

#[test]
fn an_upload_that_ended_tells_its_outcome_again_and_again() {
    let server = server();
    let scratch = Scratch::new(250_000);
    let upload = client(&server).start(upload_options("key", &scratch.file)).unwrap();
    let first = upload.wait(Duration::from_secs(30)).expect("it ends");
    let again = upload.wait(Duration::ZERO).expect("it has ended");
    assert!(first.error.is_none() && again.error.is_none());
    assert_eq!(first.result.request_id, again.result.request_id);
    upload.cancel();
    assert!(upload.wait(Duration::ZERO).unwrap().error.is_none(), "an end is final");
    assert_stored(&server, "key", &scratch.file);
}
