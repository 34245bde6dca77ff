//! The end of an upload: the object is proven, whatever becomes of Complete's answer, and only then the checkpoint goes.

mod common;

use std::fs;

use common::callback::{ANSWER, callback};
use common::rig::*;
use common::*;
use oss_server::Policy;
use oss_upload::{Checkpoint, ErrorKind, OnFileChange, UploadOptions};

/// A server that lets clients look at objects, and one that does not.
const POLICIES: [Policy; 2] = [Policy::All, Policy::PutOnly];

fn rig(policy: Policy) -> Rig {
    Rig::with(4, |config| config.policy = policy, |_| ())
}

/// What happens to Complete, so often.
fn at_complete(rig: &Rig, times: u32, action: &str) {
    let script = r#"[{"match":{"operation":"CompleteMultipartUpload","times":TIMES},"action":ACTION}]"#;
    faults(&rig.server, &script.replace("TIMES", &times.to_string()).replace("ACTION", action));
}

const LOST_ANSWER: &str = r#"{"type":"close","at":"before_answer"}"#;
const LOST_HALF: &str = r#"{"type":"reset","at":"mid_answer","after_answer_bytes":30}"#;
const NOT_DONE: &str = r#"{"type":"status","status":500,"before_body":false}"#;
const FORBID: (&str, &str) = ("x-oss-forbid-overwrite", "true");

fn forbid_overwrite(options: &mut UploadOptions) {
    options.headers = vec![(FORBID.0.into(), FORBID.1.into())];
}

#[test]
fn a_lost_answer_is_settled_by_looking_at_the_object() {
    for lost in [LOST_ANSWER, LOST_HALF] {
        let rig = rig(Policy::All);
        at_complete(&rig, 1, lost);
        let result = rig.run().unwrap();
        assert_eq!((rig.sent(), rig.count("HeadObject")), (vec![1, 2, 3, 4], 1), "{lost}");
        let object = rig.server.object(BUCKET, KEY).unwrap();
        assert_eq!((result.etag, result.crc64), (object.etag, object.crc64));
        rig.assert_done();
    }
}

#[test]
fn a_lost_answer_without_permission_to_look_sends_the_file_again() {
    let rig = rig(Policy::PutOnly);
    at_complete(&rig, 1, LOST_ANSWER);
    let result = rig.run().unwrap();
    assert!(result.restart_reason.starts_with("upload-gone: "), "{}", result.restart_reason);
    rig.assert_done();
}

