//! Any bytes as what a server says, and as proxies.

use std::cell::OnceCell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use ureq::http::Uri;

use super::no_proxy::NoProxy;
use super::proxy::Proxies;
use super::{Body, Lent, Transport};
use crate::error::Result;
use crate::http::{Method, Request};
use crate::options::{self, ClientOptions};

/// A server that says what it is given, once for each connection.
struct Server {
    address: SocketAddr,
    says: Sender<Vec<u8>>,
    has_said: Receiver<()>,
    transport: Transport,
}

thread_local! {
    static SERVER: OnceCell<Server> = const { OnceCell::new() };
}

/// More than sockets buffer would keep a server that does not read busy.
struct Zeros(u64);

impl Body for Zeros {
    fn length(&self) -> u64 {
        self.0
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        buffer.fill(0);
        Ok(buffer.len())
    }

    fn lend(&mut self, _most: usize) -> Result<Option<Lent>> {
        Ok(None)
    }
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let ((says, told), (done, has_said)) = (channel(), channel());
        thread::spawn(move || serve(&listener, &told, &done));
        let options = ClientOptions {
            connect_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
            ..ClientOptions::default()
        };
        let proxies = Proxies::read(&options::Proxy::None, |_| None).expect("no proxies");
        Server {
            address,
            says,
            has_said,
            transport: Transport::new(&options, Arc::new(proxies)).expect("the options are right"),
        }
    }
}

fn serve(listener: &TcpListener, told: &Receiver<Vec<u8>>, done: &Sender<()>) {
    for (client, script) in listener.incoming().flatten().zip(told) {
        // The client may have gone.
        let _ = say(client, &script);
        let _ = done.send(());
    }
}

/// The first byte says when: at once, or after a first look at the request. The others are said in pieces, with a 0 between.
fn say(mut client: TcpStream, script: &[u8]) -> std::io::Result<()> {
    let (when, words) = script.split_first().unwrap_or((&0, &[]));
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_millis(2)))?;
    let mut buffer = vec![0; 64 * 1024];
    if when & 1 == 1 {
        let _ = client.read(&mut buffer)?;
    }
    for piece in words.split(|byte| *byte == 0) {
        client.write_all(piece)?;
        thread::yield_now();
    }
    client.shutdown(Shutdown::Write)?;
    // A reset would take away what the client has not read yet.
    while client.read(&mut buffer)? > 0 {}
    Ok(())
}

/// A request with a body to a server that says the input. It comes to an end, with a response or without.
pub fn conversation(input: &[u8]) {
    SERVER.with(|server| {
        let Server { address, says, has_said, transport } = server.get_or_init(Server::start);
        says.send(input.to_vec()).expect("the server lives");
        let url = format!("http://{address}/key");
        let headers = vec![("host", "localhost")];
        let request = Request { method: Method::Put, url: &url, headers, body: &[], limits: transport.limits() };
        let size = if input.first().is_some_and(|when| when & 2 == 2) { 256 * 1024 } else { 10 };
        match transport.send(&request, Some(&mut Zeros(size)), &Arc::default()) {
            Ok(response) => {
                assert!((100..1000).contains(&response.status), "{}", response.status);
                assert!(response.body.len() <= input.len(), "{:?}", response.body);
            }
            Err(failure) => assert!(failure.to_string().len() < 4096, "{failure}"),
        }
        // The next one must find this connection closed.
        has_said.recv().expect("the server lives");
    });
}

/// The input is a proxy, and then a list of those that need none.
pub fn proxies(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (proxy, exempt) = text.split_once('\n').unwrap_or((&text, ""));
    let list = NoProxy::read(exempt);
    for host in ["localhost", "127.0.0.1", "[::1]", "::1", "bucket.oss-cn-hangzhou.aliyuncs.com", ""] {
        for port in [0, 80, 443, u16::MAX] {
            list.matches(host, port);
        }
    }
    match Proxies::read(&options::Proxy::Url(proxy.to_owned()), |_| None) {
        Ok(proxies) => assert!(proxies.lead_to(&Uri::from_static("http://example.com"))),
        Err(error) => assert!(error.message().len() < 4096),
    }
    let of_environment = Proxies::read(&options::Proxy::Environment, |name| match name {
        "http_proxy" => Some(proxy.to_owned()),
        "no_proxy" => Some(exempt.to_owned()),
        _ => None,
    });
    assert!(of_environment.is_ok(), "it fails when it is needed");
}
