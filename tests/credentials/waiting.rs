//! Uploads that wait for credentials, since they were asked to.

use std::time::{Duration, Instant};

use oss_upload::{Credentials, CredentialsSource, ErrorKind, Phase, Upload};

use super::renewal::Stage;
use super::secrets::assert_clean_error;
use crate::common::*;

/// Keys come from the caller, and the first runs out after part 4.
fn given(wait: Duration) -> Stage {
    let stage = Stage::new(10, |options| {
        options.credentials = CredentialsSource::Given(key("old"));
        options.credentials_wait = wait;
    });
    stage.oss.add_access_key(oss_server::AccessKey::with_token("old", "secret", "token"));
    stage.expire_at(4);
    stage
}

fn key(id: &str) -> Credentials {
    Credentials::new(id, "secret", Some("token".into()))
}

fn wait_for_waiting(upload: &Upload) {
    wait_until("it waits for credentials", || upload.progress().phase == Phase::Waiting);
}

#[test]
fn new_keys_end_the_wait() {
    for routines in [1, 16] {
        let stage = given(Duration::from_secs(60));
        let upload = stage.client.start(stage.options(routines)).unwrap();
        wait_for_waiting(&upload);
        stage.oss.add_access_key(oss_server::AccessKey::with_token("new", "secret", "token"));
        stage.client.set_credentials(key("new")).unwrap();
        let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(upload.progress().phase, Phase::Ended);
        assert_eq!(stage.last_signer(), "new");
        stage.assert_stored();
    }
}

#[test]
fn a_source_that_recovers_ends_the_wait() {
    let stage = Stage::new(10, |options| options.credentials_wait = Duration::from_secs(60));
    stage.vendor.set(|ways| ways.refusal = Some((404, String::new())));
    let upload = stage.client.start(stage.options(3)).unwrap();
    wait_for_waiting(&upload);
    stage.vendor.set(|ways| ways.refusal = None);
    let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    stage.assert_stored();
}

#[test]
fn a_source_that_has_others_at_last_ends_the_wait() {
    let stage = Stage::new(10, |options| options.credentials_wait = Duration::from_secs(60));
    stage.vendor.set(|ways| ways.same = true);
    stage.expire_at(4);
    let upload = stage.client.start(stage.options(3)).unwrap();
    wait_for_waiting(&upload);
    stage.vendor.set(|ways| ways.same = false);
    let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    stage.assert_stored();
}

#[test]
fn the_wait_ends_with_its_time() {
    let stage = given(Duration::from_millis(200));
    let start = Instant::now();
    let error = stage.client.upload_file(stage.options(1), |_, _| ()).unwrap_err();
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "SecurityTokenExpired"));
    assert!(error.is_retryable() && error.message().contains("waited 200ms for new ones"), "{error}");
    assert_clean_error(&error);
    assert_eq!(stage.oss.uploads(BUCKET)[0].parts.len(), 4);

    stage.oss.add_access_key(oss_server::AccessKey::with_token("new", "secret", "token"));
    stage.client.set_credentials(key("new")).unwrap();
    assert_eq!(stage.client.upload_file(stage.options(1), |_, _| ()).unwrap().parts_resumed, 4);
    stage.assert_stored();
}

#[test]
fn who_is_not_asked_to_wait_does_not() {
    let stage = given(Duration::ZERO);
    let error = stage.client.upload_file(stage.options(1), |_, _| ()).unwrap_err();
    assert!(error.is_retryable() && !error.message().contains("waited"), "{error}");
}

#[test]
fn a_pause_and_a_cancel_end_the_wait() {
    for cancel in [false, true] {
        let stage = given(Duration::from_secs(600));
        let upload = stage.client.start(stage.options(3)).unwrap();
        wait_for_waiting(&upload);
        if cancel {
            upload.cancel()
        } else {
            upload.pause()
        }
        let outcome = upload.wait(Duration::from_secs(4)).expect("it ends soon");
        let expected = if cancel { ErrorKind::Cancelled } else { ErrorKind::Paused };
        assert_eq!(outcome.error.unwrap().kind(), expected);
        assert_eq!(stage.scratch.path("source.bin.cp").exists(), !cancel);
    }
}
