//! The options: every default, limit and check, in one place.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::credentials::CredentialsSource;
use crate::error::{Error, Result};

/// The smallest part that OSS accepts, except for the last: 100 KiB.
pub const MIN_PART_SIZE: u64 = 100 * 1024;
/// The largest part that OSS accepts, and the largest body of PutObject: 5 GiB.
pub const MAX_PART_SIZE: u64 = 5 * 1024 * 1024 * 1024;
/// The default part size, as in Alibaba Cloud's contract.
pub const DEFAULT_PART_SIZE: u64 = MIN_PART_SIZE;
/// The default of `max_memory`: 64 MiB.
pub const DEFAULT_MAX_MEMORY: u64 = 64 * 1024 * 1024;
/// The maximum number of parts of an upload.
pub const MAX_PARTS: u64 = 10_000;
/// The maximum number of parts sent at the same time.
pub const MAX_ROUTINES: u32 = 100;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_MAX_ATTEMPTS: u32 = 8;
const MAX_ATTEMPTS: u32 = 1000;
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// Endpoint, credentials, and limits that all uploads of a client share.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// Host, with an optional scheme (default `https://`) and port. May be `None` when `region` is set.
    pub endpoint: Option<String>,
    /// Region, such as `cn-hangzhou`. Signature V4 requires it. `None`: the region in the endpoint, if it names one.
    pub region: Option<String>,
    /// Source of the credentials.
    pub credentials: CredentialsSource,
    /// Proxy.
    pub proxy: Proxy,
    /// Certificate authorities to trust. Messages call a file of them the CA file.
    pub certificate_authorities: CertificateAuthorities,
    /// Text to add to the `User-Agent` header, in visible ASCII.
    pub user_agent: Option<String>,
    /// Limit on the bytes per second that all uploads of this client send together, at least 1024. 0 means no limit.
    pub max_bytes_per_second: u64,
    /// Signature version.
    pub signature_version: SignatureVersion,
    /// The endpoint is a custom domain bound to the bucket.
    pub cname: bool,
    /// Put the bucket in the path, which is always done for an IP address.
    pub path_style: bool,
    /// Time to open a connection, including the name lookup and TLS. Zero means the default, 10 s.
    pub connect_timeout: Duration,
    /// Time without a byte sent or received, or without a response, after which a request is abandoned and retried.
    /// Zero means the default, 30 s.
    pub stall_timeout: Duration,
    /// Number of times a request is tried, including the first, before the upload fails. 0 means the default, 8; at
    /// most 1000.
    pub max_attempts: u32,
    /// Do not verify the server's certificate. For tests only.
    pub insecure_skip_verify: bool,
    /// How long an upload waits for new credentials when it has none, or when the server no longer accepts them. They
    /// come from the provider, which is asked from time to time, or from
    /// [`Client::set_credentials`](crate::Client::set_credentials). Meanwhile the phase is
    /// [`Phase::Waiting`](crate::Phase::Waiting). Zero means no wait: the upload fails, and can be resumed if it has a
    /// checkpoint.
    pub credentials_wait: Duration,
}

/// Proxy for OSS, and for HTTPS requests for credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// No proxy.
    #[default]
    None,
    /// From the environment variables `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, read when the client is
    /// created.
    Environment,
    /// `http://[user:password@]host:port`, for everything.
    Url(String),
}

/// Omits the login.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::None => f.write_str("None"),
            Proxy::Environment => f.write_str("Environment"),
            Proxy::Url(url) => f.debug_tuple("Url").field(&without_login(url)).finish(),
        }
    }
}

/// Certificate authorities to trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CertificateAuthorities {
    /// Those built into the library.
    #[default]
    BuiltIn,
    /// Those of the platform.
    Platform,
    /// Those in this PEM file, and no others.
    File(PathBuf),
}

/// Signature version of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// V4 if the region is known, otherwise V1.
    #[default]
    Auto,
    /// HMAC-SHA1; requires no region.
    V1,
    /// `OSS4-HMAC-SHA256`; requires a region.
    V4,
}

