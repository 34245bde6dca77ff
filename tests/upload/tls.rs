//! Whom a client trusts.

use oss_server::Server;
use oss_upload::{CertificateAuthorities, Client, ClientOptions, ErrorKind};

use crate::common::proxy::Proxy;
use crate::common::*;

/// The client does not trust the server, says so clearly, and does not ask again.
fn assert_distrusts(server: &Server, client: &Client, says: &str) {
    let scratch = Scratch::new(250_000);
    let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(!error.is_retryable(), "a certificate does not become better");
    assert!(error.message().contains("is not trusted") && error.message().contains(says), "{error}");
    assert_eq!(server.connections_accepted(), 1, "it is not tried again");
    assert!(server.log().is_empty(), "nothing is sent to a server that is not trusted");
}

#[test]
fn a_server_with_a_certificate_of_an_unknown_authority_is_not_trusted() {
    let tls = TlsServer::start(|_| ());
    assert_distrusts(&tls.server, &client(&tls.server), "CA file");
}

#[test]
fn a_server_with_a_certificate_of_another_authority_is_not_trusted() {
    let (tls, other) = (TlsServer::start(|_| ()), TlsServer::start(|_| ()));
    let client = tls.client_with(|options| options.certificate_authorities = other.authorities());
    assert_distrusts(&tls.server, &client, "CA file");
}

#[test]
fn a_server_with_a_certificate_of_another_name_is_not_trusted() {
    let tls = TlsServer::start(|_| ());
    let proxy = Proxy::start(tls.server.port(), None);
    let client = tls.client_with(|options| {
        options.endpoint = Some("https://files.example.com".into());
        options.cname = true;
        options.proxy = oss_upload::Proxy::Url(format!("http://{}", proxy.address()));
    });
    assert_distrusts(&tls.server, &client, "files.example.com");
}

#[test]
fn a_certificate_whose_time_has_not_come_or_is_over_names_this_machine_s_clock() {
    // What a machine meets whose clock stands at 1970, and one whose clock runs ahead.
    for (valid_days, why) in [((365, 730), "not trusted yet"), ((-730, -365), "not trusted any more")] {
        let tls = TlsServer::start(|config| config.valid_days = Some(valid_days));
        let client = tls.client_with(|_| ());
        let scratch = Scratch::new(1000);
        let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Network, false), "{error:?}");
        for word in [why, "clock says 2", "set the clock"] {
            assert!(error.message().contains(word), "{word}: {error}");
        }
        assert!(!error.message().contains("CA file"), "{error}");
        assert_eq!(tls.server.connections_accepted(), 1, "it is not tried again");
    }
}

#[test]
fn verification_can_be_switched_off() {
    let tls = TlsServer::start(|_| ());
    let client = client_with(&tls.server, |options| options.insecure_skip_verify = true);
    let scratch = Scratch::new(250_000);
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&tls.server, "key", &scratch.file);
}

#[test]
fn a_ca_file_may_have_byte_order_marks() {
    let (tls, other) = (TlsServer::start(|_| ()), TlsServer::start(|_| ()));
    let read = |path| std::fs::read_to_string(path).unwrap();
    let scratch = Scratch::new(250_000);
    let joined = scratch.path("joined.pem");
    // Two files that an editor has marked, one after the other.
    std::fs::write(&joined, format!("\u{feff}{}\u{feff}{}", read(&other.ca_file), read(&tls.ca_file))).unwrap();
    let client =
        tls.client_with(|options| options.certificate_authorities = CertificateAuthorities::File(joined.clone()));
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert_stored(&tls.server, "key", &scratch.file);
    std::fs::write(&joined, b"\xff\xfe-\0-\0").unwrap();
    let options =
        ClientOptions { certificate_authorities: CertificateAuthorities::File(joined), ..client_options(&tls.server) };
    let error = Client::new(options).unwrap_err();
    assert!(error.message().ends_with("joined.pem is UTF-16 text; save it as UTF-8"), "{error}");
}

#[test]
fn a_ca_file_that_is_missing_or_holds_no_certificate_is_an_error_at_once() {
    let server = server();
    let with = |path: std::path::PathBuf| {
        Client::new(ClientOptions {
            certificate_authorities: CertificateAuthorities::File(path),
            ..client_options(&server)
        })
        .unwrap_err()
    };
    let scratch = Scratch::new(100);
    let missing = with(scratch.path("missing.pem"));
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert!(missing.message().contains("missing.pem"), "{missing}");
    let nonsense = with(scratch.file.clone());
    assert_eq!(nonsense.kind(), ErrorKind::InvalidArgument);
    assert!(nonsense.message().contains("source.bin"), "{nonsense}");
}
