//! The floor: the least that it takes to bring a file's bytes to a local OSS with ordinary means.
//!
//! Each thread has one connection, takes the next part, writes a fixed request head, then reads the file by position
//! into one buffer and writes that to the socket. Nothing is signed, checked, counted, recorded or tried again. With a
//! certificate the same bytes go through rustls.
//!
//! usage: floor ADDRESS BUCKET FILE PART_SIZE THREADS [CA.PEM]

use std::fs::File;
use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Smaller ones cost more; larger ones gain nothing.
const BUFFER: usize = 256 * 1024;

trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

struct Floor {
    address: String,
    path: String,
    tls: Option<Arc<ClientConfig>>,
}

impl Floor {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let host = self.address.rsplit_once(':').expect("ADDRESS is host:port").0.to_owned();
        let name = ServerName::try_from(host).expect("a host");
        let session = ClientConnection::new(tls.clone(), name).expect("a TLS session");
        Ok(Box::new(StreamOwned::new(session, stream)))
    }

    fn send(&self, connection: &mut dyn Connection, buffer: &mut [u8], file: &File, part: Part<'_>) -> Result<()> {
        let head = format!(
            "PUT {}?partNumber={}&uploadId={} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            self.path, part.number, part.upload_id, self.address, part.size
        );
        connection.write_all(head.as_bytes())?;
        let mut done = 0;
        while done < part.size {
            let wanted = (part.size - done).min(buffer.len() as u64) as usize;
            let count = file.read_at(&mut buffer[..wanted], part.offset + done)?;
            assert!(count > 0, "the file got shorter");
            connection.write_all(&buffer[..count])?;
            done += count as u64;
        }
        response(connection).map(|_| ())
    }

    fn ask(&self, query: &str, body: &str) -> Result<String> {
        let mut connection = self.connect()?;
        let length = body.len();
        let head =
            format!("POST {}?{query} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n", self.path, self.address);
        connection.write_all(head.as_bytes())?;
        connection.write_all(body.as_bytes())?;
        response(&mut *connection)
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    upload_id: &'a str,
    number: u64,
    offset: u64,
    size: u64,
}

/// Head and body of a response, which must be a good one.
fn response(connection: &mut dyn Connection) -> Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(head) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let lines = String::from_utf8_lossy(&text[..head]).to_lowercase();
            assert!(lines.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(&text));
            let length = lines.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if text.len() >= head + 4 + length {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
        }
        let count = connection.read(&mut buffer)?;
        assert!(count > 0, "the server went away");
        text.extend_from_slice(&buffer[..count]);
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let from = text.find(before)? + before.len();
    Some(&text[from..from + text[from..].find(after)?])
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, bucket, file, part_size, threads, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: floor ADDRESS BUCKET FILE PART_SIZE THREADS [CA.PEM]");
        std::process::exit(2);
    };
    let part_size: u64 = part_size.parse().expect("PART_SIZE is a number");
    let threads: usize = threads.parse().expect("THREADS is a number");
    let tls = rest.first().map(|path| Arc::new(trusting(&PathBuf::from(path))));
    let floor = Floor { address: address.clone(), path: format!("/{bucket}/floor"), tls };
    let file = File::open(file)?;
    let size = file.metadata()?.len();

    let opened = floor.ask("uploads", "")?;
    let upload_id = between(&opened, "<UploadId>", "</UploadId>").expect("an upload id");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            let mut connection = floor.connect()?;
            let mut buffer = vec![0; BUFFER];
            loop {
                let offset = next.fetch_add(part_size, Ordering::Relaxed);
                if offset >= size {
                    return Ok(());
                }
                let part = Part { upload_id, number: offset / part_size + 1, offset, size: part_size.min(size - offset) };
                floor.send(&mut *connection, &mut buffer, &file, part)?;
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker that does not panic"))
    })?;
    // The object is not put together: that would take the ETags, which nobody has kept.
    Ok(())
}

fn trusting(ca_file: &PathBuf) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(ca_file).expect("a certificate");
    roots.add(certificate).expect("an authority");
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}
