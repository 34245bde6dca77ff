//! What a caller may ask for: every default, limit and check, once.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::credentials::CredentialsSource;
use crate::error::{Error, Result};

/// The smallest part that OSS takes, unless it is the last: 100 KiB.
pub const MIN_PART_SIZE: u64 = 100 * 1024;
/// The largest part that OSS takes, and the largest body of PutObject: 5 GiB.
pub const MAX_PART_SIZE: u64 = 5 * 1024 * 1024 * 1024;
/// The part size when the caller names none, as Alibaba Cloud's contract has it.
pub const DEFAULT_PART_SIZE: u64 = MIN_PART_SIZE;
/// The most bytes of a stream that are in memory, unless the caller says otherwise: 64 MiB.
pub const DEFAULT_MAX_MEMORY: u64 = 64 * 1024 * 1024;
/// The most parts that one upload may have.
pub const MAX_PARTS: u64 = 10_000;
/// The most parts that may be sent at the same time.
pub const MAX_ROUTINES: u32 = 100;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_MAX_ATTEMPTS: u32 = 8;
const MAX_ATTEMPTS: u32 = 1000;
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// Where the server is, who signs, and limits that all uploads of a client share.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// Host with an optional scheme (`https://` by default) and port; `None` when `region` is given.
    pub endpoint: Option<String>,
    /// `cn-hangzhou`; `None` takes it from the endpoint when that names one. Signature V4 needs it.
    pub region: Option<String>,
    /// Who signs the requests.
    pub credentials: CredentialsSource,
    /// Which proxy leads to the server.
    pub proxy: Proxy,
    /// Whose certificates are trusted. Messages call a file of them the CA file.
    pub certificate_authorities: CertificateAuthorities,
    /// Added to the `User-Agent` header: visible ASCII.
    pub user_agent: Option<String>,
    /// Bytes per second that all uploads may send together; 0: no limit, else at least 1024.
    pub max_bytes_per_second: u64,
    /// Which signature to use.
    pub signature_version: SignatureVersion,
    /// The endpoint is a custom domain bound to the bucket.
    pub cname: bool,
    /// Put the bucket in the path, as an IP address always does.
    pub path_style: bool,
    /// To open a connection, name look-up and TLS included; zero: 10 s.
    pub connect_timeout: Duration,
    /// Without any byte moved, or without a response, after which a request is given up and tried again; zero: 30 s.
    pub stall_timeout: Duration,
    /// How often a request is tried before the upload fails, the first time included; 0: 8, at most 1000.
    pub max_attempts: u32,
    /// Do not verify the server's certificate. For tests only.
    pub insecure_skip_verify: bool,
    /// How long an upload waits for new credentials when there are none, or the server takes them no more: from the
    /// provider, which is asked now and then, or from [`Client::set_credentials`](crate::Client::set_credentials).
    /// Meanwhile its phase is [`Phase::Waiting`](crate::Phase::Waiting). Zero: not at all; it fails, and can be resumed.
    pub credentials_wait: Duration,
}

/// Which proxy leads to the server, and to services that give credentials and speak TLS.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// None.
    #[default]
    None,
    /// What the environment variables `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say when the client is made.
    Environment,
    /// `http://[user:password@]host:port`, for everything.
    Url(String),
}

/// Shows no login.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::None => f.write_str("None"),
            Proxy::Environment => f.write_str("Environment"),
            Proxy::Url(url) => f.debug_tuple("Url").field(&without_login(url)).finish(),
        }
    }
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CertificateAuthorities {
    /// Those that the library brings along.
    #[default]
    BuiltIn,
    /// Those that the platform trusts.
    Platform,
    /// Those in this PEM file, and no others.
    File(PathBuf),
}

/// Which signature requests carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// V4 when the region is known, else V1.
    #[default]
    Auto,
    /// HMAC-SHA1; needs no region.
    V1,
    /// `OSS4-HMAC-SHA256`; needs a region.
    V4,
}

