//! Servers that are not there, or are something else.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use oss_server::Config;
use oss_upload::{Checkpoint, Client, ClientOptions, Error, ErrorKind};

use crate::common::*;
use crate::in_company;

/// What an upload to `endpoint` ends with, with two attempts.
fn error_of(endpoint: &str) -> Error {
    let options = ClientOptions {
        endpoint: Some(endpoint.into()),
        path_style: true,
        max_attempts: 2,
        ..client_options_of(endpoint)
    };
    let scratch = Scratch::new(1000);
    Client::new(options).unwrap().upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err()
}

fn client_options_of(endpoint: &str) -> ClientOptions {
    ClientOptions { endpoint: Some(endpoint.into()), ..client_options(&server_with(|_| ())) }
}

/// A port of this machine at which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that says `response` to everybody, whatever they say.
fn babbler(response: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(response);
        }
    });
    port
}

#[test]
fn a_server_that_is_down_is_a_network_error_with_the_system_s_reason() {
    let _company = in_company();
    let error = error_of(&format!("http://127.0.0.1:{}", free_port()));
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Network, crate::common::system::REFUSED), "{error:?}");
    assert!(error.is_retryable());
    assert!(error.message().contains("refused") && error.message().contains("tried 2 times"), "{error}");
}

#[test]
fn a_server_that_is_down_for_a_moment_is_waited_for() {
    let _company = in_company();
    let port = free_port();
    let options = ClientOptions { max_attempts: 20, ..client_options_of(&format!("http://127.0.0.1:{port}")) };
    let scratch = Scratch::new(250_000);
    let upload = Client::new(options).unwrap().start(upload_options("key", &scratch.file)).unwrap();
    wait_until("it is tried again", || upload.progress().retries > 0);
    let server = server_with(|config| config.listen = format!("127.0.0.1:{port}"));
    let outcome = upload.wait(Duration::from_secs(20)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_stored(&server, "key", &scratch.file);
}

#[test]
fn a_name_without_an_address_is_a_network_error_that_names_the_endpoint() {
    let _company = in_company();
    let error = error_of("http://no-such-host.invalid");
    assert!([ErrorKind::Network, ErrorKind::Timeout].contains(&error.kind()), "{error:?}");
    assert!(error.is_retryable(), "name servers have their bad moments");
    assert!(error.message().contains("no-such-host.invalid"), "{error}");
}

#[test]
fn a_server_that_does_not_speak_http_is_a_clear_error() {
    let _company = in_company();
    for response in [&b"SSH-2.0-OpenSSH_9.6\r\n"[..], b"220 mail.example.com ESMTP\r\n", b"\x00\x01\x02\xff\xfe", b""] {
        let error = error_of(&format!("http://127.0.0.1:{}", babbler(response)));
        assert_eq!(error.kind(), ErrorKind::Network, "{response:?}: {error:?}");
        let says = if response.is_empty() { "127.0.0.1" } else { "does not speak HTTP" };
        assert!(error.message().starts_with("PutObject: ") && error.message().contains(says), "{error}");
    }
}

#[test]
fn a_server_that_does_not_speak_tls_is_a_clear_error() {
    let _company = in_company();
    let server = server();
    let error = error_of(&format!("https://127.0.0.1:{}", server.port()));
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert!(error.message().contains("does not speak TLS") && error.message().contains("http://"), "{error}");
    assert!(!error.is_retryable() && server.connections_accepted() == 1, "it will not learn TLS meanwhile");
}

#[test]
fn a_server_that_speaks_tls_only_is_a_clear_error_for_plain_http() {
    let _company = in_company();
    let tls = TlsServer::start(|_: &mut Config| ());
    let error = error_of(&format!("http://127.0.0.1:{}", tls.server.port()));
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert!(error.message().contains("does not speak HTTP"), "{error}");
}

#[test]
fn a_server_that_is_down_leaves_a_checkpoint_neither_begun_nor_in_the_way() {
    let _company = in_company();
    let scratch = Scratch::new(250_000);
    let mut options = upload_options("key", &scratch.file);
    options.checkpoint = Checkpoint::BesideFile;
    let client_options =
        ClientOptions { max_attempts: 1, ..client_options_of(&format!("http://127.0.0.1:{}", free_port())) };
    let error = Client::new(client_options).unwrap().upload_file(options.clone(), |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let server = server();
    client(&server).upload_file(options, |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
    assert!(!scratch.path("source.bin.cp").exists());
}
