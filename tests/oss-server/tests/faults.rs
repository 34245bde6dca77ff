//! Every action of the fault script.

mod support;

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use oss_server::{Server, crc64};
use support::{BUCKET, Reply, complete, connect, crc, faulty, host, initiate, part, pattern, put, read_reply, request};

/// A script of one rule.
fn rule(matches: &str, action: &str) -> String {
    format!(r#"[{{"name":"test","match":{matches},"action":{action}}}]"#)
}

fn once(action: &str) -> String {
    rule(r#"{"times":1}"#, action)
}

/// What a client sees that writes a request and then reads until the end.
fn talk(server: &Server, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = connect(server)?;
    stream.write_all(bytes)?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).map(|_| response)
}

fn acted(server: &Server) -> Vec<Option<String>> {
    server.log().into_iter().map(|entry| entry.fault.map(|fault| fault.action)).collect()
}

#[test]
fn a_status_of_every_shape() {
    type Check = fn(&Reply) -> bool;
    let cases: [(&str, u16, Check); 6] = [
        (r#""status":503"#, 503, |r| {
            r.element("Code") == "ServiceUnavailable" && r.header("x-oss-request-id").len() == 24
        }),
        (r#""status":403,"code":"SecurityTokenExpired""#, 403, |r| r.header("x-oss-ec") == "0002-00000007"),
        (r#""status":502,"body":"html""#, 502, |r| r.text().starts_with("<html>")),
        (r#""status":500,"body":"empty""#, 500, |r| r.body.is_empty()),
        (r#""status":429,"body":"json","message":"slow"}"#, 429, |r| r.text().contains(r#""Message":"slow""#)),
        (r#""status":418,"body":"text","text":"tea""#, 418, |r| r.text() == "tea"),
    ];
    for (fields, status, looks_right) in cases {
        let server = faulty(&once(&format!(r#"{{"type":"status",{}}}"#, fields.trim_end_matches('}'))));
        let reply = put("k", "x").send(&server);
        assert!(reply.status == status && looks_right(&reply), "{fields}: {reply:?}");
        assert_eq!(put("k", "x").send(&server).status, 200, "only once");
        assert_eq!(acted(&server), [Some("status".into()), None]);
    }
}

#[test]
fn a_status_has_headers_and_replaces_usual_ones() {
    let server = faulty(&once(
        r#"{"type":"status","status":503,"headers":{"x-oss-qos-delay-time":"150","Retry-After":"2","Content-Type":"a/b"}}"#,
    ));
    let reply = put("k", "x").send(&server);
    assert_eq!((reply.header("x-oss-qos-delay-time"), reply.header("retry-after")), ("150", "2"));
    assert_eq!(reply.header("content-type"), "a/b");
}

#[test]
fn a_status_for_head_is_told_in_a_header() {
    let server = faulty(&once(r#"{"type":"status","status":503}"#));
    let reply = request("HEAD", "k").send(&server);
    assert_eq!((reply.status, reply.header("x-oss-err").len() > 50), (503, true));
}

#[test]
fn a_status_comes_before_the_body_or_after_it() {
    for (before_body, connection, bytes) in [(true, "close", 0), (false, "", 1000)] {
        let action = format!(r#"{{"type":"status","status":500,"before_body":{before_body}}}"#);
        let server = faulty(&once(&action));
        let reply = put("k", pattern(1000)).send(&server);
        assert_eq!((reply.status, reply.header("connection")), (500, connection));
        assert_eq!(server.log()[0].body_bytes, bytes);
    }
}

#[test]
fn an_early_response_reaches_a_client_that_is_still_sending() {
    let server = faulty(&once(r#"{"type":"status","status":403,"code":"AccessDenied"}"#));
    let bytes = put("k", vec![0; 20_000_000]).bytes(&host(&server));
    let mut stream = connect(&server).unwrap();
    stream.write_all(&bytes).unwrap();
    assert_eq!(read_reply(&mut stream, false).unwrap().error(), (403, "AccessDenied".into()));
}

#[test]
fn without_lingering_the_client_is_cut_off() {
    let server = faulty(&once(r#"{"type":"status","status":403,"linger_ms":0}"#));
    let bytes = put("k", vec![0; 50_000_000]).bytes(&host(&server));
    let mut stream = connect(&server).unwrap();
    assert!(stream.write_all(&bytes).is_err());
}

#[test]
fn connections_break_before_the_request_is_processed() {
    for stage in ["accept", "before_body", "before_processing"] {
        for kind in ["reset", "close"] {
            let server = faulty(&once(&format!(r#"{{"type":"{kind}","at":"{stage}"}}"#)));
            let outcome = talk(&server, &put("k", "x").bytes(&host(&server)));
            match (kind, outcome) {
                ("reset", Err(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{stage}"),
                ("close", Ok(response)) => assert!(response.is_empty(), "{stage}"),
                // An unread request turns a close into a reset: so it is with every server.
                ("close", Err(_)) if stage == "accept" => {}
                (_, outcome) => panic!("{kind} {stage}: {outcome:?}"),
            }
            assert!(server.objects(BUCKET).is_empty(), "{kind} {stage}");
            assert_eq!(put("k", "x").send(&server).status, 200);
        }
    }
}

#[test]
fn a_lost_response_is_a_request_done() {
    for kind in ["reset", "close"] {
        let server = faulty(&once(&format!(r#"{{"type":"{kind}","at":"before_response"}}"#)));
        let outcome = talk(&server, &put("k", "x").bytes(&host(&server)));
        assert!(outcome.map_or(kind == "reset", |response| response.is_empty() && kind == "close"));
        assert_eq!(server.objects(BUCKET), ["k"]);
        let entry = &server.log()[0];
        assert_eq!((entry.status, entry.answered, entry.stored), (200, false, true));
        let fault = entry.fault.as_ref().unwrap();
        assert_eq!((fault.rule, fault.name.as_deref(), fault.action.as_str()), (0, Some("test"), kind));
    }
}

#[test]
fn connections_break_within_the_body() {
    for (kind, error) in [("reset", true), ("close", false)] {
        let server = faulty(&once(&format!(r#"{{"type":"{kind}","after_body_bytes":600}}"#)));
        let bytes = put("k", pattern(1000)).bytes(&host(&server));
        let outcome = talk(&server, &bytes[..bytes.len() - 300]);
        assert_eq!(outcome.is_err(), error, "{kind}: {outcome:?}");
        assert!(server.objects(BUCKET).is_empty());
        assert_eq!(server.log()[0].body_bytes, 700);
    }
    let server = faulty(&once(r#"{"type":"reset","after_body_bytes":5000}"#));
    assert_eq!(put("k", pattern(1000)).send(&server).status, 200, "the body has no such byte");
}

#[test]
fn responses_break_off() {
    for (bytes, expected) in [("", 20), (r#","after_response_bytes":7"#, 7)] {
        let server = faulty(&once(&format!(r#"{{"type":"close","at":"mid_response"{bytes}}}"#)));
        let response = talk(&server, &put("k", "x").bytes(&host(&server))).unwrap();
        assert_eq!(response.len(), expected);
        assert!("HTTP/1.1 200 OK\r\nete".as_bytes().starts_with(&response[..7]));
        assert_eq!(server.objects(BUCKET), ["k"]);
    }
    let server = faulty(&rule(
        r#"{"operation":"GetObject"}"#,
        r#"{"type":"reset","at":"mid_response","after_response_bytes":5000}"#,
    ));
    put("k", pattern(100_000)).send(&server);
    assert!(talk(&server, &request("GET", "k").bytes(&host(&server))).is_err());
}

#[test]
fn stalls_take_their_time() {
    for stage in [
        r#""at":"before_body""#,
        r#""at":"before_processing""#,
        r#""at":"before_response""#,
        r#""after_body_bytes":500"#,
    ] {
        let server = faulty(&once(&format!(r#"{{"type":"stall",{stage},"ms":150}}"#)));
        let start = Instant::now();
        assert_eq!(put("k", pattern(1000)).send(&server).status, 200);
        assert!(start.elapsed() >= Duration::from_millis(150), "{stage}");
        assert_eq!(acted(&server), [Some("stall".into())]);
    }
}

#[test]
fn a_stall_without_end_lasts_until_the_client_leaves() {
    let server = faulty(&once(r#"{"type":"stall","at":"before_response"}"#));
    let mut stream = connect(&server).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(&put("k", "x").bytes(&host(&server))).unwrap();
    assert!(read_reply(&mut stream, false).is_err());
    assert_eq!((server.objects(BUCKET).len(), server.open_connections()), (1, 1));
    drop(stream);
    support::wait_until(|| server.open_connections() == 0);
    let server = faulty(&once(r#"{"type":"stall","at":"before_body"}"#));
    let mut stream = connect(&server).unwrap();
    stream.write_all(&request("GET", "k").bytes(&host(&server))).unwrap();
    support::wait_until(|| server.open_connections() == 1);
    drop(stream);
    support::wait_until(|| server.log().len() == 1);
    assert_eq!((server.log()[0].status, server.log()[0].answered), (0, false));
}

#[test]
fn responses_drip() {
    let server = faulty(&once(r#"{"type":"drip","bytes":50,"ms":20}"#));
    let start = Instant::now();
    let reply = put("k", "x").send(&server);
    assert_eq!(reply.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
}

#[test]
fn bodies_are_read_slowly() {
    let server = faulty(&once(r#"{"type":"slow_read","bytes_per_second":100000}"#));
    let start = Instant::now();
    assert_eq!(put("k", pattern(40_000)).send(&server).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], pattern(40_000));
}

#[test]
fn checksums_in_responses_are_wrong_or_missing() {
    let server = faulty(&rule(r#"{"operation":["PutObject","HeadObject"],"times":2}"#, r#"{"type":"wrong_crc"}"#));
    assert_eq!(crc(&put("k", "x").send(&server)), crc64(b"x") ^ 1);
    assert_eq!(crc(&request("HEAD", "k").send(&server)), crc64(b"x") ^ 1);
    assert_eq!(crc(&request("HEAD", "k").send(&server)), crc64(b"x"));
    let server = faulty(&once(r#"{"type":"no_crc"}"#));
    assert_eq!(put("k", "x").send(&server).header("x-oss-hash-crc64ecma"), "");
    assert_eq!(crc(&put("k", "x").send(&server)), crc64(b"x"));
}

#[test]
fn etags_in_responses_are_wrong() {
    let server = faulty(&rule(r#"{"operation":["UploadPart","CompleteMultipartUpload"]}"#, r#"{"type":"wrong_etag"}"#));
    let upload_id = initiate(&server, "k");
    let told = part("k", &upload_id, 1, "x").send(&server).header("etag").trim_matches('"').to_owned();
    let kept = server.uploads(BUCKET)[0].parts[0].etag.clone();
    assert!(told != kept && told[1..] == kept[1..], "{told} {kept}");
    let reply = complete("k", &upload_id, &[(1, &kept)]).send(&server);
    assert_eq!(reply.element("ETag"), reply.header("etag"));
    assert_ne!(reply.header("etag").trim_matches('"'), server.object(BUCKET, "k").unwrap().etag);
}

#[test]
fn damage_on_the_way_is_stored_and_told() {
    let server = faulty(&once(r#"{"type":"corrupt_body","offset":1}"#));
    let reply = put("k", "abc").send(&server);
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], b"acc");
    assert_eq!(crc(&reply), crc64(b"acc"));
    let server = faulty(&once(r#"{"type":"corrupt_body"}"#));
    let md5 = put("k", "0123456789").header("content-md5", "eB5eJF1ptWaXm4bijSPyxw==").send(&server);
    assert_eq!(md5.error(), (400, "InvalidDigest".into()));
}

#[test]
fn uploads_vanish() {
    let server = faulty(&rule(r#"{"operation":"UploadPart","from":1}"#, r#"{"type":"drop_upload"}"#));
    let upload_id = initiate(&server, "k");
    assert_eq!(part("k", &upload_id, 1, "x").send(&server).status, 200);
    assert_eq!(part("k", &upload_id, 2, "x").send(&server).error(), (404, "NoSuchUpload".into()));
    assert!(server.uploads(BUCKET).is_empty());
}

#[test]
fn objects_appear() {
    let server =
        faulty(&rule(r#"{"operation":"CompleteMultipartUpload"}"#, r#"{"type":"object_appears","text":"theirs"}"#));
    let upload_id = initiate(&server, "k");
    let etag = part("k", &upload_id, 1, "ours").send(&server).header("etag").to_owned();
    let reply = complete("k", &upload_id, &[(1, &etag)]).header("x-oss-forbid-overwrite", "true").send(&server);
    assert_eq!(reply.error(), (409, "FileAlreadyExists".into()));
    assert_eq!(&server.object(BUCKET, "k").unwrap().bytes[..], b"theirs");
    let server = faulty(&once(r#"{"type":"object_appears"}"#));
    let reply = put("k", "ours").header("x-oss-forbid-overwrite", "true").send(&server);
    assert_eq!(reply.error(), (409, "FileAlreadyExists".into()));
}

#[test]
fn parts_are_replaced_by_others() {
    let server = faulty(&rule(r#"{"operation":"UploadPart","part":2}"#, r#"{"type":"replace_part"}"#));
    let upload_id = initiate(&server, "k");
    let etags: Vec<String> = (1..=2)
        .map(|number| part("k", &upload_id, number, vec![1; 102_400]).send(&server).header("etag").to_owned())
        .collect();
    let reply = complete("k", &upload_id, &[(1, &etags[0]), (2, &etags[1])]).send(&server);
    assert_eq!((reply.error(), reply.element("PartNumber")), ((400, "InvalidPart".into()), "2".into()));
}

#[test]
fn kept_connections_close_without_a_word() {
    for (reset, body) in [(false, 10_000_000), (true, 1)] {
        let server =
            faulty(&rule(r#"{"operation":"GetObject"}"#, &format!(r#"{{"type":"close_idle","reset":{reset}}}"#)));
        put("k", pattern(body)).send(&server);
        let mut stream = connect(&server).unwrap();
        stream.write_all(&request("GET", "k").bytes(&host(&server))).unwrap();
        let reply = read_reply(&mut stream, false);
        // A reset may overtake a response that is on its way; a close never does.
        match reply {
            Ok(reply) => assert_eq!((reply.body.len(), reply.header("connection")), (body, "")),
            Err(error) => {
                assert!(reset, "{error}");
                continue;
            }
        }
        let rest = stream.read(&mut [0]);
        assert!(rest.map_or(reset, |read| read == 0 && !reset));
    }
}

#[test]
fn the_clock_jumps() {
    let server = faulty(&rule(r#"{"from":1,"times":1}"#, r#"{"type":"clock","offset":2000}"#));
    assert_eq!(put("k", "x").send(&server).status, 200);
    for _ in 0..2 {
        assert_eq!(put("k", "x").send(&server).error(), (403, "RequestTimeTooSkewed".into()));
    }
    assert_eq!(put("k", "x").at(2000).send(&server).status, 200);
}

#[test]
fn tokens_end() {
    let server = faulty(&rule(r#"{"from":1,"times":1}"#, r#"{"type":"expire_token"}"#));
    server.add_access_key(oss_server::AccessKey::with_token("sts", "s", "token"));
    let send = || put("k", "x").key("sts", "s", Some("token")).send(&server).error();
    assert_eq!(send().0, 200);
    assert_eq!([send(), send()].map(|error| error.1), ["SecurityTokenExpired"; 2]);
    assert_eq!(put("k", "x").send(&server).status, 200, "the other key is still good");
}

#[test]
fn rules_name_buckets_keys_and_parts() {
    let server = faulty(&rule(
        r#"{"operation":"UploadPart","bucket":"test-bucket","key":"k","part":[2,3]}"#,
        r#"{"type":"status","status":500}"#,
    ));
    let (upload_id, other) = (initiate(&server, "k"), initiate(&server, "other"));
    let statuses: Vec<u16> = (1..=4).map(|n| part("k", &upload_id, n, "x").send(&server).status).collect();
    assert_eq!(statuses, [200, 500, 500, 200]);
    assert_eq!(part("other", &other, 2, "x").send(&server).status, 200);
    server.clear_faults();
    assert_eq!(part("k", &upload_id, 2, "x").send(&server).status, 200);
}