#[test]
fn complete_is_tried_again_when_the_server_stumbles() {
    for policy in POLICIES {
        let rig = rig(policy);
        at_complete(&rig, 2, NOT_DONE);
        rig.run().unwrap();
        assert_eq!((rig.count("CompleteMultipartUpload"), rig.sent()), (3, vec![1, 2, 3, 4]), "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn complete_that_fails_for_long_keeps_the_checkpoint_and_the_next_call_only_completes() {
    for policy in POLICIES {
        let rig = rig(policy);
        at_complete(&rig, 100, NOT_DONE);
        let error = rig.run().unwrap_err();
        assert_eq!((error.kind(), error.http_status(), error.is_retryable()), (ErrorKind::Service, 500, true));
        assert!(rig.checkpoint().exists(), "{policy:?}: the object is not proven");
        assert_eq!(rig.parts_on_server(), [1, 2, 3, 4]);
        rig.server.clear_faults();
        rig.server.clear_log();
        let result = rig.run().unwrap();
        assert_eq!((rig.sent(), result.parts_resumed), (vec![], 4), "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn complete_that_is_done_but_answers_500_is_settled_by_looking() {
    let rig = rig(Policy::All);
    // The server has done it, and whoever stands in front of it says otherwise, each time.
    let gate = rig.relay.hold_answer("CompleteMultipartUpload");
    let upload = rig.start();
    gate.reached();
    at_complete(&rig, 100, NOT_DONE);
    gate.cut();
    finish(&upload).unwrap();
    assert_eq!(rig.sent(), [1, 2, 3, 4]);
    rig.assert_done();
}

/// A run whose process dies when Complete is done on the server, before it hears so: its checkpoint is as it was then.
fn die_after_complete(rig: &Rig, edit: impl Fn(&mut UploadOptions)) {
    let gate = rig.relay.hold_answer("CompleteMultipartUpload");
    let upload = rig.start_with(&edit);
    gate.reached();
    let copy = fs::read(rig.checkpoint()).unwrap();
    gate.release();
    finish(&upload).unwrap();
    assert!(!rig.checkpoint().exists());
    fs::write(rig.checkpoint(), copy).unwrap();
    rig.server.clear_log();
}

#[test]
fn complete_done_and_killed_before_the_answer_is_a_success_of_the_next_call() {
    let rig = rig(Policy::All);
    die_after_complete(&rig, |_| ());
    let result = rig.run().unwrap();
    assert_eq!((rig.sent(), rig.count("InitiateMultipartUpload")), (vec![], 0));
    assert_eq!((result.parts, result.parts_resumed, result.bytes_sent), (4, 4, 0));
    assert_eq!(result.crc64, rig.server.object(BUCKET, KEY).unwrap().crc64);
    rig.assert_done();
}

#[test]
fn complete_done_and_killed_without_permission_to_look_sends_the_file_again() {
    let rig = rig(Policy::PutOnly);
    die_after_complete(&rig, |_| ());
    let result = rig.run().unwrap();
    assert!(result.restart_reason.starts_with("upload-gone: "), "{}", result.restart_reason);
    assert_eq!(rig.sent(), [1, 2, 3, 4]);
    rig.assert_done();
}

#[test]
fn complete_done_and_killed_does_not_hide_that_another_has_written_the_object_since() {
    let rig = rig(Policy::All);
    die_after_complete(&rig, |_| ());
    let other = Scratch::new(5);
    rig.client.upload_file(upload_options(KEY, &other.file), |_, _| ()).unwrap();
    rig.run().unwrap();
    assert_eq!(rig.sent(), [1, 2, 3, 4]);
    rig.assert_done();
}

#[test]
fn complete_done_and_killed_does_not_hide_that_the_file_has_changed_since() {
    for mode in [OnFileChange::Restart, OnFileChange::Fail] {
        let rig = rig(Policy::All);
        die_after_complete(&rig, |_| ());
        // The same size, and the modification time put back: only the content tells.
        let modified = fs::metadata(&rig.scratch.file).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(&rig.scratch.file).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"changed", 7).unwrap();
        file.set_modified(modified).unwrap();
        let ended = rig.run_with(|o| o.on_file_change = mode);
        match mode {
            OnFileChange::Restart => {
                assert!(ended.unwrap().restart_reason.starts_with("file-changed: "));
                rig.assert_done();
            }
            OnFileChange::Fail => assert_eq!(ended.unwrap_err().kind(), ErrorKind::FileChanged),
        }
    }
}

#[test]
fn an_upload_that_was_aborted_before_complete_is_not_taken_for_an_old_object_of_the_same_content() {
    for policy in POLICIES {
        let rig = rig(policy);
        rig.run().unwrap();
        at_complete(&rig, 1, r#"{"type":"drop_upload"}"#);
        let header = ("x-oss-meta-version".to_owned(), "2".to_owned());
        rig.run_with(|o| o.headers = vec![header]).unwrap();
        let object = rig.server.object(BUCKET, KEY).unwrap();
        assert_eq!(object.headers.get("x-oss-meta-version").map(String::as_str), Some("2"), "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn a_lost_answer_that_then_says_file_already_exists_is_our_own_object() {
    let rig = rig(Policy::All);
    let refuse = r#"{"type":"status","status":409,"code":"FileAlreadyExists","before_body":false}"#;
    let script = r#"[{"match":{"operation":"CompleteMultipartUpload","times":1},"action":LOST},
        {"match":{"operation":"CompleteMultipartUpload"},"action":REFUSE}]"#;
    faults(&rig.server, &script.replace("LOST", LOST_ANSWER).replace("REFUSE", refuse));
    rig.run_with(forbid_overwrite).unwrap();
    rig.assert_done();
}

#[test]
fn an_object_that_may_be_our_own_but_cannot_be_looked_at_is_an_error() {
    let rig = rig(Policy::PutOnly);
    at_complete(&rig, 1, LOST_ANSWER);
    let error = rig.run_with(forbid_overwrite).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "FileAlreadyExists"), "{error}");
    assert!(rig.server.object(BUCKET, KEY).unwrap().bytes == rig.scratch.bytes());
    assert_eq!(rig.sent(), [1, 2, 3, 4], "nothing is sent in vain");
}

#[test]
fn an_object_that_appeared_from_somebody_else_is_not_overwritten() {
    for (policy, text) in POLICIES.into_iter().flat_map(|policy| [(policy, false), (policy, true)]) {
        let rig = rig(policy);
        // Of the same content or not: it is not ours, and was not ours to replace.
        let text = if text { "somebody else's".to_owned() } else { rig_text(&rig) };
        let action = format!(r#"{{"type":"object_appears","text":{text:?}}}"#);
        at_complete(&rig, 1, &action);
        let error = rig.run_with(forbid_overwrite).unwrap_err();
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "FileAlreadyExists"), "{policy:?}");
        assert!(rig.server.object(BUCKET, KEY).unwrap().bytes == text.as_bytes());
        assert!(rig.checkpoint().exists());
    }
}

/// The file as text, which it then is.
fn rig_text(rig: &Rig) -> String {
    let text = "0123456789abcdef".repeat(25_000);
    fs::write(&rig.scratch.file, &text).unwrap();
    text
}

#[test]
fn an_object_that_was_there_before_is_refused_before_anything_is_sent() {
    let rig = rig(Policy::All);
    rig.run().unwrap();
    rig.server.clear_log();
    let error = rig.run_with(forbid_overwrite).unwrap_err();
    assert_eq!(error.service_code(), "FileAlreadyExists");
    assert_eq!(rig.sent(), Vec::<u32>::new());
    rig.assert_done();
}

#[test]
fn a_failed_callback_is_told_though_the_object_is_stored() {
    for policy in POLICIES {
        let rig = rig(policy);
        let header = ("x-oss-callback".into(), callback("500 No"));
        let error = rig.run_with(|o| o.headers = vec![header]).unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::CallbackFailed, 203), "{policy:?}: {error}");
        rig.assert_done();
        assert_eq!((rig.sent(), rig.count("AbortMultipartUpload")), (vec![1, 2, 3, 4], 0), "{policy:?}");
    }
}

