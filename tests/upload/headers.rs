//! Headers that the caller gives, and those that the library adds.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oss_upload::ErrorKind;

use crate::common::*;

fn given() -> Vec<(String, String)> {
    let headers = [
        ("Content-Type", "video/x-test"),
        ("Cache-Control", "max-age=60"),
        ("Content-Disposition", "attachment; filename=\"a b.bin\""),
        ("Content-Language", "de"),
        ("x-oss-meta-Author", "alice"),
        ("X-Oss-Meta-Empty", ""),
        ("x-oss-storage-class", "IA"),
        ("x-oss-tagging", "a=1&b=2"),
        ("x-oss-server-side-encryption", "AES256"),
        ("x-oss-object-acl", "public-read"),
        ("x-oss-forbid-overwrite", "false"),
        ("x-oss-traffic-limit", "819200000"),
        ("x-oss-request-payer", "requester"),
    ];
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Which of the headers that were given came with the requests of `operation`.
fn came_with(server: &oss_server::Server, operation: &str) -> Vec<String> {
    let entries = requests(server, operation);
    assert!(!entries.is_empty(), "no {operation}");
    let names = given().into_iter().map(|(name, _)| name.to_ascii_lowercase());
    // Complete has a type of its own: that of its list of parts.
    let own = |entry: &oss_server::LogEntry, name: &str| {
        entry.headers.get(name).is_some_and(|value| value != "application/xml")
    };
    names.filter(|name| entries.iter().all(|entry| own(entry, name))).collect()
}

#[test]
fn each_header_goes_to_the_request_that_takes_it_and_ends_up_on_the_object() {
    let server = server();
    let client = client(&server);
    let all: Vec<String> = given().iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    for size in [1000, 250_000] {
        let scratch = Scratch::new(size);
        let mut options = upload_options("key", &scratch.file);
        options.headers = given();
        client.upload_file(options, |_, _| ()).unwrap();
        let object = server.object(BUCKET, "key").unwrap();
        for name in ["content-type", "cache-control", "content-disposition", "x-oss-meta-author", "x-oss-storage-class"]
        {
            let (_, value) = given().into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).unwrap();
            assert_eq!(object.headers.get(name), Some(&value), "{name} of {:?}", object.headers);
        }
    }
    assert_eq!(came_with(&server, "PutObject"), all);
    let describing = &all[..9];
    let both = ["x-oss-forbid-overwrite", "x-oss-request-payer"].map(str::to_owned);
    assert_eq!(came_with(&server, "InitiateMultipartUpload"), [describing, &both].concat());
    assert_eq!(came_with(&server, "UploadPart"), ["x-oss-traffic-limit", "x-oss-request-payer"]);
    let complete = ["x-oss-object-acl", "x-oss-forbid-overwrite", "x-oss-request-payer"];
    assert_eq!(came_with(&server, "CompleteMultipartUpload"), complete);
}

/// Whether each request of `operation` came with all of `headers`, or none with any.
fn carries(server: &oss_server::Server, operation: &str, headers: &[(String, String)]) -> bool {
    let has = |entry: &oss_server::LogEntry| headers.iter().all(|(name, value)| entry.headers.get(name) == Some(value));
    let entries = requests(server, operation);
    let count = entries.iter().filter(|entry| has(entry)).count();
    assert!(count == entries.len() || count == 0, "{count} of {} {operation}", entries.len());
    assert!(count > 0 || entries.iter().all(|entry| headers.iter().all(|(name, _)| !entry.headers.contains_key(name))));
    count > 0
}

