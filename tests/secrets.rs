//! No secret is ever in an error, a Debug output, a checkpoint, or in what the server gets besides its signed headers.

mod common;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::proxy::Proxy;
use common::*;
use oss_server::{AccessKey, Server};
use oss_upload::{
    Checkpoint, Client, ClientOptions, Credentials, CredentialsSource, Error, ErrorKind, PartSize, SignatureVersion,
    UploadOptions,
};

const KEY: &str = "secret-of-the-key-5f0e";
const TOKEN: &str = "token-of-the-session-a83b";
const PASSWORD: &str = "password-of-the-proxy-77c1";
const VERSIONS: [SignatureVersion; 2] = [SignatureVersion::V1, SignatureVersion::V4];

/// Fails when a secret is in `text`, plain or encoded.
fn assert_clean(what: &str, text: &str) {
    let login = STANDARD.encode(format!("user:{PASSWORD}"));
    for secret in [KEY, TOKEN, PASSWORD, &STANDARD.encode(KEY), &STANDARD.encode(TOKEN), &login] {
        let upper = text.to_ascii_lowercase();
        assert!(!upper.contains(&secret.to_ascii_lowercase()), "{what} holds {secret}: {text}");
    }
}

fn assert_clean_error(what: &str, error: &Error) {
    assert_clean(what, &format!("{error} {error:?} {error:#?} {}", error.message()));
    for text in [error.service_code(), error.ec(), error.request_id()] {
        assert_clean(what, text);
    }
}

fn credentials() -> Credentials {
    Credentials::new("STS.id", KEY, Some(TOKEN.into()))
}

/// A server that knows the key.
fn initiated_server() -> Server {
    server_with(|config| config.access_keys = vec![AccessKey::with_token("STS.id", KEY, TOKEN)])
}

fn options_for(server: &Server, version: SignatureVersion) -> ClientOptions {
    ClientOptions {
        credentials: CredentialsSource::Given(credentials()),
        signature_version: version,
        max_attempts: 2,
        ..client_options(server)
    }
}

