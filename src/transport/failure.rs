//! Why there is no response, in the words of this library.

use std::fmt;

use super::buffers::MOST_HEAD;
use super::context::{Interrupted, RequestContext};
use super::no_thread::NoThread;
use super::tls;
use crate::error::{Error, ErrorKind};

/// Why there is no response.
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
    /// There is a response, but it cannot be read. The server has carried the request out, perhaps.
    Response(Error),
    /// Trying again cannot help.
    Permanent(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Stopped { .. } => f.write_str("stopped"),
            Failure::Body(error) | Failure::Response(error) | Failure::Permanent(error) => error.fmt(f),
            Failure::Connection { message, .. } => f.write_str(message),
        }
    }
}

/// What `error` means for a request to `server`.
pub(super) fn failure(error: ureq::Error, context: &RequestContext, server: &str) -> Failure {
    let interrupted = match &error {
        ureq::Error::Io(error) => Interrupted::of(error),
        _ => None,
    };
    let begun = context.begun.get();
    if let Some(error) = NoThread::of(&error) {
        let (kind, errno, message) = (error.kind(), error.os_errno(), error.message().to_owned());
        return Failure::Connection { kind, message, errno, stale: false, begun };
    }
    let kind = match interrupted {
        Some(Interrupted::Stopped) => return Failure::Stopped { begun },
        _ if is_too_long(&error) || interrupted == Some(Interrupted::Endless) => {
            return Failure::Response(Error::new(ErrorKind::Network, explain(&error, server)));
        }
        Some(_) => ErrorKind::Timeout,
        None if is_hopeless(&error, context) => {
            return Failure::Permanent(Error::new(ErrorKind::Network, explain(&error, server)));
        }
        None => ErrorKind::Network,
    };
    let errno = match &error {
        ureq::Error::Io(error) => error.raw_os_error().unwrap_or(0),
        _ => 0,
    };
    let stale = interrupted.is_none() && context.reused.get() && !context.response_begun.get();
    Failure::Connection { kind, message: explain(&error, server), errno, stale, begun }
}

/// The proxy `proxy`, which reads the request, has answered 407 in place of `server`.
pub(super) fn proxy_wants_login(server: &str) -> Failure {
    let error = ureq::Error::ConnectProxyFailed("the proxy returned 407".into());
    Failure::Permanent(Error::new(ErrorKind::Network, explain(&error, server)))
}

/// An untrusted certificate, a server that does not speak TLS or a proxy that says no stay so.
fn is_hopeless(error: &ureq::Error, context: &RequestContext) -> bool {
    tls::distrust(error).is_some()
        // Later, on a connection that has served, it would be damage on the way.
        || (is_no_tls(error) && !context.reused.get())
        || matches!(error, ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::BadUri(_))
        || matches!(error, ureq::Error::ConnectProxyFailed(reason) if is_refusal(reason))
}

/// Whether a proxy says no to the request, and not to the moment (408, 429).
fn is_refusal(reason: &str) -> bool {
    let status = reason.rsplit(' ').next().and_then(|status| status.parse::<u16>().ok());
    status.is_some_and(|status| (400..500).contains(&status) && ![408, 429].contains(&status))
}

/// The same response would come again: it is as it is.
fn is_too_long(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::LargeResponseHeader(..)) || has_too_many_headers(error)
}

/// ureq-proto's word for it.
fn has_too_many_headers(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Protocol(error) if error.to_string().contains("too many headers"))
}

/// rustls's word for bytes that are no TLS record.
fn is_no_tls(error: &ureq::Error) -> bool {
    error.to_string().contains("InvalidContentType")
}

/// What is wrong with the connection to `server`, and what to do.
pub(super) fn explain(error: &ureq::Error, server: &str) -> String {
    if let Some(why) = tls::distrust(error) {
        return format!("the certificate of {server} is not trusted {why}");
    }
    match error {
        _ if is_no_tls(error) => {
            format!("{server} does not speak TLS; check the endpoint's port, or begin it with http://")
        }
        _ if is_too_long(error) => {
            let limit = MOST_HEAD / 1024;
            format!(
                "the head of the response of {server} is too long: more than {limit} KiB, or more than 128 headers; the \
                 request may have been carried out; check what a gateway or proxy adds to responses"
            )
        }
        ureq::Error::HostNotFound => format!("{server} has no address; check the endpoint"),
        ureq::Error::Protocol(error) => {
            format!("{server} does not speak HTTP ({error}); check the endpoint and its port")
        }
        ureq::Error::ConnectProxyFailed(reason) if reason.ends_with("407") => format!(
            "cannot reach {server}: {reason}, it requires other credentials; set them in the option proxy, as \
             http://user:password@host:port"
        ),
        ureq::Error::ConnectProxyFailed(reason) => format!("cannot reach {server}: {reason}; check the option proxy"),
        ureq::Error::Io(error) => format!("{server}: {error}"),
        error => format!("{server}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_s_refusal_stays_and_its_trouble_passes() {
        for status in [400, 403, 404, 405, 407] {
            assert!(is_refusal(&format!("the proxy returned {status}")), "{status}");
        }
        for other in ["the proxy returned 408", "the proxy returned 429", "the proxy returned 503", "it closed", ""] {
            assert!(!is_refusal(other), "{other}");
        }
    }
}
