//! Small requests that are not OSS's: those that fetch credentials.

use std::io::Read;
use std::sync::Arc;

use ureq::{SendBody, http};
use zeroize::Zeroizing;

use super::agents::Agents;
use super::connections::Connections;
use super::context::RequestContext;
use super::failure::{Failure, explain, failure};
use super::message::{headers, message, takes_body};
use super::proxy::{Proxies, is_encrypted};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{NoResponse, Request, Response};
use crate::options::ClientOptions;
use crate::sync::atomic::AtomicBool;

/// A response of more bytes than this is refused.
const MOST_RESPONSE: u64 = 64 * 1024;

/// Connections of its own. Only what is encrypted goes through the client's proxy: the rest stays in this machine and
/// its own network.
pub(crate) struct Plain(Connections);

impl Plain {
    pub(crate) fn new(options: &ClientOptions, proxies: Arc<Proxies>) -> Result<Self> {
        Ok(Plain(Connections::new(options, proxies)?))
    }

    /// Sends `request` and reads the response; once more when the server had closed a kept connection. Redirects, which may
    /// lead anywhere, are not followed.
    pub(crate) fn send(
        &self,
        request: &Request<'_>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<Response, NoResponse> {
        match self.attempt(request, stop) {
            Err(Failure::Connection { stale: true, .. }) => self.attempt(request, stop),
            response => response,
        }
        .map_err(|failure| match failure {
            Failure::Stopped { begun } => {
                let error = Error::new(ErrorKind::Network, "stopped").with_retryable(true);
                NoResponse { error, reached: begun }
            }
            // A response that is of no use, or an address that is none.
            Failure::Body(error) | Failure::Response(error) | Failure::Permanent(error) => {
                NoResponse { error, reached: true }
            }
            Failure::Connection { kind, message, errno, begun, .. } => {
                let error = Error::new(kind, message).with_errno(errno).with_retryable(true);
                NoResponse { error, reached: begun }
            }
        })
    }

    fn attempt(&self, request: &Request<'_>, stop: &Arc<AtomicBool>) -> std::result::Result<Response, Failure> {
        // The error may repeat a header.
        let message = message(request, request.body.len() as u64).map_err(|_| {
            Failure::Permanent(Error::invalid("the request for credentials cannot be made: check its address"))
        })?;
        let context = Arc::new(RequestContext::new(request.limits, stop.clone(), None));
        let way = if is_encrypted(message.uri()) {
            self.0.to(message.uri()).map_err(Failure::Permanent)?
        } else {
            self.0.direct()
        };
        let server = way.name(message.uri().authority().map_or("", |authority| authority.as_str()));
        context.during(|| exchange(way.agents, message, request.body)).map_err(|error| {
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
    agents: &Agents,
    message: http::Request<()>,
    mut body: &[u8],
) -> std::result::Result<Response, ureq::Error> {
    let agent = agents.lend(message.uri());
    let mut response = if takes_body(message.method()) {
        agent.run(message.map(|()| SendBody::from_reader(&mut body)))?
    } else {
        agent.run(message)?
    };
    let status = response.status().as_u16();
    let headers = headers(&response);
    // Never grows, so that no copies are left behind.
    let mut body = Zeroizing::new(Vec::with_capacity(MOST_RESPONSE as usize + 1));
    response.body_mut().as_reader().take(MOST_RESPONSE + 1).read_to_end(&mut body)?;
    if body.len() as u64 > MOST_RESPONSE {
        return Err(ureq::Error::BodyExceedsLimit(MOST_RESPONSE));
    }
    Ok(Response { status, headers, body })
}