/// Uploads a small and a bigger file, with and without a checkpoint. Returns the errors, in which there is no secret.
fn errors(what: &str, client: &Client) -> Vec<Error> {
    assert_clean(what, &format!("{client:?} {client:#?}"));
    let mut errors = Vec::new();
    for size in [1000, 250_000] {
        for checkpoint in [Checkpoint::Off, Checkpoint::BesideFile] {
            let scratch = Scratch::new(size);
            let options = UploadOptions { checkpoint, ..upload_options("key", &scratch.file) };
            assert_clean(what, &format!("{options:?}"));
            let upload = client.start(options).unwrap();
            let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
            assert_clean(what, &format!("{upload:?} {outcome:?}"));
            for entry in fs::read_dir(scratch.dir.path()).unwrap().flatten().filter(|e| e.path() != scratch.file) {
                assert_clean(what, &String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
            }
            if let Some(error) = outcome.error {
                assert_clean_error(what, &error);
                errors.push(error);
            }
        }
    }
    errors
}

#[test]
fn options_and_handles_show_no_secret() {
    let server = initiated_server();
    let mut options = options_for(&server, SignatureVersion::V4);
    options.proxy = oss_upload::Proxy::Url(format!("http://user:{PASSWORD}@127.0.0.1:1"));
    options.endpoint = Some(format!("http://STS.id:{KEY}@127.0.0.1:{}", server.port()));
    assert_clean("client options", &format!("{options:?} {options:#?}"));
    assert_clean("credentials", &format!("{:?} {:#?}", credentials(), credentials()));
    assert_clean("their source", &format!("{:?}", options.credentials));
    options.endpoint = Some(server.endpoint());
    let client = Client::new(options).unwrap();
    assert_clean("client", &format!("{client:?} {client:#?}"));
}

#[test]
fn errors_about_options_show_no_secret() {
    let server = initiated_server();
    let refused = |edit: &dyn Fn(&mut ClientOptions)| {
        let mut options = options_for(&server, SignatureVersion::V4);
        edit(&mut options);
        Client::new(options).expect_err("it is refused")
    };
    let with = |id: &str, secret: &str, token: &str| {
        let credentials = Credentials::new(id, secret, Some(token.to_owned()));
        refused(&|options| options.credentials = CredentialsSource::Given(credentials.clone()))
    };
    for error in [
        with("id", &format!("{KEY}\n"), TOKEN),
        with("id", &format!("{KEY}\u{e9}"), TOKEN),
        with("id", KEY, &format!("{TOKEN} ")),
        with("", KEY, TOKEN),
        refused(&|o| o.proxy = oss_upload::Proxy::Url(format!("socks5://user:{PASSWORD}@host:1"))),
        refused(&|o| o.proxy = oss_upload::Proxy::Url(format!("http://user:{PASSWORD}@host:port"))),
        refused(&|o| o.proxy = oss_upload::Proxy::Url(format!("http://user:{PASSWORD}@"))),
        refused(&|o| o.proxy = oss_upload::Proxy::Url(format!("user {PASSWORD}"))),
        refused(&|o| o.endpoint = Some(format!("https://id:{KEY}@oss-cn-hangzhou.aliyuncs.com"))),
        refused(&|o| o.endpoint = Some(format!("https://host/?security-token={TOKEN}"))),
    ] {
        assert_clean_error("an error about options", &error);
    }
    let client = Client::new(options_for(&server, SignatureVersion::V4)).unwrap();
    let scratch = Scratch::new(10);
    for (name, value) in
        [("x-oss-security-token", TOKEN), ("Authorization", &format!("OSS id:{KEY}")), ("x-oss-meta-a", "\r\n")]
    {
        let value = format!("{value}{TOKEN}");
        let headers = vec![(name.to_owned(), value)];
        let error = client.start(UploadOptions { headers, ..upload_options("key", &scratch.file) }).unwrap_err();
        assert_clean_error("an error about a header", &error);
    }
    let error = client.set_credentials(Credentials::new("id", format!("{KEY} "), None)).unwrap_err();
    assert_clean_error("an error about new credentials", &error);
}

#[test]
fn refusals_by_the_server_show_no_secret() {
    for version in VERSIONS {
        // The refusals of a wrong signature repeat what was to be signed, the token included.
        let stranger = server_with(|config| config.access_keys = vec![AccessKey::with_token("STS.id", "other", TOKEN)]);
        let found = errors("a wrong secret", &Client::new(options_for(&stranger, version)).unwrap());
        assert!(found.len() == 4 && found.iter().all(|error| error.service_code() == "SignatureDoesNotMatch"));

        let nobody = server_with(|config| config.access_keys = Vec::new());
        let found = errors("an unknown key", &Client::new(options_for(&nobody, version)).unwrap());
        assert!(found.len() == 4 && found.iter().all(|error| error.service_code() == "InvalidAccessKeyId"));

        let other = server_with(|config| config.access_keys = vec![AccessKey::with_token("STS.id", KEY, "other")]);
        let found = errors("a wrong token", &Client::new(options_for(&other, version)).unwrap());
        assert!(found.len() == 4 && found.iter().all(|error| error.service_code() == "InvalidSecurityToken"));

        let server = initiated_server();
        server.expire_token("STS.id");
        let found = errors("an expired token", &Client::new(options_for(&server, version)).unwrap());
        assert!(found.len() == 4 && found.iter().all(|error| error.service_code() == "SecurityTokenExpired"));
    }
}

/// The tests here once more, with all that the library writes to standard error when it is asked to.
#[test]
fn the_log_shows_no_secret() {
    let tests = [
        "refusals_by_the_server_show_no_secret",
        "what_servers_and_proxies_repeat_of_a_request_is_not_passed_on",
        "errors_of_the_way_to_the_server_show_no_secret",
    ];
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.args(tests).args(["--exact", "--nocapture"]).env("OSS_UPLOAD_LOG", "debug").output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    for kind in ["Request", "Retry", "Ended"] {
        assert!(log.contains(kind), "no {kind} is told: {log}");
    }
    assert_clean("the log", &log);
}

#[test]
fn what_servers_and_proxies_repeat_of_a_request_is_not_passed_on() {
    let repeated = format!("GET / HTTP/1.1 x-oss-security-token: {TOKEN} Authorization: OSS STS.id:abc");
    let mentioned = format!("the token {TOKEN} is not known here");
    for text in [repeated, mentioned] {
        for shape in [
            format!(r#""body":"text","text":"{text}""#),
            format!(r#""message":"{text}""#),
            format!(r#""body":"json","message":"{text}""#),
            format!(r#""code":"{}""#, text.replace(' ', "-")),
            format!(r#""headers":{{"x-oss-request-id":"{TOKEN}"}},"body":"empty""#),
        ] {
            for status in [403, 500] {
                let server = initiated_server();
                let action = format!(r#"{{"type":"status","status":{status},{shape}}}"#);
                faults(&server, &format!(r#"[{{"match":{{}},"action":{action}}}]"#));
                let options = ClientOptions { max_attempts: 1, ..options_for(&server, SignatureVersion::V4) };
                let client = Client::new(options).unwrap();
                assert!(!errors(&format!("{status} {shape}"), &client).is_empty());
            }
        }
    }
}

#[test]
fn errors_of_the_way_to_the_server_show_no_secret() {
    let server = initiated_server();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (tls, proxy) = (TlsServer::start(|_| ()), Proxy::start(server.port(), Some("user:another")));
    let login = format!("http://user:{PASSWORD}@");
    let silent = r#"[{"match":{},"action":{"type":"stall","at":"before_response"}}]"#;
    faults(&server, silent);
    let ways: [(&str, ErrorKind, Edit<ClientOptions>); 6] = [
        ("a server that is down", ErrorKind::Network, Box::new(|o| o.endpoint = Some(format!("http://{closed}")))),
        ("an untrusted server", ErrorKind::Network, Box::new(|o| o.endpoint = Some(tls.server.endpoint()))),
        (
            "a server without TLS",
            ErrorKind::Network,
            Box::new(|o| o.endpoint = Some(format!("https://127.0.0.1:{}", server.port()))),
        ),
        (
            "a proxy that is down",
            ErrorKind::Network,
            Box::new(|o| o.proxy = oss_upload::Proxy::Url(format!("{login}{closed}"))),
        ),
        (
            "a proxy that refuses",
            ErrorKind::Network,
            Box::new(|o| o.proxy = oss_upload::Proxy::Url(format!("{login}{}", proxy.address()))),
        ),
        ("a server that is silent", ErrorKind::Timeout, Box::new(|o| o.stall_timeout = Duration::from_millis(100))),
    ];
    for (what, kind, edit) in ways {
        let mut options = options_for(&server, SignatureVersion::V4);
        edit(&mut options);
        let found = errors(what, &Client::new(options).unwrap());
        assert!(found.len() == 4 && found.iter().all(|error| error.kind() == kind), "{what}: {found:?}");
    }
}

#[test]
fn errors_of_files_and_checkpoints_show_no_secret() {
    let server = initiated_server();
    let client = Client::new(options_for(&server, SignatureVersion::V4)).unwrap();
    let scratch = Scratch::new(250_000);
    let foreign = scratch.path("foreign.cp");
    fs::write(&foreign, "not a checkpoint, but somebody's text").unwrap();
    for (file, checkpoint) in [
        (scratch.path("missing"), Checkpoint::Off),
        (scratch.file.clone(), Checkpoint::File(scratch.path("missing/cp"))),
        (scratch.file.clone(), Checkpoint::Directory(scratch.file.clone())),
        (scratch.file.clone(), Checkpoint::File(foreign)),
    ] {
        let options = UploadOptions { checkpoint, ..upload_options("key", &file) };
        if let Err(error) = client.upload_file(options, |_, _| ()) {
            assert_clean_error("an error about a file", &error);
        }
    }
}

#[test]
fn a_checkpoint_holds_no_secret() {
    for version in VERSIONS {
        let server = initiated_server();
        let client =
            Client::new(ClientOptions { max_bytes_per_second: 200_000, ..options_for(&server, version) }).unwrap();
        let scratch = Scratch::new(2_000_000);
        let checkpoint = Checkpoint::BesideFile;
        let upload = client.start(UploadOptions { checkpoint, ..upload_options("key", &scratch.file) }).unwrap();
        wait_until("some parts are there", || upload.progress().parts_done > 1);
        upload.pause();
        let error = upload.wait(Duration::from_secs(10)).expect("it ends").error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paused);
        let bytes = fs::read(scratch.path("source.bin.cp")).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(&server.uploads(BUCKET)[0].upload_id), "it is the checkpoint: {text}");
        assert_clean("a checkpoint", &text);
    }
}

/// A server that keeps the heads of all requests, and responds that it wants nothing.
fn recorder() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heads, kept) = channel();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = vec![0; 16 * 1024];
            let length = client.read(&mut head).unwrap_or(0);
            let _ = heads.send(String::from_utf8_lossy(&head[..length]).into_owned());
            let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, kept)
}

#[test]
fn the_secret_never_travels_and_the_token_only_in_its_own_header() {
    for version in VERSIONS {
        let (port, heads) = recorder();
        let server = initiated_server();
        let mut options = options_for(&server, version);
        options.endpoint = Some(format!("http://127.0.0.1:{port}"));
        options.user_agent = Some("program/1".into());
        let client = Client::new(options).unwrap();
        for (size, checkpoint) in [(10, Checkpoint::Off), (250_000, Checkpoint::BesideFile)] {
            let scratch = Scratch::new(size);
            let part_size = PartSize::Default;
            let options = UploadOptions { part_size, checkpoint, ..upload_options("key", &scratch.file) };
            let error = client.upload_file(options, |_, _| ()).unwrap_err();
            assert_eq!(error.http_status(), 403);
            let head = heads.recv_timeout(Duration::from_secs(5)).unwrap();
            let (own, others): (Vec<&str>, Vec<&str>) =
                head.lines().partition(|line| line.starts_with("x-oss-security-token:"));
            assert_eq!(own, [format!("x-oss-security-token: {TOKEN}")], "{head}");
            assert_clean("a request", &others.join("\n"));
            assert!(others.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization:")), "{head}");
        }
    }
}

#[test]
fn uploads_that_succeed_show_no_secret_either() {
    for version in VERSIONS {
        let server = initiated_server();
        let client = Client::new(options_for(&server, version)).unwrap();
        assert!(errors("a success", &client).is_empty());
        for entry in server.log() {
            assert_clean("the server's log", &format!("{entry:?}"));
        }
        let object = server.object(BUCKET, "key").unwrap();
        assert_clean("the object's headers", &format!("{:?}", object.headers));
    }
}
