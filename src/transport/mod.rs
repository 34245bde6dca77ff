//! Sends one request and returns the answer. The only room that knows ureq.
//!
//! What ureq lacks for long uploads is in a connector of our own below its TLS ([`tcp`]) and one above ([`early_answer`]):
//! interruption within a quarter of a second, timeouts about progress, a bandwidth limit, and answers that come before
//! the body has been sent.

mod early_answer;
pub(crate) mod plain;
pub(crate) mod proxy;
mod resolver;
pub(crate) mod retry;
mod tcp;
mod throttle;
mod watch;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ureq::config::{AutoHeaderValue, Config};
use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, Proxy, SendBody};

use crate::error::{Error, ErrorKind, Result};
use crate::options::ClientOptions;
use crate::os::descriptor;
use crate::oss;
pub(crate) use throttle::Throttle;
pub(crate) use watch::Limits;
use watch::{Interrupted, Watch};

/// What is read of a file goes straight into this buffer, and from there to the socket. Smaller ones cost more system
/// calls and wake the receiver more often (64 KiB an eighth more CPU time); much larger ones cost memory (benches/).
const OUTPUT_BUFFER: usize = 256 * 1024;
/// Answers are short.
const INPUT_BUFFER: usize = 16 * 1024;
/// Answers are cut here, and then make no sense: a page of ListParts has about 300 KiB, the answer to a callback 3 MiB.
const MOST_ANSWER: u64 = 4 * 1024 * 1024;
/// Connections kept for the next request; as many as there can be routines.
const IDLE_CONNECTIONS: usize = 128;
/// Shorter than servers and load balancers keep idle connections.
const IDLE_AGE: Duration = Duration::from_secs(25);
/// Putting an object together may take the server minutes: it gets this many times the usual time for an answer.
const COMPLETE_PATIENCE: u32 = 10;
/// Who pauses or cancels an upload does not want to wait for what is only tidying up.
const TIDY_PATIENCE: Duration = Duration::from_secs(2);

/// The connections of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    agent: Agent,
    /// `host:port` of the proxy, for messages.
    proxy: Option<String>,
    limits: Limits,
    throttle: Option<Arc<Throttle>>,
}

/// A body that is sent as it is read.
pub(crate) trait Body {
    /// The exact number of bytes that [`Body::read`] will give.
    fn length(&self) -> u64;

    /// Fills some of `buffer`. Must fail rather than end early: the length has been announced.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The upload is being stopped.
    Stopped {
        /// As below.
        begun: bool,
    },
    /// The body could not be read. Not the network's fault.
    Body(Error),
    /// The connection failed.
    Connection {
        kind: ErrorKind,
        message: String,
        errno: i32,
        /// The server had closed a connection that it kept from an earlier request: to be tried again at once.
        stale: bool,
        /// Some of the request may have reached the server, which may be carrying it out.
        begun: bool,
    },
    /// Trying again cannot help.
    Hopeless(Error),
}

impl Transport {
    pub(crate) fn new(options: &ClientOptions) -> Result<Self> {
        let limits =
            Limits { connect: options.connect_timeout, stall: options.stall_timeout, answer: options.stall_timeout };
        let proxy = options.proxy.as_deref().map(proxy::read).transpose()?;
        let named = proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        let agent = agent(options, proxy)?;
        let throttle = match options.max_bytes_per_second {
            0 => None,
            rate => Some(Arc::new(Throttle::new(rate, Instant::now()))),
        };
        Ok(Transport { agent, proxy: named, limits, throttle })
    }

