//! Temporary keys that run out.

use std::time::Duration;

use oss_server::{AccessKey, Server};
use oss_upload::{Client, Credentials, CredentialsSource, ErrorKind};

use crate::common::*;
use crate::in_company;

fn keys() -> (Server, Client) {
    let key = |name: &str| AccessKey::with_token(format!("id-{name}"), "secret", format!("token-{name}"));
    let server = server_with(|config| config.access_keys = vec![key("old"), key("new")]);
    let client = client_with(&server, |options| {
        options.credentials = CredentialsSource::Given(credentials("old"));
        options.max_attempts = 1;
    });
    (server, client)
}

fn credentials(name: &str) -> Credentials {
    Credentials::new(format!("id-{name}"), "secret", Some(format!("token-{name}")))
}

#[test]
fn a_token_that_runs_out_ends_the_upload_with_its_name_and_with_what_is_left_on_the_server() {
    let _company = in_company();
    let (server, client) = keys();
    faults(&server, r#"[{"match":{"operation":"UploadPart","from":1,"times":1},"action":{"type":"expire_token"}}]"#);
    let scratch = Scratch::new(250_000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Service, 403));
    assert_eq!((error.service_code(), error.ec()), ("SecurityTokenExpired", "0002-00000007"));
    assert!(server.object(BUCKET, "key").is_none());
    // The token is no good for an abort either: at least the caller knows what is there.
    let left = server.uploads(BUCKET);
    assert_eq!(left.len(), 1);
    assert!(error.message().contains(&left[0].upload_id), "{error}");
}

#[test]
fn new_credentials_from_another_thread_save_an_upload_whose_token_runs_out() {
    let _company = in_company();
    let (server, client) = keys();
    // The parts wait at the door while the token runs out and its successor comes.
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","times":3},"action":{"type":"stall","at":"before_body","ms":800}}]"#,
    );
    let scratch = Scratch::new(250_000);
    let upload = client.start(upload_options("key", &scratch.file)).unwrap();
    wait_until("the upload is opened", || !requests(&server, "InitiateMultipartUpload").is_empty());
    server.expire_token("id-old");
    client.set_credentials(credentials("new")).unwrap();
    let outcome = upload.wait(Duration::from_secs(10)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_stored(&server, "key", &scratch.file);
    let codes: Vec<_> = server.log().into_iter().filter_map(|entry| entry.code).collect();
    assert!(codes.iter().all(|code| code == "SecurityTokenExpired"), "{codes:?}");
    assert_eq!(server.log().last().unwrap().access_key_id.as_deref(), Some("id-new"));
}
