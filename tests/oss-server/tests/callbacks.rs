//! Callbacks: a small application server is really called.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use base64::Engine;
use support::{BUCKET, complete, crc, initiate, part, put, server};

fn encode(json: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(json)
}

/// Takes one request, answers it, and gives it back.
fn application(response: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cb", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&request).to_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split_once("content-length: ").unwrap().1;
                if body.len() >= length.lines().next().unwrap().parse::<usize>().unwrap() {
                    break;
                }
            }
        }
        stream.write_all(response.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, thread)
}

const JSON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

#[test]
fn the_response_of_the_application_is_passed_on() {
    let server = server();
    let (url, application) = application(JSON);
    let callback = format!(
        r#"{{"callbackUrl":"http://127.0.0.1:1/nobody;{url}","callbackHost":"app.example.com",
            "callbackBody":"b=${{bucket}}&o=${{object}}&s=${{size}}&e=${{etag}}&t=${{mimeType}}&c=${{crc64}}&m=${{x:my}}"}}"#
    );
    let reply = put("a b", "0123456789")
        .header("content-type", "text/plain")
        .header("x-oss-callback", &encode(&callback))
        .header("x-oss-callback-var", &encode(r#"{"x:my":"v&"}"#))
        .send(&server);
    assert_eq!((reply.status, reply.text()), (200, "{\"ok\":true}".into()));
    assert_eq!(reply.header("content-type"), "application/json");
    let sum = crc(&reply);
    let request = application.join().unwrap();
    assert!(request.starts_with("POST /cb HTTP/1.1") && request.contains("app.example.com"), "{request}");
    let expected =
        format!("b=test-bucket&o=a%20b&s=10&e=781E5E245D69B566979B86E28D23F2C7&t=text%2Fplain&c={sum}&m=v%26");
    assert!(request.ends_with(&expected), "{request}");
}

#[test]
fn complete_calls_back_in_json() {
    let server = server();
    let (url, application) = application(JSON);
    let callback = format!(
        r#"{{"callbackUrl":"{url}","callbackBody":"{{\"o\":${{object}},\"s\":${{size}}}}","callbackBodyType":"application/json"}}"#
    );
    let upload_id = initiate(&server, "k\"");
    let etag = part("k\"", &upload_id, 1, "x").send(&server).header("etag").to_owned();
    let reply = complete("k\"", &upload_id, &[(1, &etag)]).query("callback", &encode(&callback)).send(&server);
    assert_eq!((reply.status, reply.text()), (200, "{\"ok\":true}".into()));
    assert!(application.join().unwrap().ends_with(r#"{"o":"k\"","s":1}"#));
}

#[test]
fn a_failed_callback_is_no_failed_upload() {
    let server = server();
    for response in ["HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"] {
        let (url, application) = application(response);
        let callback = encode(&format!(r#"{{"callbackUrl":"{url}","callbackBody":"x"}}"#));
        let reply = put("k", "x").header("x-oss-callback", &callback).send(&server);
        assert_eq!(reply.error(), (203, "CallbackFailed".into()));
        assert!(!reply.header("etag").is_empty());
        application.join().unwrap();
        assert_eq!(server.objects(BUCKET), ["k"]);
    }
    let elsewhere = encode(r#"{"callbackUrl":"http://example.com/","callbackBody":"x"}"#);
    let reply = put("k", "x").header("x-oss-callback", &elsewhere).send(&server);
    assert_eq!(reply.error(), (203, "CallbackFailed".into()), "nothing but this machine is called");
    assert!(server.log().iter().all(|entry| entry.stored));
}

#[test]
fn callbacks_are_checked_before_anything_is_stored() {
    let server = server();
    let good = encode(r#"{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"x"}"#);
    for (callback, variables) in [
        ("?", None),
        (&encode("no json"), None),
        (&encode(r#"{"callbackUrl":"http://127.0.0.1/"}"#), None),
        (&encode(r#"{"callbackUrl":"http://127.0.0.1/","callbackBody":""}"#), None),
        (&encode(r#"{"callbackUrl":"","callbackBody":"x"}"#), None),
        (&encode(r#"{"callbackUrl":"http://127.0.0.1/","callbackBody":"x","callbackBodyType":"a/b"}"#), None),
        (&good, Some(r#"{"my":"v"}"#)),
        (&good, Some(r#"{"x:My":"v"}"#)),
    ] {
        let mut sent = put("k", "x").header("x-oss-callback", callback);
        if let Some(variables) = variables {
            sent = sent.header("x-oss-callback-var", &encode(variables));
        }
        assert_eq!(sent.send(&server).error(), (400, "InvalidArgument".into()), "{callback} {variables:?}");
    }
    let twice = put("k", "x").header("x-oss-callback", &good).query("callback", &good).send(&server);
    assert_eq!(twice.error(), (400, "InvalidArgument".into()));
    assert!(server.objects(BUCKET).is_empty());
}
