//! Multipart uploads.

mod support;

use oss_server::{Config, Quirks, Server, Storage, crc64};
use support::{BUCKET, complete, crc, initiate, part, pattern, put, request, server};

const MIN: usize = 102_400;

/// Uploads parts and returns their ETags.
fn upload(server: &Server, key: &str, upload_id: &str, bodies: &[&[u8]]) -> Vec<(u32, String)> {
    let send = |(index, body): (usize, &&[u8])| {
        let number = index as u32 + 1;
        let reply = part(key, upload_id, number, *body).send(server);
        assert_eq!((reply.status, crc(&reply)), (200, crc64(body)), "{}", reply.text());
        (number, reply.header("etag").to_owned())
    };
    bodies.iter().enumerate().map(send).collect()
}

fn refs(parts: &[(u32, String)]) -> Vec<(u32, &str)> {
    parts.iter().map(|(number, etag)| (*number, etag.as_str())).collect()
}

#[test]
fn parts_become_an_object() {
    for storage in [Storage::Memory, Storage::Discard] {
        let server = Server::start(Config { storage: storage.clone(), ..Config::default() }).unwrap();
        let started = request("POST", "dir/目 录")
            .query("uploads", "")
            .query("encoding-type", "url")
            .header("content-type", "text/plain")
            .header("x-oss-meta-a", "1")
            .header("x-oss-storage-class", "IA")
            .header("x-oss-object-acl", "private")
            .header("x-oss-callback", "ignored here")
            .send(&server);
        assert_eq!(started.element("Key"), "dir%2F%E7%9B%AE%20%E5%BD%95");
        assert_eq!(started.element("Bucket"), BUCKET);
        let upload_id = started.element("UploadId");
        let data = pattern(250_000);
        let parts = upload(&server, "dir/目 录", &upload_id, &[&data[..MIN], &data[MIN..2 * MIN], &data[2 * MIN..]]);
        assert!(server.objects(BUCKET).is_empty(), "nothing is there before Complete");
        let reply = complete("dir/目 录", &upload_id, &refs(&parts))
            .query("encoding-type", "url")
            .header("x-oss-object-acl", "public-read")
            .send(&server);
        assert_eq!((reply.status, crc(&reply)), (200, 211_854_289_135_609_509), "{}", reply.text());
        assert!(reply.element("ETag").ends_with("-3\""), "{}", reply.text());
        assert_eq!(reply.element("ETag"), reply.header("etag"));
        assert_eq!(reply.element("Key"), "dir%2F%E7%9B%AE%20%E5%BD%95");
        let head = request("HEAD", "dir/目 录").send(&server);
        for (name, value) in [
            ("content-type", "text/plain"),
            ("x-oss-meta-a", "1"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-object-type", "Multipart"),
            ("content-length", "250000"),
            ("content-md5", ""),
        ] {
            assert_eq!(head.header(name), value, "{name}");
        }
        assert_eq!(crc(&head), crc(&reply));
        assert_eq!(request("GET", "dir/目 录").query("acl", "").send(&server).element("Grant"), "public-read");
        if storage == Storage::Memory {
            assert_eq!(request("GET", "dir/目 录").send(&server).body, data);
        }
        assert_eq!(server.object(BUCKET, "dir/目 录").unwrap().parts, 3);
        assert!(server.uploads(BUCKET).is_empty());
    }
}

#[test]
fn a_part_replaces_the_one_of_its_number() {
    let server = server();
    let upload_id = initiate(&server, "k");
    let first = part("k", &upload_id, 1, "first").send(&server);
    let second = part("k", &upload_id, 1, "second").send(&server);
    assert_eq!(server.uploads(BUCKET)[0].parts.len(), 1);
    let stale = complete("k", &upload_id, &[(1, first.header("etag"))]).send(&server);
    assert_eq!(stale.error(), (400, "InvalidPart".into()));
    let bare = second.header("etag").trim_matches('"').to_lowercase();
    assert_eq!(complete("k", &upload_id, &[(1, &bare)]).send(&server).status, 200);
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], b"second");
}

