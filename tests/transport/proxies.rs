//! Through a proxy, or not.

use std::env;
use std::net::TcpListener;
use std::process::Command;

use oss_upload::{Client, ErrorKind};

use crate::common::proxy::Proxy;
use crate::common::*;

const LOGIN: &str = "user:p@ss:word/";
/// The same in a URL.
const LOGIN_IN_URL: &str = "user:p%40ss%3Aword%2F";

fn upload(server: &oss_server::Server, client: &Client) {
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(server, "key", &scratch.file);
    for entry in server.log() {
        assert!(!entry.headers.keys().any(|name| name.starts_with("proxy-")), "what is the proxy's: {entry:?}");
    }
}

#[test]
fn a_proxy_with_a_login_leads_to_an_http_server() {
    let server = server();
    let proxy = Proxy::start(server.port(), Some(LOGIN));
    let client =
        client_with(&server, |options| options.proxy = Some(format!("http://{LOGIN_IN_URL}@{}", proxy.address())));
    upload(&server, &client);
    assert!(!proxy.asked().is_empty() && proxy.asked().len() <= 3, "tunnels are kept: {:?}", proxy.asked());
    assert!(proxy.asked().iter().all(|head| head.starts_with(&format!("CONNECT 127.0.0.1:{} ", server.port()))));
}

#[test]
fn a_proxy_with_a_login_leads_to_an_https_server_and_sees_nothing_of_the_talk() {
    let tls = TlsServer::start(|_| ());
    let proxy = Proxy::start(tls.server.port(), Some(LOGIN));
    let client = tls.client_with(|options| options.proxy = Some(format!("http://{LOGIN_IN_URL}@{}", proxy.address())));
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
        let client = client_with(&server, |options| options.proxy = Some(format!("http://{login}{}", proxy.address())));
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
        options.proxy = Some(format!("http://user:password@{address}"));
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
        options.proxy = Some(proxy.into());
        let error = Client::new(options).expect_err(proxy);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{proxy}");
        assert!(error.message().contains("proxy"), "{error}");
    }
}

const CHILD: &str = "OSS_UPLOAD_TEST_ENDPOINT";

#[test]
fn the_environment_s_proxies_are_not_asked() {
    let server = server();
    let nowhere = "http://127.0.0.1:1";
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "proxies::child_uploads_without_a_proxy"])
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
#[ignore = "run by the_environment_s_proxies_are_not_asked"]
fn child_uploads_without_a_proxy() {
    let mut options = client_options(&server());
    options.endpoint = Some(env::var(CHILD).unwrap());
    let scratch = Scratch::new(1000);
    Client::new(options).unwrap().upload_file(upload_options("from-the-child", &scratch.file), |_, _| ()).unwrap();
}
