//! The server as a program.

#![forbid(unsafe_code)]

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use oss_server::{AccessKey, Config, EtagMode, FaultScript, LogTarget, Policy, Quirks, Server, Storage};

/// A local OSS for tests.
///
/// Prints one line of JSON when it is ready: where it listens, the region, the first access key, the buckets. Serves
/// until SIGTERM or SIGINT. README.md documents the fault script and the pages below /_server/.
#[derive(Parser)]
#[command(name = "oss-server", version)]
struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// Where objects live: memory, discard (sizes and checksums only, for benchmarks), or a folder
    #[arg(long, value_name = "memory|discard|DIR", default_value = "memory")]
    storage: String,
    /// A bucket that exists from the start; may be repeated
    #[arg(long = "bucket", value_name = "NAME", default_value = "test-bucket")]
    buckets: Vec<String>,
    /// Who may sign requests; may be repeated
    #[arg(long = "access-key", value_name = "ID:SECRET[:TOKEN]", default_value = "test-id:test-secret")]
    #[arg(value_parser = access_key)]
    access_keys: Vec<AccessKey>,
    /// The region that version 4 signatures must name
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// Serve HTTPS with a certificate made now, for localhost, 127.0.0.1, ::1 and the names given
    #[arg(long)]
    tls: bool,
    /// Where to write the certificate of the authority to trust
    #[arg(long, value_name = "PATH", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// A fault script to start with
    #[arg(long, value_name = "FILE.json")]
    faults: Option<PathBuf>,
    /// Where to write one line of JSON a request; - is standard error; none keeps no log in memory either
    #[arg(long, value_name = "FILE|-|none")]
    log: Option<String>,
    /// Seconds that the server's clock is ahead of the machine's
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// What requests may do; put-only is what oss:PutObject alone allows
    #[arg(long, value_enum, default_value_t = PolicyName::All)]
    policy: PolicyName,
    /// Let unsigned requests in
    #[arg(long)]
    allow_anonymous: bool,
    /// Serve buckets as hosts below this name
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// Serve a bucket under a host of its own; may be repeated
    #[arg(long, value_name = "HOST=BUCKET", value_parser = cname)]
    cname: Vec<(String, String)>,
    /// The most entries that any page of a list holds
    #[arg(long, value_name = "N")]
    list_page: Option<usize>,
    /// Requests a second of the account, over all connections; what goes beyond is 503
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_requests_per_second: Option<u32>,
    /// Bytes a second of the account, over all connections; what goes beyond is 503
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_bytes_per_second: Option<u64>,
    /// How ETags are made: the MD5, or a fast stand-in from the CRC64 for benchmarks
    #[arg(long, value_enum, default_value_t = EtagName::Md5)]
    etag: EtagName,
    /// Give every object a version id
    #[arg(long)]
    versioned: bool,
    /// A deviation in the shape of responses; may be repeated
    #[arg(long = "quirk", value_enum, value_name = "NAME")]
    quirks: Vec<Quirk>,
    /// Seconds without a byte after which a body is answered with RequestTimeout
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    body_timeout: f64,
    /// How long the rest of a body is taken in and thrown away after an early response
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500)]
    linger: u64,
    /// Stop at the end of standard input, so that the server ends with its parent
    #[arg(long)]
    exit_with_stdin: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum PolicyName {
    All,
    PutOnly,
}

