//! Streams whose end nobody knows.

use std::collections::BTreeSet;
use std::io::Write;
use std::thread;
use std::time::Duration;

use oss_server::{Policy, Server};
use oss_upload::{Checkpoint, Client, ErrorKind, PartSize, Phase, Routines, SpoolOptions, UploadOptions, UploadStream};

use crate::common::fixture::{assert_nothing_on, forget_parts, refuse_part};
use crate::common::*;

const KEY: &str = "key";

fn options() -> UploadOptions {
    UploadOptions {
        bucket: BUCKET.into(),
        object_key: KEY.into(),
        part_size: PartSize::Bytes(PART),
        routines: Routines::Count(3),
        max_memory: 8 * PART,
        ..UploadOptions::default()
    }
}

fn open(client: &Client) -> UploadStream {
    client.open_stream(options()).unwrap()
}

fn assert_object(server: &Server, bytes: &[u8]) {
    assert!(server.object(BUCKET, KEY).expect("an object").bytes == bytes, "it is not what was written");
    assert!(server.uploads(BUCKET).is_empty(), "an upload is left behind");
}

const STALL: &str =
    r#"[{"match":{"operation":"UploadPart"},"action":{"type":"stall","at":"before_response","ms":60000}}]"#;

#[test]
fn a_stream_of_any_size_in_any_pieces_becomes_an_object() {
    let server = server();
    let client = client(&server);
    for size in [0, 1, PART as usize, PART as usize + 1, 12 * PART as usize + 5] {
        for piece in [1000, PART as usize, usize::MAX] {
            server.clear_log();
            let bytes = content(size, 1);
            let stream = open(&client);
            bytes.chunks(piece.min(size.max(1))).for_each(|piece| stream.write(piece).unwrap());
            let result = stream.finish().unwrap();
            assert_object(&server, &bytes);
            let single = size <= PART as usize;
            assert_eq!(requests(&server, "PutObject").len(), usize::from(single), "{size} bytes");
            assert_eq!(result.size, size as u64);
            assert_eq!(result.upload_id.is_empty(), single);
            let progress = stream.progress();
            assert_eq!(
                (progress.phase, progress.done_bytes, progress.total_bytes),
                (Phase::Ended, size as u64, size as u64)
            );
            assert_eq!(progress.parts_done, progress.parts_total);
            // Once more is the same, and nothing can follow.
            assert_eq!(stream.finish().unwrap().etag, result.etag);
            assert_eq!(stream.write(b"more").unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}

#[test]
fn parts_grow_and_memory_does_not() {
    let server = server();
    let client = client(&server);
    let options = UploadOptions { max_memory: 4 * PART, ..options() };
    let stream = client.open_stream(UploadOptions { part_size: PartSize::Auto, max_memory: 0, ..options }).unwrap();
    let bytes = content(3 * 1024 * 1024 + 1, 1);
    stream.write(&bytes).unwrap();
    let result = stream.finish().unwrap();
    assert_eq!((result.parts, result.part_size), (4, 1024 * 1024));
    assert_object(&server, &bytes);
}

#[test]
fn the_total_is_unknown_until_the_end() {
    let server = server();
    let client = client(&server);
    let stream = open(&client);
    stream.write(&content(3 * PART as usize, 1)).unwrap();
    wait_until("a part has arrived", || stream.progress().parts_done > 0);
    let progress = stream.progress();
    assert_eq!((progress.total_bytes, progress.parts_total, progress.eta), (0, 0, None));
    stream.finish().unwrap();
}

#[test]
fn the_writer_waits_for_a_slow_network_and_can_say_for_how_long() {
    let server = server();
    faults(&server, STALL);
    let client = client_with(&server, |options| options.stall_timeout = Duration::from_secs(60));
    let stream = open(&client);
    let bytes = content(20 * PART as usize, 1);
    let taken = stream.try_write(&bytes, Duration::from_millis(50)).unwrap();
    assert_eq!(taken, 4 * PART as usize, "three parts in flight, and one that waits");
    assert_eq!(stream.try_write(&bytes[taken..], Duration::ZERO).unwrap(), 0);
    assert!(stream.try_finish(Duration::ZERO).unwrap().is_none());
    stream.abort();
    assert_eq!(stream.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_nothing_on(&server);
}

#[test]
fn a_spool_takes_what_the_network_does_not_and_leaves_no_file() {
    let server = server();
    let scratch = Scratch::new(1);
    let client = client(&server);
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","times":3},"action":{"type":"stall","at":"before_response","ms":3000}}]"#,
    );
    let spool = Some(SpoolOptions { directory: scratch.dir.path().into(), limit: 12 * PART });
    let stream = client.open_stream(UploadOptions { spool, ..options() }).unwrap();
    let bytes = content(20 * PART as usize + 3, 1);
    assert_eq!(stream.try_write(&bytes, Duration::ZERO).unwrap(), 16 * PART as usize, "4 in memory, 12 in the file");
    stream.write(&bytes[16 * PART as usize..]).unwrap();
    stream.finish().unwrap();
    assert_object(&server, &bytes);
    // On Windows it has a name as long as it is open.
    let names = || std::fs::read_dir(scratch.dir.path()).unwrap().count();
    if cfg!(windows) {
        drop(stream);
        wait_until("the spool file is gone", || names() == 1);
    }
    assert_eq!(names(), 1);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_of_the_write_and_loses_nothing() {
    children::alone("streams::child_spools_to_a_full_disk");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_spools_to_a_full_disk() {
    if !children::is_alone() {
        return;
    }
    let server = server();
    let scratch = Scratch::new(1);
    let client = client_with(&server, |options| options.stall_timeout = Duration::from_secs(60));
    faults(&server, &STALL.replace("60000", "2000"));
    let spool = Some(SpoolOptions { directory: scratch.dir.path().into(), limit: 100 * PART });
    let stream = client.open_stream(UploadOptions { spool, ..options() }).unwrap();
    let bytes = content(20 * PART as usize, 1);
    children::allow(Some(3 * PART));
    let taken = stream.try_write(&bytes, Duration::ZERO).unwrap();
    assert_eq!(taken, 7 * PART as usize, "four in memory, three in the file");
    let error = stream.try_write(&bytes[taken..], Duration::ZERO).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, true), "{error}");
    assert!(error.message().contains("the spool file"), "{error}");
    children::allow(None);
    server.clear_faults();
    stream.write(&bytes[taken..]).unwrap();
    stream.finish().unwrap();
    assert_object(&server, &bytes);
}

#[test]
fn a_stream_that_is_aborted_or_left_stores_nothing() {
    let server = server();
    let client = client(&server);
    for parts in [0, 1, 5] {
        let stream = open(&client);
        stream.write(&content(parts * PART as usize + 1, 1)).unwrap();
        stream.abort();
        let error = stream.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        assert!(stream.write(b"x").is_err());
        let stream = open(&client);
        stream.write(&content(parts * PART as usize + 1, 1)).unwrap();
        drop(stream);
    }
    wait_until("nothing is left", || server.uploads(BUCKET).is_empty());
    assert_nothing_on(&server);
}

#[test]
fn a_failure_of_the_upload_is_told_to_the_writer() {
    let server = server();
    let client = client(&server);
    fixture::refuse_part(&server, 2);
    let stream = open(&client);
    let bytes = content(100 * PART as usize, 1);
    let error = stream.write(&bytes).unwrap_err();
    assert_eq!((error.service_code(), error.part_number()), ("AccessDenied", 2), "{error}");
    assert_eq!(stream.finish().unwrap_err().message(), error.message());
    assert_nothing_on(&server);
}

#[test]
fn parts_of_a_stream_are_tried_again() {
    let server = server();
    let client = client(&server);
    for fault in [
        r#"[{"match":{"operation":"UploadPart","part":2,"times":2},"action":{"type":"status","status":503}}]"#,
        r#"[{"match":{"operation":"UploadPart","part":1,"times":1},"action":{"type":"reset","after_body_bytes":50000}}]"#,
        r#"[{"match":{"operation":"CompleteMultipartUpload","times":1},"action":{"type":"close","at":"before_response"}}]"#,
        r#"[{"match":{"operation":"InitiateMultipartUpload","times":1},"action":{"type":"close","at":"before_response"}}]"#,
    ] {
        faults(&server, fault);
        let bytes = content(5 * PART as usize, 2);
        let stream = open(&client);
        stream.write(&bytes).unwrap();
        stream.finish().unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_object(&server, &bytes);
    }
}

#[test]
fn an_upload_that_is_gone_says_that_the_stream_must_be_sent_again() {
    let server = server();
    let client = client(&server);
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","part":3},"action":{"type":"status","status":404,"code":"NoSuchUpload"}}]"#,
    );
    let stream = open(&client);
    let written = stream.write(&content(5 * PART as usize, 1));
    let error = written.and_then(|()| stream.finish()).unwrap_err();
    assert!(error.message().contains("send all of it again"), "{error}");
    assert!(server.objects(BUCKET).is_empty());
}

#[test]
fn a_paused_stream_takes_nothing_until_it_goes_on() {
    let server = server();
    let client = client(&server);
    let stream = open(&client);
    stream.pause();
    assert_eq!(stream.try_write(b"content", Duration::from_millis(20)).unwrap(), 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| stream.write(b"content"));
        stream.resume();
        writer.join().unwrap().unwrap();
    });
    stream.finish().unwrap();
    assert_object(&server, b"content");
}

