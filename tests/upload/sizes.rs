//! Files of every kind of size, over every kind of connection.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use oss_server::{EtagMode, Server, Storage};
use oss_upload::{Client, PartSize, Routines, SignatureVersion};

use crate::common::*;

const SIZES: [usize; 5] = [0, 1, 102_400, 102_401, 1_000_000];

#[test]
fn files_of_every_size_arrive_over_http() {
    let server = server();
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = client_with(&server, |options| options.signature_version = version);
        every_size_arrives(&server, &client, version);
    }
}

#[test]
fn files_of_every_size_arrive_over_https() {
    let tls = TlsServer::start(|_| ());
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = tls.client_with(|options| options.signature_version = version);
        every_size_arrives(&tls.server, &client, version);
    }
}

fn every_size_arrives(server: &Server, client: &Client, version: SignatureVersion) {
    for size in SIZES {
        server.clear_log();
        let scratch = Scratch::new(size);
        let result = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
        assert_eq!(result.size, size as u64);
        assert_stored(server, "key", &scratch.file);
        let log = server.log();
        let signature = if version == SignatureVersion::V1 { "v1" } else { "v4" };
        assert!(log.iter().all(|entry| entry.signature == signature), "{log:?}");
        let operations: Vec<&str> = log.iter().map(|entry| entry.operation.as_str()).collect();
        match size.div_ceil(PART as usize) {
            0 | 1 => assert_eq!(operations, ["PutObject"], "a file that fits one part takes one request"),
            parts => {
                assert_eq!(operations.len(), parts + 2);
                assert_eq!(operations[0], "InitiateMultipartUpload");
                assert!(operations[1..=parts].iter().all(|operation| *operation == "UploadPart"), "{operations:?}");
                assert_eq!(operations[parts + 1], "CompleteMultipartUpload");
            }
        }
    }
}

#[test]
fn a_hundred_mebibytes_arrive_over_http_with_any_number_of_routines() {
    let server = server_with(for_big_objects);
    a_big_file_arrives(&server, &client(&server));
}

#[test]
fn a_hundred_mebibytes_arrive_over_https_with_any_number_of_routines() {
    let tls = TlsServer::start(for_big_objects);
    a_big_file_arrives(&tls.server, &tls.client_with(|_| ()));
}

fn for_big_objects(config: &mut oss_server::Config) {
    config.storage = Storage::Discard;
    config.etag = EtagMode::Crc;
}

fn a_big_file_arrives(server: &Server, client: &Client) {
    const MIB: usize = 1 << 20;
    let scratch = Scratch::new(0);
    let crc64 = write_mebibytes(&scratch.file, 100);
    for routines in [1, 3, 16] {
        let mut options = upload_options("big", &scratch.file);
        options.part_size = PartSize::Bytes(6 << 20);
        options.routines = Routines::Count(routines);
        let result = client.upload_file(options, |_, _| ()).unwrap();
        assert_eq!((result.parts, result.bytes_sent), (17, 100 * MIB as u64));
        let object = server.object(BUCKET, "big").unwrap();
        assert_eq!((object.size, object.crc64), (100 * MIB as u64, crc64), "{routines} routines");
        assert_eq!(result.crc64, crc64);
    }
}

/// No two mebibytes are the same, so that parts in a wrong place are noticed. Returns the CRC-64.
fn write_mebibytes(path: &Path, count: u64) -> u64 {
    let mut all = Vec::new();
    let block = content(1 << 20, 7);
    for number in 0..count {
        let start = all.len();
        all.extend_from_slice(&block);
        all[start..start + 8].copy_from_slice(&number.to_le_bytes());
    }
    File::create(path).unwrap().write_all(&all).unwrap();
    oss_server::crc64(&all)
}