/// What to upload and how.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Name of the bucket.
    pub bucket: String,
    /// Name of the object.
    pub object_key: String,
    /// Path of the local file. A relative path is resolved at the time of the call, so later changes of directory do
    /// not matter. The same holds for the paths of the checkpoint.
    pub file_path: PathBuf,
    /// Size of the parts.
    pub part_size: PartSize,
    /// Number of parts sent at the same time.
    pub routines: Routines,
    /// Whether and where to keep a checkpoint, so that a later call can resume.
    pub checkpoint: Checkpoint,
    /// Headers that describe the object or control its upload, by name and value.
    pub headers: Vec<(String, String)>,
    /// What to do when the local file changes during the upload, or before it is resumed.
    pub on_file_change: OnFileChange,
    /// Whether to read parts on the server again from the local file and compare them.
    pub verify_resume: VerifyResume,
    /// Send `Content-MD5` with every body, not only with a PutObject of up to 8 MiB.
    pub content_md5: bool,
    /// Of a stream: the most bytes of it that are in memory, at least those of two parts; 0: 64 MiB. Parts have at most
    /// half of it.
    pub max_memory: u64,
    /// Of a stream: where bytes go for which there is no memory; `None`: nowhere, and the writer waits.
    pub spool: Option<SpoolOptions>,
}

/// A file without a name that takes the bytes of a stream while the network is slower than the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The existing directory that it is made in.
    pub directory: PathBuf,
    /// The most bytes that it takes; then the writer waits.
    pub limit: u64,
}

/// Size of the parts. Raised if the file would need more than 10,000 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartSize {
    /// 100 KiB, as in Alibaba Cloud's contract.
    #[default]
    Default,
    /// Chosen to suit the size of the file.
    Auto,
    /// 102,400 to 5,368,709,120 bytes.
    Bytes(u64),
}

/// Number of parts sent at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routines {
    /// One, as in Alibaba Cloud's contract.
    #[default]
    Default,
    /// Chosen by the library: at most 64 for all uploads of the client with this value.
    Auto,
    /// 1 to 100.
    Count(u32),
}

/// Whether and where to keep a checkpoint, so that a later call can resume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// None: a failed upload is aborted on the server.
    #[default]
    Off,
    /// In `<file_path>.cp`.
    BesideFile,
    /// In this file. An existing file that is not a checkpoint of this library, even an empty one, is left untouched,
    /// and the upload fails.
    File(PathBuf),
    /// In this directory, which must exist, under a name derived from the source and the destination.
    Directory(PathBuf),
}

/// What to do when the local file changes during the upload, or before it is resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFileChange {
    /// Send all parts again, at most a few times.
    #[default]
    Restart,
    /// Fail once and remove the checkpoint and the data already sent; the next call sends the file as it is then.
    Fail,
}

/// Whether to read parts on the server again from the local file and compare their CRC-64 before the object is created.
/// A part that may have changed unnoticed since this call sent it is always read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyResume {
    /// If the file's identity is in doubt (an earlier call saw a different change time, device or inode), or if the
    /// file system may not keep its own change time (FAT, FUSE, NFS, ...), so that a write can leave no trace; this
    /// also covers parts sent by this call.
    #[default]
    WhenInDoubt,
    /// Always when an upload is resumed, otherwise as [`VerifyResume::WhenInDoubt`].
    Always,
    /// Never for these reasons.
    Never,
}

impl ClientOptions {
    /// Fills in the defaults, or returns what is wrong with the options.
    pub(crate) fn checked(mut self) -> Result<Self> {
        self.connect_timeout = or_default(self.connect_timeout, DEFAULT_CONNECT_TIMEOUT);
        self.stall_timeout = or_default(self.stall_timeout, DEFAULT_STALL_TIMEOUT);
        self.max_attempts = match self.max_attempts {
            0 => DEFAULT_MAX_ATTEMPTS,
            1..=MAX_ATTEMPTS => self.max_attempts,
            n => return Err(Error::invalid(format!("max_attempts is {n}; it must be at most {MAX_ATTEMPTS}"))),
        };
        if (1..MIN_BYTES_PER_SECOND).contains(&self.max_bytes_per_second) {
            let n = self.max_bytes_per_second;
            return Err(Error::invalid(format!(
                "max_bytes_per_second is {n}; it must be 0 (no limit) or at least {MIN_BYTES_PER_SECOND}"
            )));
        }
        if let Some(text) = &self.user_agent
            && !text.bytes().all(|b| (b' '..=b'~').contains(&b))
        {
            return Err(Error::invalid("user_agent may contain only visible ASCII and spaces"));
        }
        self.credentials.check()?;
        Ok(self)
    }
}

