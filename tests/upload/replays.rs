//! A stream that is written again after a crash: never a wrong object, and what the server has is not sent again.

use std::env;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use oss_server::Server;
use oss_upload::{Checkpoint, Client, ErrorKind, PartSize, Routines, UploadOptions, UploadResult, UploadStream};

use crate::common::*;

const KEY: &str = "key";
const REPLAYS: u32 = 10_000;

fn options(checkpoint: &Path) -> UploadOptions {
    UploadOptions {
        bucket: BUCKET.into(),
        object_key: KEY.into(),
        part_size: PartSize::Bytes(PART),
        routines: Routines::Count(1),
        max_memory: 2 * PART,
        checkpoint: Checkpoint::File(checkpoint.into()),
        ..UploadOptions::default()
    }
}

/// Runs `work` with a stream. One that was left may hold the checkpoint for a moment.
fn with_stream<T>(
    client: &Client,
    options: &UploadOptions,
    work: impl Fn(&UploadStream) -> oss_upload::Result<T>,
) -> (UploadStream, T) {
    loop {
        let stream = client.open_stream(options.clone()).unwrap();
        match work(&stream) {
            Ok(done) => return (stream, done),
            Err(error) if error.kind() == ErrorKind::CheckpointBusy => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writes the bytes, and leaves the stream as a process that dies does, once the server has so many parts.
fn crash(client: &Client, checkpoint: &Path, bytes: &[u8], parts: u32) {
    let full = (bytes.len() as u64 - 1) / PART;
    let parts = parts.min(full as u32);
    let (stream, ()) = with_stream(client, &options(checkpoint), |stream| {
        stream.write(bytes)?;
        while stream.progress().parts_done < parts {
            if let Some(error) = stream.wait(Duration::ZERO).and_then(|outcome| outcome.error) {
                return Err(error);
            }
            thread::yield_now();
        }
        Ok(())
    });
    drop(stream);
}

fn replay(client: &Client, options: &UploadOptions, bytes: &[u8]) -> UploadResult {
    let (_stream, result) = with_stream(client, options, |stream| {
        stream.write(bytes)?;
        stream.finish()
    });
    result
}

fn assert_object(server: &Server, bytes: &[u8], checkpoint: &Path) {
    assert!(server.object(BUCKET, KEY).expect("an object").bytes == bytes, "it is not what was written");
    // A stream that was left at once may only now find out, and have made both anew for a moment.
    wait_until("the checkpoint is gone", || !checkpoint.exists());
    wait_until("no upload is left behind", || server.uploads(BUCKET).is_empty());
}

#[test]
fn what_the_server_has_is_not_sent_again() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    let bytes = content(6 * PART as usize + 10, 1);
    crash(&client, &checkpoint, &bytes, 6);
    let result = replay(&client, &options(&checkpoint), &bytes);
    assert_object(&server, &bytes, &checkpoint);
    assert!(result.parts_resumed >= 5, "{result:?}");
    assert_eq!(result.bytes_resumed + result.bytes_sent, bytes.len() as u64);
}

/// What the earlier call has sent stays for the next one.
#[test]
fn a_stream_that_cannot_be_gone_on_with_now_is_gone_on_with_later() {
    let server = server();
    let client = client_with(&server, |options| options.max_attempts = 1);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    let bytes = content(6 * PART as usize + 10, 1);
    crash(&client, &checkpoint, &bytes, 6);
    faults(
        &server,
        r#"[{"match":{"operation":"ListParts"},"action":{"type":"status","status":500,"code":"InternalError"}}]"#,
    );
    let stream = with_stream(&client, &options(&checkpoint), |stream| match stream.finish() {
        Err(error) if error.kind() == ErrorKind::CheckpointBusy => Err(error),
        ended => Ok(ended.unwrap_err()),
    });
    assert!(stream.1.message().contains("cannot resume"), "{}", stream.1);
    server.clear_faults();
    let result = replay(&client, &options(&checkpoint), &bytes);
    assert!(result.parts_resumed >= 5, "{result:?}");
    assert_object(&server, &bytes, &checkpoint);
}

#[test]
fn from_the_first_difference_on_everything_is_sent() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    let mut bytes = content(6 * PART as usize + 10, 1);
    crash(&client, &checkpoint, &bytes, 6);
    bytes[2 * PART as usize] ^= 1;
    let result = replay(&client, &options(&checkpoint), &bytes);
    assert_object(&server, &bytes, &checkpoint);
    assert_eq!((result.parts_resumed, result.bytes_resumed), (2, 2 * PART));
}

#[test]
fn a_stream_of_other_parts_or_headers_starts_over() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    let bytes = content(4 * PART as usize, 1);
    type Edit = fn(&mut UploadOptions);
    let cases: [(Edit, &str); 2] = [
        (|o| (o.part_size, o.max_memory) = (PartSize::Bytes(PART + 1), 4 * PART), "other-stream: "),
        (|o| o.headers = vec![("x-oss-meta-a".into(), "1".into())], "headers-changed: "),
    ];
    for (edit, reason) in cases {
        crash(&client, &checkpoint, &bytes, 2);
        let mut options = options(&checkpoint);
        edit(&mut options);
        let result = replay(&client, &options, &bytes);
        assert!(result.restart_reason.starts_with(reason), "{}", result.restart_reason);
        assert_object(&server, &bytes, &checkpoint);
    }
}

