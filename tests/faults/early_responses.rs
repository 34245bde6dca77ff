//! Servers that refuse a body from its headers alone, while it is still on its way.

use std::time::Duration;

use oss_server::Server;
use oss_upload::{Client, ErrorKind, PartSize};

use crate::common::proxy::Proxy;
use crate::common::*;
use crate::in_company;

const SIZE: usize = 48 << 20;

/// The refusal arrives as such, with the server's request id, and most of the body stays here.
fn assert_refusals_arrive(server: &Server, client: &Client) {
    let scratch = Scratch::new(0);
    std::fs::File::create(&scratch.file).unwrap().set_len(SIZE as u64).unwrap();
    for (operation, part_size) in [("PutObject", SIZE), ("UploadPart", SIZE / 2)] {
        for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket")] {
            for (linger_ms, from_memory) in [(0, false), (300, false), (0, true), (300, true)] {
                let what = format!("{operation} {status}, read on for {linger_ms} ms, from memory: {from_memory}");
                let action =
                    format!(r#"{{"type":"status","status":{status},"code":"{code}","linger_ms":{linger_ms}}}"#);
                faults(server, &format!(r#"[{{"match":{{"operation":"{operation}"}},"action":{action}}}]"#));
                server.clear_log();
                let mut options = upload_options("key", &scratch.file);
                options.part_size = PartSize::Bytes(part_size as u64);
                let upload = if from_memory {
                    options.file_path.clear();
                    client.start_memory(options, vec![0; SIZE]).unwrap()
                } else {
                    client.start(options).unwrap()
                };
                let outcome = upload.wait(Duration::from_secs(20)).expect("it ends");
                let error = outcome.error.expect("it is refused");
                assert_eq!((error.kind(), error.http_status()), (ErrorKind::Service, status), "{what}: {error:?}");
                assert_eq!(error.service_code(), code, "{what}: {error:?}");
                let ids: Vec<_> = requests(server, operation).into_iter().map(|entry| entry.request_id).collect();
                assert!(ids.iter().any(|id| id == error.request_id()), "{what}: {error:?}");
                let sent = outcome.result.bytes_sent;
                assert!(sent < SIZE as u64 / 2, "{what}: {sent} bytes were sent to a server that had said no");
            }
        }
    }
}

#[test]
fn an_early_refusal_arrives_and_the_rest_of_the_body_is_not_sent() {
    let _company = in_company();
    let server = server();
    assert_refusals_arrive(&server, &client(&server));
}

#[test]
fn an_early_refusal_arrives_over_tls_and_the_rest_of_the_body_is_not_sent() {
    let _company = in_company();
    let tls = TlsServer::start(|_| ());
    assert_refusals_arrive(&tls.server, &tls.client_with(|_| ()));
}

#[test]
fn an_early_refusal_arrives_through_a_proxy() {
    let _company = in_company();
    let server = server();
    let proxy = Proxy::start(server.port(), None);
    let client =
        client_with(&server, |options| options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address())));
    let action = r#"{"type":"status","status":403}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"PutObject"}},"action":{action}}}]"#));
    let scratch = Scratch::new(0);
    std::fs::File::create(&scratch.file).unwrap().set_len(SIZE as u64).unwrap();
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Bytes(SIZE as u64);
    let error = client.upload_file(options, |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Service, 403), "{error:?}");
}

#[test]
fn after_an_early_refusal_the_client_is_as_good_as_new() {
    let _company = in_company();
    let server = server();
    let client = client(&server);
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","every":2},"action":{"type":"status","status":503,"linger_ms":0}}]"#,
    );
    let scratch = Scratch::new(9 << 20);
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Bytes(2 << 20);
    options.routines = oss_upload::Routines::Count(1);
    client.upload_file(options, |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}