#[test]
fn a_callback_that_succeeds_is_a_success() {
    for policy in POLICIES {
        let rig = rig(policy);
        let header = ("x-oss-callback".into(), callback("200 OK"));
        let result = rig.run_with(|o| o.headers = vec![header]).unwrap();
        assert_eq!(&*result.callback_answer, ANSWER, "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn the_answer_of_the_application_server_to_a_small_object_can_be_read() {
    let rig = Rig::of_size(1000, |_| (), |_| ());
    let header = ("x-oss-callback".into(), callback("200 OK"));
    let result = rig.run_with(|o| o.headers = vec![header]).unwrap();
    assert_eq!((rig.count("PutObject"), &*result.callback_answer), (1, ANSWER));
    assert!(rig.run().unwrap().callback_answer.is_empty(), "nobody was asked");
}

#[test]
fn when_the_answer_to_complete_is_lost_the_object_is_stored_and_the_application_servers_word_is_not_known() {
    let rig = rig(Policy::All);
    let header = ("x-oss-callback".into(), callback("200 OK"));
    at_complete(&rig, 1, r#"{"type":"close","at":"before_answer"}"#);
    let result = rig.run_with(|o| o.headers = vec![header]).unwrap();
    assert!(result.callback_answer.is_empty());
    assert_eq!(rig.sent(), [1, 2, 3, 4]);
    rig.assert_done();
}

#[test]
fn a_wrong_checksum_in_the_answer_is_settled_by_looking() {
    let rig = rig(Policy::All);
    at_complete(&rig, 1, r#"{"type":"wrong_crc"}"#);
    rig.run().unwrap();
    assert_eq!(rig.count("HeadObject"), 1);
    rig.assert_done();
}

#[test]
fn a_wrong_checksum_that_cannot_be_looked_at_is_an_error_and_keeps_the_checkpoint() {
    let rig = rig(Policy::PutOnly);
    at_complete(&rig, 1, r#"{"type":"wrong_crc"}"#);
    let error = rig.run().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ChecksumMismatch, true), "{error}");
    assert!(rig.checkpoint().exists(), "the object is not proven");
    rig.run().unwrap();
    rig.assert_done();
}

#[test]
fn an_object_that_is_wrong_is_an_error_and_the_next_call_sends_it_again() {
    let rig = rig(Policy::All);
    faults(
        &rig.server,
        r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"],"times":2},"action":{"type":"wrong_crc"}}]"#,
    );
    let error = rig.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChecksumMismatch, "{error}");
    assert!(rig.checkpoint().exists(), "the object is not proven");
    rig.server.clear_faults();
    rig.run().unwrap();
    rig.assert_done();
}

#[test]
fn without_a_checkpoint_a_wrong_object_is_an_error_too() {
    for policy in POLICIES {
        let rig = rig(policy);
        faults(
            &rig.server,
            r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"]},"action":{"type":"wrong_crc"}}]"#,
        );
        let error = rig.run_with(|o| o.checkpoint = Checkpoint::Off).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ChecksumMismatch, "{policy:?}: {error}");
        assert!(!error.message().contains("still on the server"), "there is nothing to abort: {error}");
    }
}

#[test]
fn an_answer_without_a_checksum_is_settled_by_looking_where_that_is_allowed() {
    for policy in POLICIES {
        let rig = rig(policy);
        at_complete(&rig, 1, r#"{"type":"no_crc"}"#);
        rig.run().unwrap();
        assert_eq!(rig.count("HeadObject"), 1, "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn a_look_that_fails_keeps_the_checkpoint_and_the_next_call_proves_the_object() {
    let rig = rig(Policy::All);
    faults(
        &rig.server,
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"no_crc"}},
            {"match":{"operation":"HeadObject"},"action":{"type":"close","at":"before_processing"}}]"#,
    );
    let error = rig.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(rig.checkpoint().exists(), "the object is not proven");
    rig.server.clear_faults();
    rig.server.clear_log();
    rig.run().unwrap();
    assert_eq!(rig.sent(), Vec::<u32>::new());
    rig.assert_done();
}

#[test]
fn a_server_that_knows_no_checksums_is_believed() {
    for policy in POLICIES {
        let rig = Rig::with(
            4,
            |config| {
                config.policy = policy;
                config.quirks.no_crc = true;
                config.quirks.no_part_crc = true;
            },
            |_| (),
        );
        rig.run().unwrap();
        rig.assert_done();
    }
}

#[test]
fn parts_that_complete_misses_are_sent_again() {
    for policy in POLICIES {
        let rig = rig(policy);
        faults(
            &rig.server,
            r#"[{"match":{"operation":"UploadPart","part":3,"times":1},"action":{"type":"replace_part"}}]"#,
        );
        rig.run().unwrap();
        match policy {
            Policy::All => assert_eq!(rig.sent(), [1, 2, 3, 3, 4]),
            // Nobody says which part it is: all go again.
            Policy::PutOnly => assert_eq!(rig.sent(), [1, 1, 2, 2, 3, 3, 4, 4]),
        }
        assert!(rig.server.object(BUCKET, KEY).unwrap().bytes == rig.scratch.bytes(), "{policy:?}");
        assert!(!rig.checkpoint().exists());
    }
}

#[test]
fn parts_that_complete_misses_every_time_are_an_error_in_the_end() {
    let rig = rig(Policy::All);
    at_complete(&rig, 1000, r#"{"type":"status","status":400,"code":"InvalidPart","before_body":false}"#);
    let error = rig.run().unwrap_err();
    assert_eq!(error.service_code(), "InvalidPart", "{error}");
    assert_eq!(rig.server.objects(BUCKET), Vec::<String>::new());
}

#[test]
fn a_pause_while_complete_is_under_way_is_settled_by_the_next_call() {
    for policy in POLICIES {
        let rig = rig(policy);
        let gate = rig.relay.hold_answer("CompleteMultipartUpload");
        let upload = rig.start();
        gate.reached();
        upload.pause();
        assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Paused);
        gate.cut();
        assert!(rig.checkpoint().exists(), "{policy:?}");
        rig.server.clear_log();
        rig.run().unwrap();
        let expected = if policy == Policy::All { vec![] } else { vec![1, 2, 3, 4] };
        assert_eq!(rig.sent(), expected, "{policy:?}");
        rig.assert_done();
    }
}

#[test]
fn a_lost_answer_to_a_put_that_then_says_file_already_exists_is_our_own_object() {
    let rig = Rig::new(1);
    faults(
        &rig.server,
        r#"[{"match":{"operation":"PutObject","times":1},"action":{"type":"close","at":"before_answer"}}]"#,
    );
    rig.run_with(forbid_overwrite).unwrap();
    assert_eq!(rig.count("PutObject"), 2);
    rig.assert_done();
}
