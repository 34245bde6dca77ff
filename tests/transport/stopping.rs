//! Pause and cancel take effect within a second, whatever the upload is doing.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use oss_server::Server;
use oss_upload::{Checkpoint, Client, ClientOptions, Error, ErrorKind, PartSize, Upload, UploadOptions};

use crate::common::*;

const MIB: usize = 1 << 20;
/// Nothing but being stopped ends a wait in these tests.
const FOR_EVER: Duration = Duration::from_secs(600);
/// The promise is a second; a busy machine may take a little longer to notice.
const SOON: Duration = Duration::from_secs(2);

fn patient(options: &mut ClientOptions) {
    options.connect_timeout = FOR_EVER;
    options.stall_timeout = FOR_EVER;
}

/// Two parts of 4 MiB, far more than connections buffer.
fn big(scratch: &Scratch) -> UploadOptions {
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Bytes(4 * MIB as u64);
    options
}

/// Asks the upload to stop, twice for good measure, and returns what it ends with.
fn stop(upload: &Upload, how: fn(&Upload)) -> Error {
    let start = Instant::now();
    how(upload);
    how(upload);
    let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    outcome.error.expect("it was stopped")
}

/// Starts an upload to `server`, waits until it is `busy`, and cancels it.
fn cancel_when(server: &Server, client: &Client, scratch: &Scratch, what: &str, busy: impl Fn(&Upload) -> bool) {
    let upload = client.start(big(scratch)).unwrap();
    wait_until(what, || busy(&upload));
    let error = stop(&upload, Upload::cancel);
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{what}: {error:?}");
    assert!(server.uploads(BUCKET).is_empty(), "{what}: an upload is left behind");
    assert!(server.object(BUCKET, "key").is_none());
}

fn is_sending(upload: &Upload) -> bool {
    upload.progress().sent_bytes > 0
}

#[test]
fn cancel_ends_a_part_in_its_middle_when_the_server_reads_slowly() {
    let server = server();
    let client = client_with(&server, patient);
    let action = r#"{"type":"slow_read","bytes_per_second":20000}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"UploadPart"}},"action":{action}}}]"#));
    cancel_when(&server, &client, &Scratch::new(8 * MIB), "the server reads slowly", is_sending);
}

#[test]
fn cancel_ends_a_part_in_its_middle_over_tls() {
    let tls = TlsServer::start(|_| ());
    let client = tls.client_with(patient);
    let action = r#"{"type":"slow_read","bytes_per_second":20000}"#;
    faults(&tls.server, &format!(r#"[{{"match":{{"operation":"UploadPart"}},"action":{action}}}]"#));
    cancel_when(&tls.server, &client, &Scratch::new(8 * MIB), "the server reads slowly", is_sending);
}

#[test]
fn cancel_ends_a_part_in_its_middle_when_the_client_sends_slowly() {
    let server = server();
    let client = client_with(&server, |options| {
        patient(options);
        options.max_bytes_per_second = 10_000;
    });
    cancel_when(&server, &client, &Scratch::new(8 * MIB), "the client sends slowly", is_sending);
}

#[test]
fn cancel_ends_a_part_in_its_middle_when_the_server_does_not_read() {
    let server = server();
    let client = client_with(&server, patient);
    let action = r#"{"type":"stall","after_body_bytes":1}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"UploadPart"}},"action":{action}}}]"#));
    cancel_when(&server, &client, &Scratch::new(8 * MIB), "the server does not read", is_sending);
}

#[test]
fn cancel_ends_the_wait_for_a_response() {
    let server = server();
    let client = client_with(&server, patient);
    for operation in ["UploadPart", "CompleteMultipartUpload"] {
        let action = r#"{"type":"stall","at":"before_processing"}"#;
        faults(&server, &format!(r#"[{{"match":{{"operation":"{operation}"}},"action":{action}}}]"#));
        let all_sent = |upload: &Upload| upload.progress().sent_bytes == 8 * MIB as u64;
        cancel_when(&server, &client, &Scratch::new(8 * MIB), "the server does not answer", all_sent);
    }
}

#[test]
fn cancel_ends_the_wait_for_the_next_attempt() {
    let server = server();
    let client = client_with(&server, patient);
    let action = r#"{"type":"status","status":503,"headers":{"Retry-After":"60"}}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"UploadPart"}},"action":{action}}}]"#));
    let waits = |upload: &Upload| upload.progress().retries > 0;
    cancel_when(&server, &client, &Scratch::new(8 * MIB), "the upload waits", waits);
}

/// A port at which connections are neither accepted nor refused, and what keeps it so.
fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // The shortest queue that there is.
    socket2::SockRef::from(&listener).listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
        assert!(queue.len() < 100, "the queue never fills");
    }
    (address, listener, queue)
}

#[test]
fn cancel_and_pause_end_the_attempt_to_connect() {
    let (address, _listener, _queue) = black_hole();
    let server = server();
    let client = client_with(&server, |options| {
        patient(options);
        options.endpoint = Some(format!("http://{address}"));
    });
    let scratch = Scratch::new(8 * MIB);
    for (how, kind) in [(Upload::cancel as fn(&Upload), ErrorKind::Cancelled), (Upload::pause, ErrorKind::Paused)] {
        let upload = client.start(big(&scratch)).unwrap();
        assert!(upload.wait(Duration::from_millis(300)).is_none(), "it is connecting");
        assert_eq!(stop(&upload, how).kind(), kind);
    }
}

#[test]
fn a_server_that_cannot_be_connected_to_is_left_after_the_connect_timeout() {
    let (address, _listener, _queue) = black_hole();
    let server = server();
    let client = client_with(&server, |options| {
        options.endpoint = Some(format!("http://{address}"));
        options.connect_timeout = Duration::from_millis(300);
        options.max_attempts = 2;
    });
    let scratch = Scratch::new(1000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error:?}");
    assert!(error.message().contains(&address.to_string()), "{error}");
}

/// A server that takes everything in and never says anything.
fn mute() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || while matches!(client.read(&mut [0; 4096]), Ok(1..)) {});
        }
    });
    port
}

