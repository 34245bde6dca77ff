//! One client, many uploads: connections and threads.

use std::thread;

use oss_upload::{Client, Routines};

use crate::common::*;

#[test]
fn a_client_serves_sixteen_threads_at_once() {
    let server = server();
    let client = client(&server);
    let files: Vec<Scratch> = (0..16).map(|n| Scratch::new(1000 + n * 25_000)).collect();
    thread::scope(|scope| {
        for (n, scratch) in files.iter().enumerate() {
            let client: Client = client.clone();
            scope.spawn(move || {
                client.upload_file(upload_options(&format!("key-{n}"), &scratch.file), |_, _| ()).unwrap();
            });
        }
    });
    for (n, scratch) in files.iter().enumerate() {
        assert_stored(&server, &format!("key-{n}"), &scratch.file);
    }
    assert_eq!(server.objects(BUCKET).len(), 16);
}

#[test]
fn one_connection_serves_one_upload_after_another() {
    let server = server();
    let client = client(&server);
    for size in [10, 1_000_000, 0, 250_000] {
        let scratch = Scratch::new(size);
        let mut options = upload_options("key", &scratch.file);
        options.routines = Routines::Count(1);
        client.upload_file(options, |_, _| ()).unwrap();
        assert_stored(&server, "key", &scratch.file);
    }
    assert_eq!(server.connections_accepted(), 1);
}

#[test]
fn one_tls_connection_serves_one_upload_after_another() {
    let tls = TlsServer::start(|_| ());
    let client = tls.client_with(|_| ());
    for size in [10, 1_000_000, 0] {
        let scratch = Scratch::new(size);
        let mut options = upload_options("key", &scratch.file);
        options.routines = Routines::Count(1);
        client.upload_file(options, |_, _| ()).unwrap();
    }
    assert_eq!(tls.server.connections_accepted(), 1);
}

#[test]
fn as_many_parts_are_on_their_way_as_there_are_routines() {
    let server = server();
    // Long enough for all routines to be waiting for their answers.
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart"},"action":{"type":"stall","at":"before_answer","ms":100}}]"#,
    );
    let scratch = Scratch::new(20 * PART as usize);
    let mut options = upload_options("key", &scratch.file);
    options.routines = Routines::Count(5);
    let client = client(&server);
    client.upload_file(options.clone(), |_, _| ()).unwrap();
    assert_eq!(server.connections_accepted(), 5);
    client.upload_file(options, |_, _| ()).unwrap();
    assert_eq!(server.connections_accepted(), 5, "the second upload uses the connections of the first");
    assert_stored(&server, "key", &scratch.file);
}