    /// Sends `request` with its own small body or with `body`, and reads the answer. `stop` ends it at any moment.
    pub(crate) fn send(
        &self,
        request: &oss::Request,
        url: &str,
        body: Option<&mut dyn Body>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<oss::Response, Failure> {
        let length = body.as_ref().map_or(request.body.len() as u64, |body| body.length());
        let message = message(request, url, length).map_err(Failure::Hopeless)?;
        let authority = message.uri().authority().map_or("", |authority| authority.as_str());
        let limits = self.limits_for(request.operation);
        let watch = Arc::new(Watch::new(limits, stop.clone(), self.throttle.clone(), authority));
        let mut small = request.body.as_slice();
        let mut reader = match body {
            Some(body) => Source::Body { body, left: length, watch: &watch, failure: None },
            None => Source::Small(&mut small),
        };
        let answer = watch.during(|| self.exchange(message, &mut reader));
        match (answer, reader.failure()) {
            (_, Some(error)) => Err(Failure::Body(error)),
            (Ok(response), None) => Ok(response),
            (Err(error), None) => Err(failure(error, &watch, &self.way_to(&watch.authority))),
        }
    }

    fn exchange(
        &self,
        message: http::Request<()>,
        reader: &mut Source<'_>,
    ) -> std::result::Result<oss::Response, ureq::Error> {
        let mut answer = if takes_body(message.method()) {
            self.agent.run(message.map(|()| SendBody::from_reader(reader)))?
        } else {
            self.agent.run(message)?
        };
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(MOST_ANSWER).read_to_end(&mut body);
        match read {
            Err(error) if status < 300 => Err(ureq::Error::Io(error)),
            // An early answer may be cut off by the reset that follows it: its status says enough.
            _ => Ok(oss::Response { status, headers, body }),
        }
    }

    /// The server as messages name it.
    fn way_to(&self, server: &str) -> String {
        match &self.proxy {
            Some(proxy) => format!("{server} through the proxy {proxy}"),
            None => server.to_owned(),
        }
    }

    fn limits_for(&self, operation: oss::Operation) -> Limits {
        let Limits { connect, stall, answer } = self.limits;
        match operation {
            oss::Operation::CompleteMultipartUpload => {
                Limits { connect, stall, answer: answer.saturating_mul(COMPLETE_PATIENCE) }
            }
            oss::Operation::AbortMultipartUpload | oss::Operation::ListMultipartUploads => Limits {
                connect: connect.min(TIDY_PATIENCE),
                stall: stall.min(TIDY_PATIENCE),
                answer: answer.min(TIDY_PATIENCE),
            },
            _ => Limits { connect, stall, answer },
        }
    }
}

/// The body as ureq reads it.
enum Source<'a> {
    Small(&'a mut &'a [u8]),
    Body { body: &'a mut dyn Body, left: u64, watch: &'a Watch, failure: Option<Error> },
}

impl Source<'_> {
    fn failure(self) -> Option<Error> {
        match self {
            Source::Body { failure, .. } => failure,
            Source::Small(_) => None,
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (body, left, watch, failure) = match self {
            Source::Small(bytes) => return bytes.read(buffer),
            Source::Body { body, left, watch, failure } => (body, left, watch, failure),
        };
        // With a bandwidth limit no more than can leave soon: what is read counts as progress.
        let most = watch.throttle.as_ref().map_or(buffer.len(), |throttle| throttle.quantum().min(buffer.len()));
        let wanted = most.min(usize::try_from(*left).unwrap_or(usize::MAX));
        // Nobody will see these bytes: they only satisfy the announced length.
        let count = if watch.answered_early.get() { Ok(wanted) } else { body.read(&mut buffer[..wanted]) };
        match count {
            // A body that ends early would make ureq wait for ever.
            Ok(0) if *left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                *left -= count as u64;
                Ok(count)
            }
            Err(error) => {
                *failure = Some(error);
                Err(io::Error::other("the body could not be read"))
            }
        }
    }
}

fn message(request: &oss::Request, url: &str, length: u64) -> Result<http::Request<()>> {
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if builder.method_ref().is_some_and(takes_body) {
        // With a length ureq does not send in chunks.
        builder = builder.header("content-length", length);
    }
    builder.body(()).map_err(|error| Error::invalid(format!("the request cannot be made: {error}")))
}

fn takes_body(method: &http::Method) -> bool {
    matches!(*method, http::Method::PUT | http::Method::POST)
}

fn agent(options: &ClientOptions, proxy: Option<Proxy>) -> Result<Agent> {
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(tcp::TcpConnector)
            .chain(RustlsConnector::default())
            .chain(early_answer::EarlyAnswerConnector);
    Ok(Agent::with_parts(config(options, proxy)?, connector, resolver::SpreadingResolver::default()))
}

