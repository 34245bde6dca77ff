//! Whom the server lets in.

mod support;

use std::io::Write;

use oss_server::{AccessKey, Config, Policy, Server};
use support::{Signing, connect, host, put, read_reply, request, server};

const ALL: [Signing; 4] = [Signing::V1, Signing::V4, Signing::V1Url, Signing::V4Url];

#[test]
fn every_way_to_sign_is_accepted_and_logged() {
    let server = server();
    for signing in ALL {
        let key = format!("目录/{signing:?} +%&=.txt");
        let sent = put(&key, "content")
            .signing(signing)
            .header("content-type", "text/plain")
            .header("x-oss-meta-a", "äöü")
            .query("x-oss-traffic-limit", "838860800");
        let reply = sent.send(&server);
        assert_eq!(reply.status, 200, "{signing:?}: {}", reply.text());
        assert_eq!(&server.object(support::BUCKET, &key).unwrap().bytes[..], b"content");
    }
    let versions: Vec<_> = server.log().into_iter().map(|entry| entry.signature).collect();
    assert_eq!(versions, ["v1", "v4", "v1-presigned", "v4-presigned"]);
}

#[test]
fn anything_changed_after_signing_is_refused() {
    let server = server();
    for signing in ALL {
        let signed = put("key", "content").signing(signing).header("x-oss-meta-a", "1").bytes(&host(&server));
        let changed = String::from_utf8(signed).unwrap().replace("x-oss-meta-a: 1", "x-oss-meta-a: 2");
        let mut stream = connect(&server).unwrap();
        stream.write_all(changed.as_bytes()).unwrap();
        let reply = read_reply(&mut stream, false).unwrap();
        assert_eq!(reply.error(), (403, "SignatureDoesNotMatch".into()), "{signing:?}");
        assert!(reply.element("StringToSign").len() > 20);
        assert_eq!(reply.text().contains("<CanonicalRequest>"), matches!(signing, Signing::V4 | Signing::V4Url));
        assert_eq!(reply.header("x-oss-ec"), "0002-00000040");
    }
    assert!(server.objects(support::BUCKET).is_empty());
}

#[test]
fn wrong_secrets_and_unknown_keys_are_told_apart() {
    let server = server();
    for signing in ALL {
        let wrong = put("k", "").signing(signing).key("test-id", "wrong", None).send(&server);
        assert_eq!(wrong.error(), (403, "SignatureDoesNotMatch".into()), "{signing:?}");
        let unknown = put("k", "").signing(signing).key("nobody", "test-secret", None).send(&server);
        assert_eq!(unknown.error(), (403, "InvalidAccessKeyId".into()), "{signing:?}");
    }
}