/// What to upload, and how.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Name of the bucket.
    pub bucket: String,
    /// Name of the object.
    pub object_key: String,
    /// Path of the local file. A relative one means what it means at the time of the call, wherever the program goes
    /// meanwhile; so do those of the checkpoint.
    pub file_path: PathBuf,
    /// How large the parts are.
    pub part_size: PartSize,
    /// How many parts are sent at the same time.
    pub routines: Routines,
    /// Whether progress survives this call, and where it is kept.
    pub checkpoint: Checkpoint,
    /// Headers that describe the object or steer its upload, by name and value.
    pub headers: Vec<(String, String)>,
    /// What happens when the local file changes during the upload, or between two calls of it.
    pub on_file_change: OnFileChange,
    /// Whether parts that are on the server are read again.
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

/// How large the parts are. Raised when the file would need more than 10,000 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartSize {
    /// 100 KiB, as Alibaba Cloud's contract has it.
    #[default]
    Default,
    /// Chosen from the file's size.
    Auto,
    /// 102,400 to 5,368,709,120 bytes.
    Bytes(u64),
}

/// How many parts are sent at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routines {
    /// One, as Alibaba Cloud's contract has it.
    #[default]
    Default,
    /// Chosen by the library, for all uploads of the client together that leave it to the library: at most 64.
    Auto,
    /// 1 to 100.
    Count(u32),
}

/// Whether progress survives this call, and where it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// Nowhere: a failed upload is aborted on the server.
    #[default]
    Off,
    /// In `<file_path>.cp`.
    BesideFile,
    /// In this file. One that is there, and is no checkpoint of this library, is left alone, also an empty one.
    File(PathBuf),
    /// In this directory, which must exist, under a name made from the source and the destination.
    Directory(PathBuf),
}

/// What happens when the local file changes during the upload, or between two calls of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFileChange {
    /// All parts are sent again, a few times at the most.
    #[default]
    Restart,
    /// The upload fails, once: what was sent and the checkpoint are removed, and the next call sends the file as it is
    /// then.
    Fail,
}

/// Whether parts that are on the server are read again from the local file before the object is made, and their CRC-64
/// compared. A part that may have changed unseen since this call sent it is always read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyResume {
    /// When the file's identity is in doubt: an earlier call has seen another change time, device or inode. And, also for
    /// what this call sends, where the file system is not known to keep a change time of its own (FAT, FUSE, NFS, ...):
    /// there a write can leave no trace.
    #[default]
    WhenInDoubt,
    /// Always, when an upload is resumed; else as [`VerifyResume::WhenInDoubt`].
    Always,
    /// Never for these reasons.
    Never,
}

impl ClientOptions {
    /// These options with defaults filled in, or what is wrong with them.
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
            return Err(Error::invalid("user_agent may hold visible ASCII and blanks only"));
        }
        self.credentials.check()?;
        Ok(self)
    }
}

/// Shows no password in an endpoint, where none belongs.
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

/// What follows the last `@` of a URL.
fn without_login(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn or_default(given: Duration, default: Duration) -> Duration {
    if given.is_zero() { default } else { given }
}

impl PartSize {
    /// The bytes asked for, or `None` for [`PartSize::Auto`].
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
    /// The number asked for, or `None` for [`Routines::Auto`].
    pub(crate) fn count(self) -> Result<Option<u32>> {
        match self {
            Routines::Default => Ok(Some(1)),
            Routines::Auto => Ok(None),
            Routines::Count(n @ 1..=MAX_ROUTINES) => Ok(Some(n)),
            Routines::Count(n) => {
                Err(Error::invalid(format!("routines is {n}; it must be 1 to {MAX_ROUTINES}, or automatic")))
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
        assert_eq!(Routines::Default.count().unwrap(), Some(1));
        assert_eq!(Routines::Count(100).count().unwrap(), Some(100));
        assert!(Routines::Count(101).count().is_err());
        assert!(Routines::Count(0).count().is_err());
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