fn config(options: &ClientOptions, proxy: Option<Proxy>) -> Result<Config> {
    Ok(Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(user_agent(options.user_agent.as_deref()))
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .input_buffer_size(INPUT_BUFFER)
        .output_buffer_size(OUTPUT_BUFFER)
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .max_idle_age(IDLE_AGE)
        .tls_config(tls_config(options)?)
        .build())
}

fn user_agent(suffix: Option<&str>) -> String {
    let own = format!("oss-upload/{} ({}/{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    suffix.map_or(own.clone(), |suffix| format!("{own} {suffix}"))
}

fn tls_config(options: &ClientOptions) -> Result<TlsConfig> {
    let roots = match &options.ca_file {
        Some(path) if path.as_os_str() == "system" => RootCerts::PlatformVerifier,
        Some(path) => RootCerts::new_with_certs(&certificates(path)?),
        None => RootCerts::WebPki,
    };
    Ok(TlsConfig::builder().root_certs(roots).disable_verification(options.insecure_skip_verify).build())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let unreadable = |error| Error::os(ErrorKind::Io, format!("cannot read ca_file {}", path.display()), &error);
    let mut pem = Vec::new();
    let file = descriptor::open(|| File::open(path));
    file.and_then(|mut file| file.read_to_end(&mut pem)).map_err(unreadable)?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(Error::invalid(format!("ca_file {} holds no PEM certificate", path.display())));
    }
    Ok(found)
}

fn failure(error: ureq::Error, watch: &Watch, server: &str) -> Failure {
    let interrupted = match &error {
        ureq::Error::Io(error) => Interrupted::of(error),
        _ => None,
    };
    let begun = watch.begun.get();
    let kind = match interrupted {
        Some(Interrupted::Stopped) => return Failure::Stopped { begun },
        Some(_) => ErrorKind::Timeout,
        None if is_hopeless(&error, watch) => {
            return Failure::Hopeless(Error::new(ErrorKind::Network, explain(&error, server)));
        }
        None => ErrorKind::Network,
    };
    let errno = match &error {
        ureq::Error::Io(error) => error.raw_os_error().unwrap_or(0),
        _ => 0,
    };
    let stale = interrupted.is_none() && watch.reused.get() && !watch.answer_begun.get();
    Failure::Connection { kind, message: explain(&error, server), errno, stale, begun }
}

/// An untrusted certificate, a server that does not speak TLS or a proxy that wants another password stay so.
fn is_hopeless(error: &ureq::Error, watch: &Watch) -> bool {
    is_certificate_trouble(error)
        // Later, on a connection that has served, it would be damage on the way.
        || (is_no_tls(error) && !watch.reused.get())
        || matches!(error, ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::BadUri(_))
        || matches!(error, ureq::Error::ConnectProxyFailed(reason) if reason.contains("407"))
}

fn is_certificate_trouble(error: &ureq::Error) -> bool {
    error.to_string().contains("invalid peer certificate")
}

/// rustls's word for bytes that are no TLS record.
fn is_no_tls(error: &ureq::Error) -> bool {
    error.to_string().contains("InvalidContentType")
}

/// What is wrong with the connection to `server`, and what to do.
fn explain(error: &ureq::Error, server: &str) -> String {
    match error {
        _ if is_certificate_trouble(error) => {
            format!(
                "the certificate of {server} is not trusted ({error}); set ca_file when it is signed by your own authority"
            )
        }
        _ if is_no_tls(error) => {
            format!("{server} does not speak TLS; check the endpoint's port, or give it as http://")
        }
        ureq::Error::HostNotFound => format!("{server} has no address; check the endpoint"),
        ureq::Error::Protocol(error) => {
            format!("{server} does not speak HTTP ({error}); check the endpoint and its port")
        }
        ureq::Error::ConnectProxyFailed(reason) => format!("no way to {server}: {reason}; check the option proxy"),
        ureq::Error::Io(error) => format!("{server}: {error}"),
        error => format!("{server}: {error}"),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stopped { .. } => f.write_str("stopped"),
            Failure::Body(error) | Failure::Hopeless(error) => error.fmt(f),
            Failure::Connection { message, .. } => f.write_str(message),
        }
    }
}
