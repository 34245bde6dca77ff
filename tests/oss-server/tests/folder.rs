//! The storage folder outlives the server.

mod support;

use std::path::Path;

use oss_server::{Config, Server, Storage};
use support::{BUCKET, complete, crc, initiate, part, pattern, put, request};

fn start(folder: &Path) -> Server {
    Server::start(Config { storage: Storage::Folder(folder.to_owned()), ..Config::default() }).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn objects_and_uploads_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let long = "目/".repeat(250);
    let (upload_id, etag) = {
        let server = start(folder.path());
        put("a/../b c", "0123456789").header("x-oss-meta-a", "1").send(&server);
        put(&long, "long").send(&server);
        put("empty", "").send(&server);
        let started = request("POST", "big").query("uploads", "").header("x-oss-meta-b", "2").send(&server);
        let upload_id = started.element("UploadId");
        let etag = part("big", &upload_id, 2, pattern(200_000)).send(&server).header("etag").to_owned();
        (upload_id, etag)
    };
    let server = start(folder.path());
    assert_eq!(server.objects(BUCKET), ["a/../b c", "empty", &long]);
    let reply = request("GET", "a/../b c").send(&server);
    assert_eq!((&reply.body[..], reply.header("x-oss-meta-a")), (&b"0123456789"[..], "1"));
    assert_eq!(request("GET", &long).header("range", "bytes=1-2").send(&server).body, b"on");
    assert_eq!(request("GET", "empty").send(&server).body, b"");
    let third = part("big", &upload_id, 3, "end").send(&server).header("etag").to_owned();
    let whole = complete("big", &upload_id, &[(2, &etag), (3, &third)]).send(&server);
    assert_eq!(whole.status, 200, "{}", whole.text());
    drop(server);
    let server = start(folder.path());
    let reply = request("GET", "big").send(&server);
    assert_eq!(reply.body, [pattern(200_000), b"end".to_vec()].concat());
    assert_eq!((reply.header("x-oss-meta-b"), crc(&reply)), ("2", crc(&whole)));
    assert!(server.uploads(BUCKET).is_empty());
}

#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    for body in ["one", "two"] {
        put("k", body).send(&server);
    }
    let upload_id = initiate(&server, "k");
    for body in ["one", "two"] {
        part("k", &upload_id, 1, body).send(&server);
    }
    let refused = put("k", "x").header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==").send(&server);
    assert_eq!(refused.status, 400);
    let names = files(folder.path());
    assert_eq!(names.len(), 5, "two files an object, two a part, one an upload: {names:?}");
    request("DELETE", "k").query("uploadId", &upload_id).send(&server);
    request("DELETE", "k").send(&server);
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn appending_and_copying_work_with_files() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    for (position, body) in [("0", "hello "), ("6", "world")] {
        let sent = request("POST", "log").query("append", "").query("position", position).body(body);
        assert_eq!(sent.send(&server).status, 200);
    }
    request("PUT", "copy").header("x-oss-copy-source", "/test-bucket/log").send(&server);
    request("DELETE", "log").send(&server);
    assert_eq!(request("GET", "copy").send(&server).body, b"hello world");
}

#[test]
fn what_was_arriving_when_the_server_died_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path()));
    std::fs::write(folder.path().join("tmp/half"), "half").unwrap();
    let server = start(folder.path());
    assert_eq!(files(folder.path()), Vec::<String>::new());
    assert!(server.objects(BUCKET).is_empty());
}
