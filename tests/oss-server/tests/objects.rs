//! Objects: what is stored, what comes back, what is refused.

mod support;

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use oss_server::{Config, EtagMode, Quirks, Server, Storage, crc64};
use support::{BUCKET, Reply, Signing, connect, crc, host, pattern, put, read_reply, request, server};

#[test]
fn an_object_comes_back_as_it_was_put() {
    let server = server();
    let headers = [
        ("cache-control", "no-cache"),
        ("content-disposition", "attachment"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("content-type", "text/plain"),
        ("expires", "Wed, 28 Dec 2033 10:27:41 GMT"),
        ("x-oss-meta-author", "alice"),
        ("x-oss-storage-class", "IA"),
        ("x-oss-server-side-encryption", "AES256"),
    ];
    let sent = headers.iter().fold(put("k", "0123456789"), |sent, (name, value)| sent.header(name, value));
    let stored = sent.header("x-oss-tagging", "a=1&b=%20").header("x-oss-object-acl", "public-read").send(&server);
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert_eq!(stored.header("etag"), "\"781E5E245D69B566979B86E28D23F2C7\"");
    assert_eq!(stored.header("content-md5"), "eB5eJF1ptWaXm4bijSPyxw==");
    assert_eq!(crc(&stored), crc64(b"0123456789"));
    for method in ["GET", "HEAD"] {
        let reply = request(method, "k").send(&server);
        assert_eq!(reply.status, 200);
        for (name, value) in headers {
            assert_eq!(reply.header(name), value, "{method} {name}");
        }
        for (name, value) in [
            ("content-length", "10"),
            ("x-oss-object-type", "Normal"),
            ("x-oss-tagging-count", "2"),
            ("content-md5", "eB5eJF1ptWaXm4bijSPyxw=="),
            ("server", "AliyunOSS"),
        ] {
            assert_eq!(reply.header(name), value, "{method} {name}");
        }
        assert_eq!(crc(&reply), crc64(b"0123456789"));
        assert!(reply.header("last-modified").ends_with(" GMT") && reply.header("date").ends_with(" GMT"));
        assert_eq!(reply.header("x-oss-object-acl"), "", "the ACL is asked for separately");
    }
    assert_eq!(request("GET", "k").send(&server).body, b"0123456789");
    assert_eq!(request("GET", "k").query("acl", "").send(&server).element("Grant"), "public-read");
    let tags = request("GET", "k").query("tagging", "").send(&server);
    assert_eq!(
        (tags.elements("Key"), tags.elements("Value")),
        (vec!["a".into(), "b".into()], vec!["1".into(), "".into()])
    );
    let object = server.object(BUCKET, "k").unwrap();
    assert_eq!((object.size, object.parts, object.headers["x-oss-meta-author"].as_str()), (10, 0, "alice"));
}

#[test]
fn every_response_has_an_id_of_its_own() {
    let server = server();
    let ids: Vec<String> =
        (0..3).map(|_| request("GET", "nope").send(&server).header("x-oss-request-id").to_owned()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    assert!(ids.iter().all(|id| id.len() == 24 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())));
    let reply = put("k", "").send(&server);
    assert!(reply.header("x-oss-server-time").parse::<u64>().is_ok());
    assert_eq!(server.log().last().unwrap().request_id, reply.header("x-oss-request-id"));
}

#[test]
fn keys_are_literal() {
    let server = server();
    let keys = [
        "a/../b//c ~!*'();:@&=+$,?#[]%.txt",
        "./x",
        "..",
        "目录/测试 文件+1.txt",
        "a%2Fb",
        "tab\there",
        "trailing/",
        "_server/no-page",
        &"k".repeat(1023),
    ];
    for key in keys {
        assert_eq!(put(key, key).send(&server).status, 200, "{key}");
        assert_eq!(request("GET", key).send(&server).body, key.as_bytes(), "{key}");
    }
    let mut expected: Vec<String> = keys.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(server.objects(BUCKET), expected);
    for key in ["/begins", "\\begins", &"k".repeat(1024)] {
        assert_eq!(put(key, "").send(&server).error(), (400, "InvalidObjectName".into()), "{key}");
    }
    let mut not_utf8 = put("k", "");
    not_utf8.target = Some(format!("/{BUCKET}/%FF"));
    assert_eq!(not_utf8.send(&server).error(), (400, "InvalidObjectName".into()));
}

#[test]
fn slashes_may_be_encoded() {
    let server = server();
    let mut sent = put("a/b", "x");
    sent.target = Some(format!("/{BUCKET}/a%2fb"));
    assert_eq!(sent.send(&server).status, 200);
    assert_eq!(server.objects(BUCKET), ["a/b"]);
}

#[test]
fn buckets_have_names_and_must_exist() {
    let server = server();
    assert_eq!(put("k", "").bucket("no-such-bucket").send(&server).error(), (404, "NoSuchBucket".into()));
    assert_eq!(put("k", "").bucket("No").send(&server).error(), (400, "InvalidBucketName".into()));
    server.create_bucket("no-such-bucket").unwrap();
    assert_eq!(put("k", "").bucket("no-such-bucket").send(&server).status, 200);
    assert!(server.create_bucket("No").is_err());
}

#[test]
fn hosts_choose_the_bucket() {
    let server = Server::start(Config {
        domain: Some("OSS.test".into()),
        cname: BTreeMap::from([("static.example.com".into(), BUCKET.into())]),
        ..Config::default()
    })
    .unwrap();
    for (host, target) in
        [("test-bucket.oss.test", "/a/k"), ("static.example.com", "/a/k"), ("127.0.0.1", "/test-bucket/a/k")]
    {
        let mut sent = put("a/k", host).header("host", host);
        sent.target = Some(target.into());
        assert_eq!(sent.send(&server).status, 200, "{host}");
        assert_eq!(&server.object(BUCKET, "a/k").unwrap().bytes[..], host.as_bytes());
    }
    let path_style = put("a/k", "").header("host", "oss.test").send(&server);
    assert_eq!(path_style.error(), (403, "SecondLevelDomainForbidden".into()));
}

#[test]
fn ranges_follow_oss() {
    let server = server();
    put("k", "0123456789").send(&server);
    let get = |range: &str| request("GET", "k").header("range", range).send(&server);
    let part = get("bytes=2-4");
    assert_eq!((part.status, part.header("content-range"), &part.body[..]), (206, "bytes 2-4/10", &b"234"[..]));
    assert_eq!(get("bytes=-3").body, b"789");
    let beyond = get("bytes=5-20");
    assert_eq!((beyond.status, beyond.body.len()), (200, 10));
    let standard = |range: &str| {
        request("GET", "k").header("range", range).header("x-oss-range-behavior", "standard").send(&server)
    };
    assert_eq!((standard("bytes=5-20").status, standard("bytes=5-20").body), (206, b"56789".to_vec()));
    assert_eq!(standard("bytes=10-20").error(), (416, "InvalidRange".into()));
    let head = request("HEAD", "k").header("range", "bytes=2-4").send(&server);
    assert_eq!((head.status, head.header("content-length")), (206, "3"));
}

#[test]
fn conditions_are_kept() {
    let server = server();
    let etag = put("k", "0123456789").send(&server).header("etag").to_owned();
    let ask = |name: &str, value: &str| request("GET", "k").header(name, value).send(&server);
    assert_eq!(ask("if-match", &etag.to_lowercase()).status, 200);
    assert_eq!(ask("if-match", "\"other\"").error(), (412, "PreconditionFailed".into()));
    assert_eq!(ask("if-none-match", &etag).status, 304);
    assert_eq!(ask("if-none-match", "\"other\"").status, 200);
    let (past, future) = ("Wed, 28 Dec 2022 10:27:41 GMT", "Wed, 28 Dec 2044 10:27:41 GMT");
    assert_eq!(ask("if-modified-since", future).status, 304);
    assert_eq!(ask("if-modified-since", past).status, 200);
    assert_eq!(ask("if-unmodified-since", past).status, 412);
    assert_eq!(ask("if-unmodified-since", future).status, 200);
    let reply = put("k", "x").header("if-none-match", "*").send(&server);
    assert_eq!((reply.error(), reply.element("Header")), ((501, "NotImplemented".into()), "If-None-Match".into()));
}

#[test]
fn head_says_its_errors_in_a_header() {
    let server = server();
    let reply = request("HEAD", "nope").send(&server);
    assert_eq!((reply.status, reply.body.len()), (404, 0));
    let text = base64::engine::general_purpose::STANDARD.decode(reply.header("x-oss-err")).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("<Code>NoSuchKey</Code>") && text.contains("<EC>0026-00000001</EC>"), "{text}");
    assert_eq!(reply.header("x-oss-ec"), "0026-00000001");
    let get = request("GET", "nope").send(&server);
    assert_eq!((get.error(), get.header("x-oss-err")), ((404, "NoSuchKey".into()), ""));
    assert_eq!(get.element("RequestId"), get.header("x-oss-request-id"));
    assert_eq!(get.element("HostId"), host(&server));
}

