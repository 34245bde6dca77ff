//! The end of an upload: the object is proven, whatever becomes of Complete's response, and only then the checkpoint goes.

mod common;

use std::fs;

use common::callback::{RESPONSE, callback};
use common::fixture::*;
use common::*;
use oss_server::Policy;
use oss_upload::{Checkpoint, ErrorKind, OnFileChange, UploadOptions};

/// A server that lets clients look at objects, and one that does not.
const POLICIES: [Policy; 2] = [Policy::All, Policy::PutOnly];

fn fixture(policy: Policy) -> Fixture {
    Fixture::with(4, |config| config.policy = policy, |_| ())
}

/// What happens to Complete, so often.
fn at_complete(fixture: &Fixture, times: u32, action: &str) {
    let script = r#"[{"match":{"operation":"CompleteMultipartUpload","times":TIMES},"action":ACTION}]"#;
    faults(&fixture.server, &script.replace("TIMES", &times.to_string()).replace("ACTION", action));
}

const LOST_RESPONSE: &str = r#"{"type":"close","at":"before_response"}"#;
const LOST_HALF: &str = r#"{"type":"reset","at":"mid_response","after_response_bytes":30}"#;
const NOT_DONE: &str = r#"{"type":"status","status":500,"before_body":false}"#;
const FORBID: (&str, &str) = ("x-oss-forbid-overwrite", "true");

fn forbid_overwrite(options: &mut UploadOptions) {
    options.headers = vec![(FORBID.0.into(), FORBID.1.into())];
}

#[test]
fn a_lost_response_is_settled_by_looking_at_the_object() {
    for lost in [LOST_RESPONSE, LOST_HALF] {
        let fixture = fixture(Policy::All);
        at_complete(&fixture, 1, lost);
        let result = fixture.run().unwrap();
        assert_eq!((fixture.sent(), fixture.count("HeadObject")), (vec![1, 2, 3, 4], 1), "{lost}");
        let object = fixture.server.object(BUCKET, KEY).unwrap();
        assert_eq!((result.etag, result.crc64), (object.etag, object.crc64));
        fixture.assert_done();
    }
}

#[test]
fn a_lost_response_without_permission_to_look_sends_the_file_again() {
    let fixture = fixture(Policy::PutOnly);
    at_complete(&fixture, 1, LOST_RESPONSE);
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("upload-gone: "), "{}", result.restart_reason);
    fixture.assert_done();
}

#[test]
fn complete_is_tried_again_when_the_server_stumbles() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        at_complete(&fixture, 2, NOT_DONE);
        fixture.run().unwrap();
        assert_eq!((fixture.count("CompleteMultipartUpload"), fixture.sent()), (3, vec![1, 2, 3, 4]), "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn complete_that_fails_for_long_keeps_the_checkpoint_and_the_next_call_only_completes() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        at_complete(&fixture, 100, NOT_DONE);
        let error = fixture.run().unwrap_err();
        assert_eq!((error.kind(), error.http_status(), error.is_retryable()), (ErrorKind::Service, 500, true));
        assert!(fixture.checkpoint().exists(), "{policy:?}: the object is not proven");
        assert_eq!(fixture.parts_on_server(), [1, 2, 3, 4]);
        fixture.server.clear_faults();
        fixture.server.clear_log();
        let result = fixture.run().unwrap();
        assert_eq!((fixture.sent(), result.parts_resumed), (vec![], 4), "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn complete_that_is_done_but_responses_500_is_settled_by_looking() {
    let fixture = fixture(Policy::All);
    // The server has done it, and whoever stands in front of it says otherwise, each time.
    let gate = fixture.relay.hold_response("CompleteMultipartUpload");
    let upload = fixture.start();
    gate.reached();
    at_complete(&fixture, 100, NOT_DONE);
    gate.cut();
    finish(&upload).unwrap();
    assert_eq!(fixture.sent(), [1, 2, 3, 4]);
    fixture.assert_done();
}

/// A run whose process dies when Complete is done on the server, before it hears so: its checkpoint is as it was then.
fn die_after_complete(fixture: &Fixture, edit: impl Fn(&mut UploadOptions)) {
    let gate = fixture.relay.hold_response("CompleteMultipartUpload");
    let upload = fixture.start_with(&edit);
    gate.reached();
    let copy = fs::read(fixture.checkpoint()).unwrap();
    gate.release();
    finish(&upload).unwrap();
    assert!(!fixture.checkpoint().exists());
    fs::write(fixture.checkpoint(), copy).unwrap();
    fixture.server.clear_log();
}

#[test]
fn complete_done_and_killed_before_the_response_is_a_success_of_the_next_call() {
    let fixture = fixture(Policy::All);
    die_after_complete(&fixture, |_| ());
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), fixture.count("InitiateMultipartUpload")), (vec![], 0));
    assert_eq!((result.parts, result.parts_resumed, result.bytes_sent), (4, 4, 0));
    assert_eq!(result.crc64, fixture.server.object(BUCKET, KEY).unwrap().crc64);
    fixture.assert_done();
}

