//! Clocks that differ from the server's.

use oss_upload::SignatureVersion;

use crate::common::*;
use crate::in_company;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn a_wrong_clock_is_corrected_once_and_costs_no_attempt() {
    let _company = in_company();
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        for offset in [20 * MINUTE, -20 * MINUTE, DAY, -DAY, 400 * DAY] {
            let server = server_with(|config| config.clock_offset = offset);
            let client = client_with(&server, |options| {
                options.signature_version = version;
                options.max_attempts = 1;
            });
            let scratch = Scratch::new(250_000);
            for key in ["first", "second"] {
                client.upload_file(upload_options(key, &scratch.file), |_, _| ()).unwrap();
                assert_stored(&server, key, &scratch.file);
            }
            let codes: Vec<_> = server.log().into_iter().filter_map(|entry| entry.code).collect();
            assert_eq!(codes, ["RequestTimeTooSkewed"], "{version:?} {offset}");
        }
    }
}

#[test]
fn a_clock_that_jumps_in_the_middle_is_corrected_again() {
    let _company = in_company();
    let server = server();
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart","from":1,"times":1},"action":{"type":"clock","offset":7200}},
            {"match":{"operation":"CompleteMultipartUpload","times":1},"action":{"type":"clock","offset":-7200}}]"#,
    );
    let client = client_with(&server, |options| options.max_attempts = 1);
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}

#[test]
fn a_wrong_clock_is_corrected_while_a_big_body_is_refused_early() {
    let _company = in_company();
    let server = server_with(|config| config.clock_offset = DAY);
    let client = client_with(&server, |options| options.max_attempts = 1);
    let scratch = Scratch::new(8 << 20);
    let mut options = upload_options("key", &scratch.file);
    options.part_size = oss_upload::PartSize::Auto;
    client.upload_file(options, |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}
