//! The program: its command line, its ready line, its end.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oss_server::{Config, Server, crc64};
use serde_json::Value;
use support::{Reply, crc, put, read_reply, request};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

struct Program {
    child: Child,
    ready: Value,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_oss-server"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn port(&self) -> u16 {
        self.ready["port"].as_u64().unwrap() as u16
    }

    fn send(&self, request: &support::Request) -> u16 {
        self.reply(request).status
    }

    fn reply(&self, request: &support::Request) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.write_all(&request.bytes("127.0.0.1")).unwrap();
        read_reply(&mut stream, request.message.method == "HEAD").unwrap()
    }

    fn has_ended(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_ready_line_says_all_that_a_client_needs() {
    let program = Program::start(&[]);
    let ready = &program.ready;
    assert_eq!(ready["endpoint"], format!("http://127.0.0.1:{}", program.port()));
    for (name, value) in [("region", "cn-hangzhou"), ("access_key_id", "test-id"), ("access_key_secret", "test-secret")]
    {
        assert_eq!(ready[name], value);
    }
    assert_eq!(ready["buckets"], serde_json::json!(["test-bucket"]));
    assert!(ready["ca_file"].is_null() && ready.as_object().unwrap().len() == 7);
    assert_eq!(program.send(&put("k", "x")), 200);
}

#[test]
fn options_reach_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (faults, log, store) = (path("faults.json"), path("log"), path("store"));
    std::fs::write(&faults, r#"[{"match":{"times":1},"action":{"type":"status","status":503}}]"#).unwrap();
    let program = Program::start(&[
        "--storage",
        &store,
        "--bucket",
        "one-bucket",
        "--bucket",
        "two-bucket",
        "--access-key",
        "id:se:tok:en",
        "--region",
        "eu-central-1",
        "--faults",
        &faults,
        "--log",
        &log,
        "--clock-offset",
        "-3600",
        "--policy",
        "put-only",
        "--etag",
        "crc",
        "--list-page",
        "3",
        "--quirk",
        "blanks",
        "--linger",
        "10",
    ]);
    assert_eq!(program.ready["buckets"], serde_json::json!(["one-bucket", "two-bucket"]));
    let mut sent = put("k", "x").bucket("two-bucket").key("id", "se", Some("tok:en")).at(-3600);
    sent.region = "eu-central-1".into();
    assert_eq!([program.send(&sent), program.send(&sent)], [503, 200]);
    let lines = std::fs::read_to_string(&log).unwrap();
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((entries.len(), &entries[0]["fault"]["action"]), (2, &serde_json::json!("status")));
    assert!(folder.path().join("store/two-bucket/objects/k.json").exists());
}

#[test]
fn benchmarks_keep_neither_log_nor_bytes_but_what_is_known_of_objects() {
    let program = Program::start(&["--storage", "discard", "--etag", "crc", "--log", "none"]);
    assert_eq!(program.send(&put("a/b", "0123456789")), 200);
    assert_eq!(program.reply(&request("GET", "").query("list-type", "2")).elements("Key"), ["a/b"]);
    let head = program.reply(&request("HEAD", "a/b"));
    assert_eq!((head.header("content-length"), crc(&head)), ("10", crc64(b"0123456789")));
    let mut log = request("GET", "");
    log.target = Some("/_server/log".into());
    assert_eq!(program.reply(&log).text(), "[]");
}

#[test]
fn mistakes_end_the_program_with_a_message() {
    for (arguments, needle) in [
        (vec!["--bucket", "No"], "no name for a bucket"),
        (vec!["--listen", "nowhere"], "oss-server:"),
        (vec!["--faults", "/nonexistent.json"], "/nonexistent.json"),
        (vec!["--access-key", "nocolon"], "ID:SECRET"),
        (vec!["--policy", "some"], "put-only"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_oss-server")).args(&arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && message.contains(needle), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn it_ends_with_its_parent_only_when_told_to() {
    let mut bound = Program::start(&["--exit-with-stdin"]);
    let mut free = Program::start(&[]);
    drop(bound.child.stdin.take());
    drop(free.child.stdin.take());
    assert!(bound.has_ended());
    assert_eq!(free.send(&put("k", "x")), 200);
    let pid = free.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(free.has_ended());
    assert!(free.child.wait().unwrap().success(), "SIGTERM is a good end");
}

#[test]
fn the_log_goes_to_standard_error() {
    let mut program = Program::start(&["--log", "-", "--exit-with-stdin"]);
    program.send(&put("k", "x"));
    drop(program.child.stdin.take());
    let mut text = String::new();
    program.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains(r#""operation":"PutObject""#), "{text}");
    let mut rest = String::new();
    program.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "standard output holds the ready line only");
}

fn send_over_tls(port: u16, ca_pem: &str, name: &str) -> std::io::Result<u16> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port))?);
    stream.write_all(&put("k", vec![7; 300_000]).bytes("127.0.0.1"))?;
    Ok(read_reply(&mut stream, false)?.status)
}

#[test]
fn tls_is_trusted_by_its_own_authority_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let program = Program::start(&["--tls", "--ca-file", &ca_file.to_string_lossy(), "--domain", "oss.test"]);
    assert_eq!(program.ready["endpoint"], format!("https://127.0.0.1:{}", program.port()));
    assert_eq!(program.ready["ca_file"], ca_file.to_string_lossy().into_owned());
    let ca_pem = std::fs::read_to_string(&ca_file).unwrap();
    for name in ["127.0.0.1", "localhost", "::1", "bucket.oss.test"] {
        assert_eq!(send_over_tls(program.port(), &ca_pem, name).unwrap(), 200, "{name}");
    }
    assert!(send_over_tls(program.port(), &ca_pem, "example.com").is_err());
    let other = Server::start(Config { tls: true, ..Config::default() }).unwrap();
    assert!(send_over_tls(program.port(), &other.ca_pem().unwrap(), "localhost").is_err());
    assert!(other.endpoint().starts_with("https://"));
}
