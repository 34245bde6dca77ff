//! Mistakes of the caller, told before anything is sent.

use std::fs;
use std::path::PathBuf;

use oss_upload::{
    Checkpoint, Client, ClientOptions, Error, ErrorKind, PartSize, Routines, SignatureVersion, UploadOptions,
};

use crate::common::*;

#[test]
fn mistakes_in_the_options_are_told_at_the_start_and_by_name() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(10);
    let refused = |edit: &dyn Fn(&mut UploadOptions)| {
        let mut options = upload_options("key", &scratch.file);
        edit(&mut options);
        client.start(options).expect_err("it is refused")
    };
    let header = |name: &'static str, value: &'static str| {
        move |options: &mut UploadOptions| options.headers = vec![(name.into(), value.into())]
    };
    let cases: Vec<(&str, Edit<UploadOptions>)> = vec![
        ("bucket", Box::new(|o| o.bucket = "No_Bucket".into())),
        ("bucket", Box::new(|o| o.bucket = String::new())),
        ("bucket", Box::new(|o| o.bucket = "a.b".into())),
        ("object key", Box::new(|o| o.object_key = String::new())),
        ("object key", Box::new(|o| o.object_key = "/key".into())),
        ("object key", Box::new(|o| o.object_key = "k".repeat(1024))),
        ("file_path", Box::new(|o| o.file_path = PathBuf::new())),
        ("part_size", Box::new(|o| o.part_size = PartSize::Bytes(102_399))),
        ("part_size", Box::new(|o| o.part_size = PartSize::Bytes((5 << 30) + 1))),
        ("routines", Box::new(|o| o.routines = Routines::Count(0))),
        ("routines", Box::new(|o| o.routines = Routines::Count(101))),
        ("host", Box::new(header("Host", "example.com"))),
        ("authorization", Box::new(header("Authorization", "OSS x:y"))),
        ("content-length", Box::new(header("Content-Length", "1"))),
        ("x-oss-meta-a", Box::new(header("x-oss-meta-a", "b\r\nx-oss-object-acl: public-read-write"))),
        ("header name", Box::new(header("x-oss-meta-a: b\r\nx", "c"))),
        ("x-oss-storage-class", Box::new(header("x-oss-storage-class", "Gold"))),
    ];
    for (named, edit) in cases {
        let error = refused(&*edit);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.message().contains(named), "{named}: {error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(server.connections_accepted(), 0);
}

#[test]
fn mistakes_in_the_client_s_options_are_told_when_it_is_made() {
    let server = server();
    let refused = |edit: &dyn Fn(&mut ClientOptions)| -> Error {
        let mut options = client_options(&server);
        edit(&mut options);
        Client::new(options).expect_err("it is refused")
    };
    let cases: Vec<(&str, Edit<ClientOptions>)> = vec![
        ("endpoint", Box::new(|o| o.endpoint = Some("http://host/path".into()))),
        ("endpoint", Box::new(|o| o.endpoint = Some("ftp://host".into()))),
        ("endpoint", Box::new(|o| o.endpoint = Some("http://host:0".into()))),
        ("endpoint", Box::new(|o| (o.endpoint, o.region) = (None, None))),
        ("region", Box::new(|o| o.region = Some("cn hangzhou".into()))),
        ("region", Box::new(|o| (o.region, o.signature_version) = (None, SignatureVersion::V4))),
        ("cname", Box::new(|o| (o.cname, o.path_style) = (true, true))),
        ("proxy", Box::new(|o| o.proxy = oss_upload::Proxy::Url("ftp://nowhere".into()))),
        ("user_agent", Box::new(|o| o.user_agent = Some("a\r\nb: c".into()))),
        ("max_attempts", Box::new(|o| o.max_attempts = 1001)),
        ("max_bytes_per_second", Box::new(|o| o.max_bytes_per_second = 1023)),
    ];
    for (named, edit) in cases {
        let error = refused(&*edit);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.message().contains(named), "{named}: {error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_before_anything_is_sent() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(10);
    for (path, says) in [
        (scratch.path("missing"), "missing"),
        (scratch.dir.path().to_owned(), "a directory"),
        (system::DEVICE.into(), "not a regular file"),
    ] {
        let error = client.upload_file(upload_options("key", &path), |_, _| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains(says), "{error}");
    }
    assert_eq!(server.connections_accepted(), 0);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(250_000);
    let directory = scratch.path("directory");
    fs::create_dir(&directory).unwrap();
    for checkpoint in [
        Checkpoint::File(scratch.path("missing/checkpoint")),
        Checkpoint::File(directory),
        Checkpoint::Directory(scratch.path("missing")),
        Checkpoint::Directory(scratch.file.clone()),
        Checkpoint::File("/proc/checkpoint".into()),
    ] {
        let mut options = upload_options("key", &scratch.file);
        options.checkpoint = checkpoint.clone();
        let error = client.upload_file(options, |_, _| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Checkpoint, "{checkpoint:?}: {error}");
    }
    assert_eq!(server.connections_accepted(), 0);
}