#[test]
fn meta_is_short() {
    let server = server();
    put("k", "0123456789").header("x-oss-meta-a", "1").send(&server);
    let reply = request("HEAD", "k").query("objectMeta", "").send(&server);
    assert_eq!((reply.status, reply.header("content-length"), reply.header("x-oss-meta-a")), (200, "10", ""));
    assert_eq!(crc(&reply), crc64(b"0123456789"));
}

#[test]
fn content_md5_is_checked() {
    for etag in [EtagMode::Md5, EtagMode::Crc] {
        let server = Server::start(Config { etag, ..Config::default() }).unwrap();
        let put = |md5: &str| put("k", "0123456789").header("content-md5", md5).send(&server);
        assert_eq!(put("eB5eJF1ptWaXm4bijSPyxw==").status, 200);
        assert_eq!(put("1B2M2Y8AsgTpgAmY7PhCfg==").error(), (400, "InvalidDigest".into()));
        assert_eq!(put("abc").error(), (400, "InvalidDigest".into()));
        assert_eq!(server.log().iter().map(|entry| entry.stored).collect::<Vec<_>>(), [true, false, false]);
    }
}

#[test]
fn the_fast_etag_depends_on_the_content() {
    let server = Server::start(Config { etag: EtagMode::Crc, ..Config::default() }).unwrap();
    let etag = |body: &str| put("k", body).send(&server).header("etag").to_owned();
    assert_eq!(etag("a").len(), 34);
    assert_ne!(etag("a"), etag("b"));
    assert_eq!(etag("a"), etag("a"));
}

