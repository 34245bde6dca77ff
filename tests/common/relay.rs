//! A relay in front of the local OSS that holds requests and responses, so that a test can act at an exact moment.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// So little is taken in ahead that a client with a large body is stopped in the middle of it.
const RECEIVE_BUFFER: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    target: SocketAddr,
    holds: Mutex<Vec<Hold>>,
    ended: AtomicBool,
}

/// What is held, and how it is told and released.
struct Hold {
    moment: Moment,
    reached: SyncSender<()>,
    released: Receiver<Fate>,
}

#[derive(Clone, Debug, PartialEq)]
enum Moment {
    /// The head of a request has come; the server knows nothing of it.
    Request(String),
    /// The server has answered; the client knows nothing of it.
    Response(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Pass,
    Cut,
}

/// One request or response that is held until this is released or dropped.
pub struct Gate {
    moment: Moment,
    reached: Receiver<()>,
    release: SyncSender<Fate>,
}

impl Gate {
    /// Waits until the moment has come.
    pub fn reached(&self) {
        let come = self.reached.recv_timeout(PATIENCE);
        assert!(come.is_ok(), "{:?} has not come", self.moment);
    }

    /// Whether the moment has come already.
    pub fn is_reached(&self) -> bool {
        self.reached.try_recv().is_ok()
    }

    /// Lets it pass.
    pub fn release(self) {
        let _ = self.release.try_send(Fate::Pass);
    }

    /// Ends the connection: a lost request, or a lost response.
    pub fn cut(self) {
        let _ = self.release.try_send(Fate::Cut);
    }
}

impl Relay {
    /// Relays to `port` of this machine.
    pub fn start(port: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the relay");
        socket2::SockRef::from(&listener).set_recv_buffer_size(RECEIVE_BUFFER).expect("a small buffer");
        let address = listener.local_addr().expect("the relay's address");
        let target = (Ipv4Addr::LOCALHOST, port).into();
        let shared = Arc::new(Shared { target, holds: Mutex::default(), ended: AtomicBool::new(false) });
        let serving = shared.clone();
        let thread = thread::Builder::new().name("test-relay".into()).spawn(move || serve(&listener, &serving));
        Relay { shared, address, thread: Some(thread.expect("a thread for the relay")) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds the next request of this kind, such as "UploadPart 3" or "CompleteMultipartUpload".
    pub fn hold_request(&self, kind: &str) -> Gate {
        self.hold(Moment::Request(kind.to_owned()))
    }

    /// Holds the response to the next request of this kind.
    pub fn hold_response(&self, kind: &str) -> Gate {
        self.hold(Moment::Response(kind.to_owned()))
    }

    fn hold(&self, moment: Moment) -> Gate {
        // Room for one: nobody has to be there to take it.
        let ((reached, hear), (release, released)) = (sync_channel(1), sync_channel(1));
        let hold = Hold { moment: moment.clone(), reached, released };
        self.shared.holds.lock().expect("the relay's holds").push(hold);
        Gate { moment, reached: hear, release }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn pass(&self, moment: &Moment) -> Fate {
        let hold = {
            let mut holds = self.holds.lock().expect("the relay's holds");
            let Some(at) = holds.iter().position(|hold| hold.moment == *moment) else { return Fate::Pass };
            holds.remove(at)
        };
        let _ = hold.reached.try_send(());
        match hold.released.recv_timeout(PATIENCE) {
            Ok(fate) => fate,
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => Fate::Pass,
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let shared = shared.clone();
        // Who goes away, and when, is what the tests are about.
        thread::spawn(move || converse(client, &shared));
    }
}

fn converse(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(shared.target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let asked: Arc<Mutex<String>> = Arc::default();
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    let (answering, asking) = (shared.clone(), asked.clone());
    let down = thread::spawn(move || {
        let _ = responses(from.try_clone()?, to.try_clone()?, &answering, &asking);
        from.shutdown(Shutdown::Both).and(to.shutdown(Shutdown::Both))
    });
    let _ = requests(client.try_clone()?, server.try_clone()?, shared, &asked);
    // The server hears that nothing more comes; what it still answers may go down.
    let _ = server.shutdown(Shutdown::Write);
    let _ = down.join();
    Ok(())
}

fn requests(client: TcpStream, mut server: TcpStream, shared: &Shared, asked: &Mutex<String>) -> io::Result<()> {
    let mut client = BufReader::with_capacity(16 * 1024, client);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if client.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&head);
        let kind = kind_of(&text);
        asked.lock().expect("what is asked").clone_from(&kind);
        if shared.pass(&Moment::Request(kind)) == Fate::Cut {
            client.get_ref().shutdown(Shutdown::Both)?;
            return server.shutdown(Shutdown::Both);
        }
        server.write_all(&head)?;
        io::copy(&mut client.by_ref().take(content_length(&text)), &mut server)?;
    }
}

fn responses(mut server: TcpStream, mut client: TcpStream, shared: &Shared, asked: &Mutex<String>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        // There is one request at a time on a connection: the first bytes after it are its response.
        let kind = std::mem::take(&mut *asked.lock().expect("what is asked"));
        if !kind.is_empty() && shared.pass(&Moment::Response(kind)) == Fate::Cut {
            return Ok(());
        }
        client.write_all(&buffer[..count])?;
    }
}

/// The operation of a request, and its part's number.
fn kind_of(head: &str) -> String {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let value = |name: &str| {
        query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find(|pair| pair.0 == name)
    };
    match (method, value("partNumber"), value("uploads"), value("uploadId")) {
        ("PUT", Some((_, number)), ..) => format!("UploadPart {number}"),
        ("PUT", ..) => "PutObject".into(),
        ("POST", _, Some(_), _) => "InitiateMultipartUpload".into(),
        ("POST", ..) => "CompleteMultipartUpload".into(),
        ("GET", _, Some(_), _) => "ListMultipartUploads".into(),
        ("GET", _, _, Some(_)) => "ListParts".into(),
        ("HEAD", ..) => "HeadObject".into(),
        ("DELETE", ..) => "AbortMultipartUpload".into(),
        _ => format!("{method} {target}"),
    }
}

fn content_length(head: &str) -> u64 {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}
