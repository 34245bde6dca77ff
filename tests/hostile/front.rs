//! Stands in front of the local OSS, answers requests of one kind in its place, and leads all others to it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::table::Row;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    PutObject,
    InitiateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    ListParts,
    Other,
}

/// What is written to the client. The number counts the requests that got it, from 0.
pub type Trick = fn(&mut dyn Write, usize) -> io::Result<()>;

pub struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Option<(Operation, Trick)>>,
    refused_part: Mutex<Option<u32>>,
    tricked: AtomicUsize,
    strangers: AtomicUsize,
}

const REFUSAL: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>";

impl Front {
    pub fn start(port: u16) -> Front {
        let shared = Arc::new(Shared::default());
        let (mine, theirs) = (shared.clone(), shared.clone());
        // No client has to know of it: redirections lead there.
        let elsewhere = serve(move |_| {
            theirs.strangers.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        let address = serve(move |client| mine.answer(client, port, elsewhere));
        Front { address, shared }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers as the row says from now on.
    pub fn set(&self, row: &Row) {
        *self.shared.refused_part.lock().unwrap() = None;
        *self.shared.answers.lock().unwrap() = Some((row.operation, row.trick));
    }

    pub fn refuse_part(&self, number: u32) {
        *self.shared.refused_part.lock().unwrap() = Some(number);
    }

    /// How many requests were answered here.
    pub fn tricked(&self) -> usize {
        self.shared.tricked.load(Ordering::Relaxed)
    }

    /// How many connections there were to where redirections lead.
    pub fn strangers(&self) -> usize {
        self.shared.strangers.load(Ordering::Relaxed)
    }
}

fn serve(answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(client));
        }
    });
    address
}

impl Shared {
    fn answer(&self, mut client: TcpStream, port: u16, elsewhere: SocketAddr) -> io::Result<()> {
        let (head, body) = request(&mut client)?;
        let operation = operation(&head);
        let refused = *self.refused_part.lock().unwrap();
        if operation == Operation::UploadPart && refused.is_some_and(|n| head.contains(&format!("partNumber={n}&"))) {
            return client.write_all(REFUSAL);
        }
        let trick = *self.answers.lock().unwrap();
        if let Some((_, trick)) = trick.filter(|(tricked, _)| *tricked == operation) {
            let number = self.tricked.fetch_add(1, Ordering::Relaxed);
            let mut out = Redirecting { client: &mut client, elsewhere };
            return trick(&mut out, number);
        }
        lead(&mut client, &head, &body, port)
    }
}

/// `ELSEWHERE` in what is written is the address of the other server.
struct Redirecting<'a> {
    client: &'a mut TcpStream,
    elsewhere: SocketAddr,
}

impl Write for Redirecting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("ELSEWHERE") => {
                self.client.write_all(text.replace("ELSEWHERE", &self.elsewhere.to_string()).as_bytes())?;
            }
            _ => self.client.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One request: its head, and its body by Content-Length.
fn request(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).expect("heads are ASCII");
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut rest = vec![0; length.unwrap_or(0_usize) - body.len()];
    client.read_exact(&mut rest)?;
    body.extend(rest);
    Ok((head, body))
}

fn operation(head: &str) -> Operation {
    let line = head.lines().next().unwrap_or_default();
    let has = |what: &str| line.contains(what);
    match line.split(' ').next().unwrap_or_default() {
        "PUT" if has("partNumber=") => Operation::UploadPart,
        "PUT" => Operation::PutObject,
        "POST" if has("uploadId=") => Operation::CompleteMultipartUpload,
        "POST" => Operation::InitiateMultipartUpload,
        "GET" if has("uploadId=") => Operation::ListParts,
        _ => Operation::Other,
    }
}

/// Asks the server, for this one request.
fn lead(client: &mut TcpStream, head: &str, body: &[u8], port: u16) -> io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (line, rest) = head.split_once("\r\n").expect("a request line");
    server.write_all(format!("{line}\r\nConnection: close\r\n{rest}").as_bytes())?;
    server.write_all(body)?;
    io::copy(&mut server, client).map(drop)
}