#[test]
fn complete_done_and_killed_without_permission_to_look_sends_the_file_again() {
    let fixture = fixture(Policy::PutOnly);
    die_after_complete(&fixture, |_| ());
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("upload-gone: "), "{}", result.restart_reason);
    assert_eq!(fixture.sent(), [1, 2, 3, 4]);
    fixture.assert_done();
}

#[test]
fn complete_done_and_killed_does_not_hide_that_another_has_written_the_object_since() {
    let fixture = fixture(Policy::All);
    die_after_complete(&fixture, |_| ());
    let other = Scratch::new(5);
    fixture.client.upload_file(upload_options(KEY, &other.file), |_, _| ()).unwrap();
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [1, 2, 3, 4]);
    fixture.assert_done();
}

#[test]
fn complete_done_and_killed_does_not_hide_that_the_file_has_changed_since() {
    for mode in [OnFileChange::Restart, OnFileChange::Fail] {
        let fixture = fixture(Policy::All);
        die_after_complete(&fixture, |_| ());
        // The same size, and the modification time put back: only the content tells.
        let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(&fixture.scratch.file).unwrap();
        common::system::write_all_at(&file, b"changed", 7).unwrap();
        file.set_modified(modified).unwrap();
        let ended = fixture.run_with(|o| o.on_file_change = mode);
        match mode {
            OnFileChange::Restart => {
                assert!(ended.unwrap().restart_reason.starts_with("file-changed: "));
                fixture.assert_done();
            }
            OnFileChange::Fail => assert_eq!(ended.unwrap_err().kind(), ErrorKind::FileChanged),
        }
    }
}

#[test]
fn an_upload_that_was_aborted_before_complete_is_not_taken_for_an_old_object_of_the_same_content() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        fixture.run().unwrap();
        at_complete(&fixture, 1, r#"{"type":"drop_upload"}"#);
        let header = ("x-oss-meta-version".to_owned(), "2".to_owned());
        fixture.run_with(|o| o.headers = vec![header]).unwrap();
        let object = fixture.server.object(BUCKET, KEY).unwrap();
        assert_eq!(object.headers.get("x-oss-meta-version").map(String::as_str), Some("2"), "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn a_lost_response_that_then_says_file_already_exists_is_our_own_object() {
    let fixture = fixture(Policy::All);
    let refuse = r#"{"type":"status","status":409,"code":"FileAlreadyExists","before_body":false}"#;
    let script = r#"[{"match":{"operation":"CompleteMultipartUpload","times":1},"action":LOST},
        {"match":{"operation":"CompleteMultipartUpload"},"action":REFUSE}]"#;
    faults(&fixture.server, &script.replace("LOST", LOST_RESPONSE).replace("REFUSE", refuse));
    fixture.run_with(forbid_overwrite).unwrap();
    fixture.assert_done();
}

#[test]
fn an_object_that_may_be_our_own_but_cannot_be_looked_at_is_an_error() {
    let fixture = fixture(Policy::PutOnly);
    at_complete(&fixture, 1, LOST_RESPONSE);
    let error = fixture.run_with(forbid_overwrite).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "FileAlreadyExists"), "{error}");
    assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes());
    assert_eq!(fixture.sent(), [1, 2, 3, 4], "nothing is sent in vain");
}

