//! Servers that mean harm, or are broken beyond belief: each row of the table says what must come out. It comes out in
//! time, with little memory, and nothing wrong is stored or trusted.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod front;
mod memory;
mod pauses;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oss_upload::{Checkpoint, Client, ClientOptions, ErrorKind, Result, Routines, UploadOptions, UploadResult};

use common::*;
use front::{Front, Operation};
use table::{End, ROWS, Row};

/// How long a peer may keep the client waiting.
const STALL: Duration = Duration::from_millis(400);
const ATTEMPTS: u32 = 2;
/// As docs/promises.md has it.
const ROWS_IN_ALL: usize = 48;
/// What all rows end within, and what they take of memory beside the file's buffers, at the most.
const TIME: Duration = Duration::from_secs(20);
const MEMORY: usize = 24 << 20;

/// Memory is counted for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hurried(options: &mut ClientOptions) {
    options.stall_timeout = STALL;
    options.max_attempts = ATTEMPTS;
}

/// The upload that makes a request of this kind. What it needs from an earlier call is there.
fn upload(client: &Client, front: &Front, row: &Row, scratch: &Scratch) -> Result<UploadResult> {
    let mut options = UploadOptions { routines: Routines::Count(1), ..upload_options("key", &scratch.file) };
    if row.operation == Operation::ListParts {
        options.checkpoint = Checkpoint::BesideFile;
        front.refuse_part(2);
        client.upload_file(options.clone(), |_, _| ()).expect_err("part 2 is refused");
    }
    front.set(row);
    client.upload_file(options, |_, _| ())
}

/// What is wrong with how it has ended.
fn objection(row: &Row, ended: &Result<UploadResult>) -> Option<String> {
    match (row.end, ended) {
        (End::Stored, Ok(_)) => None,
        (End::Fails { retryable, says }, Err(error)) => {
            let is_right = error.is_retryable() == retryable && error.message().contains(says);
            let is_fit = error.message().len() < 4096 && error.kind() != ErrorKind::Internal;
            (!is_right || !is_fit).then(|| format!("{error:?}"))
        }
        (_, ended) => Some(format!("{ended:?}")),
    }
}

#[test]
fn whatever_a_server_says_an_upload_ends_in_time_with_little_memory_and_tells_the_truth() {
    let _alone = alone();
    assert_eq!(ROWS.len(), ROWS_IN_ALL);
    let mut objections = Vec::new();
    for row in ROWS {
        let server = server();
        let front = Front::start(server.port());
        let client = client_with(&server, |options| {
            hurried(options);
            options.endpoint = Some(front.endpoint());
        });
        let scratch = Scratch::new(if row.operation == Operation::PutObject { 1000 } else { 2 * PART as usize + 1000 });
        let before = memory::begin();
        let start = Instant::now();
        let ended = upload(&client, &front, row, &scratch);
        let (elapsed, peak) = (start.elapsed(), memory::peak() - before);
        println!(
            "{:<55} {:>5} ms {:>6} KiB: {}",
            row.name,
            elapsed.as_millis(),
            peak / 1024,
            match &ended {
                Ok(_) => "stored".to_owned(),
                Err(error) => error.to_string(),
            }
        );
        let object = server.object(BUCKET, "key");
        let mut object_to = |is_wrong: bool, what: String| {
            if is_wrong {
                objections.push(format!("{}: {what}", row.name));
            }
        };
        let objection = objection(row, &ended);
        object_to(objection.is_some(), format!("{objection:?}, instead of {:?}", row.end));
        object_to(elapsed > TIME, format!("it takes {elapsed:?}"));
        object_to(peak > MEMORY, format!("it takes {peak} bytes"));
        object_to(front.tricked() == 0, "nobody asked".to_owned());
        object_to(front.strangers() > 0, "the client went where it was told".to_owned());
        object_to(ended.is_ok() && object.is_none(), "it is not stored".to_owned());
        object_to(object.is_some_and(|object| object.bytes != scratch.bytes()), "another object is stored".to_owned());
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}
