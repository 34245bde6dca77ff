//! Through a proxy, or not.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use oss_upload::{Client, ErrorKind, UploadOptions};

use crate::common::proxy::{Proxy, header};
use crate::common::*;

const LOGIN: &str = "user:p@ss:word/";
/// The same in a URL.
const LOGIN_IN_URL: &str = "user:p%40ss%3Aword%2F";

fn upload(server: &oss_server::Server, client: &Client) {
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(server, "key", &scratch.file);
    let options = UploadOptions { file_path: PathBuf::new(), ..upload_options("key-of-memory", &scratch.file) };
    let upload = client.start_memory(options, fs::read(&scratch.file).unwrap()).unwrap();
    assert!(upload.wait(Duration::MAX).unwrap().error.is_none());
    assert_stored(server, "key-of-memory", &scratch.file);
    for entry in server.log() {
        assert!(!entry.headers.keys().any(|name| name.starts_with("proxy-")), "what is the proxy's: {entry:?}");
    }
}

#[test]
fn a_proxy_with_a_login_leads_to_an_http_server() {
    let server = server();
    let proxy = Proxy::start(server.port(), Some(LOGIN));
    let client = client_with(&server, |options| {
        options.proxy = oss_upload::Proxy::Url(format!("http://{LOGIN_IN_URL}@{}", proxy.address()))
    });
    upload(&server, &client);
    // Every request is in absolute form and carries the login, also on a connection that has served.
    assert_eq!(proxy.asked().len(), server.log().len(), "{:?}", proxy.asked());
    let host = format!("127.0.0.1:{}", server.port());
    for head in proxy.asked() {
        let target = head.split(' ').nth(1).unwrap();
        assert!(target.starts_with(&format!("http://{host}/{BUCKET}/key")), "{head}");
        assert_eq!(header(&head, "host"), Some(host.as_str()), "{head}");
        assert_eq!(header(&head, "proxy-authorization"), Some("Basic dXNlcjpwQHNzOndvcmQv"), "{head}");
    }
    assert!(server.connections_accepted() <= 3, "connections are kept");
}

#[test]
fn hosts_share_a_proxy_and_no_connection() {
    let server = server_with(|config| config.domain = Some("oss.test".into()));
    let proxy = Proxy::start(server.port(), None);
    let client = client_with(&server, |options| {
        options.endpoint = Some("http://oss.test".into());
        options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address()));
        options.max_attempts = 1;
    });
    let scratch = Scratch::new(1000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    let mut elsewhere = upload_options("key", &scratch.file);
    elsewhere.bucket = "another-bucket".into();
    client.upload_file(elsewhere, |_, _| ()).unwrap_err();
    let hosts: Vec<_> = proxy.asked().iter().map(|head| header(head, "host").unwrap().to_owned()).collect();
    assert_eq!(hosts, ["test-bucket.oss.test", "another-bucket.oss.test"]);
    assert!(proxy.asked()[1].starts_with("PUT http://another-bucket.oss.test/key "), "{:?}", proxy.asked());
}

#[test]
fn any_status_of_success_opens_a_tunnel() {
    let many =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 201 Created\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    for granted in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 299 x\r\nA: b\r\n\r\n", "HTTP/1.1 200\r\n\r\n", many] {
        let tls = TlsServer::start(|_| ());
        let proxy = Proxy::granting(tls.server.port(), None, granted);
        let client =
            tls.client_with(|options| options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address())));
        upload(&tls.server, &client);
        assert!(proxy.asked().len() <= 3, "tunnels are kept: {:?}", proxy.asked());
    }
}

#[test]
fn a_proxy_that_refuses_a_tunnel_is_asked_again_only_when_that_may_help() {
    for (granted, says, tries) in [
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "403", 1),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "503", 2),
        ("SSH-2.0\r\n\r\n", "does not speak HTTP", 2),
    ] {
        let tls = TlsServer::start(|_| ());
        let proxy = Proxy::granting(tls.server.port(), None, granted);
        let client = tls.client_with(|options| {
            options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address()));
            options.max_attempts = 2;
        });
        let scratch = Scratch::new(1000);
        let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Network, tries > 1), "{error:?}");
        assert!(error.message().contains(says) && error.message().contains("proxy"), "{error}");
        assert_eq!(proxy.asked().len(), tries, "{granted}");
    }
}