#[test]
fn an_object_that_appeared_from_somebody_else_is_not_overwritten() {
    for (policy, text) in POLICIES.into_iter().flat_map(|policy| [(policy, false), (policy, true)]) {
        let fixture = fixture(policy);
        // Of the same content or not: it is not ours, and was not ours to replace.
        let text = if text { "somebody else's".to_owned() } else { rig_text(&fixture) };
        let action = format!(r#"{{"type":"object_appears","text":{text:?}}}"#);
        at_complete(&fixture, 1, &action);
        let error = fixture.run_with(forbid_overwrite).unwrap_err();
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "FileAlreadyExists"), "{policy:?}");
        assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == text.as_bytes());
        assert!(fixture.checkpoint().exists());
    }
}

/// The file as text, which it then is.
fn rig_text(fixture: &Fixture) -> String {
    let text = "0123456789abcdef".repeat(25_000);
    fs::write(&fixture.scratch.file, &text).unwrap();
    text
}

#[test]
fn an_object_that_was_there_before_is_refused_before_anything_is_sent() {
    let fixture = fixture(Policy::All);
    fixture.run().unwrap();
    fixture.server.clear_log();
    let error = fixture.run_with(forbid_overwrite).unwrap_err();
    assert_eq!(error.service_code(), "FileAlreadyExists");
    assert_eq!(fixture.sent(), Vec::<u32>::new());
    fixture.assert_done();
}

#[test]
fn a_failed_callback_is_told_though_the_object_is_stored() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        let header = ("x-oss-callback".into(), callback("500 No"));
        let error = fixture.run_with(|o| o.headers = vec![header]).unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::CallbackFailed, 203), "{policy:?}: {error}");
        fixture.assert_done();
        assert_eq!((fixture.sent(), fixture.count("AbortMultipartUpload")), (vec![1, 2, 3, 4], 0), "{policy:?}");
    }
}

#[test]
fn a_callback_that_succeeds_is_a_success() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        let header = ("x-oss-callback".into(), callback("200 OK"));
        let result = fixture.run_with(|o| o.headers = vec![header]).unwrap();
        assert_eq!(&*result.callback_response, RESPONSE, "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn the_response_of_the_application_server_to_a_small_object_can_be_read() {
    let fixture = Fixture::of_size(1000, |_| (), |_| ());
    let header = ("x-oss-callback".into(), callback("200 OK"));
    let result = fixture.run_with(|o| o.headers = vec![header]).unwrap();
    assert_eq!((fixture.count("PutObject"), &*result.callback_response), (1, RESPONSE));
    assert!(fixture.run().unwrap().callback_response.is_empty(), "nobody was asked");
}

#[test]
fn when_the_response_to_complete_is_lost_the_object_is_stored_and_the_application_servers_word_is_not_known() {
    let fixture = fixture(Policy::All);
    let header = ("x-oss-callback".into(), callback("200 OK"));
    at_complete(&fixture, 1, r#"{"type":"close","at":"before_response"}"#);
    let result = fixture.run_with(|o| o.headers = vec![header]).unwrap();
    assert!(result.callback_response.is_empty());
    assert_eq!(fixture.sent(), [1, 2, 3, 4]);
    fixture.assert_done();
}

#[test]
fn a_wrong_checksum_in_the_response_is_settled_by_looking() {
    let fixture = fixture(Policy::All);
    at_complete(&fixture, 1, r#"{"type":"wrong_crc"}"#);
    fixture.run().unwrap();
    assert_eq!(fixture.count("HeadObject"), 1);
    fixture.assert_done();
}

#[test]
fn a_wrong_checksum_that_cannot_be_looked_at_is_an_error_and_keeps_the_checkpoint() {
    let fixture = fixture(Policy::PutOnly);
    at_complete(&fixture, 1, r#"{"type":"wrong_crc"}"#);
    let error = fixture.run().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ChecksumMismatch, true), "{error}");
    assert!(fixture.checkpoint().exists(), "the object is not proven");
    fixture.run().unwrap();
    fixture.assert_done();
}

#[test]
fn an_object_that_is_wrong_is_an_error_and_the_next_call_sends_it_again() {
    let fixture = fixture(Policy::All);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"],"times":2},"action":{"type":"wrong_crc"}}]"#,
    );
    let error = fixture.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChecksumMismatch, "{error}");
    assert!(fixture.checkpoint().exists(), "the object is not proven");
    fixture.server.clear_faults();
    fixture.run().unwrap();
    fixture.assert_done();
}

