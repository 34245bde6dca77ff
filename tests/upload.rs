//! Whole uploads: sizes, signatures, parallelism, and what the server ends up with.

mod common;

use common::*;
use oss_upload::SignatureVersion;

#[test]
fn files_of_every_kind_of_size_arrive() {
    let server = server();
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = client_with(&server, |options| options.signature_version = version);
        for size in [0, 1, 102_399, 102_400, 102_401, 1_000_000] {
            let scratch = Scratch::new(size);
            let result = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
            assert_eq!(result.size, size as u64);
            assert_stored(&server, "key", &scratch.file);
        }
    }
}
