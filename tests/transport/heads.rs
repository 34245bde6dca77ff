//! What stands before and in the head of a response: interim responses, and heads that are long.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use oss_upload::{Checkpoint, ErrorKind, PartSize};

use crate::common::*;

const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\nserver: gateway\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";

/// Leads to `port`, and sends interim responses as soon as a request begins: on each connection before its first one.
fn gateway(port: u16) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let counter = counter.clone();
            thread::spawn(move || serve(client, port, &counter));
        }
    });
    (endpoint, sent)
}

fn serve(mut client: TcpStream, port: u16, sent: &AtomicUsize) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    let mut first = [0; 1024];
    let count = client.read(&mut first)?;
    client.write_all(INTERIM)?;
    sent.fetch_add(1, Ordering::Relaxed);
    server.write_all(&first[..count])?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let down = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = down.join();
    Ok(())
}

#[test]
fn interim_responses_are_no_response_also_while_the_body_is_sent() {
    let server = server();
    let (endpoint, sent) = gateway(server.port());
    let client = client_with(&server, |options| {
        options.endpoint = Some(endpoint.clone());
        options.max_attempts = 1;
    });
    let scratch = Scratch::new(12 << 20);
    let mut options = upload_options("whole", &scratch.file);
    options.part_size = PartSize::Bytes(16 << 20);
    client.upload_file(options, |_, _| ()).unwrap();
    assert_stored(&server, "whole", &scratch.file);
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("parts", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&server, "parts", &scratch.file);
    assert!(sent.load(Ordering::Relaxed) > 0);
}

fn long_heads(server: &oss_server::Server, operation: &str, bytes: usize, headers: usize) {
    let action = format!(r#"{{"type":"long_head","bytes":{bytes},"headers":{headers}}}"#);
    faults(server, &format!(r#"[{{"match":{{"operation":"{operation}"}},"action":{action}}}]"#));
}

#[test]
fn a_head_beyond_the_limit_is_named_and_not_asked_for_again() {
    for (bytes, headers) in [(70 * 1024, 10), (200 * 1024, 2), (130, 130)] {
        for operation in ["PutObject", "InitiateMultipartUpload", "UploadPart"] {
            let tls = TlsServer::start(|_| ());
            let plain = server();
            for (server, client) in [(&tls.server, tls.client_with(|_| ())), (&plain, client(&plain))] {
                long_heads(server, operation, bytes, headers);
                let scratch = Scratch::new(if operation == "PutObject" { 1000 } else { PART as usize + 1 });
                let mut options = upload_options("key", &scratch.file);
                options.checkpoint = Checkpoint::Off;
                options.routines = oss_upload::Routines::Count(1);
                let error = client.upload_file(options, |_, _| ()).unwrap_err();
                assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Network, false), "{error:?}");
                for word in ["64 KiB", "128 headers", "too long", operation] {
                    assert!(error.message().contains(word), "{word}: {error}");
                }
                assert_eq!(requests(server, operation).len(), 1, "{operation} {bytes}");
            }
        }
    }
}

#[test]
fn complete_with_a_head_beyond_the_limit_is_settled_by_a_look_at_the_object() {
    let server = server();
    long_heads(&server, "CompleteMultipartUpload", 100 * 1024, 4);
    let scratch = Scratch::new(250_000);
    let result = client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_eq!(result.crc64, oss_server::crc64(&scratch.bytes()));
    assert_stored(&server, "key", &scratch.file);
    assert_eq!((requests(&server, "CompleteMultipartUpload").len(), requests(&server, "HeadObject").len()), (1, 1));
}