#[test]
fn keys_of_the_key_management_service_and_variables_of_callbacks_go_where_they_belong() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let encryption = pairs(&[
        ("x-oss-server-side-encryption", "KMS"),
        ("x-oss-server-side-encryption-key-id", "9468da86-3509-4f8d-a61e-6eab1eac0001"),
        ("x-oss-server-side-data-encryption", "SM4"),
    ]);
    let callback = pairs(&[
        ("x-oss-callback", &callback::callback("200 OK")),
        ("x-oss-callback-var", &STANDARD.encode(r#"{"x:mine":"a b"}"#)),
    ]);
    let server = server();
    for size in [1000, 250_000] {
        let scratch = Scratch::new(size);
        let mut options = upload_options("key", &scratch.file);
        options.headers = [&encryption[..], &callback].concat();
        let result = client(&server).upload_file(options, |_, _| ()).unwrap();
        assert_eq!(&*result.callback_response, callback::RESPONSE);
    }
    for (operation, describes, ends) in [
        ("PutObject", true, true),
        ("InitiateMultipartUpload", true, false),
        ("UploadPart", false, false),
        ("CompleteMultipartUpload", false, true),
    ] {
        assert_eq!(carries(&server, operation, &encryption), describes, "{operation}");
        assert_eq!(carries(&server, operation, &callback), ends, "{operation}");
    }
}

#[test]
fn the_type_is_guessed_from_the_file_else_from_the_key() {
    let server = server();
    let client = client(&server);
    let scratch = Scratch::new(0);
    for (file, key, size, wanted) in [
        ("a.MP4", "key", 10, "video/mp4"),
        ("a.csv", "key.json", 250_000, "text/csv"),
        ("a.unknown", "dir/key.json", 10, "application/json"),
        ("a", "dir.json/key", 250_000, "application/octet-stream"),
    ] {
        let path = scratch.path(file);
        fs::write(&path, content(size, 3)).unwrap();
        client.upload_file(upload_options(key, &path), |_, _| ()).unwrap();
        assert_eq!(server.object(BUCKET, key).unwrap().headers["content-type"], wanted, "{file} as {key}");
    }
}

#[test]
fn an_object_that_is_there_stays_when_overwriting_is_forbidden() {
    let server = server();
    let client = client(&server);
    let (old, new) = (Scratch::new(10), Scratch::new(250_000));
    client.upload_file(upload_options("key", &old.file), |_, _| ()).unwrap();
    for scratch in [&new, &Scratch::new(11)] {
        let mut options = upload_options("key", &scratch.file);
        options.headers = vec![("x-oss-forbid-overwrite".into(), "true".into())];
        let error = client.upload_file(options, |_, _| ()).unwrap_err();
        assert_eq!((error.http_status(), error.service_code()), (409, "FileAlreadyExists"));
        assert_stored(&server, "key", &old.file);
    }
}

#[test]
fn an_object_that_appears_during_the_upload_stays_when_overwriting_is_forbidden() {
    let server = server();
    for (operation, size) in [("PutObject", 10), ("CompleteMultipartUpload", 250_000)] {
        let action = r#"{"type":"object_appears","text":"theirs"}"#;
        faults(&server, &format!(r#"[{{"match":{{"operation":"{operation}"}},"action":{action}}}]"#));
        let scratch = Scratch::new(size);
        let mut options = upload_options(operation, &scratch.file);
        options.headers = vec![("x-oss-forbid-overwrite".into(), "true".into())];
        let error = client(&server).upload_file(options, |_, _| ()).unwrap_err();
        assert_eq!((error.http_status(), error.service_code()), (409, "FileAlreadyExists"));
        assert_eq!(server.object(BUCKET, operation).unwrap().bytes, "theirs");
        assert!(server.uploads(BUCKET).is_empty(), "nothing is left behind");
    }
}

#[test]
fn a_callback_that_fails_is_told_apart_from_an_upload_that_fails() {
    let server = server();
    // Nobody listens at this port of the loopback interface.
    let callback = STANDARD.encode(r#"{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"bucket=${bucket}"}"#);
    for size in [1000, 250_000] {
        let scratch = Scratch::new(size);
        let mut options = upload_options("key", &scratch.file);
        options.headers = vec![("x-oss-callback".into(), callback.clone())];
        let error = client(&server).upload_file(options, |_, _| ()).unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::CallbackFailed, 203));
        assert!(error.message().contains("do not upload again"), "{error}");
        assert_stored(&server, "key", &scratch.file);
    }
}

#[test]
fn the_user_agent_names_the_library_and_the_program() {
    let server = server();
    let scratch = Scratch::new(250_000);
    let client = client_with(&server, |options| options.user_agent = Some("backup/7".into()));
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    for entry in server.log() {
        let agent = entry.user_agent.unwrap_or_default();
        assert!(agent.starts_with(concat!("oss-upload/", env!("CARGO_PKG_VERSION"))), "{agent}");
        assert!(agent.ends_with(" backup/7"), "{agent}");
    }
}

#[test]
fn bodies_have_a_length_and_are_sent_without_asking_first() {
    let server = server();
    let scratch = Scratch::new(250_000);
    client(&server).upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    for entry in server.log() {
        assert!(entry.content_length.is_some(), "{entry:?}");
        for unwanted in ["transfer-encoding", "expect", "accept-encoding", "cookie"] {
            assert!(!entry.headers.contains_key(unwanted), "{unwanted} in {entry:?}");
        }
    }
}