#[test]
fn a_second_writer_is_refused_while_the_first_waits() {
    let server = server();
    faults(&server, STALL);
    let client = client(&server);
    let stream = open(&client);
    thread::scope(|scope| {
        let writer = scope.spawn(|| stream.write(&content(20 * PART as usize, 1)));
        wait_until("the first waits", || stream.progress().sent_bytes > 0);
        let error = stream.write(b"x").unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArgument && error.message().contains("another thread"), "{error}");
        stream.abort();
        assert_eq!(writer.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_stream_is_a_writer_of_the_standard_library() {
    let server = server();
    let client = client(&server);
    let mut stream = open(&client);
    std::io::copy(&mut &content(3 * PART as usize, 1)[..], &mut stream).unwrap();
    stream.flush().unwrap();
    assert!(server.objects(BUCKET).is_empty(), "only its end makes an object");
    stream.finish().unwrap();
    assert_object(&server, &content(3 * PART as usize, 1));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let server = server();
    let client = client(&server);
    type Edit = fn(&mut UploadOptions);
    let cases: [(Edit, &str); 4] = [
        (|o| o.file_path = "x".into(), "file_path"),
        (|o| o.checkpoint = oss_upload::Checkpoint::BesideFile, "checkpoint_path"),
        (|o| o.max_memory = PART, "max_memory"),
        (|o| o.spool = Some(SpoolOptions { directory: "/missing".into(), limit: 1 }), "spool_dir"),
    ];
    for (edit, name) in cases {
        let mut options = options();
        edit(&mut options);
        let error = client.open_stream(options).unwrap_err();
        assert!(error.message().contains(name), "{error}");
    }
    let scratch = Scratch::new(1);
    let options = UploadOptions { max_memory: 8 * PART, ..upload_options(KEY, &scratch.file) };
    assert!(client.start(options).unwrap_err().message().contains("max_memory"));
}

/// A call that has sent two parts and fails at the third, with a checkpoint in `folder`.
fn stopped_at_third_part(server: &Server, folder: &Scratch, bytes: &[u8]) -> UploadOptions {
    let checkpoint = Checkpoint::File(folder.path("stream.cp"));
    let options = UploadOptions { routines: Routines::Count(1), checkpoint, ..options() };
    refuse_part(server, 3);
    let stream = client(server).open_stream(options.clone()).unwrap();
    let _ = stream.write(bytes);
    assert_eq!(stream.finish().unwrap_err().part_number(), 3);
    server.clear_faults();
    server.clear_log();
    options
}

#[test]
fn parts_that_only_the_server_knows_of_are_not_sent_again() {
    let (server, folder, bytes) = (server(), Scratch::new(1), content(4 * PART as usize, 1));
    let options = stopped_at_third_part(&server, &folder, &bytes);
    forget_parts(&folder.path("stream.cp"), 1);
    let stream = client(&server).open_stream(options).unwrap();
    stream.write(&bytes).unwrap();
    assert_eq!(stream.finish().unwrap().parts_resumed, 2);
    let sent: Vec<_> = requests(&server, "UploadPart").iter().filter_map(|entry| entry.part_number).collect();
    assert_eq!(sent, [3, 4]);
    assert_object(&server, &bytes);
}

#[test]
fn a_damaged_part_that_only_the_server_knows_of_is_sent_again_alone() {
    let (server, folder, mut bytes) = (server(), Scratch::new(1), content(4 * PART as usize, 1));
    let options = stopped_at_third_part(&server, &folder, &bytes);
    forget_parts(&folder.path("stream.cp"), 2);
    bytes[0] ^= 1;
    let stream = client(&server).open_stream(options).unwrap();
    stream.write(&bytes).unwrap();
    assert_eq!(stream.finish().unwrap().parts_resumed, 1);
    let sent: BTreeSet<_> = requests(&server, "UploadPart").iter().filter_map(|entry| entry.part_number).collect();
    assert_eq!(sent, BTreeSet::from([1, 3, 4]));
    assert_object(&server, &bytes);
}

#[test]
fn a_stream_whose_upload_is_gone_can_be_sent_again() {
    let (server, folder, bytes) = (server(), Scratch::new(1), content(4 * PART as usize, 1));
    let options = stopped_at_third_part(&server, &folder, &bytes);
    // Nothing tells the next call before it sends a part.
    server.set_policy(Policy::PutOnly);
    faults(&server, r#"[{"match":{"operation":"UploadPart","times":1},"action":{"type":"drop_upload"}}]"#);
    let send = || {
        let stream = client(&server).open_stream(options.clone()).unwrap();
        let _ = stream.write(&bytes);
        stream.finish()
    };
    assert_eq!(send().unwrap_err().service_code(), "NoSuchUpload");
    assert!(!folder.path("stream.cp").exists(), "it is of no use");
    send().unwrap();
    assert_object(&server, &bytes);
}
