//! What a server is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::FaultScript;

/// Everything that a server can be told at its start. The default is a memory server on a free loopback port.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: String,
    /// Where objects live.
    pub storage: Storage,
    /// Buckets that exist from the start.
    pub buckets: Vec<String>,
    /// Who may sign requests.
    pub access_keys: Vec<AccessKey>,
    /// The region that version 4 signatures must name.
    pub region: String,
    /// Serve HTTPS, with a certificate made at the start for `localhost`, `127.0.0.1` and `::1`.
    pub tls: bool,
    /// Where to write the certificate of the authority that signed the server's one.
    pub ca_file: Option<PathBuf>,
    /// The first and the last day of the certificate, counted from now; `None`: it is valid at any time.
    pub valid_days: Option<(i64, i64)>,
    /// What is wrong with the certificate.
    pub tls_flaw: Option<TlsFlaw>,
    /// Serve buckets as hosts below this name.
    pub domain: Option<String>,
    /// Custom domains: host to bucket.
    pub cname: BTreeMap<String, String>,
    /// What requests are allowed to do.
    pub policy: Policy,
    /// The most entries that any page of a list holds, whatever the client asks for.
    pub list_page: Option<usize>,
    /// Requests a second that the account may make, over all connections. What goes beyond is 503 with
    /// `x-oss-qos-delay-time`.
    pub max_requests_per_second: Option<u32>,
    /// Bytes of bodies a second that the account may send, over all connections.
    pub max_bytes_per_second: Option<u64>,
    /// Deviations in the shape of responses.
    pub quirks: Quirks,
    /// Seconds that the server's clock is ahead of the machine's.
    pub clock_offset: i64,
    /// How ETags are made.
    pub etag: EtagMode,
    /// Let unsigned requests in.
    pub allow_anonymous: bool,
    /// Give every stored object a version id.
    pub versioned: bool,
    /// Where to write the log.
    pub log: LogTarget,
    /// Faults from the start.
    pub faults: FaultScript,
    /// How long a body may send nothing before the response is `RequestTimeout`.
    pub body_timeout: Duration,
    /// How long a connection takes in, and throws away, the rest of a body that was answered early.
    pub linger: Duration,
}

/// A certificate that no client should trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFlaw {
    /// Nobody has signed it but itself.
    SelfSigned,
    /// It is good for clients, not for servers.
    ForClients,
    /// It is signed by a certificate that may not sign any, which the authority has signed.
    SignedByServer,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            storage: Storage::Memory,
            buckets: vec!["test-bucket".into()],
            access_keys: vec![AccessKey::new("test-id", "test-secret")],
            region: "cn-hangzhou".into(),
            tls: false,
            ca_file: None,
            valid_days: None,
            tls_flaw: None,
            domain: None,
            cname: BTreeMap::new(),
            policy: Policy::All,
            list_page: None,
            max_requests_per_second: None,
            max_bytes_per_second: None,
            quirks: Quirks::default(),
            clock_offset: 0,
            etag: EtagMode::Md5,
            allow_anonymous: false,
            versioned: false,
            log: LogTarget::Memory,
            faults: FaultScript::default(),
            body_timeout: Duration::from_secs(60),
            linger: Duration::from_millis(500),
        }
    }
}

/// Where objects live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory.
    Memory,
    /// Nowhere: sizes, checksums and headers are kept, bytes are not. For benchmarks.
    Discard,
    /// In a folder, where they outlive the server.
    Folder(PathBuf),
}

/// A key that signs requests.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The public part.
    pub id: String,
    /// The secret part.
    pub secret: String,
    /// The token that temporary keys come with.
    #[serde(default)]
    pub token: Option<String>,
    /// Whether the token has run out.
    #[serde(default)]
    pub expired: bool,
}

impl AccessKey {
    /// A permanent key.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into(), token: None, expired: false }
    }

    /// A temporary key.
    #[must_use]
    pub fn with_token(id: impl Into<String>, secret: impl Into<String>, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..Self::new(id, secret) }
    }
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("expired", &self.expired).finish_non_exhaustive()
    }
}

/// What requests are allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Everything.
    #[default]
    All,
    /// Only what `oss:PutObject` allows: no list, no HEAD, no GET, no abort.
    PutOnly,
}

/// How ETags of objects and parts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EtagMode {
    /// The MD5 of the content, as OSS does it.
    #[default]
    Md5,
    /// A fast stand-in made of CRC64 and size, for benchmarks. `Content-MD5` is still checked when sent.
    Crc,
}

/// Deviations in the shape of responses that a client must live with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Put a namespace into XML, as the documentation shows it. Alibaba Cloud's own oss2 cannot read that.
    pub xmlns: bool,
    /// Put blanks and newlines around the values of XML elements.
    pub blanks: bool,
    /// Leave `HashCrc64ecma` out of lists of parts.
    pub no_part_crc: bool,
    /// Do as if `encoding-type=url` had not been asked for.
    pub ignore_encoding_type: bool,
    /// Know no CRC64 of objects and parts: no response has the header, as for objects older than it.
    pub no_crc: bool,
}

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogTarget {
    /// Nowhere: there is none. For benchmarks.
    None,
    /// Only to memory, where the others keep it too.
    #[default]
    Memory,
    /// To standard error.
    Stderr,
    /// To a file, at its end.
    File(PathBuf),
}
