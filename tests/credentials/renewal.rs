//! Keys that end, or are refused, in the middle of an upload.

use std::sync::Arc;
use std::time::Duration;

use oss_server::Server;
use oss_upload::{Checkpoint, Client, ClientOptions, Credentials, ErrorKind, EventKind, Routines, UploadOptions};

use crate::common::proxy::Proxy;

use super::secrets::{assert_clean, assert_clean_error};
use super::vendor::*;
use crate::common::*;

pub struct Stage {
    pub oss: Arc<Server>,
    pub vendor: Vendor,
    pub scratch: Scratch,
    pub client: Client,
}

impl Stage {
    /// Keys come from Alibaba Cloud's plain address.
    pub fn new(parts: usize, edit: impl FnOnce(&mut ClientOptions)) -> Stage {
        let oss = Arc::new(server_with(|config| config.access_keys = Vec::new()));
        let vendor = Vendor::start(&oss);
        let client = client_with(&oss, |options| {
            options.credentials = vendor.uri().parse().unwrap();
            edit(options);
        });
        Stage { oss, vendor, scratch: Scratch::new(parts * PART as usize), client }
    }

    pub fn options(&self, routines: u32) -> UploadOptions {
        UploadOptions {
            routines: Routines::Count(routines),
            checkpoint: Checkpoint::BesideFile,
            ..upload_options("key", &self.scratch.file)
        }
    }

    /// The token that the part `from` is sent with runs out right after.
    pub fn expire_at(&self, from: u32) {
        let script = r#"[{"match":{"operation":"UploadPart","from":FROM,"times":1},"action":{"type":"expire_token"}}]"#;
        faults(&self.oss, &script.replace("FROM", &from.to_string()));
    }

    /// The codes of all refusals, each once.
    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<_> = self.oss.log().into_iter().filter_map(|entry| entry.code).collect();
        codes.sort();
        codes.dedup();
        codes
    }

    pub fn last_signer(&self) -> String {
        self.oss.log().last().unwrap().access_key_id.clone().unwrap_or_default()
    }

    pub fn assert_stored(&self) {
        assert_stored(&self.oss, "key", &self.scratch.file);
        assert!(!self.scratch.path("source.bin.cp").exists(), "the checkpoint is left behind");
    }
}

#[test]
fn a_token_that_runs_out_is_renewed_once_for_sixteen_routines() {
    let stage = Stage::new(40, |options| options.max_attempts = 1);
    stage.client.next_event();
    stage.expire_at(5);
    let result = stage.client.upload_file(stage.options(16), |_, _| ()).unwrap();
    stage.assert_stored();
    assert_eq!(stage.vendor.issued(), 2);
    assert_eq!((stage.codes(), stage.last_signer()), (vec!["SecurityTokenExpired".into()], "STS.2".to_owned()));
    assert_eq!(result.attempts as usize, stage.oss.log().len());
    let events: Vec<_> = std::iter::from_fn(|| stage.client.next_event()).collect();
    let changes: Vec<_> = events.iter().filter(|event| event.kind == EventKind::CredentialsChanged).collect();
    let messages: Vec<_> = changes.iter().map(|event| event.message.as_str()).collect();
    let from = stage.vendor.url();
    let expected = [1, 2].map(|number| format!("access key id STS.{number}, from uri {from}"));
    assert_eq!(messages, expected);
    events.iter().for_each(|event| assert_clean("an event", &format!("{event} {event:?}")));
}

#[test]
fn keys_that_come_by_plain_http_go_around_the_proxy() {
    let oss = Arc::new(server_with(|config| config.access_keys = Vec::new()));
    let (vendor, proxy, scratch) = (Vendor::start(&oss), Proxy::start(oss.port(), None), Scratch::new(1000));
    let client = client_with(&oss, |options| {
        options.credentials = vendor.uri().parse().unwrap();
        options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address()));
    });
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&oss, "key", &scratch.file);
    let asked = proxy.asked();
    assert!(!asked.is_empty() && asked.iter().all(|head| head.contains(&oss.port().to_string())), "{asked:?}");
}

#[test]
fn one_key_serves_all_uploads_of_a_client() {
    let stage = Stage::new(3, |_| ());
    let uploads: Vec<_> = (0..8)
        .map(|number| stage.client.start(upload_options(&format!("key-{number}"), &stage.scratch.file)).unwrap())
        .collect();
    for upload in &uploads {
        let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
    }
    for number in 0..uploads.len() {
        assert_stored(&stage.oss, &format!("key-{number}"), &stage.scratch.file);
    }
    assert_eq!((stage.vendor.issued(), stage.codes().len()), (1, 0));
}

