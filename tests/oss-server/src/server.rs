//! The server as a value: started by a call, stopped when it is dropped.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::config::{AccessKey, Config, Policy};
use crate::connection;
use crate::fault::FaultScript;
use crate::log::LogEntry;
use crate::request::is_bucket_name;
use crate::shared::Shared;
use crate::store::{Object, Upload};
use crate::tls::Tls;

/// A running server. Dropping it stops it.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A stored object.
#[derive(Debug, Clone)]
pub struct StoredObject {
    /// The content; empty when the storage discards it.
    pub bytes: Bytes,
    /// The size of the content.
    pub size: u64,
    /// Its CRC-64.
    pub crc64: u64,
    /// The ETag, without quotes.
    pub etag: String,
    /// The headers that describe it, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many parts it was made of; 0 when it was put in one go.
    pub parts: u32,
    /// Its version, on a versioned server.
    pub version_id: Option<String>,
}

/// An upload that is neither completed nor aborted.
#[derive(Debug, Clone)]
pub struct PendingUpload {
    /// The key that it will be stored under.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// The headers that it was initiated with, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its parts, by number.
    pub parts: Vec<PendingPart>,
}

/// A part of a [`PendingUpload`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPart {
    /// From 1 to 10000.
    pub number: u32,
    /// The size of the content.
    pub size: u64,
    /// The ETag, without quotes.
    pub etag: String,
    /// The CRC-64 of the content.
    pub crc64: u64,
}

impl Server {
    /// Starts a server in threads of its own, and returns when it listens.
    ///
    /// # Errors
    /// When the address, a bucket's name, the fault script, the storage folder or the log file is no good.
    pub fn start(mut config: Config) -> io::Result<Self> {
        check(&config)?;
        config.domain = config.domain.map(|domain| domain.to_ascii_lowercase());
        config.cname = config.cname.into_iter().map(|(host, bucket)| (host.to_ascii_lowercase(), bucket)).collect();
        let tls = if config.tls { Some(make_tls(&config)?) } else { None };
        if let (Some(path), Some(tls)) = (&config.ca_file, &tls) {
            std::fs::write(path, &tls.ca_pem)?;
        }
        let listener = std::net::TcpListener::bind(config.listen.as_str())?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config)?);
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("oss-server").enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(connection::accept(shared.clone(), listener, acceptor));
        // The runtime lives in a thread of its own: it must not be dropped in a task of somebody else's.
        let thread = std::thread::Builder::new().name("oss-server".into()).spawn(move || run(runtime, stopped))?;
        Ok(Self { shared, address, ca_pem: tls.map(|tls| tls.ca_pem), stop: Some(stop), thread: Some(thread) })
    }

    /// The URL of the server, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The certificate of the authority that signed the server's one.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.ca_pem.clone()
    }

    /// A stored object.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        let object = self.shared.store.object(bucket, key).ok()?;
        let Object { size, crc64, etag, headers, parts, version_id, blob, .. } = (*object).clone();
        let (bytes, etag, headers) = (blob.to_bytes().ok()?, etag.to_string(), headers.into());
        Some(StoredObject { bytes, size, crc64, etag, headers, parts, version_id })
    }

    /// Removes an object; whether there was one.
    pub fn remove_object(&self, bucket: &str, key: &str) -> bool {
        self.object(bucket, key).is_some() && self.shared.store.delete_object(bucket, key).is_ok()
    }

    /// The keys of a bucket, sorted.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        self.shared.store.view(bucket, |bucket| bucket.objects.keys().cloned().collect()).unwrap_or_default()
    }

    /// The uploads of a bucket that are neither completed nor aborted.
    #[must_use]
    pub fn uploads(&self, bucket: &str) -> Vec<PendingUpload> {
        let list = self.shared.store.view(bucket, |bucket| bucket.uploads.iter().map(pending).collect());
        list.unwrap_or_default()
    }

    /// Creates a bucket, unless it is there.
    ///
    /// # Errors
    /// When the name is no good, or the storage folder cannot be written to.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        check_bucket(bucket)?;
        self.shared.store.create_bucket(bucket)
    }

    /// What has been logged so far, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.log.since(0)
    }

    /// How many requests have been logged.
    #[must_use]
    pub fn log_length(&self) -> usize {
        self.shared.log.length()
    }

    /// Forgets the log.
    pub fn clear_log(&self) {
        self.shared.log.clear();
    }

    /// Replaces the fault script; all counts start anew.
    pub fn set_faults(&self, script: FaultScript) {
        self.shared.set_faults(script);
    }

    /// No faults from now on.
    pub fn clear_faults(&self) {
        self.shared.set_faults(FaultScript::default());
    }

    /// Changes what requests are allowed to do.
    pub fn set_policy(&self, policy: Policy) {
        self.shared.set_policy(policy);
    }

    /// Sets the server's clock so many seconds ahead of the machine's.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.clock.set(seconds);
    }

    /// Adds a key, or replaces the one of that id.
    pub fn add_access_key(&self, key: AccessKey) {
        self.shared.keys.add(key);
    }

    /// Ends the key that has this id or this token; false when there is none.
    pub fn expire_token(&self, id_or_token: &str) -> bool {
        self.shared.keys.expire(id_or_token)
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections_accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections there are, those that have gone while a request of theirs is carried out among them.
    #[must_use]
    pub fn open_connections(&self) -> u64 {
        self.shared.open.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in that thread has been reported already.
            let _ = thread.join();
        }
    }
}

fn run(runtime: Runtime, stopped: oneshot::Receiver<()>) {
    // The sender is dropped, not used: an error is the signal.
    let _ = runtime.block_on(stopped);
    runtime.shutdown_timeout(Duration::from_secs(2));
}

fn check(config: &Config) -> io::Result<()> {
    config.faults.check().map_err(invalid)?;
    config.buckets.iter().chain(config.cname.values()).try_for_each(|bucket| check_bucket(bucket))
}

fn check_bucket(bucket: &str) -> io::Result<()> {
    if is_bucket_name(bucket) { Ok(()) } else { Err(invalid(format!("{bucket:?} is no name for a bucket"))) }
}

fn make_tls(config: &Config) -> io::Result<Tls> {
    let domain = config.domain.iter().flat_map(|domain| [domain.clone(), format!("*.{domain}")]);
    Tls::new(domain.chain(config.cname.keys().cloned()), config.valid_days, config.tls_flaw)
        .map_err(|error| invalid(error.to_string()))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn pending((upload_id, upload): (&String, &Upload)) -> PendingUpload {
    let parts = upload.parts.iter().map(|(number, part)| PendingPart {
        number: *number,
        size: part.size,
        etag: part.etag.to_string(),
        crc64: part.crc64,
    });
    PendingUpload {
        key: upload.key.clone(),
        upload_id: upload_id.clone(),
        headers: upload.headers.clone(),
        parts: parts.collect(),
    }
}