/// Omits a password in an endpoint, where none belongs.
impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("endpoint", &self.endpoint.as_deref().map(without_login))
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy)
            .field("certificate_authorities", &self.certificate_authorities)
            .field("user_agent", &self.user_agent)
            .field("max_bytes_per_second", &self.max_bytes_per_second)
            .field("signature_version", &self.signature_version)
            .field("cname", &self.cname)
            .field("path_style", &self.path_style)
            .field("connect_timeout", &self.connect_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("max_attempts", &self.max_attempts)
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .field("credentials_wait", &self.credentials_wait)
            .finish()
    }
}

/// The text after the last `@` of a URL.
fn without_login(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn or_default(given: Duration, default: Duration) -> Duration {
    if given.is_zero() { default } else { given }
}

impl PartSize {
    /// The requested size in bytes, or `None` for [`PartSize::Auto`].
    pub(crate) fn bytes(self) -> Result<Option<u64>> {
        match self {
            PartSize::Default => Ok(Some(DEFAULT_PART_SIZE)),
            PartSize::Auto => Ok(None),
            PartSize::Bytes(n @ MIN_PART_SIZE..=MAX_PART_SIZE) => Ok(Some(n)),
            PartSize::Bytes(n) => Err(Error::invalid(format!(
                "part_size is {n}; it must be {MIN_PART_SIZE} to {MAX_PART_SIZE} bytes, or automatic"
            ))),
        }
    }
}

impl Routines {
    /// The requested number, or `None` for [`Routines::Auto`]. `name` is that of the option.
    pub(crate) fn count(self, name: &str) -> Result<Option<u32>> {
        match self {
            Routines::Default => Ok(Some(1)),
            Routines::Auto => Ok(None),
            Routines::Count(n @ 1..=MAX_ROUTINES) => Ok(Some(n)),
            Routines::Count(n) => {
                Err(Error::invalid(format!("{name} is {n}; it must be 1 to {MAX_ROUTINES}, or automatic")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credentials;

    #[test]
    fn part_sizes_keep_to_the_limits_of_oss() {
        assert_eq!(PartSize::Default.bytes().unwrap(), Some(102_400));
        assert_eq!(PartSize::Bytes(102_400).bytes().unwrap(), Some(102_400));
        assert_eq!(PartSize::Bytes(5 << 30).bytes().unwrap(), Some(5 << 30));
        assert!(PartSize::Bytes(102_399).bytes().unwrap_err().message().contains("102399"));
        assert!(PartSize::Bytes((5 << 30) + 1).bytes().is_err());
        assert!(PartSize::Bytes(0).bytes().is_err());
    }

    #[test]
    fn routines_are_1_to_100() {
        assert_eq!(Routines::Default.count("routines").unwrap(), Some(1));
        assert_eq!(Routines::Count(100).count("routines").unwrap(), Some(100));
        assert!(Routines::Count(101).count("routines").is_err());
        assert!(Routines::Count(0).count("routines").is_err());
    }

    #[test]
    fn client_limits_are_checked() {
        let with = |edit: fn(&mut ClientOptions)| {
            let mut options = ClientOptions::default();
            edit(&mut options);
            options.checked()
        };
        assert_eq!(with(|_| ()).unwrap().max_attempts, 8);
        assert_eq!(with(|_| ()).unwrap().stall_timeout, Duration::from_secs(30));
        assert!(with(|o| o.max_attempts = 1001).is_err());
        assert!(with(|o| o.max_bytes_per_second = 1023).is_err());
        assert!(with(|o| o.user_agent = Some("a\r\nb".into())).is_err());
        assert!(with(|o| o.credentials = CredentialsSource::Given(Credentials::new("", "x", None))).is_err());
    }
}