#[test]
fn what_describes_an_object_is_checked() {
    let server = server();
    let tags = (0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
    let long = "v".repeat(8192);
    for (name, value, code) in [
        ("x-oss-storage-class", "Cheap", "InvalidArgument"),
        ("x-oss-object-acl", "mine", "InvalidArgument"),
        ("x-oss-server-side-encryption", "ROT13", "InvalidEncryptionAlgorithmError"),
        ("x-oss-server-side-encryption-key-id", "id", "InvalidArgument"),
        ("x-oss-server-side-data-encryption", "SM4", "InvalidArgument"),
        ("x-oss-tagging", tags.as_str(), "InvalidArgument"),
        ("x-oss-tagging", "=v", "InvalidArgument"),
        ("x-oss-tagging", "a=1&a=2", "InvalidArgument"),
        ("x-oss-meta-a_b", "v", "InvalidArgument"),
        ("x-oss-meta-a", long.as_str(), "InvalidArgument"),
        ("x-oss-forbid-overwrite", "yes", "InvalidArgument"),
        ("x-oss-traffic-limit", "1", "InvalidArgument"),
        ("x-oss-callback", "nonsense", "InvalidArgument"),
    ] {
        let reply = put("k", "x").header(name, value).send(&server);
        assert_eq!(reply.error(), (400, code.into()), "{name}: {value:.20}");
    }
    let kms = put("k", "x")
        .header("x-oss-server-side-encryption", "KMS")
        .header("x-oss-server-side-data-encryption", "SM4")
        .header("x-oss-server-side-encryption-key-id", "id");
    assert_eq!(kms.send(&server).status, 200);
    let twice = put("k", "x").header("x-oss-traffic-limit", "819200").query("x-oss-traffic-limit", "819200");
    assert_eq!(twice.send(&server).header("x-oss-ec"), "0004-00000501");
}

#[test]
fn overwriting_can_be_forbidden() {
    let server = server();
    let put = |body: &str| put("k", body).header("x-oss-forbid-overwrite", "true");
    assert_eq!(put("first").send(&server).status, 200);
    assert_eq!(put("second").send(&server).error(), (409, "FileAlreadyExists".into()));
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], b"first");
    let versioned = Server::start(Config { versioned: true, ..Config::default() }).unwrap();
    let first = put("first").send(&versioned);
    let second = put("second").send(&versioned);
    assert_eq!((first.status, second.status), (200, 200), "it means nothing where there are versions");
    assert_ne!(first.header("x-oss-version-id"), second.header("x-oss-version-id"));
    let head = request("HEAD", "k").send(&versioned);
    assert_eq!(head.header("x-oss-version-id"), second.header("x-oss-version-id"));
}

