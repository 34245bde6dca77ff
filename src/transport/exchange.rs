//! One request and its response.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use ureq::SendBody;
use ureq::http;

use super::agents::Agents;
use super::buffers::WORTH_LENDING;
use super::connections::{Connections, Way};
use super::context::{Lent, RequestContext};
use super::failure::{Failure, failure, proxy_wants_login};
use super::message::{headers, message, takes_body};
use super::proxy::Proxies;
use super::throttle::Throttle;
use crate::error::{Error, Result};
use crate::http::{Limits, Request, Response};
use crate::options::ClientOptions;
use crate::sync::atomic::AtomicBool;

/// Responses are cut here, and then make no sense: a page of ListParts has about 300 KiB, the response to a callback 3 MiB.
const MOST_RESPONSE: u64 = 4 * 1024 * 1024;

/// The connections of a client, and what its requests keep to.
pub(crate) struct Transport {
    connections: Connections,
    limits: Limits,
    throttle: Option<Arc<Throttle>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A body that is sent as it is read.
pub(crate) trait Body {
    /// The exact number of bytes that [`Body::read`] will give.
    fn length(&self) -> u64;

    /// Fills some of `buffer`. Must fail rather than end early: the length has been announced.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// The bytes that [`Body::read`] would give next, at most `most`, where they are; `None` when they must be read.
    fn lend(&mut self, most: usize) -> Result<Option<Lent>>;
}

impl Transport {
    pub(crate) fn new(options: &ClientOptions, proxies: Arc<Proxies>) -> Result<Self> {
        let limits =
            Limits { connect: options.connect_timeout, stall: options.stall_timeout, response: options.stall_timeout };
        let throttle = match options.max_bytes_per_second {
            0 => None,
            rate => Some(Arc::new(Throttle::new(rate, Instant::now()))),
        };
        Ok(Transport { connections: Connections::new(options, proxies)?, limits, throttle })
    }

    /// The limits of the client's requests.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Sends `request` with its own small body or with `body`, and reads the response. `stop` ends it at any moment.
    pub(crate) fn send(
        &self,
        request: &Request<'_>,
        body: Option<&mut dyn Body>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<Response, Failure> {
        let length = body.as_ref().map_or(request.body.len() as u64, |body| body.length());
        let message = message(request, length)
            .map_err(|error| Failure::Permanent(Error::invalid(format!("the request cannot be made: {error}"))))?;
        let way = self.connections.to(message.uri()).map_err(Failure::Permanent)?;
        let authority = message.uri().authority().cloned();
        let server = || way.name(authority.as_ref().map_or("", |authority| authority.as_str()));
        let context = Arc::new(RequestContext::new(request.limits, stop.clone(), self.throttle.clone()));
        let mut small = request.body;
        let mut reader = match body {
            Some(body) => RequestBody::Body { body, left: length, context: &context, failure: None },
            None => RequestBody::Small(&mut small),
        };
        let response = context.during(|| exchange(way.agents, message, &mut reader));
        match (response, reader.failure()) {
            (_, Some(error)) => Err(Failure::Body(error)),
            (Ok(response), None) if response.status == 407 && way.is_read => Err(proxy_wants_login(&server())),
            (Ok(response), None) => Ok(response),
            (Err(error), None) => Err(failure(error, &context, &server())),
        }
    }

    /// The proxy that reads requests to `url`, and may answer them itself.
    pub(crate) fn reading_proxy(&self, url: &str) -> Option<&str> {
        let way: Way<'_> = self.connections.to(&url.parse().ok()?).ok()?;
        way.proxy.filter(|_| way.is_read)
    }
}

fn exchange(
    agents: &Agents,
    message: http::Request<()>,
    reader: &mut RequestBody<'_>,
) -> std::result::Result<Response, ureq::Error> {
    let agent = agents.lend(message.uri());
    let mut response = if takes_body(message.method()) {
        agent.run(message.map(|()| SendBody::from_reader(reader)))?
    } else {
        agent.run(message)?
    };
    let status = response.status().as_u16();
    let headers = headers(&response);
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(MOST_RESPONSE).read_to_end(&mut body);
    match read {
        Err(error) if status < 300 => Err(ureq::Error::Io(error)),
        // An early response may be cut off by the reset that follows it: its status says enough.
        _ => Ok(Response { status, headers, body: body.into() }),
    }
}

/// The next bytes of `body`: in the buffer, or lent to a connection that sends them from where they are.
fn next(body: &mut dyn Body, buffer: &mut [u8], context: &RequestContext) -> Result<usize> {
    if context.borrows.get()
        && buffer.len() >= WORTH_LENDING
        && let Some(lent) = body.lend(buffer.len())?
    {
        return Ok(context.lend(lent));
    }
    body.read(buffer)
}

/// The body as ureq reads it.
enum RequestBody<'a> {
    Small(&'a mut &'a [u8]),
    Body { body: &'a mut dyn Body, left: u64, context: &'a RequestContext, failure: Option<Error> },
}

impl RequestBody<'_> {
    fn failure(self) -> Option<Error> {
        match self {
            RequestBody::Body { failure, .. } => failure,
            RequestBody::Small(_) => None,
        }
    }
}

impl Read for RequestBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (body, left, context, failure) = match self {
            RequestBody::Small(bytes) => return bytes.read(buffer),
            RequestBody::Body { body, left, context, failure } => (body, left, context, failure),
        };
        // With a bandwidth limit no more than can leave soon: what is read counts as progress.
        let most = context.throttle.as_ref().map_or(buffer.len(), |throttle| throttle.quantum().min(buffer.len()));
        let wanted = most.min(usize::try_from(*left).unwrap_or(usize::MAX));
        // Nobody will see these bytes: they only satisfy the announced length.
        let count =
            if context.responded_early.get() { Ok(wanted) } else { next(*body, &mut buffer[..wanted], context) };
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