#[test]
fn complete_takes_what_is_listed_and_checks_it() {
    let server = server();
    let upload_id = initiate(&server, "k");
    let big = vec![1; MIN];
    let parts = upload(&server, "k", &upload_id, &[&big, b"small", b"last"]);
    let (one, two, three) = (parts[0].1.as_str(), parts[1].1.as_str(), parts[2].1.as_str());
    let refused = |parts: &[(u32, &str)]| complete("k", &upload_id, parts).send(&server).error();
    assert_eq!(refused(&[]), (400, "MalformedXML".into()));
    assert_eq!(refused(&[(3, three), (1, one)]), (400, "InvalidPartOrder".into()));
    assert_eq!(refused(&[(1, one), (4, three)]), (400, "InvalidPart".into()));
    assert_eq!(refused(&[(1, three)]), (400, "InvalidPart".into()));
    let small = complete("k", &upload_id, &[(1, one), (2, two), (3, three)]).send(&server);
    assert_eq!(small.error(), (400, "EntityTooSmall".into()));
    assert_eq!((small.element("EC"), small.element("PartNumber")), ("0042-00000213".into(), "2".into()));
    let body = complete("k", &upload_id, &[(1, one)]).body("<Complete");
    assert_eq!(body.send(&server).error(), (400, "MalformedXML".into()));
    let md5 = complete("k", &upload_id, &[(1, one)]).header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_eq!(md5.send(&server).error(), (400, "InvalidDigest".into()));
    let gap = complete("k", &upload_id, &[(1, one), (3, three)]).send(&server);
    assert_eq!(gap.status, 200, "{}", gap.text());
    assert_eq!(server.object(BUCKET, "k").unwrap().size, MIN as u64 + 4);
}

#[test]
fn finished_and_unknown_uploads_are_gone() {
    let server = server();
    let completed = initiate(&server, "k");
    let etag = part("k", &completed, 1, "x").send(&server).header("etag").to_owned();
    complete("k", &completed, &[(1, &etag)]).send(&server);
    let aborted = initiate(&server, "k");
    assert_eq!(request("DELETE", "k").query("uploadId", &aborted).send(&server).status, 204);
    let other_key = initiate(&server, "other");
    let gone = (404, "NoSuchUpload".to_owned());
    for id in [completed.as_str(), &aborted, &other_key, "unknown", ""] {
        assert_eq!(part("k", id, 1, "x").send(&server).error(), gone, "{id}");
        assert_eq!(complete("k", id, &[(1, &etag)]).send(&server).error(), gone, "{id}");
        assert_eq!(request("GET", "k").query("uploadId", id).send(&server).error(), gone, "{id}");
        assert_eq!(request("DELETE", "k").query("uploadId", id).send(&server).error(), gone, "{id}");
    }
    assert_eq!(server.uploads(BUCKET).len(), 1, "the other key's upload is untouched");
}

#[test]
fn part_numbers_and_headers_of_parts_are_checked() {
    let server = server();
    let upload_id = initiate(&server, "k");
    for number in ["0", "10001", "-1", "one"] {
        let sent = put("k", "x").query("partNumber", number).query("uploadId", &upload_id).send(&server);
        assert_eq!(sent.error(), (400, "InvalidArgument".into()));
        assert_eq!(sent.element("EC"), "0017-00000220");
        assert_eq!((sent.element("ArgumentName"), sent.element("ArgumentValue")), ("partNumber".into(), number.into()));
    }
    let missing = put("k", "x").query("uploadId", &upload_id).send(&server);
    assert_eq!(missing.element("EC"), "0017-00000219");
    let encrypted = part("k", &upload_id, 1, "x").header("x-oss-server-side-encryption", "AES256").send(&server);
    assert_eq!(encrypted.error(), (400, "InvalidArgument".into()));
    let md5 = part("k", &upload_id, 1, "x").header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==").send(&server);
    assert_eq!(md5.error(), (400, "InvalidDigest".into()));
    assert_eq!(part("k", &upload_id, 10_000, "x").send(&server).status, 200);
}

#[test]
fn complete_all_takes_everything() {
    let server = server();
    let upload_id = initiate(&server, "k");
    upload(&server, "k", &upload_id, &[&vec![1; MIN], b"end"]);
    let all = |value: &str, body: &str| {
        request("POST", "k").query("uploadId", &upload_id).header("x-oss-complete-all", value).body(body).send(&server)
    };
    assert_eq!(all("yes", "<CompleteMultipartUpload/>").error(), (400, "InvalidArgument".into()));
    assert_eq!(all("no", "").error(), (400, "InvalidArgument".into()));
    assert_eq!(all("yes", "").status, 200);
    assert_eq!(server.object(BUCKET, "k").unwrap().size, MIN as u64 + 3);
    let empty = initiate(&server, "empty");
    let reply = request("POST", "empty").query("uploadId", &empty).header("x-oss-complete-all", "yes").send(&server);
    assert_eq!(reply.error(), (400, "InvalidPart".into()));
}

#[test]
fn overwriting_is_forbidden_at_initiate_and_at_complete() {
    let server = server();
    let upload_id = initiate(&server, "k");
    let etag = part("k", &upload_id, 1, "x").send(&server).header("etag").to_owned();
    put("k", "first").send(&server);
    let exists = (409, "FileAlreadyExists".to_owned());
    let forbidding = |sent: support::Request| sent.header("x-oss-forbid-overwrite", "true").send(&server);
    assert_eq!(forbidding(request("POST", "k").query("uploads", "")).error(), exists);
    assert_eq!(forbidding(complete("k", &upload_id, &[(1, &etag)])).error(), exists);
    assert_eq!(server.uploads(BUCKET).len(), 1, "the upload is still there");
    assert_eq!(complete("k", &upload_id, &[(1, &etag)]).send(&server).status, 200);
}