#[test]
fn lengths_are_needed_unless_chunked() {
    let server = server();
    let mut none = put("k", "");
    none.content_length = false;
    assert_eq!(none.send(&server).error(), (411, "MissingContentLength".into()));
    let mut chunked = put("k", "5\r\nhello\r\n0\r\n\r\n").header("transfer-encoding", "chunked");
    chunked.content_length = false;
    assert_eq!(chunked.send(&server).status, 200);
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], b"hello");
    let mut huge = put("k", "").header("content-length", "5368709121");
    huge.content_length = false;
    assert_eq!(huge.send(&server).error(), (400, "InvalidArgument".into()), "before the body is sent");
}

#[test]
fn a_body_that_ends_early_is_not_stored() {
    let server = server();
    let mut bytes = put("k", "0123456789").bytes(&host(&server));
    bytes.truncate(bytes.len() - 1);
    let mut stream = connect(&server).unwrap();
    stream.write_all(&bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    support::wait_until(|| server.log().len() == 1);
    let entry = &server.log()[0];
    assert_eq!((entry.body_bytes, entry.content_length, entry.stored, entry.answered), (9, Some(10), false, false));
    assert!(server.objects(BUCKET).is_empty());
}

#[test]
fn a_body_that_stalls_is_timed_out() {
    let timeout = std::time::Duration::from_millis(100);
    let server = Server::start(Config { body_timeout: timeout, ..Config::default() }).unwrap();
    let mut bytes = put("k", "0123456789").bytes(&host(&server));
    bytes.truncate(bytes.len() - 1);
    let mut stream = connect(&server).unwrap();
    stream.write_all(&bytes).unwrap();
    let reply = read_reply(&mut stream, false).unwrap();
    assert_eq!(reply.error(), (400, "RequestTimeout".into()));
    assert_eq!(reply.header("connection"), "close");
}

#[test]
fn continue_is_said_only_when_the_body_is_wanted() {
    let server = server();
    let sent = put("k", "0123456789").header("expect", "100-continue");
    for (bucket, status) in [(BUCKET, 100), ("no-such-bucket", 404)] {
        let bytes = sent.clone().bucket(bucket).bytes(&host(&server));
        let mut stream = connect(&server).unwrap();
        stream.write_all(&bytes[..bytes.len() - 10]).unwrap();
        assert_eq!(read_reply(&mut stream, false).unwrap().status, status);
    }
}

#[test]
fn errors_known_from_the_headers_do_not_wait_for_the_body() {
    let server = server();
    for (sent, status) in [
        (put("k", vec![0; 50_000_000]).key("nobody", "x", None), 403),
        (put("k", vec![0; 50_000_000]).bucket("no-such-bucket"), 404),
        (support::part("k", "no-such-upload", 1, vec![0; 50_000_000]), 404),
    ] {
        let bytes = sent.bytes(&host(&server));
        let mut stream = connect(&server).unwrap();
        stream.write_all(&bytes[..bytes.len() - 49_000_000]).unwrap();
        let reply = read_reply(&mut stream, false).unwrap();
        assert_eq!((reply.status, reply.header("connection")), (status, "close"));
    }
    assert!(server.log().iter().all(|entry| entry.body_bytes == 0 && entry.answered));
}

#[test]
fn connections_are_kept_and_counted() {
    let server = server();
    let mut stream = connect(&server).unwrap();
    for n in 0..3 {
        stream.write_all(&put(&n.to_string(), pattern(100_000)).bytes(&host(&server))).unwrap();
        assert_eq!(read_reply(&mut stream, false).unwrap().status, 200);
        stream.write_all(&request("GET", &n.to_string()).bytes(&host(&server))).unwrap();
        assert_eq!(read_reply(&mut stream, false).unwrap().body, pattern(100_000));
    }
    assert_eq!((server.connections_accepted(), server.open_connections()), (1, 1));
    drop(stream);
    support::wait_until(|| server.open_connections() == 0);
    assert!(server.log().iter().all(|entry| entry.connection == 1));
    assert_eq!(server.log().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn objects_are_deleted_copied_and_appended_to() {
    let server = server();
    put("k", "0123456789").header("x-oss-meta-a", "1").send(&server);
    let copy = request("PUT", "copy").header("x-oss-copy-source", "/test-bucket/k").send(&server);
    assert_eq!((copy.status, crc(&copy)), (200, crc64(b"0123456789")));
    assert_eq!(request("DELETE", "k").send(&server).status, 204);
    assert_eq!(request("DELETE", "k").send(&server).status, 204, "twice is fine");
    assert_eq!(server.objects(BUCKET), ["copy"]);
    assert_eq!(server.object(BUCKET, "copy").unwrap().headers["x-oss-meta-a"], "1");

    let append = |position: u64, body: &str| {
        request("POST", "log").query("append", "").query("position", &position.to_string()).body(body).send(&server)
    };
    assert_eq!(append(0, "hello ").header("x-oss-next-append-position"), "6");
    let wrong = append(0, "again");
    assert_eq!(wrong.error(), (409, "PositionNotEqualToLength".into()));
    assert_eq!(wrong.header("x-oss-next-append-position"), "6");
    assert_eq!(crc(&append(6, "world")), crc64(b"hello world"));
    assert_eq!(request("GET", "log").send(&server).body, b"hello world");
    assert_eq!(request("HEAD", "log").send(&server).header("x-oss-object-type"), "Appendable");
    let normal = request("POST", "copy").query("append", "").query("position", "10").body("x").send(&server);
    assert_eq!(normal.error(), (409, "ObjectNotAppendable".into()));
}

/// A list of objects, of the first version unless the query asks for the second.
fn list(server: &Server, query: &[(&str, &str)]) -> Reply {
    query.iter().fold(request("GET", ""), |sent, (name, value)| sent.query(name, value)).send(server)
}

#[test]
fn lists_of_objects_are_paged() {
    let server = server();
    for key in ["a", "d/1", "d/2", "目"] {
        put(key, "x").send(&server);
    }
    let first = list(&server, &[("max-keys", "2"), ("encoding-type", "url")]);
    assert_eq!(
        (first.elements("Key"), first.element("NextMarker")),
        (vec!["a".into(), "d%2F1".into()], "d%2F1".into())
    );
    let second = list(&server, &[("marker", "d/1")]);
    assert_eq!(
        (second.elements("Key"), second.element("IsTruncated")),
        (vec!["d/2".into(), "目".into()], "false".into())
    );
    for (name, value) in [("max-keys", "1001"), ("max-keys", "0"), ("prefix", &"p".repeat(1024)), ("list-type", "3")] {
        assert_eq!(list(&server, &[(name, value)]).error(), (400, "InvalidArgument".into()), "{name}");
    }
}

#[test]
fn lists_of_the_second_version_are_paged_by_opaque_tokens() {
    let server = server();
    for key in ["a", "d/1", "d/2", "目"] {
        put(key, "x").send(&server);
    }
    let list = |query: &[(&str, &str)]| list(&server, &[query, &[("list-type", "2")]].concat());
    let first = list(&[("max-keys", "2")]);
    assert_eq!((first.elements("Key"), first.element("KeyCount")), (vec!["a".into(), "d/1".into()], "2".into()));
    assert_eq!((first.element("MaxKeys"), first.element("IsTruncated")), ("2".into(), "true".into()));
    let token = first.element("NextContinuationToken");
    assert!(!token.contains("d/1"), "{token}");
    let rest = list(&[("continuation-token", &token), ("start-after", "目")]);
    assert_eq!((rest.elements("Key"), rest.element("ContinuationToken")), (vec!["d/2".into(), "目".into()], token));
    assert_eq!((rest.element("NextContinuationToken"), rest.element("MaxKeys")), ("".into(), "100".into()));
    assert_eq!(list(&[("start-after", "d/1x")]).elements("Key"), ["d/2", "目"]);
    assert_eq!(list(&[("prefix", "d/")]).elements("Key"), ["d/1", "d/2"]);
    assert_eq!(list(&[("continuation-token", "2")]).error(), (400, "InvalidArgument".into()));
    let grouped = list(&[("delimiter", "/")]);
    assert_eq!((grouped.elements("Key"), grouped.element("KeyCount")), (vec!["a".into(), "目".into()], "3".into()));
    assert_eq!(grouped.element("CommonPrefixes"), "<Prefix>d/</Prefix>");
    assert!(server.log().last().unwrap().operation == "ListObjectsV2");
}

#[test]
fn lists_tell_about_each_object() {
    let server = server();
    let stored = put("a", "0123456789").header("x-oss-storage-class", "IA").send(&server);
    let found = list(&server, &[("list-type", "2")]);
    for (name, value) in
        [("Key", "a"), ("Size", "10"), ("ETag", stored.header("etag")), ("Type", "Normal"), ("StorageClass", "IA")]
    {
        assert_eq!(found.element(name), value, "{name}");
    }
    assert!(found.element("LastModified").ends_with(".000Z"));
    assert_eq!(found.element("Owner"), "", "only on request");
    assert!(!list(&server, &[("list-type", "2"), ("fetch-owner", "true")]).element("Owner").is_empty());
    assert!(!list(&server, &[]).element("Owner").is_empty());
}

#[test]
fn buckets_tell_a_little_of_themselves() {
    let server = server();
    let info = request("GET", "").query("bucketInfo", "").send(&server);
    assert_eq!((info.element("Name"), info.element("Location")), (BUCKET.into(), "oss-cn-hangzhou".into()));
    let location = request("GET", "").query("location", "").send(&server);
    assert_eq!(location.element("LocationConstraint"), "oss-cn-hangzhou");
    let mut all = request("GET", "");
    all.message.bucket = None;
    assert_eq!(all.send(&server).elements("Name"), [BUCKET]);
    let unknown = request("GET", "").query("lifecycle", "").send(&server);
    assert_eq!(unknown.error(), (501, "NotImplemented".into()));
    assert_eq!(request("PATCH", "k").send(&server).error(), (405, "MethodNotAllowed".into()));
}

#[test]
fn discarded_content_keeps_its_sums() {
    let server = Server::start(Config { storage: Storage::Discard, ..Config::default() }).unwrap();
    put("k", pattern(300_000)).header("x-oss-meta-a", "1").send(&server);
    let head = request("HEAD", "k").send(&server);
    assert_eq!((head.header("content-length"), head.header("x-oss-meta-a")), ("300000", "1"));
    assert_eq!(crc(&head), crc64(&pattern(300_000)));
    assert_eq!(request("GET", "k").send(&server).error(), (501, "NotImplemented".into()));
    assert!(server.object(BUCKET, "k").unwrap().bytes.is_empty());
}

#[test]
fn a_server_may_know_no_crc() {
    let quirks = Quirks { no_crc: true, ..Quirks::default() };
    let server = Server::start(Config { quirks, ..Config::default() }).unwrap();
    assert_eq!(put("k", "x").send(&server).header("x-oss-hash-crc64ecma"), "");
    assert_eq!(request("HEAD", "k").send(&server).header("x-oss-hash-crc64ecma"), "");
}

#[test]
fn presigned_reads_choose_their_headers() {
    let server = server();
    put("k", "x").header("content-type", "text/plain").send(&server);
    let sent = request("GET", "k").signing(Signing::V1Url).query("response-content-type", "text/html");
    assert_eq!(sent.send(&server).header("content-type"), "text/html");
}

#[test]
fn a_traffic_limit_slows_the_body_down() {
    let server = server();
    let start = std::time::Instant::now();
    let reply = put("k", pattern(60_000)).header("x-oss-traffic-limit", "819200").send(&server);
    assert_eq!(reply.status, 200);
    assert!(start.elapsed().as_millis() >= 300, "{:?}", start.elapsed());
    let start = std::time::Instant::now();
    put("k", pattern(60_000)).send(&server);
    assert!(start.elapsed().as_millis() < 300, "the next request is not limited");
}

#[test]
fn an_account_has_its_limits_over_all_connections() {
    let limits = [
        (Config { max_requests_per_second: Some(1), ..Config::default() }, "TotalQpsLimitExceeded"),
        (Config { max_bytes_per_second: Some(1), ..Config::default() }, "UploadTrafficRateLimitExceeded"),
    ];
    for (config, code) in limits {
        let server = Server::start(config).unwrap();
        assert_eq!(put("first", "some bytes").send(&server).status, 200);
        let refused = put("second", "some bytes").send(&server);
        assert_eq!((refused.status, refused.element("Code").as_str()), (503, code));
        let wait: u64 = refused.header("x-oss-qos-delay-time").parse().unwrap();
        assert!((1..=10_000).contains(&wait), "{wait}");
        assert!(server.object(BUCKET, "second").is_none());
    }
}
