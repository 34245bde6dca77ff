//! What the integration tests share: a local OSS in this process, clients for it, and files to upload.
#![allow(dead_code, reason = "each test binary uses some of it")]

pub mod callback;
pub mod children;
pub mod fixture;
pub mod proxy;
pub mod relay;
pub mod system;
pub mod traces;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use oss_server::{Config, FaultScript, LogEntry, Server};
use oss_upload::{
    CertificateAuthorities, Client, ClientOptions, Credentials, CredentialsSource, PartSize, Routines, UploadOptions,
};

pub const BUCKET: &str = "test-bucket";
pub const ID: &str = "test-id";
pub const SECRET: &str = "test-secret";
/// The smallest part, so that small files have many.
pub const PART: u64 = 102_400;

/// One of the cases of a table: how it differs from the usual options.
pub type Edit<'a, T> = Box<dyn Fn(&mut T) + 'a>;

pub fn server() -> Server {
    server_with(|_| ())
}

pub fn server_with(edit: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config { buckets: vec![BUCKET.into()], ..Config::default() };
    edit(&mut config);
    Server::start(config).expect("the local OSS starts")
}

/// Options that fail fast: tests do not wait for what will not come.
pub fn client_options(server: &Server) -> ClientOptions {
    ClientOptions {
        endpoint: Some(server.endpoint()),
        region: Some("cn-hangzhou".into()),
        credentials: CredentialsSource::Given(Credentials::new(ID, SECRET, None)),
        connect_timeout: Duration::from_secs(2),
        stall_timeout: Duration::from_secs(2),
        max_attempts: 4,
        ..ClientOptions::default()
    }
}

pub fn client(server: &Server) -> Client {
    client_with(server, |_| ())
}

pub fn client_with(server: &Server, edit: impl FnOnce(&mut ClientOptions)) -> Client {
    let mut options = client_options(server);
    edit(&mut options);
    Client::new(options).expect("the client options are right")
}

/// Uploads `file` as `key` in parts of [`PART`] bytes, three at a time.
pub fn upload_options(key: &str, file: &Path) -> UploadOptions {
    UploadOptions {
        bucket: BUCKET.into(),
        object_key: key.into(),
        file_path: file.into(),
        part_size: PartSize::Bytes(PART),
        routines: Routines::Count(3),
        ..UploadOptions::default()
    }
}

/// A directory with a file of `size` bytes that repeat nowhere within a part.
pub struct Scratch {
    pub dir: tempfile::TempDir,
    pub file: PathBuf,
}

impl Scratch {
    pub fn new(size: usize) -> Scratch {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("source.bin");
        fs::write(&file, content(size, 1)).expect("the source file is written");
        Scratch { dir, file }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).expect("the source file is read")
    }
}

/// `size` bytes that depend on `seed` (xorshift).
pub fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// The requests that the server answered, of one operation, such as "UploadPart".
pub fn requests(server: &Server, operation: &str) -> Vec<LogEntry> {
    server.log().into_iter().filter(|entry| entry.operation == operation).collect()
}

pub fn faults(server: &Server, json: &str) {
    server.set_faults(FaultScript::from_json(json).expect("the fault script is right"));
}

/// The object under `key` is the file, byte for byte, and nothing else of it is left on the server.
pub fn assert_stored(server: &Server, key: &str, file: &Path) {
    let object = server.object(BUCKET, key).unwrap_or_else(|| panic!("no object {key}"));
    assert!(object.bytes == fs::read(file).expect("the source file is read"), "{key} is not the file");
    assert!(server.uploads(BUCKET).is_empty(), "an upload is left behind: {:?}", server.uploads(BUCKET));
}

/// A server that speaks TLS, and the file with the authority that it is trusted by.
pub struct TlsServer {
    pub server: Server,
    pub ca_file: PathBuf,
    _dir: tempfile::TempDir,
}

impl TlsServer {
    pub fn start(edit: impl FnOnce(&mut Config)) -> TlsServer {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ca_file = dir.path().join("ca.pem");
        let server = server_with(|config| {
            config.tls = true;
            config.ca_file = Some(ca_file.clone());
            edit(config);
        });
        TlsServer { server, ca_file, _dir: dir }
    }

    pub fn authorities(&self) -> CertificateAuthorities {
        CertificateAuthorities::File(self.ca_file.clone())
    }

    pub fn client_with(&self, edit: impl FnOnce(&mut ClientOptions)) -> Client {
        client_with(&self.server, |options| {
            options.certificate_authorities = self.authorities();
            edit(options);
        })
    }
}

/// Waits for what must come soon; what does not come fails the test.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