#[test]
fn v1_takes_either_date_into_the_signature() {
    use oss_server::sign::v1;
    let server = server();
    for slot in [0, 1] {
        let mut sent = put("k", "x").signing(Signing::None);
        let dates = [support::rfc1123(sent.time), support::rfc1123(sent.time + std::time::Duration::from_secs(60))];
        sent = sent.header("date", &dates[0]).header("x-oss-date", &dates[1]);
        let signature = v1::signature("test-secret", &v1::string_to_sign(&sent.message, &dates[slot]));
        let reply = sent.header("authorization", &format!("OSS test-id:{signature}")).send(&server);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let dateless = put("k", "x").signing(Signing::None).header("authorization", "OSS test-id:abc=").send(&server);
    assert_eq!(dateless.error(), (403, "AccessDenied".into()));
}

#[test]
fn v4_takes_date_where_there_is_no_x_oss_date() {
    use oss_server::sign::v4;
    let server = server();
    for (day, status) in [(None, 200), (Some("20200101"), 400)] {
        let sent = put("k", "x").signing(Signing::None).header("x-oss-content-sha256", v4::UNSIGNED_PAYLOAD);
        let date = support::rfc1123(sent.time);
        let day = day.map_or_else(|| support::compact(sent.time)[..8].to_owned(), str::to_owned);
        let scope = v4::Scope { day, region: "cn-hangzhou".into(), product: "oss".into() };
        let sent = sent.header("date", &date);
        let text = v4::string_to_sign(&v4::canonical_request(&sent.message, &[]), &date, &scope);
        let signature = v4::signature("test-secret", &scope, &text);
        let value = format!("{} Credential=test-id/{scope},Signature={signature}", v4::ALGORITHM);
        assert_eq!(sent.header("authorization", &value).send(&server).status, status);
    }
}

#[test]
fn additional_headers_are_part_of_v4() {
    let server = server();
    for signing in [Signing::V4, Signing::V4Url] {
        let mut sent = put("k", "x").signing(signing).header("abc", "1");
        sent.additional = vec!["abc".into(), "host".into()];
        assert_eq!(sent.send(&server).status, 200);
        let changed = String::from_utf8(sent.bytes(&host(&server))).unwrap().replace("abc: 1", "abc: 2");
        let mut stream = connect(&server).unwrap();
        stream.write_all(changed.as_bytes()).unwrap();
        assert_eq!(read_reply(&mut stream, false).unwrap().error().1, "SignatureDoesNotMatch");
    }
    let names = &server.log()[0].signed_headers;
    assert!(names.contains(&"abc".into()) && names.contains(&"host".into()), "{names:?}");
}

#[test]
fn the_clock_window_is_a_quarter_of_an_hour_both_ways() {
    let server = server();
    for signing in [Signing::V1, Signing::V4] {
        for seconds in [-890, 890] {
            assert_eq!(put("k", "").signing(signing).at(seconds).send(&server).status, 200, "{signing:?} {seconds}");
        }
        for seconds in [-910, 910] {
            let reply = put("k", "").signing(signing).at(seconds).send(&server);
            assert_eq!(reply.error(), (403, "RequestTimeTooSkewed".into()), "{signing:?} {seconds}");
            assert_eq!(reply.header("x-oss-ec"), "0002-00000504");
            assert_eq!(reply.element("MaxAllowedSkewMilliseconds"), "900000");
            assert!(reply.element("ServerTime").ends_with(".000Z") && reply.element("RequestTime").len() == 24);
        }
    }
}

#[test]
fn a_wrong_server_clock_shows_in_date_and_server_time() {
    let server = Server::start(Config { clock_offset: -1200, ..Config::default() }).unwrap();
    let reply = put("k", "").send(&server);
    assert_eq!(reply.error(), (403, "RequestTimeTooSkewed".into()));
    assert_eq!(put("k", "").at(-1200).send(&server).status, 200);
    let earlier = support::rfc1123(put("k", "").at(-1200).time);
    assert_eq!(reply.header("date")[..20], earlier[..20]);
    server.set_clock_offset(0);
    assert_eq!(put("k", "").send(&server).status, 200);
}

#[test]
fn presigned_urls_end() {
    let server = server();
    for signing in [Signing::V1Url, Signing::V4Url] {
        assert_eq!(put("k", "").signing(signing).at(-55).send(&server).status, 200);
        let reply = put("k", "").signing(signing).at(-70).send(&server);
        assert_eq!(reply.error(), (403, "AccessDenied".into()), "{signing:?}");
        assert_eq!(reply.element("Message"), "Request has expired.");
    }
    for expires in [0, 604_801] {
        let mut sent = put("k", "").signing(Signing::V4Url);
        sent.expires = expires;
        assert_eq!(sent.send(&server).error(), (400, "InvalidArgument".into()));
    }
    let future = put("k", "").signing(Signing::V4Url).at(1000).send(&server);
    assert_eq!(future.error(), (403, "RequestTimeTooSkewed".into()));
}

#[test]
fn tokens_are_checked() {
    let server = server();
    server.add_access_key(AccessKey::with_token("sts", "secret", "token"));
    for signing in ALL {
        let send = |token| put("k", "").signing(signing).key("sts", "secret", token).send(&server).error();
        assert_eq!(send(Some("token")).0, 200, "{signing:?}");
        assert_eq!(send(None), (403, "InvalidAccessKeyId".into()));
        assert_eq!(send(Some("other")), (403, "InvalidSecurityToken".into()));
        let permanent = put("k", "").signing(signing).key("test-id", "test-secret", Some("token")).send(&server);
        assert_eq!(permanent.error(), (403, "InvalidSecurityToken".into()));
    }
    assert!(server.expire_token("token"));
    assert!(!server.expire_token("no such token"));
    let expired = put("k", "").key("sts", "secret", Some("token")).send(&server);
    assert_eq!(expired.error(), (403, "SecurityTokenExpired".into()));
    assert_eq!(expired.header("x-oss-ec"), "0002-00000007");
    for entry in server.log() {
        let values = entry.headers.values().chain(entry.query.values());
        assert!(!values.into_iter().any(|value| value == "token" || value == "other"), "a token is in the log");
        assert!(!entry.headers.contains_key("authorization"));
    }
}

#[test]
fn malformed_authorization_has_its_own_codes() {
    let server = server();
    for (value, ec) in [
        ("Basic abc", "0002-00000203"),
        ("OSS test-id", "0002-00000203"),
        ("OSS4-HMAC-SHA256 Credential=test-id", "0002-00000207"),
        ("OSS4-HMAC-SHA256 Credential=test-id/20231216/cn-hangzhou/oss/aws4_request,Signature=0", "0002-00000207"),
        ("OSS4-HMAC-SHA256 nonsense", "0002-00000207"),
    ] {
        let reply = put("k", "").signing(Signing::None).header("authorization", value).send(&server);
        assert_eq!(reply.error(), (400, "InvalidArgument".into()), "{value}");
        assert_eq!(reply.element("EC"), ec, "{value}");
    }
    let incomplete = put("k", "").signing(Signing::None).query("OSSAccessKeyId", "test-id").send(&server);
    assert_eq!(incomplete.error(), (400, "InvalidArgument".into()));
}

#[test]
fn v4_is_bound_to_region_product_and_day() {
    let server = server();
    let mut region = put("k", "");
    region.region = "cn-beijing".into();
    let reply = region.send(&server);
    assert_eq!(reply.error(), (400, "InvalidArgument".into()));
    assert!(reply.element("Message").contains("cn-hangzhou"), "{}", reply.text());
    let mut product = put("k", "");
    product.product = "oss-cloudbox".into();
    assert_eq!(product.send(&server).error(), (400, "InvalidArgument".into()));
    let other_day = put("k", "").bytes(&host(&server));
    let today = &support::compact(put("k", "").time)[..8];
    let changed = String::from_utf8(other_day).unwrap().replace(&format!("/{today}/"), "/20200101/");
    let mut stream = connect(&server).unwrap();
    stream.write_all(changed.as_bytes()).unwrap();
    assert_eq!(read_reply(&mut stream, false).unwrap().status, 400);
}

#[test]
fn anonymous_requests_need_permission() {
    let server = server();
    let reply = put("k", "").signing(Signing::None).send(&server);
    assert_eq!(reply.error(), (403, "AccessDenied".into()));
    let open = Server::start(Config { allow_anonymous: true, ..Config::default() }).unwrap();
    assert_eq!(put("k", "x").signing(Signing::None).send(&open).status, 200);
    assert_eq!(put("k", "").key("test-id", "wrong", None).send(&open).status, 403, "a wrong signature stays wrong");
}

#[test]
fn put_only_means_put_only() {
    let server = server();
    let upload_id = support::initiate(&server, "big");
    server.set_policy(Policy::PutOnly);
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(put("k", "x").send(&server).status, 200);
    assert_eq!(support::part("big", &upload_id, 1, "x").send(&server).status, 200);
    assert_eq!(request("GET", "k").send(&server).error(), denied);
    assert_eq!(request("HEAD", "k").send(&server).status, 403);
    assert_eq!(request("GET", "big").query("uploadId", &upload_id).send(&server).error(), denied);
    assert_eq!(request("DELETE", "big").query("uploadId", &upload_id).send(&server).error(), denied);
    assert_eq!(request("GET", "").query("uploads", "").send(&server).error(), denied);
    assert_eq!(put("k", "x").header("x-oss-object-acl", "private").send(&server).error(), denied);
    assert_eq!(put("k", "x").header("x-oss-tagging", "a=b").send(&server).error(), denied);
    let etag = &server.uploads(support::BUCKET)[0].parts[0].etag;
    assert_eq!(support::complete("big", &upload_id, &[(1, etag)]).send(&server).status, 200);
    server.set_policy(Policy::All);
    assert_eq!(request("GET", "k").send(&server).status, 200);
}
