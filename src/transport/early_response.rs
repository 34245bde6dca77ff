//! Hears a server that answers before the request has been sent.
//!
//! OSS refuses a body from its headers alone (403, 404) and may close the connection while the body is still on its
//! way. HTTP clients then report a reset and the reason is lost. This outermost layer, above TLS, looks for a response
//! whenever bytes came in while sending, or sending failed. Once there is one, the rest of the body goes nowhere.

use std::io;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::context::RequestContext;
use super::interim::{self, Heard};

/// Wraps every connection in an [`EarlyResponse`].
#[derive(Debug)]
pub(super) struct EarlyResponseConnector;

impl<In: Transport> Connector<In> for EarlyResponseConnector {
    type Out = EarlyResponse<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| EarlyResponse { inner, state: ListenState::Quiet }))
    }
}

/// A connection that listens while it sends.
#[derive(Debug)]
pub(super) struct EarlyResponse<T> {
    inner: T,
    state: ListenState,
}

#[derive(Debug, PartialEq, Eq)]
enum ListenState {
    Quiet,
    /// The beginning of a response is in the input buffer, and ureq does not know yet.
    Answered,
    /// ureq has been told. The request was cut short, so the connection cannot serve another.
    Spent,
}

impl<T: Transport> Transport for EarlyResponse<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.state != ListenState::Quiet {
            return Ok(());
        }
        let context = RequestContext::current()?;
        context.begun.set(true);
        let sent = self.inner.transmit_output(amount, timeout);
        if (sent.is_err() || context.unseen_input.get()) && self.hears_response(&context, sent.is_err(), timeout) {
            return Ok(());
        }
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if self.state == ListenState::Answered {
            self.state = ListenState::Spent;
            return Ok(true);
        }
        // ureq drops most interim responses itself, but not those with headers.
        while self.inner.await_input(timeout)? {
            if interim::skip(self.inner.buffers()) != Heard::Nothing {
                RequestContext::current()?.response_begun.set(true);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_open(&mut self) -> bool {
        self.state == ListenState::Quiet && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<T: Transport> EarlyResponse<T> {
    /// Reads without blocking until there is something of a response, or nothing more to read. TLS may have to read its
    /// own messages first.
    fn hears_response(&mut self, context: &RequestContext, failed: bool, timeout: NextTimeout) -> bool {
        if context.check().is_err() {
            return false;
        }
        // TLS would first send what it has left, which must not fail any more.
        context.responded_early.set(failed);
        context.probing.set(true);
        let heard = loop {
            if interim::skip(self.inner.buffers()) == Heard::Response {
                break true;
            }
            match self.inner.await_input(timeout) {
                Ok(true) => {}
                Ok(false) => break false,
                Err(error) if is_interruption(&error) => {}
                Err(_) => break false,
            }
        };
        context.probing.set(false);
        context.responded_early.set(heard);
        if heard {
            context.unseen_input.set(false);
            context.response_begun.set(true);
            self.state = ListenState::Answered;
        }
        heard
    }
}

fn is_interruption(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::Interrupted)
}