#[test]
fn without_a_checkpoint_a_wrong_object_is_an_error_too() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        faults(
            &fixture.server,
            r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"]},"action":{"type":"wrong_crc"}}]"#,
        );
        let error = fixture.run_with(|o| o.checkpoint = Checkpoint::Off).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ChecksumMismatch, "{policy:?}: {error}");
        assert!(!error.message().contains("still on the server"), "there is nothing to abort: {error}");
    }
}

#[test]
fn a_response_without_a_checksum_is_settled_by_looking_where_that_is_allowed() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        at_complete(&fixture, 1, r#"{"type":"no_crc"}"#);
        fixture.run().unwrap();
        assert_eq!(fixture.count("HeadObject"), 1, "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn a_look_that_fails_keeps_the_checkpoint_and_the_next_call_proves_the_object() {
    let fixture = fixture(Policy::All);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"no_crc"}},
            {"match":{"operation":"HeadObject"},"action":{"type":"close","at":"before_processing"}}]"#,
    );
    let error = fixture.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(fixture.checkpoint().exists(), "the object is not proven");
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), Vec::<u32>::new());
    fixture.assert_done();
}

#[test]
fn a_server_that_knows_no_checksums_is_believed() {
    for policy in POLICIES {
        let fixture = Fixture::with(
            4,
            |config| {
                config.policy = policy;
                config.quirks.no_crc = true;
                config.quirks.no_part_crc = true;
            },
            |_| (),
        );
        fixture.run().unwrap();
        fixture.assert_done();
    }
}

#[test]
fn parts_that_complete_misses_are_sent_again() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        faults(
            &fixture.server,
            r#"[{"match":{"operation":"UploadPart","part":3,"times":1},"action":{"type":"replace_part"}}]"#,
        );
        fixture.run().unwrap();
        match policy {
            Policy::All => assert_eq!(fixture.sent(), [1, 2, 3, 3, 4]),
            // Nobody says which part it is: all go again.
            Policy::PutOnly => assert_eq!(fixture.sent(), [1, 1, 2, 2, 3, 3, 4, 4]),
        }
        assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes(), "{policy:?}");
        assert!(!fixture.checkpoint().exists());
    }
}

#[test]
fn parts_that_complete_misses_every_time_are_an_error_in_the_end() {
    let fixture = fixture(Policy::All);
    at_complete(&fixture, 1000, r#"{"type":"status","status":400,"code":"InvalidPart","before_body":false}"#);
    let error = fixture.run().unwrap_err();
    assert_eq!(error.service_code(), "InvalidPart", "{error}");
    assert_eq!(fixture.server.objects(BUCKET), Vec::<String>::new());
}

#[test]
fn a_pause_while_complete_is_under_way_is_settled_by_the_next_call() {
    for policy in POLICIES {
        let fixture = fixture(policy);
        let gate = fixture.relay.hold_response("CompleteMultipartUpload");
        let upload = fixture.start();
        gate.reached();
        upload.pause();
        assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Paused);
        gate.cut();
        assert!(fixture.checkpoint().exists(), "{policy:?}");
        fixture.server.clear_log();
        fixture.run().unwrap();
        let expected = if policy == Policy::All { vec![] } else { vec![1, 2, 3, 4] };
        assert_eq!(fixture.sent(), expected, "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn a_lost_response_to_a_put_that_then_says_file_already_exists_is_our_own_object() {
    let fixture = Fixture::new(1);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"PutObject","times":1},"action":{"type":"close","at":"before_response"}}]"#,
    );
    fixture.run_with(forbid_overwrite).unwrap();
    assert_eq!(fixture.count("PutObject"), 2);
    fixture.assert_done();
}