#[test]
fn a_stream_of_one_part_tells_what_is_left_of_a_longer_one() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    crash(&client, &checkpoint, &content(4 * PART as usize, 1), 2);
    let id = server.uploads(BUCKET)[0].upload_id.clone();
    let refusal = r#"[{"match":{"operation":"AbortMultipartUpload"},"action":{"type":"status","status":403}}]"#;
    faults(&server, refusal);
    let result = replay(&client, &options(&checkpoint), &content(10, 1));
    let told = format!(
        "other-stream: the stream ends before the second part; its parts are still on the server, as upload {id} ("
    );
    assert!(result.restart_reason.starts_with(&told), "{}", result.restart_reason);
}

/// Equal, changed somewhere, shorter, longer, reordered. `OSS_REPLAYS` says how many, `OSS_SEED` repeats the choices.
#[test]
fn no_replay_makes_a_wrong_object() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("OSS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("OSS_SEED={seed}");
    // One after the other waits most of the time: two series, each with a server of its own.
    let count = number("OSS_REPLAYS").unwrap_or(REPLAYS.into()).div_ceil(2);
    let (resumed, whole) = thread::scope(|scope| {
        let other = scope.spawn(|| replays(seed.wrapping_add(1), count));
        let (resumed, whole) = replays(seed, count);
        let (more_resumed, more_whole) = other.join().unwrap();
        (resumed + more_resumed, whole + more_whole)
    });
    println!("{resumed} were resumed, {whole} sent as a whole");
    assert!(resumed > 0 && whole > 0);
}

/// How many were resumed, and how many sent as a whole.
fn replays(seed: u64, count: u64) -> (u64, u64) {
    let mut rng = Rng::with_seed(seed);
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(1);
    let checkpoint = scratch.path("stream.cp");
    let material = content(8 * PART as usize, seed);
    let (mut resumed, mut whole) = (0, 0);
    for _ in 0..count {
        let size = rng.usize(1..4 * PART as usize);
        let start = rng.usize(0..material.len() - size);
        let first = &material[start..start + size];
        crash(&client, &checkpoint, first, rng.u32(0..4));
        let mut second = first.to_vec();
        match rng.u32(0..5) {
            0 => {}
            1 => second[rng.usize(0..size)] ^= 1 << rng.u32(0..8),
            2 => second.truncate(rng.usize(0..size)),
            3 => second.extend_from_slice(&material[..rng.usize(0..2 * PART as usize)]),
            _ => second.rotate_left(rng.usize(0..size)),
        }
        let result = replay(&client, &options(&checkpoint), &second);
        assert_object(&server, &second, &checkpoint);
        resumed += u64::from(result.parts_resumed > 0);
        whole += u64::from(result.parts_resumed == 0);
    }
    (resumed, whole)
}
