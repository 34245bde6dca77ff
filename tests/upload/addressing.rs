//! The ways to name the server and the bucket.

use oss_server::Server;
use oss_upload::{ClientOptions, ErrorKind, Result, UploadResult};

use crate::common::proxy::Proxy;
use crate::common::*;

/// Uploads in parts to `endpoint`, a name that only the proxy knows.
fn upload_by_name(server: &Server, endpoint: String, edit: impl FnOnce(&mut ClientOptions)) -> Result<UploadResult> {
    let proxy = Proxy::start(server.port(), None);
    let client = client_with(server, |options| {
        options.endpoint = Some(endpoint);
        options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address()));
        edit(options);
    });
    let scratch = Scratch::new(250_000);
    let result = client.upload_file(upload_options("dir/key", &scratch.file), |_, _| ())?;
    assert_stored(server, "dir/key", &scratch.file);
    Ok(result)
}

fn assert_hosts(server: &Server, host: &str) {
    let log = server.log();
    assert!(!log.is_empty() && log.iter().all(|entry| entry.headers["host"] == host), "{log:?}");
}

#[test]
fn a_domain_has_its_buckets_as_hosts_below_it() {
    let server = server_with(|config| config.domain = Some("oss.test".into()));
    upload_by_name(&server, "http://oss.test:8080".into(), |_| ()).unwrap();
    assert_hosts(&server, "test-bucket.oss.test:8080");
    server.clear_log();
    upload_by_name(&server, "http://oss.test".into(), |_| ()).unwrap();
    assert_hosts(&server, "test-bucket.oss.test");
}

#[test]
fn a_domain_has_its_buckets_as_hosts_below_it_over_https() {
    let tls = TlsServer::start(|config| config.domain = Some("oss.test".into()));
    let authorities = tls.authorities();
    upload_by_name(&tls.server, "oss.test".into(), |options| options.certificate_authorities = authorities).unwrap();
    assert_hosts(&tls.server, "test-bucket.oss.test");
}

#[test]
fn a_custom_domain_stands_for_its_bucket() {
    let server = server_with(|config| config.cname = [("files.example.com".into(), BUCKET.into())].into());
    upload_by_name(&server, "http://files.example.com".into(), |options| options.cname = true).unwrap();
    assert_hosts(&server, "files.example.com");
}

#[test]
fn an_address_or_the_path_style_has_the_bucket_in_the_path() {
    let server = server();
    upload_by_name(&server, server.endpoint(), |_| ()).unwrap();
    assert_hosts(&server, &format!("127.0.0.1:{}", server.port()));
    server.clear_log();
    upload_by_name(&server, "http://localhost:9000".into(), |options| options.path_style = true).unwrap();
    assert_hosts(&server, "localhost:9000");
}

#[test]
fn path_style_on_a_domain_is_the_server_s_error_with_advice() {
    let server = server_with(|config| config.domain = Some("oss.test".into()));
    let error = upload_by_name(&server, "http://oss.test".into(), |options| options.path_style = true).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Service, "SecondLevelDomainForbidden"));
    assert!(error.message().contains("path_style"), "{error}");
}

#[test]
fn a_name_is_looked_up() {
    let server = server();
    let client = client_with(&server, |options| {
        options.endpoint = Some(format!("http://localhost:{}", server.port()));
        options.path_style = true;
    });
    let scratch = Scratch::new(1000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}

#[test]
fn an_ipv6_address_is_reached() {
    let server = server_with(|config| config.listen = "[::1]:0".into());
    let client = client_with(&server, |options| options.endpoint = Some(format!("http://[::1]:{}", server.port())));
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&server, "key", &scratch.file);
}
