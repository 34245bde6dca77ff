//! Who uploads: temporary keys, nobody, and keys that change.

use oss_server::AccessKey;
use oss_upload::{Credentials, CredentialsSource, ErrorKind, SignatureVersion};

use crate::common::*;

const TOKEN: &str = "CAIS/token+with=signs";

#[test]
fn temporary_keys_send_their_token_with_every_request_and_sign_it() {
    let server = server_with(|config| config.access_keys = vec![AccessKey::with_token("STS.id", "secret", TOKEN)]);
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        server.clear_log();
        let client = client_with(&server, |options| {
            options.signature_version = version;
            options.credentials =
                CredentialsSource::Given(Credentials::new("STS.id", "secret", Some(TOKEN.to_owned())));
        });
        let scratch = Scratch::new(250_000);
        client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
        assert_stored(&server, "key", &scratch.file);
        for entry in server.log() {
            assert!(entry.signed_headers.iter().any(|name| name == "x-oss-security-token"), "{entry:?}");
        }
    }
}

#[test]
fn without_credentials_nothing_is_signed() {
    let server = server_with(|config| config.allow_anonymous = true);
    let client = client_with(&server, |options| options.credentials = CredentialsSource::Anonymous);
    for size in [1000, 250_000] {
        let scratch = Scratch::new(size);
        client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
        assert_stored(&server, "key", &scratch.file);
    }
    assert!(server.log().iter().all(|entry| entry.signature == "anonymous"));
}

#[test]
fn a_server_that_wants_to_know_who_it_is_says_so_once() {
    let server = server();
    let client = client_with(&server, |options| options.credentials = CredentialsSource::Anonymous);
    let scratch = Scratch::new(1000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.http_status(), error.service_code()), (ErrorKind::Service, 403, "AccessDenied"));
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_wrong_secret_is_told_from_a_wrong_id_and_not_tried_again() {
    let server = server();
    let scratch = Scratch::new(1000);
    for (id, secret, code) in [(ID, "wrong", "SignatureDoesNotMatch"), ("nobody", SECRET, "InvalidAccessKeyId")] {
        server.clear_log();
        let client = client_with(&server, |options| {
            options.credentials = CredentialsSource::Given(Credentials::new(id, secret, None));
        });
        let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
        assert_eq!((error.http_status(), error.service_code()), (403, code));
        assert!(!error.is_retryable() && !error.request_id().is_empty(), "{error:?}");
        assert_eq!(server.log().len(), 1);
    }
}

#[test]
fn new_credentials_are_used_from_the_next_request_on() {
    let server = server();
    let scratch = Scratch::new(1000);
    let client = client_with(&server, |options| {
        options.credentials = CredentialsSource::Given(Credentials::new("nobody", "nothing", None));
    });
    assert!(client.upload_file(upload_options("key", &scratch.file), |_, _| ()).is_err());
    client.set_credentials(Credentials::new(ID, SECRET, None)).unwrap();
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}
