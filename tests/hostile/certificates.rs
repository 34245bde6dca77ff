//! Certificates that nobody should trust, and TLS that ends or breaks anywhere.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use oss_server::TlsFlaw;
use oss_upload::ErrorKind;

use crate::common::*;
use crate::{TIME, alone, hurried};

/// Those of another name, of another authority, and out of their time are in tests/upload/tls.rs.
#[test]
fn a_certificate_that_may_not_speak_for_the_server_is_not_trusted() {
    let _alone = alone();
    for flaw in [TlsFlaw::SelfSigned, TlsFlaw::ForClients, TlsFlaw::SignedByServer] {
        let tls = TlsServer::start(|config| config.tls_flaw = Some(flaw));
        let client = tls.client_with(hurried);
        let scratch = Scratch::new(1000);
        let error = client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Network, false), "{flaw:?}: {error:?}");
        assert!(error.message().contains("is not trusted"), "{flaw:?}: {error}");
        assert!(tls.server.log().is_empty(), "{flaw:?}: something was sent to it");
    }
}

/// As docs/promises.md has it.
const PLACES: usize = 32;

/// What happens to what the server says, after so many bytes of it.
#[derive(Clone, Copy, Debug)]
enum Break {
    End,
    Flip,
}

/// Leads to `port`, for one connection after the other.
fn breaking(port: u16, what: Break, after: usize) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || relay(client, port, what, after));
        }
    });
    own
}

fn relay(mut client: TcpStream, port: u16, what: Break, after: usize) -> io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from_client, &mut to_server));
    io::copy(&mut (&mut server).take(after as u64), &mut client)?;
    if let Break::Flip = what {
        let mut byte = [0];
        server.read_exact(&mut byte)?;
        client.write_all(&[byte[0] ^ 1])?;
        io::copy(&mut server, &mut client)?;
    }
    client.shutdown(Shutdown::Both)?;
    server.shutdown(Shutdown::Both)
}

#[test]
fn tls_that_ends_or_breaks_anywhere_is_a_network_error_in_time() {
    let _alone = alone();
    // The handshake of the server has about 1,000 bytes; its response, with what TLS adds, about 700.
    let places: Vec<usize> = (0..12).chain((20..1800).step_by(89)).collect();
    assert_eq!(places.len(), PLACES);
    for what in [Break::End, Break::Flip] {
        let mut broken = 0;
        for after in &places {
            let tls = TlsServer::start(|_| ());
            let port = breaking(tls.server.port(), what, *after);
            let client = tls.client_with(|options| {
                hurried(options);
                options.max_attempts = 1;
                options.endpoint = Some(format!("https://127.0.0.1:{port}"));
            });
            let scratch = Scratch::new(1000);
            let start = Instant::now();
            let ended = client.upload_file(upload_options("key", &scratch.file), |_, _| ());
            assert!(start.elapsed() < TIME, "{what:?} after {after}: {:?}", start.elapsed());
            match ended {
                Ok(_) => assert_stored(&tls.server, "key", &scratch.file),
                Err(error) => {
                    let is_expected = [ErrorKind::Network, ErrorKind::Timeout].contains(&error.kind());
                    assert!(is_expected, "{what:?} after {after}: {error:?}");
                    broken += 1;
                }
            }
        }
        assert!(broken > places.len() / 2, "{what:?}: {broken} of {}", places.len());
    }
}
