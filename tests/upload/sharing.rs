//! One client, many uploads: connections and threads.

use std::thread;
use std::time::Duration;

use oss_upload::{Client, ErrorKind, Routines, UploadOptions};

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
    // Long enough for all routines to be waiting for their responses.
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart"},"action":{"type":"stall","at":"before_response","ms":100}}]"#,
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

/// Long enough for all that may be on its way to wait for its response.
const SLOW: &str = r#"[{"match":{},"action":{"type":"stall","at":"before_response","ms":50}}]"#;

/// Starts all uploads at once; each must succeed.
fn upload_all(client: &Client, uploads: impl IntoIterator<Item = UploadOptions>) {
    let started: Vec<_> = uploads.into_iter().map(|options| client.start(options).unwrap()).collect();
    for upload in started {
        let outcome = upload.wait(Duration::MAX).unwrap();
        assert!(outcome.error.is_none(), "{outcome:?}");
    }
}

fn with_routines(key: String, scratch: &Scratch, routines: Routines) -> UploadOptions {
    UploadOptions { routines, ..upload_options(&key, &scratch.file) }
}

#[test]
fn a_hundred_uploads_that_leave_the_number_to_the_library_share_one() {
    let server = server();
    faults(&server, SLOW);
    let client = client(&server);
    let (parts, single) = (Scratch::new(4 * PART as usize), Scratch::new(5000));
    let file = |n| if n % 4 == 0 { &single } else { &parts };
    upload_all(&client, (0..100).map(|n| with_routines(format!("key-{n}"), file(n), Routines::Auto)));
    for n in 0..100 {
        assert_stored(&server, &format!("key-{n}"), &file(n).file);
    }
    let connections = server.connections_accepted();
    assert!((8..=64).contains(&connections), "{connections} connections");
}

#[test]
fn uploads_with_a_number_of_their_own_keep_it_beside_others() {
    let server = server();
    faults(&server, SLOW);
    let client = client(&server);
    let scratch = Scratch::new(10 * PART as usize);
    upload_all(&client, (0..4).map(|n| with_routines(format!("key-{n}"), &scratch, Routines::Count(3))));
    assert!(server.connections_accepted() <= 12, "{} connections", server.connections_accepted());
}

#[test]
fn uploads_that_wait_for_their_turn_can_be_paused_and_cancelled() {
    let server = server();
    faults(&server, r#"[{"match":{"key":"slow"},"action":{"type":"stall","at":"before_response","ms":600000}}]"#);
    let client = client_with(&server, |options| options.stall_timeout = Duration::from_secs(600));
    let scratch = Scratch::new(5000);
    let start = |key: &str| client.start(with_routines(key.into(), &scratch, Routines::Auto)).unwrap();
    let slow: Vec<_> = (0..64).map(|_| start("slow")).collect();
    while server.open_connections() < 64 {
        thread::yield_now();
    }
    let (paused, cancelled, waiting) = (start("paused"), start("cancelled"), start("waiting"));
    paused.pause();
    cancelled.cancel();
    let kind = |upload: &oss_upload::Upload| upload.wait(Duration::MAX).unwrap().error.unwrap().kind();
    assert_eq!((kind(&paused), kind(&cancelled)), (ErrorKind::Paused, ErrorKind::Cancelled));
    slow.iter().for_each(oss_upload::Upload::cancel);
    let outcome = waiting.wait(Duration::MAX).unwrap();
    assert!(outcome.error.is_none(), "{outcome:?}");
    assert_stored(&server, "waiting", &scratch.file);
    assert_eq!(
        requests(&server, "PutObject").iter().filter(|request| request.key.as_deref() != Some("slow")).count(),
        1
    );
}