#[test]
fn keys_are_renewed_before_they_end() {
    let stage = Stage::new(40, |options| options.max_bytes_per_second = 400_000);
    stage.vendor.set(|ways| ways.life = Some(Duration::from_secs(2)));
    let upload = stage.client.start(stage.options(3)).unwrap();
    wait_until("a third key is there", || stage.vendor.issued() >= 3);
    // From the second on: what was asked for before may still be on its way.
    assert!(stage.codes().is_empty(), "{:?}", stage.codes());
    assert!(upload.wait(Duration::ZERO).is_none(), "it is not over yet");
    upload.cancel();
    upload.wait(Duration::from_secs(10)).expect("it ends");
}

#[test]
fn a_failing_renewal_does_no_harm_while_the_old_key_lives() {
    let stage = Stage::new(20, |options| options.max_bytes_per_second = 1_000_000);
    stage.vendor.set(|ways| ways.life = Some(Duration::from_secs(60)));
    stage
        .client
        .upload_file(stage.options(1), |_, _| {
            if stage.vendor.issued() > 0 {
                stage.vendor.set(|ways| ways.refusal = Some((500, "".into())));
            }
        })
        .unwrap();
    stage.assert_stored();
    assert_eq!(stage.vendor.issued(), 1);
}

#[test]
fn a_key_that_comes_again_after_its_refusal_ends_the_upload_with_the_servers_words() {
    let stage = Stage::new(10, |_| ());
    stage.vendor.set(|ways| ways.same = true);
    stage.expire_at(4);
    let error = stage.client.upload_file(stage.options(1), |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "SecurityTokenExpired"));
    assert!(error.is_retryable() && error.message().contains("to resume"), "{error}");
    assert_clean_error(&error);
    assert_eq!(stage.vendor.issued(), 2);
    assert_eq!(stage.oss.uploads(BUCKET)[0].parts.len(), 4);
    // Later there are others, and it goes on where it stopped.
    stage.vendor.set(|ways| ways.same = false);
    stage.client.set_credentials(Credentials::new("new", "secret", None)).unwrap();
    stage.oss.add_access_key(oss_server::AccessKey::new("new", "secret"));
    let result = stage.client.upload_file(stage.options(1), |_, _| ()).unwrap();
    assert_eq!(result.parts_resumed, 4);
    stage.assert_stored();
}

#[test]
fn a_renewal_that_fails_is_tried_again_and_then_told() {
    let stage = Stage::new(10, |options| options.max_attempts = 2);
    // The key is there before the source dries up.
    stage.client.upload_file(UploadOptions { object_key: "other".into(), ..stage.options(1) }, |_, _| ()).unwrap();
    stage.vendor.set(|ways| ways.refusal = Some((503, TOKEN.into())));
    stage.expire_at(4);
    let error = stage.client.upload_file(stage.options(1), |_, _| ()).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.message().contains("no credentials from uri: http://127.0.0.1:"), "{error}");
    assert_clean_error(&error);
    assert!(stage.scratch.path("source.bin.cp").exists());
    stage.vendor.set(|ways| ways.refusal = None);
    stage.oss.clear_faults();
    wait_until("the failure is forgotten", || stage.client.upload_file(stage.options(1), |_, _| ()).is_ok());
    stage.assert_stored();
}

#[test]
fn a_source_that_is_down_for_a_moment_is_asked_again() {
    let stage = Stage::new(3, |options| options.max_attempts = 100);
    stage.vendor.set(|ways| ways.refusal = Some((502, String::new())));
    let upload = stage.client.start(stage.options(1)).unwrap();
    wait_until("it was asked twice", || stage.vendor.asked().len() >= 2);
    stage.vendor.set(|ways| ways.refusal = None);
    let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    stage.assert_stored();
}

#[test]
fn new_keys_from_the_caller_replace_the_source() {
    let stage = Stage::new(30, |options| options.max_bytes_per_second = 2_000_000);
    let upload = stage.client.start(stage.options(3)).unwrap();
    wait_until("some parts are there", || upload.progress().parts_done > 2);
    stage.oss.add_access_key(oss_server::AccessKey::with_token("pushed", "secret", "token"));
    stage.client.set_credentials(Credentials::new("pushed", "secret", Some("token".into()))).unwrap();
    stage.oss.expire_token("STS.1");
    let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    stage.assert_stored();
    assert_eq!((stage.vendor.issued(), stage.last_signer()), (1, "pushed".to_owned()));
}

#[test]
fn who_pauses_or_cancels_does_not_wait_for_a_source_that_hangs() {
    for cancel in [false, true] {
        let stage = Stage::new(3, |_| ());
        stage.vendor.set(|ways| ways.silent = true);
        let upload = stage.client.start(stage.options(1)).unwrap();
        wait_until("it is asked", || !stage.vendor.asked().is_empty());
        if cancel {
            upload.cancel()
        } else {
            upload.pause()
        }
        let outcome = upload.wait(Duration::from_secs(4)).expect("it ends soon");
        let expected = if cancel { ErrorKind::Cancelled } else { ErrorKind::Paused };
        assert_eq!(outcome.error.unwrap().kind(), expected);
    }
}