#[test]
fn cancel_ends_a_tls_handshake_and_a_talk_with_a_proxy() {
    let server = server();
    let port = mute();
    let through =
        |options: &mut ClientOptions| options.proxy = oss_upload::Proxy::Url(format!("http://127.0.0.1:{port}"));
    let edits: [(&str, Edit<ClientOptions>); 3] = [
        ("tls", Box::new(|o| o.endpoint = Some(format!("https://127.0.0.1:{port}")))),
        ("a proxy that reads the request", Box::new(through)),
        (
            "a tunnel",
            Box::new(|o| {
                o.endpoint = Some(format!("https://127.0.0.1:{}", server.port()));
                through(o);
            }),
        ),
    ];
    let scratch = Scratch::new(8 * MIB);
    for (what, edit) in edits {
        let client = client_with(&server, |options| {
            patient(options);
            edit(options);
        });
        let upload = client.start(big(&scratch)).unwrap();
        assert!(upload.wait(Duration::from_millis(300)).is_none(), "{what}: it waits");
        assert_eq!(stop(&upload, Upload::cancel).kind(), ErrorKind::Cancelled, "{what}");
    }
}

#[test]
fn pause_keeps_the_parts_that_a_checkpoint_remembers_and_the_upload_goes_on_later() {
    let server = server();
    let client = client_with(&server, patient);
    let action = r#"{"type":"slow_read","bytes_per_second":20000}"#;
    faults(&server, &format!(r#"[{{"match":{{"operation":"UploadPart","part":2}},"action":{action}}}]"#));
    let scratch = Scratch::new(8 * MIB);
    let mut options = big(&scratch);
    options.checkpoint = Checkpoint::BesideFile;
    let upload = client.start(options.clone()).unwrap();
    wait_until("one part is there and the other on its way", || {
        let progress = upload.progress();
        progress.parts_done == 1 && progress.sent_bytes > 4 * MIB as u64
    });
    let error = stop(&upload, Upload::pause);
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Paused, true));
    assert_eq!(server.uploads(BUCKET)[0].parts.len(), 1);
    server.clear_faults();
    let result = client.upload_file(options, |_, _| ()).unwrap();
    assert_eq!((result.parts_resumed, result.bytes_sent), (1, 4 * MIB as u64));
    assert_stored(&server, "key", &scratch.file);
    assert!(!scratch.path("source.bin.cp").exists());
}

#[test]
fn pause_without_a_checkpoint_leaves_nothing_since_nothing_could_be_resumed() {
    let server = server();
    let client = client_with(&server, |options| options.max_bytes_per_second = 100_000);
    let scratch = Scratch::new(8 * MIB);
    let upload = client.start(big(&scratch)).unwrap();
    wait_until("it is sending", || is_sending(&upload));
    assert_eq!(stop(&upload, Upload::pause).kind(), ErrorKind::Paused);
    assert!(server.uploads(BUCKET).is_empty());
}

#[test]
fn to_stop_one_upload_does_not_disturb_another_of_the_same_client() {
    let server = server();
    let client = client_with(&server, patient);
    let action = r#"{"type":"slow_read","bytes_per_second":20000}"#;
    let both = r#"{"operation":["UploadPart","PutObject"]}"#;
    faults(&server, &format!(r#"[{{"match":{both},"action":{action}}}]"#));
    let (slow, other) = (Scratch::new(8 * MIB), Scratch::new(60_000));
    let upload = client.start(big(&slow)).unwrap();
    let running = client.start(upload_options("other", &other.file)).unwrap();
    wait_until("both are sending", || is_sending(&upload) && is_sending(&running));
    assert_eq!(stop(&upload, Upload::cancel).kind(), ErrorKind::Cancelled);
    assert!(running.wait(Duration::ZERO).is_none(), "the other one goes on");
    let outcome = running.wait(Duration::from_secs(20)).expect("it ends");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.result.attempts, 1, "undisturbed");
    assert_stored(&server, "other", &other.file);
}

#[test]
fn a_handle_that_is_dropped_pauses_its_upload() {
    let server = server();
    let client = client_with(&server, |options| options.max_bytes_per_second = 100_000);
    let scratch = Scratch::new(8 * MIB);
    let mut options = big(&scratch);
    options.checkpoint = Checkpoint::BesideFile;
    let upload = client.start(options.clone()).unwrap();
    wait_until("it is sending", || is_sending(&upload));
    drop(upload);
    // Only one upload may hold the checkpoint: once the next one gets it, the first has ended.
    wait_until("the first upload lets go of its checkpoint", || {
        let next = client.start(options.clone()).unwrap();
        wait_until("the next one is sending or has failed", || {
            is_sending(&next) || next.wait(Duration::ZERO).is_some()
        });
        next.cancel();
        let error = next.wait(Duration::from_secs(10)).unwrap().error.unwrap();
        error.kind() != ErrorKind::CheckpointBusy
    });
}
