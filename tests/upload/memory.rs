//! Blocks of memory.

use std::sync::Arc;
use std::time::Duration;

use oss_upload::{Checkpoint, ErrorKind, Outcome, PartSize, Routines, UploadOptions};

use crate::common::*;

fn options(key: &str) -> UploadOptions {
    UploadOptions {
        bucket: BUCKET.into(),
        object_key: key.into(),
        part_size: PartSize::Bytes(PART),
        routines: Routines::Count(3),
        ..UploadOptions::default()
    }
}

#[test]
fn memory_of_any_size_becomes_an_object() {
    let server = server();
    let client = client(&server);
    for (size, parts) in [(0, 0), (1, 0), (PART as usize, 0), (PART as usize + 1, 2), (10 * PART as usize - 7, 10)] {
        server.clear_log();
        let bytes: Arc<[u8]> = content(size, 1).into();
        let upload = client.start_memory(options("key"), bytes.clone()).unwrap();
        let Outcome { result, error, .. } = upload.wait(Duration::MAX).unwrap();
        assert!(error.is_none(), "{error:?}");
        assert!(server.object(BUCKET, "key").unwrap().bytes == *bytes);
        assert_eq!((result.size, requests(&server, "UploadPart").len()), (size as u64, parts));
        let progress = upload.progress();
        assert_eq!((progress.done_bytes, progress.total_bytes), (size as u64, size as u64));
        assert!(server.uploads(BUCKET).is_empty());
    }
}

#[test]
fn memory_survives_what_files_survive() {
    let server = server();
    let client = client(&server);
    for fault in [
        r#"[{"match":{"operation":"UploadPart","part":2,"times":2},"action":{"type":"status","status":503}}]"#,
        r#"[{"match":{"operation":"UploadPart","part":1,"times":1},"action":{"type":"reset","after_body_bytes":50000}}]"#,
        r#"[{"match":{"operation":"CompleteMultipartUpload","times":1},"action":{"type":"close","at":"before_response"}}]"#,
    ] {
        faults(&server, fault);
        let bytes = content(5 * PART as usize, 2);
        let upload = client.start_memory(options("key"), bytes.clone()).unwrap();
        assert!(upload.wait(Duration::MAX).unwrap().error.is_none(), "{fault}");
        assert!(server.object(BUCKET, "key").unwrap().bytes == bytes);
    }
}

#[test]
fn a_cancelled_upload_of_memory_leaves_nothing_and_lets_go_of_it() {
    let server = server();
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart"},"action":{"type":"stall","at":"before_response","ms":60000}}]"#,
    );
    let bytes: Arc<[u8]> = content(5 * PART as usize, 1).into();
    let upload = client(&server).start_memory(options("key"), bytes.clone()).unwrap();
    wait_until("a part is on its way", || upload.progress().sent_bytes > 0);
    upload.cancel();
    assert_eq!(upload.wait(Duration::MAX).unwrap().error.unwrap().kind(), ErrorKind::Cancelled);
    assert_eq!(Arc::strong_count(&bytes), 1);
    fixture::assert_nothing_on(&server);
}

#[test]
fn options_of_files_and_streams_are_refused_by_name() {
    let server = server();
    let client = client(&server);
    type Edit = fn(&mut UploadOptions);
    let cases: [(Edit, &str); 3] = [
        (|o| o.checkpoint = Checkpoint::File("/tmp/x.cp".into()), "checkpoint"),
        (|o| o.file_path = "x".into(), "file_path"),
        (|o| o.max_memory = 1, "max_memory"),
    ];
    for (edit, name) in cases {
        let mut options = options("key");
        edit(&mut options);
        let error = client.start_memory(options, [1u8]).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArgument && error.message().contains(name), "{error}");
    }
}
