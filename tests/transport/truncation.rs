//! A file that becomes shorter while it is read.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use oss_upload::{ErrorKind, OnFileChange, PartSize, UploadOptions};

use crate::common::*;

const SIZE: usize = 4 << 20;
const SHORT: u64 = 50_000;

fn truncate(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(SHORT).unwrap();
}

/// In one request, and in parts, slowly enough for the file to change in the middle of a body.
fn ways(scratch: &Scratch) -> [UploadOptions; 2] {
    [SIZE, SIZE / 2].map(|part_size| {
        let mut options = upload_options("key", &scratch.file);
        options.part_size = PartSize::Bytes(part_size as u64);
        options
    })
}

#[test]
fn a_file_that_is_truncated_while_it_is_read_ends_the_upload_at_once() {
    for way in 0..2 {
        let server = server();
        // Were it not noticed, the rest of the body would be waited for.
        let client = client_with(&server, |options| {
            options.max_bytes_per_second = 500_000;
            options.stall_timeout = Duration::from_secs(600);
        });
        let scratch = Scratch::new(SIZE);
        let mut options = ways(&scratch)[way].clone();
        options.on_file_change = OnFileChange::Fail;
        let upload = client.start(options).unwrap();
        wait_until("a body is on its way", || upload.progress().sent_bytes > 0);
        truncate(&scratch.file);
        let error = upload.wait(Duration::from_secs(5)).expect("it ends at once").error.unwrap();
        assert_eq!(error.kind(), ErrorKind::FileChanged, "{error:?}");
        assert!(error.message().contains("source.bin"), "{error}");
        assert!(server.object(BUCKET, "key").is_none() && server.uploads(BUCKET).is_empty());
    }
}

#[test]
fn a_file_that_is_truncated_while_it_is_read_is_uploaded_as_it_is_then() {
    for way in 0..2 {
        let server = server();
        let client = client_with(&server, |options| options.max_bytes_per_second = 500_000);
        let scratch = Scratch::new(SIZE);
        let upload = client.start(ways(&scratch)[way].clone()).unwrap();
        wait_until("a body is on its way", || upload.progress().sent_bytes > 0);
        truncate(&scratch.file);
        let outcome = upload.wait(Duration::from_secs(10)).expect("it ends");
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(outcome.result.size, SHORT);
        assert!(outcome.result.restart_reason.starts_with("file-changed"), "{}", outcome.result.restart_reason);
        assert_stored(&server, "key", &scratch.file);
    }
}