#[test]
fn sequential_uploads_keep_their_order() {
    let server = server();
    let started = request("POST", "k").query("uploads", "").query("sequential", "").send(&server);
    let upload_id = started.element("UploadId");
    assert_eq!(part("k", &upload_id, 2, "x").send(&server).error(), (400, "PartNotSequential".into()));
    assert_eq!(part("k", &upload_id, 1, "x").send(&server).status, 200);
    assert_eq!(part("k", &upload_id, 2, "x").send(&server).status, 200);
}

#[test]
fn lists_of_parts_are_paged() {
    let server = Server::start(Config { list_page: Some(2), ..Config::default() }).unwrap();
    let upload_id = initiate(&server, "k k");
    for number in [1, 3, 5, 10_000] {
        part("k k", &upload_id, number, number.to_string()).send(&server);
    }
    let mut marker = "0".to_owned();
    let (mut numbers, mut pages) = (Vec::new(), 0);
    loop {
        let page = request("GET", "k k")
            .query("uploadId", &upload_id)
            .query("part-number-marker", &marker)
            .query("max-parts", "1000")
            .query("encoding-type", "url")
            .send(&server);
        assert_eq!((page.element("MaxParts"), page.element("Key")), ("2".into(), "k%20k".into()));
        numbers.extend(page.elements("PartNumber"));
        pages += 1;
        marker = page.element("NextPartNumberMarker");
        if page.element("IsTruncated") == "false" {
            assert_eq!(page.elements("HashCrc64ecma")[1], crc64(b"10000").to_string());
            assert_eq!(page.elements("Size"), ["1", "5"]);
            break;
        }
    }
    assert_eq!((numbers.join(","), pages), ("1,3,5,10000".into(), 2));
    let bad = |name: &str, value: &str| {
        request("GET", "k k").query("uploadId", &upload_id).query(name, value).send(&server).error()
    };
    for (name, value) in [("max-parts", "0"), ("max-parts", "1001"), ("part-number-marker", "x")] {
        assert_eq!(bad(name, value), (400, "InvalidArgument".into()));
    }
}

#[test]
fn quirks_change_the_shape_of_lists() {
    let quirks = Quirks { xmlns: true, blanks: true, no_part_crc: true, ignore_encoding_type: true, no_crc: false };
    let server = Server::start(Config { quirks, ..Config::default() }).unwrap();
    let upload_id = initiate(&server, "k/k");
    part("k/k", &upload_id, 1, "x").send(&server);
    let list = request("GET", "k/k").query("uploadId", &upload_id).query("encoding-type", "url").send(&server);
    let text = list.text();
    assert!(text.contains("<ListPartsResult xmlns="), "{text}");
    assert!(text.contains("<PartNumber>\n  1 \n</PartNumber>") && !text.contains("HashCrc64ecma"), "{text}");
    assert_eq!((list.element("Key"), list.element("EncodingType")), ("k/k".into(), "".into()));
}

#[test]
fn lists_of_uploads_are_paged() {
    let server = server();
    let keys = ["a", "b", "b", "d/1", "d/2"];
    for key in keys {
        initiate(&server, key);
    }
    let list = |query: &[(&str, &str)]| {
        query.iter().fold(request("GET", "").query("uploads", ""), |sent, (n, v)| sent.query(n, v)).send(&server)
    };
    let (mut key, mut id, mut seen) = (String::new(), String::new(), Vec::new());
    loop {
        let page = list(&[("max-uploads", "1"), ("key-marker", &key), ("upload-id-marker", &id)]);
        seen.extend(page.elements("Key").into_iter().zip(page.elements("UploadId")));
        (key, id) = (page.element("NextKeyMarker"), page.element("NextUploadIdMarker"));
        if page.element("IsTruncated") == "false" {
            break;
        }
    }
    assert_eq!(seen.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), keys);
    assert_eq!(seen.iter().map(|(_, id)| id).collect::<std::collections::BTreeSet<_>>().len(), 5);
    assert_eq!(list(&[("prefix", "b")]).elements("Key"), ["b", "b"]);
    assert_eq!(list(&[("key-marker", "b")]).elements("Key"), ["d/1", "d/2"]);
    let grouped = list(&[("delimiter", "/")]);
    assert_eq!((grouped.elements("Key").len(), grouped.element("CommonPrefixes")), (3, "<Prefix>d/</Prefix>".into()));
}
