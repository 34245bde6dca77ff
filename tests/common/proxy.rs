//! A proxy that leads to one server, whatever host it is asked for, and remembers what it was asked: by tunnels for TLS,
//! and for plain HTTP by reading requests in absolute form, as usual proxies do.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    target: SocketAddr,
    /// What `Proxy-Authorization` must say; `None`: everybody may pass.
    authorization: Option<String>,
    /// Its response to a CONNECT that it grants.
    granted: &'static str,
    asked: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Proxy {
    /// Tunnels to `port` of this machine. With `login`, as "user:password", only for who knows it.
    pub fn start(port: u16, login: Option<&str>) -> Proxy {
        Proxy::granting(port, login, "HTTP/1.1 200 OK\r\n\r\n")
    }

    /// The same; a CONNECT that it grants is answered so.
    pub fn granting(port: u16, login: Option<&str>, granted: &'static str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the proxy");
        let address = listener.local_addr().expect("the proxy's address");
        let shared = Arc::new(Shared {
            target: (Ipv4Addr::LOCALHOST, port).into(),
            authorization: login.map(|login| format!("Basic {}", STANDARD.encode(login))),
            granted,
            asked: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let serving = shared.clone();
        let thread = thread::Builder::new().name("test-proxy".into()).spawn(move || serve(&listener, &serving));
        Proxy { shared, address, thread: Some(thread.expect("a thread for the proxy")) }
    }

    /// `host:port`, for the option.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().expect("the proxy's memory").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let shared = shared.clone();
        // A client that goes away is none of the proxy's business.
        thread::spawn(move || talk(client, &shared));
    }
}

fn talk(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let Some(head) = read_head(&mut reader)? else { return Ok(()) };
    shared.remember(&head);
    if !shared.allows(&head) {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")?;
        // A close with the body unread would take the response back.
        io::copy(&mut reader, &mut io::sink())?;
        return Ok(());
    }
    let server = TcpStream::connect(shared.target)?;
    if head.starts_with("CONNECT ") {
        // Nobody sends more than the head before it has been answered.
        client.write_all(shared.granted.as_bytes())?;
        return both_ways(client.try_clone()?, server, client);
    }
    let (responses, from_server) = (client, server.try_clone()?);
    let down = thread::spawn(move || pump(from_server, responses));
    let _ = forward(head, &mut reader, &server, shared);
    // Also when the client broke off: the server must hear so.
    let _ = server.shutdown(Shutdown::Write);
    let _ = down.join();
    Ok(())
}

fn both_ways(from: TcpStream, server: TcpStream, client: TcpStream) -> io::Result<()> {
    let to = server.try_clone()?;
    let up = thread::spawn(move || pump(from, to));
    pump(server, client);
    let _ = up.join();
    Ok(())
}

/// Hands one request after the other on, without what is the proxy's.
fn forward(
    mut head: String,
    reader: &mut BufReader<TcpStream>,
    mut server: &TcpStream,
    shared: &Shared,
) -> io::Result<()> {
    loop {
        server.write_all(in_origin_form(&head)?.as_bytes())?;
        let length = header(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
        io::copy(&mut reader.by_ref().take(length), &mut server)?;
        match read_head(reader)? {
            Some(next) => head = next,
            None => return Ok(()),
        }
        shared.remember(&head);
    }
}

/// What a proxy that reads requests refuses: a request that does not name the server.
fn in_origin_form(head: &str) -> io::Result<String> {
    let named = head.split_once(" http://").and_then(|(method, rest)| Some((method, rest.split_once('/')?)));
    let (method, (_, rest)) = named.ok_or_else(|| io::Error::other("no absolute form"))?;
    let lines = format!("{method} /{rest}");
    let kept = lines.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("proxy-"));
    Ok(kept.collect())
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

impl Shared {
    fn remember(&self, head: &str) {
        self.asked.lock().expect("the proxy's memory").push(head.to_owned());
    }

    fn allows(&self, head: &str) -> bool {
        self.authorization.as_deref().is_none_or(|wanted| header(head, "proxy-authorization") == Some(wanted))
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // Either way it is over, and each side must hear so.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
