//! Connections that the server closes while nobody uses them.

use oss_server::Server;
use oss_upload::{Client, Routines};

use crate::common::*;
use crate::in_company;

/// Uploads again and again; with one attempt for each request nothing may go wrong that counts.
fn upload_often(server: &Server, client: &Client) {
    let scratch = Scratch::new(250_000);
    for routines in [1, 3] {
        for _ in 0..10 {
            let mut options = upload_options("key", &scratch.file);
            options.routines = Routines::Count(routines);
            client.upload_file(options, |_, _| ()).unwrap();
            assert_stored(server, "key", &scratch.file);
        }
    }
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_replaced_at_once_and_does_not_count() {
    let _company = in_company();
    for action in [
        r#"{"type":"close_idle"}"#,
        r#"{"type":"close_idle","after_ms":1}"#,
        r#"{"type":"close_idle","reset":true}"#,
        r#"{"type":"close_idle","reset":true,"after_ms":1}"#,
        // As if it had been closed the moment before the request arrived.
        r#"{"type":"close","at":"before_body"}"#,
        r#"{"type":"reset","at":"before_body"}"#,
    ] {
        // No connections from before: those may still be closed, and then the rule would hit a new one.
        let server = server();
        let client = client_with(&server, |options| options.max_attempts = 1);
        // A connection's first request is answered. The rule for all others would hit new connections, too.
        let when = if action.contains("idle") { r#"{}"# } else { r#"{"operation":"UploadPart","times":1}"# };
        faults(&server, &format!(r#"[{{"match":{when},"action":{action}}}]"#));
        upload_often(&server, &client);
    }
}

#[test]
fn a_tls_connection_that_was_closed_meanwhile_is_replaced_at_once_and_does_not_count() {
    let _company = in_company();
    let tls = TlsServer::start(|_| ());
    let client = tls.client_with(|options| options.max_attempts = 1);
    for reset in [false, true] {
        let action = format!(r#"{{"type":"close_idle","reset":{reset}}}"#);
        faults(&tls.server, &format!(r#"[{{"match":{{}},"action":{action}}}]"#));
        upload_often(&tls.server, &client);
    }
}

#[test]
fn a_server_that_was_restarted_in_between_is_no_trouble() {
    let _company = in_company();
    let first = server();
    let client = client_with(&first, |options| options.max_attempts = 1);
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    let listen = format!("127.0.0.1:{}", first.port());
    drop(first);
    let second = server_with(|config| config.listen = listen);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&second, "key", &scratch.file);
}
