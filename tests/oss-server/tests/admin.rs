//! The server's own pages.

mod support;

use oss_server::Server;
use serde_json::{Value, json};
use support::{BUCKET, Reply, Signing, initiate, part, put, request, server};

fn ask(server: &Server, method: &str, page: &str, body: &str) -> Reply {
    let mut sent = request(method, "").signing(Signing::None).body(body);
    sent.target = Some(format!("/_server/{page}"));
    sent.send(server)
}

fn json_of(server: &Server, page: &str) -> Value {
    let reply = ask(server, "GET", page, "");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn state_tells_what_is_stored() {
    let server = server();
    put("k", "a").header("x-oss-meta-a", "1").send(&server);
    let upload_id = initiate(&server, "big");
    part("big", &upload_id, 2, "a").send(&server);
    let state = json_of(&server, "state");
    let object = &state["buckets"][BUCKET]["objects"][0];
    assert_eq!((&object["key"], &object["size"]), (&json!("k"), &json!(1)));
    assert_eq!(object["crc64"], "3675645893302102789", "a string: it exceeds what JSON readers keep exact");
    assert_eq!(object["headers"]["x-oss-meta-a"], "1");
    let upload = &state["buckets"][BUCKET]["uploads"][0];
    assert_eq!((&upload["key"], &upload["upload_id"]), (&json!("big"), &json!(upload_id)));
    assert_eq!((&upload["parts"][0]["number"], &upload["parts"][0]["size"]), (&json!(2), &json!(1)));
    let page = ask(&server, "GET", "", "").text();
    assert!(page.contains("<td>k</td>") && page.contains("<td>big</td>"), "{page}");
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let server = server();
    put("<script>", "a").send(&server);
    assert!(!ask(&server, "GET", "", "").text().contains("<script>"));
}

#[test]
fn the_log_is_read_from_where_one_left_off() {
    let server = server();
    for key in ["a", "b"] {
        put(key, "x").header("user-agent", "tester/1").send(&server);
    }
    let log = json_of(&server, "log");
    let entry = &log[0];
    for (field, value) in [
        ("seq", json!(1)),
        ("method", json!("PUT")),
        ("operation", json!("PutObject")),
        ("bucket", json!(BUCKET)),
        ("key", json!("a")),
        ("status", json!(200)),
        ("code", json!(null)),
        ("body_bytes", json!(1)),
        ("content_length", json!(1)),
        ("signature", json!("v4")),
        ("access_key_id", json!("test-id")),
        ("fault", json!(null)),
        ("stored", json!(true)),
        ("answered", json!(true)),
        ("user_agent", json!("tester/1")),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
    assert!(entry["headers"]["authorization"].is_null() && entry["headers"]["host"].is_string());
    assert_eq!(json_of(&server, "log?since=1").as_array().unwrap().len(), 1);
    assert_eq!(ask(&server, "DELETE", "log", "").status, 204);
    assert_eq!(json_of(&server, "log"), json!([]));
    assert_eq!(ask(&server, "GET", "log?since=x", "").status, 400);
}

#[test]
fn settings_change_at_run_time() {
    let server = server();
    let change = |method: &str, page: &str, body: &str| {
        let reply = ask(&server, method, page, body);
        assert_eq!(reply.status, 204, "{page}: {}", reply.text());
    };
    change("PUT", "faults", r#"[{"match":{"operation":"PutObject"},"action":{"type":"status","status":503}}]"#);
    assert_eq!(put("k", "x").send(&server).status, 503);
    change("DELETE", "faults", "");
    assert_eq!(put("k", "x").send(&server).status, 200);

    change("PUT", "policy", r#"{"policy":"put-only"}"#);
    assert_eq!(request("GET", "k").send(&server).status, 403);
    change("PUT", "clock", r#"{"offset":-1200}"#);
    assert_eq!(put("k", "x").send(&server).error().1, "RequestTimeTooSkewed");
    change("PUT", "access-keys", r#"{"add":[{"id":"sts","secret":"s","token":"t"}]}"#);
    let with_token = || put("k", "x").at(-1200).key("sts", "s", Some("t")).send(&server);
    assert_eq!(with_token().status, 200);
    change("PUT", "access-keys", r#"{"expire":["t"]}"#);
    assert_eq!(with_token().error().1, "SecurityTokenExpired");
    change("PUT", "buckets", r#"{"name":"another-one"}"#);
    assert_eq!(put("k", "x").at(-1200).bucket("another-one").send(&server).status, 200);

    change("POST", "reset", "");
    assert!(server.objects(BUCKET).is_empty() && server.log().is_empty());
    assert_eq!(put("k", "x").send(&server).status, 200);
    assert_eq!(request("GET", "k").send(&server).status, 200);
}

#[test]
fn mistakes_are_explained() {
    let server = server();
    for (method, page, body, needle) in [
        (
            "PUT",
            "faults",
            r#"[{"match":{"operation":"Nope"},"action":{"type":"no_crc"}}]"#,
            "rule 0: unknown operation",
        ),
        ("PUT", "policy", r#"{"policy":"some"}"#, "put-only"),
        ("PUT", "clock", r#"{"of":1}"#, "offset"),
        ("PUT", "access-keys", r#"{"expire":["nobody"]}"#, "nobody"),
        ("PUT", "buckets", r#"{"name":"No"}"#, "No"),
    ] {
        let reply = ask(&server, method, page, body);
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(needle), "{page}: {}", reply.text());
    }
    assert_eq!(ask(&server, "GET", "nowhere", "").status, 404);
}
