//! Small requests that are not OSS's: those that fetch credentials.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ureq::{Agent, SendBody, http};
use zeroize::Zeroizing;

use super::connections::Connections;
use super::context::RequestContext;
use super::failure::{Failure, explain, failure};
use super::proxy::{Proxies, is_encrypted};
use super::{Limits, takes_body};
use crate::error::{Error, ErrorKind, Result};
use crate::options::ClientOptions;

/// A response of more bytes than this is refused.
const MOST_RESPONSE: u64 = 64 * 1024;

/// One request. It follows no redirects, which may lead anywhere.
pub(crate) struct PlainRequest<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
    /// To open a connection.
    pub connect: Duration,
    /// From the last byte of the request to the last byte of the response.
    pub response: Duration,
}

/// Its response, of whatever status.
pub(crate) struct PlainResponse {
    pub status: u16,
    pub date: Option<String>,
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is none.
pub(crate) struct PlainFailure {
    pub error: Error,
    /// There was a connection.
    pub reached: bool,
}

/// Connections of its own. Only what is encrypted goes through the client's proxy: the rest stays in this machine and
/// its own network.
pub(crate) struct Plain(Connections);

impl Plain {
    pub(crate) fn new(options: &ClientOptions, proxies: Arc<Proxies>) -> Result<Self> {
        Ok(Plain(Connections::new(options, proxies)?))
    }

    /// Sends `request` and reads the response; once more when the server had closed a kept connection.
    pub(crate) fn send(
        &self,
        request: &PlainRequest<'_>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<PlainResponse, PlainFailure> {
        match self.try_once(request, stop) {
            Err(Failure::Connection { stale: true, .. }) => self.try_once(request, stop),
            response => response,
        }
        .map_err(|failure| match failure {
            Failure::Stopped { begun } => {
                let error = Error::new(ErrorKind::Network, "stopped").with_retryable(true);
                PlainFailure { error, reached: begun }
            }
            // A response that is of no use, or an address that is none.
            Failure::Body(error) | Failure::Response(error) | Failure::Permanent(error) => {
                PlainFailure { error, reached: true }
            }
            Failure::Connection { kind, message, errno, begun, .. } => {
                let error = Error::new(kind, message).with_errno(errno).with_retryable(true);
                PlainFailure { error, reached: begun }
            }
        })
    }

    fn try_once(
        &self,
        request: &PlainRequest<'_>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<PlainResponse, Failure> {
        let message = message(request).map_err(Failure::Permanent)?;
        let limits = Limits { connect: request.connect, stall: request.response, response: request.response };
        let context = Arc::new(RequestContext::new(limits, stop.clone(), None));
        let way = if is_encrypted(message.uri()) {
            self.0.to(message.uri()).map_err(Failure::Permanent)?
        } else {
            self.0.direct()
        };
        let server = way.name(message.uri().authority().map_or("", |authority| authority.as_str()));
        context.during(|| exchange(way.agent, message, request.body)).map_err(|error| {
            match error {
                // What was read may hold a secret.
                ureq::Error::BodyExceedsLimit(_) => {
                    Failure::Permanent(Error::new(ErrorKind::Network, explain(&error, &server)))
                }
                error => failure(error, &context, &server),
            }
        })
    }
}

fn exchange(
    agent: &Agent,
    message: http::Request<()>,
    mut body: &[u8],
) -> std::result::Result<PlainResponse, ureq::Error> {
    let mut response = if takes_body(message.method()) {
        agent.run(message.map(|()| SendBody::from_reader(&mut body)))?
    } else {
        agent.run(message)?
    };
    let status = response.status().as_u16();
    let date = response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
    // Never grows, so that no copies are left behind.
    let mut body = Zeroizing::new(Vec::with_capacity(MOST_RESPONSE as usize + 1));
    response.body_mut().as_reader().take(MOST_RESPONSE + 1).read_to_end(&mut body)?;
    if body.len() as u64 > MOST_RESPONSE {
        return Err(ureq::Error::BodyExceedsLimit(MOST_RESPONSE));
    }
    Ok(PlainResponse { status, date, body })
}

fn message(request: &PlainRequest<'_>) -> Result<http::Request<()>> {
    let mut builder = http::Request::builder().method(request.method).uri(request.url);
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    if builder.method_ref().is_some_and(takes_body) {
        builder = builder.header("content-length", request.body.len());
    }
    // The error may repeat a header.
    builder.body(()).map_err(|_| Error::invalid("the request for credentials cannot be made: check its address"))
}