#[test]
fn a_proxy_with_a_login_leads_to_an_https_server_and_sees_nothing_of_the_talk() {
    let tls = TlsServer::start(|_| ());
    let proxy = Proxy::start(tls.server.port(), Some(LOGIN));
    let client = tls.client_with(|options| {
        options.proxy = oss_upload::Proxy::Url(format!("http://{LOGIN_IN_URL}@{}", proxy.address()))
    });
    upload(&tls.server, &client);
    for head in proxy.asked() {
        assert!(head.starts_with("CONNECT "), "{head}");
        assert!(!head.contains(BUCKET) && !head.to_lowercase().contains("\r\nauthorization"), "{head}");
    }
}

#[test]
fn a_proxy_that_wants_another_login_is_a_clear_error_and_is_not_asked_again() {
    let server = server();
    let proxy = Proxy::start(server.port(), Some(LOGIN));
    for login in ["", "user:wrong@"] {
        let client = client_with(&server, |options| {
            options.proxy = oss_upload::Proxy::Url(format!("http://{login}{}", proxy.address()))
        });
        let scratch = Scratch::new(1000);
        let before = proxy.asked().len();
        let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Network, false), "{error:?}");
        assert!(error.message().contains("proxy") && error.message().contains("407"), "{error}");
        assert_eq!(proxy.asked().len(), before + 1);
    }
    assert_eq!(server.connections_accepted(), 0);
}

#[test]
fn a_proxy_that_is_down_is_an_error_that_names_the_proxy() {
    let server = server();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client_with(&server, |options| {
        options.proxy = oss_upload::Proxy::Url(format!("http://user:password@{address}"));
        options.max_attempts = 1;
    });
    let scratch = Scratch::new(1000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert!(error.message().contains(&format!("proxy {address}")), "{error}");
    assert_eq!(server.connections_accepted(), 0, "there is no way around a proxy");
}

#[test]
fn what_is_no_http_proxy_is_refused() {
    for proxy in
        ["socks5://127.0.0.1:1080", "socks4://127.0.0.1:1080", "https://127.0.0.1:3128", "nonsense://x", "http://"]
    {
        let mut options = client_options(&server());
        options.proxy = oss_upload::Proxy::Url(proxy.into());
        let error = Client::new(options).expect_err(proxy);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{proxy}");
        assert!(error.message().contains("proxy"), "{error}");
    }
}

const CHILD: &str = "OSS_UPLOAD_TEST_ENDPOINT";
const CHILD_PROXY: &str = "OSS_UPLOAD_TEST_PROXY";

#[test]
fn the_environment_s_proxies_are_not_asked() {
    let server = server();
    let nowhere = "http://127.0.0.1:1";
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "proxies::child_uploads"])
        .env(CHILD, server.endpoint())
        .envs(
            ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map(|n| (n, nowhere)),
        )
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(server.objects(BUCKET), ["from-the-child"]);
}

#[test]
fn the_environment_s_proxy_leads_where_no_proxy_does_not_say_otherwise() {
    let server = server();
    let (host, port) = ("127.0.0.1", server.port());
    for (no_proxy, through) in [
        (format!("{host}:{port}"), false),
        ("10.0.0.0/8 127.0.0.0/8".into(), false),
        (format!("a.example , {host}"), false),
        (format!("{host}:{}", port ^ 1), true),
        ("192.168.0.0/16,127.0.0.2".into(), true),
    ] {
        let proxy = Proxy::start(port, None);
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--ignored", "proxies::child_uploads"])
            .env(CHILD, server.endpoint())
            .env(CHILD_PROXY, "env")
            .envs([("http_proxy", format!("http://{}", proxy.address())), ("NO_PROXY", no_proxy.clone())])
            .envs([("https_proxy", "socks5://nobody-asks-this-one"), ("HTTP_PROXY", "http://127.0.0.1:1")])
            .env_remove("no_proxy")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        assert_eq!(!proxy.asked().is_empty(), through, "{no_proxy}");
    }
}

#[test]
#[ignore = "run by others"]
fn child_uploads() {
    let mut options = client_options(&server());
    options.endpoint = Some(env::var(CHILD).unwrap());
    options.proxy = match env::var(CHILD_PROXY) {
        Ok(text) if text == "env" => oss_upload::Proxy::Environment,
        Ok(url) => oss_upload::Proxy::Url(url),
        Err(_) => oss_upload::Proxy::None,
    };
    let scratch = Scratch::new(1000);
    Client::new(options).unwrap().upload_file(upload_options("from-the-child", &scratch.file), |_, _| ()).unwrap();
}
