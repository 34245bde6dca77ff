//! How files are cut into parts, and what goes with the parts.

use std::fs::File;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use oss_upload::{ErrorKind, PartSize, Routines};

use crate::common::*;

#[test]
fn a_part_size_that_makes_too_many_parts_is_raised_and_the_result_says_so() {
    let server = server();
    let scratch = Scratch::new(0);
    // Nothing but a hole, and a few parts of it are enough.
    File::create(&scratch.file).unwrap().set_len(10_000 * PART + 1).unwrap();
    let upload = client(&server).start(upload_options("long", &scratch.file)).unwrap();
    wait_until("the first parts arrive", || upload.progress().parts_done > 2);
    assert_eq!(upload.progress().parts_total, 7813);
    upload.cancel();
    let outcome = upload.wait(Duration::from_secs(10)).expect("it ends");
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Cancelled);
    assert!(outcome.result.part_size_raised);
    assert_eq!((outcome.result.part_size, outcome.result.parts), (131_072, 7813));
    assert!(requests(&server, "UploadPart").iter().all(|entry| entry.content_length == Some(131_072)));
    assert!(server.uploads(BUCKET).is_empty(), "nothing is left behind");
}

#[test]
fn the_contract_s_defaults_hold_100_kib_and_one_part_at_a_time() {
    let server = server();
    let scratch = Scratch::new(3 * PART as usize);
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Default;
    options.routines = Routines::Default;
    let result = client(&server).upload_file(options, |_, _| ()).unwrap();
    assert_eq!((result.part_size, result.parts, result.part_size_raised), (102_400, 3, false));
    let numbers: Vec<_> = requests(&server, "UploadPart").iter().map(|entry| entry.part_number.unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(server.connections_accepted(), 1);
    assert_stored(&server, "key", &scratch.file);
}

#[test]
fn the_library_chooses_part_size_and_routines_when_asked_to() {
    let server = server();
    let scratch = Scratch::new(20 << 20);
    let mut options = upload_options("key", &scratch.file);
    options.part_size = PartSize::Auto;
    options.routines = Routines::Auto;
    let result = client(&server).upload_file(options, |_, _| ()).unwrap();
    assert!(result.part_size >= 1 << 20 && result.parts > 1, "{result:?}");
    assert!(server.connections_accepted() > 1, "parts of a big file go up side by side");
    assert_stored(&server, "key", &scratch.file);
}

#[test]
fn content_md5_goes_with_every_body_when_asked_for_and_with_small_objects_always() {
    let server = server();
    let client = client(&server);
    for size in [1000, 250_000] {
        let scratch = Scratch::new(size);
        for wanted in [true, false] {
            server.clear_log();
            let mut options = upload_options("key", &scratch.file);
            options.content_md5 = wanted;
            client.upload_file(options, |_, _| ()).unwrap();
            for entry in server.log().iter().filter(|entry| entry.method == "PUT") {
                let start = PART as usize * (entry.part_number.unwrap_or(1) as usize - 1);
                let bytes = scratch.bytes();
                let body = &bytes[start..size.min(start + PART as usize)];
                let md5 = (wanted || entry.operation == "PutObject").then(|| STANDARD.encode(Md5::digest(body)));
                assert_eq!(entry.headers.get("content-md5"), md5.as_ref(), "part {:?}", entry.part_number);
            }
            assert_stored(&server, "key", &scratch.file);
        }
    }
}

#[test]
fn a_small_body_that_is_damaged_on_its_way_never_becomes_an_object() {
    let server = server();
    faults(&server, r#"[{"match":{"operation":"PutObject"},"action":{"type":"corrupt_body","offset":5}}]"#);
    let scratch = Scratch::new(1000);
    let options = upload_options("key", &scratch.file);
    let error = client(&server).upload_file(options, |_, _| ()).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "InvalidDigest"));
    assert!(server.object(BUCKET, "key").is_none());
}