#[derive(Clone, Copy, ValueEnum)]
enum EtagName {
    Md5,
    Crc,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Quirk {
    /// XML with a namespace
    Xmlns,
    /// Blanks around the values of XML elements
    Blanks,
    /// No HashCrc64ecma in lists of parts
    NoPartCrc,
    /// Keys stay unencoded although encoding-type=url was asked for
    IgnoreEncodingType,
    /// No response tells a CRC64
    NoCrc,
}

fn access_key(text: &str) -> Result<AccessKey, String> {
    match text.splitn(3, ':').collect::<Vec<_>>().as_slice() {
        [id, secret] if !id.is_empty() => Ok(AccessKey::new(*id, *secret)),
        [id, secret, token] if !id.is_empty() => Ok(AccessKey::with_token(*id, *secret, *token)),
        _ => Err("expected ID:SECRET or ID:SECRET:TOKEN".into()),
    }
}

fn cname(text: &str) -> Result<(String, String), String> {
    let (host, bucket) = text.split_once('=').ok_or("expected HOST=BUCKET")?;
    Ok((host.to_owned(), bucket.to_owned()))
}

impl Options {
    fn config(self) -> Result<Config, String> {
        let quirk = |quirk| self.quirks.contains(&quirk);
        let quirks = Quirks {
            xmlns: quirk(Quirk::Xmlns),
            blanks: quirk(Quirk::Blanks),
            no_part_crc: quirk(Quirk::NoPartCrc),
            ignore_encoding_type: quirk(Quirk::IgnoreEncodingType),
            no_crc: quirk(Quirk::NoCrc),
        };
        Ok(Config {
            quirks,
            storage: match self.storage.as_str() {
                "memory" => Storage::Memory,
                "discard" => Storage::Discard,
                folder => Storage::Folder(folder.into()),
            },
            faults: self.faults.map(|path| read_faults(&path)).transpose()?.unwrap_or_default(),
            log: match self.log.as_deref() {
                None => LogTarget::Memory,
                Some("none") => LogTarget::None,
                Some("-") => LogTarget::Stderr,
                Some(path) => LogTarget::File(path.into()),
            },
            policy: match self.policy {
                PolicyName::All => Policy::All,
                PolicyName::PutOnly => Policy::PutOnly,
            },
            etag: match self.etag {
                EtagName::Md5 => EtagMode::Md5,
                EtagName::Crc => EtagMode::Crc,
            },
            listen: self.listen,
            buckets: self.buckets,
            access_keys: self.access_keys,
            region: self.region,
            tls: self.tls,
            ca_file: self.ca_file,
            valid_days: None,
            tls_flaw: None,
            domain: self.domain,
            cname: self.cname.into_iter().collect(),
            list_page: self.list_page,
            max_requests_per_second: self.max_requests_per_second,
            max_bytes_per_second: self.max_bytes_per_second,
            clock_offset: self.clock_offset,
            allow_anonymous: self.allow_anonymous,
            versioned: self.versioned,
            body_timeout: Duration::try_from_secs_f64(self.body_timeout).map_err(|error| error.to_string())?,
            linger: Duration::from_millis(self.linger),
        })
    }
}

fn read_faults(path: &std::path::Path) -> Result<FaultScript, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    FaultScript::from_json(&text).map_err(|error| named(&error))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let exit_with_stdin = options.exit_with_stdin;
    match options.config().and_then(|config| serve(config, exit_with_stdin)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oss-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config, exit_with_stdin: bool) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let key = config.access_keys.first().cloned();
    let ready = serde_json::json!({
        "region": config.region,
        "access_key_id": key.as_ref().map(|key| key.id.clone()),
        "access_key_secret": key.as_ref().map(|key| key.secret.clone()),
        "buckets": config.buckets,
        "ca_file": config.ca_file,
    });
    // Signals are caught before anyone knows that the server is there.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    let _context = runtime.enter();
    let told_to_end = told_to_end().map_err(text)?;
    let server = Server::start(config).map_err(text)?;
    print_ready(&server, ready);
    let (parent, mut parent_left) = tokio::sync::oneshot::channel::<()>();
    if exit_with_stdin {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
            let _ = parent.send(());
        });
    }
    runtime.block_on(async {
        tokio::select! {
            () = told_to_end => {}
            _ = &mut parent_left, if exit_with_stdin => {}
        }
    });
    drop(server);
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
#[cfg(unix)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(windows)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

fn print_ready(server: &Server, mut ready: serde_json::Value) {
    ready["endpoint"] = server.endpoint().into();
    ready["port"] = server.port().into();
    println!("{ready}");
}
