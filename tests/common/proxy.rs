//! A proxy that tunnels whatever host it is asked for to one server, and remembers what it was asked.

use std::io::{self, BufRead, BufReader, Write};
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
    asked: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Proxy {
    /// Tunnels to `port` of this machine. With `login`, as "user:password", only for who knows it.
    pub fn start(port: u16, login: Option<&str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the proxy");
        let address = listener.local_addr().expect("the proxy's address");
        let shared = Arc::new(Shared {
            target: (Ipv4Addr::LOCALHOST, port).into(),
            authorization: login.map(|login| format!("Basic {}", STANDARD.encode(login))),
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
        thread::spawn(move || tunnel(client, &shared));
    }
}

fn tunnel(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = String::new();
    // Nobody sends more than the head before it has been answered.
    let mut reader = BufReader::new(client.try_clone()?);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    shared.asked.lock().expect("the proxy's memory").push(head.clone());
    let allowed = shared.authorization.as_ref().is_none_or(|wanted| {
        head.lines().any(|line| line.eq_ignore_ascii_case(&format!("proxy-authorization: {wanted}")))
    });
    if !head.starts_with("CONNECT ") {
        return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n");
    }
    if !allowed {
        return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    }
    let server = TcpStream::connect(shared.target)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || pump(from, to));
    pump(server, client);
    let _ = up.join();
    Ok(())
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // Either way it is over, and each side must hear so.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
