//! TCP connections that can be interrupted at any moment, notice a stalled peer, keep to the bandwidth limit, and go on
//! listening while they send.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use super::addresses::Addresses;
use super::buffers::HELD;
use super::context::{Interrupted, RequestContext, SLICE, StallTimer};
use super::interim::{self, Heard};
use super::resolver::Names;
use crate::os::socket::{Connecting, Wanted, receive, send, wait};

/// So much is sent without looking whether the server has spoken meanwhile: looking costs as much as a twentieth of
/// sending a buffer (benches/). A server that has spoken takes no more as a rule, and then it is looked for at once.
const LOOK_EVERY: usize = 1024 * 1024;
/// What TLS hands over record by record leaves in steps of about this size.
const GATHERED_UNDER_TLS: usize = 128 * 1024;
/// More than a TLS record.
const ROOM_FOR_RECORD: usize = 20 * 1024;

/// Opens [`TcpTransport`]s to servers that no proxy leads to.
#[derive(Debug)]
pub(super) struct TcpConnector {
    pub names: Arc<Names>,
    pub addresses: Arc<Addresses>,
}

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(proxied) = chained {
            return Ok(Some(Either::A(proxied)));
        }
        let found = self.names.addresses(details.uri)?;
        let stream = TcpTransport::open(&found, &self.addresses, details.config, details.needs_tls())?;
        Ok(Some(Either::B(stream)))
    }
}

/// The first address that answers; those that did not lately are tried last. Each gets an equal share of what time is
/// left.
fn connect_any(found: &[SocketAddr], addresses: &Addresses) -> io::Result<TcpStream> {
    let context = RequestContext::current()?;
    let mut last = io::Error::other("the name has no address");
    let mut left = context.limits.connect;
    for (tried, address) in addresses.in_order(found, Instant::now()).iter().enumerate() {
        let mut timer = StallTimer::new(left / (found.len() - tried) as u32);
        match connect(address, &context, &mut timer) {
            Ok(stream) => {
                addresses.has_responded(*address);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
        context.check()?;
        addresses.has_failed(*address, Instant::now());
        left = left.saturating_sub(timer.waited());
    }
    Err(last)
}

fn connect(address: &SocketAddr, context: &RequestContext, timer: &mut StallTimer) -> io::Result<TcpStream> {
    let connecting = Connecting::begin(address)?;
    while !timer.wait(|| connecting.wait(SLICE))? {
        context.check()?;
        if timer.is_over() {
            return Err(io::Error::other(Interrupted::ConnectTimeout));
        }
    }
    connecting.finish(SLICE)
}

/// One connection.
#[derive(Debug)]
pub(super) struct TcpTransport {
    stream: TcpStream,
    buffers: Gathering,
    /// Output waits until there is more of it, or a response is awaited.
    gathers: bool,
    /// The peer does not take anything any more.
    stalled: bool,
    /// What arrives is the server's response, not TLS.
    speaks_http: bool,
    /// A request has been sent on it before.
    has_served: bool,
    /// It waits for the next request.
    is_put_by: bool,
    /// The peer has closed its side.
    heard_end: bool,
    /// Bytes that may be sent before the next look at what the peer does.
    unlooked: usize,
    /// With the response to the request that was sent last: it may come in many pieces, but not one by one for ever.
    for_response: Option<StallTimer>,
}

impl TcpTransport {
    /// A connection to one of `found`; `under_tls` says that TLS, or a tunnel for it, will run over it.
    pub(super) fn open(
        found: &[SocketAddr],
        addresses: &Addresses,
        config: &Config,
        under_tls: bool,
    ) -> Result<Self, Error> {
        let stream = connect_any(found, addresses)?;
        stream.set_nodelay(true)?;
        let output = if under_tls { GATHERED_UNDER_TLS } else { config.output_buffer_size() };
        let buffers = LazyBuffers::new(config.input_buffer_size(), output);
        Ok(TcpTransport {
            stream,
            buffers: Gathering { buffers, gathered: 0 },
            gathers: under_tls,
            stalled: false,
            speaks_http: !under_tls,
            has_served: false,
            is_put_by: false,
            heard_end: false,
            unlooked: 0,
            for_response: None,
        })
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let context = RequestContext::current()?;
        context.reused.set(self.has_served);
        self.is_put_by = false;
        context.borrows.set(self.speaks_http);
        self.for_response = None;
        if let Some(lent) = context.take_lent() {
            return Ok(self.send_gathered(&context, (*lent).as_ref())?);
        }
        self.buffers.gathered += amount;
        if self.waits_for_more(&context) {
            return Ok(());
        }
        Ok(self.send_gathered(&context, &[])?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let context = RequestContext::current()?;
        if !context.probing.get() {
            self.send_gathered(&context, &[])?;
        }
        // What came while sending is in the buffer already, and nobody has looked at it.
        if context.unseen_input.take() {
            return Ok(true);
        }
        let mut timer = self.for_response.take().unwrap_or_else(|| StallTimer::new(context.limits.response));
        loop {
            context.check()?;
            if timer.is_over() {
                return Err(io::Error::other(Interrupted::ResponseTimeout).into());
            }
            let waits = !context.probing.get();
            match timer.wait(|| self.receive(&context, waits)) {
                Ok(count) => {
                    timer.moved(count);
                    self.for_response = Some(timer);
                    return Ok(count > 0);
                }
                Err(error) if waits && is_nothing_yet(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.has_served = true;
        // Asked when the connection is put by, and again when it is taken up. What is heard by then is what counts.
        if !std::mem::replace(&mut self.is_put_by, true) {
            return !self.heard_end;
        }
        // Between requests there is nothing to hear but the end.
        let is_quiet = matches!(wait(&self.stream, Wanted::Input, Duration::ZERO), Ok(found) if !found.anything);
        // The next request need not begin with a look of its own.
        self.unlooked = LOOK_EVERY;
        is_quiet && !self.heard_end
    }
}

impl TcpTransport {
    /// What there is to send may wait for what comes after it, or for the moment when a response is awaited. But not with
    /// a bandwidth limit: there it would have to be granted at once.
    fn waits_for_more(&mut self, context: &RequestContext) -> bool {
        let is_little = self.buffers.gathered < HELD && context.throttle.is_none() && !self.stalled;
        is_little || (self.gathers && self.buffers.output().len() >= ROOM_FOR_RECORD)
    }

    /// Sends what waits, and `lent` after it.
    fn send_gathered(&mut self, context: &RequestContext, lent: &[u8]) -> io::Result<()> {
        let amount = std::mem::take(&mut self.buffers.gathered);
        let sent = if self.stalled {
            Err(io::Error::other(Interrupted::SendTimeout))
        } else {
            self.send(amount, lent, context)
        };
        sent.inspect_err(|error| {
            // TLS keeps the first failure to itself and comes again with more: it must meet the same one, at once.
            self.gathers = false;
            self.stalled = Interrupted::of(error) == Some(Interrupted::SendTimeout);
        })
    }

    /// Sends `output[..amount]`, and `lent` after it.
    fn send(&mut self, amount: usize, lent: &[u8], context: &RequestContext) -> io::Result<()> {
        let mut timer = StallTimer::new(context.limits.stall);
        let mut own = 0..amount;
        let mut lent = lent;
        while own.len() + lent.len() > 0 && !context.responded_early.get() {
            context.check()?;
            let count = self.send_some(own.clone(), lent, context, &mut timer)?;
            let of_own = count.min(own.len());
            own.start += of_own;
            lent = &lent[count - of_own..];
        }
        Ok(())
    }

    /// Sends what the peer and the bandwidth limit allow of `output[own]` and `lent`; listens now and then.
    fn send_some(
        &mut self,
        own: Range<usize>,
        lent: &[u8],
        context: &RequestContext,
        timer: &mut StallTimer,
    ) -> io::Result<usize> {
        // What the bandwidth limit has granted must not meet a full buffer: it would be lost.
        if (self.unlooked == 0 || context.throttle.is_some()) && !self.look(context, timer)? {
            return Ok(0);
        }
        let amount = allowed(own.len() + lent.len(), context)?;
        let own = &self.buffers.output()[own];
        let own = &own[..own.len().min(amount)];
        let lent = &lent[..amount - own.len()];
        match send(&self.stream, own, lent) {
            Ok(count) => {
                // Less than there was: there is no room for more.
                self.unlooked = if count < amount { 0 } else { self.unlooked.saturating_sub(count) };
                timer.moved(count);
                Ok(count)
            }
            Err(error) if is_nothing_yet(&error) => {
                self.unlooked = 0;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for room to send, and hears what arrives meanwhile. Whether there is room.
    fn look(&mut self, context: &RequestContext, timer: &mut StallTimer) -> io::Result<bool> {
        let wanted = if context.unseen_input.get() { Wanted::Space } else { Wanted::InputOrSpace };
        let events = timer.wait(|| wait(&self.stream, wanted, SLICE))?;
        if events.has_input {
            self.hear(context)?;
        }
        if !events.has_room {
            self.blocked(context, timer)?;
            return Ok(false);
        }
        self.unlooked = LOOK_EVERY;
        Ok(true)
    }

    /// The peer takes nothing at the moment. When it has spoken, it will not take any more.
    fn blocked(&self, context: &RequestContext, timer: &StallTimer) -> io::Result<()> {
        if self.speaks_http && context.unseen_input.get() {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if timer.is_over() { Err(io::Error::other(Interrupted::SendTimeout)) } else { Ok(()) }
    }

    /// Keeps what arrives while we are sending: it may be an early response.
    fn hear(&mut self, context: &RequestContext) -> io::Result<()> {
        match self.receive(context, false) {
            Ok(0) if !context.unseen_input.get() => Err(ErrorKind::ConnectionReset.into()),
            Ok(_) => {
                let counts = !self.speaks_http || interim::skip(&mut self.buffers) == Heard::Response;
                context.unseen_input.set(counts);
                Ok(())
            }
            Err(error) if is_nothing_yet(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn receive(&mut self, context: &RequestContext, waits: bool) -> io::Result<usize> {
        let count = receive(&self.stream, self.buffers.input_append_buf(), waits)?;
        self.heard_end |= count == 0;
        self.buffers.input_appended(count);
        context.received(count).map(|()| count)
    }
}

/// Nothing has arrived, or a signal has.
fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Buffers in which the next output stands behind what has not been sent yet.
#[derive(Debug)]
struct Gathering {
    buffers: LazyBuffers,
    gathered: usize,
}

impl Buffers for Gathering {
    fn output(&mut self) -> &mut [u8] {
        &mut self.buffers.output()[self.gathered..]
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        let (tmp, output) = self.buffers.tmp_and_output();
        (tmp, &mut output[self.gathered..])
    }

    fn input(&self) -> &[u8] {
        self.buffers.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.buffers.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.buffers.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.buffers.input_consume(amount);
    }

    fn can_use_input(&self) -> bool {
        self.buffers.can_use_input()
    }
}

/// How many of `wanted` bytes may be sent now; waits for the bandwidth limit when there is one.
fn allowed(wanted: usize, context: &RequestContext) -> io::Result<usize> {
    let Some(throttle) = &context.throttle else { return Ok(wanted) };
    let amount = wanted.min(throttle.quantum());
    let until = Instant::now() + throttle.take(amount, Instant::now());
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(amount);
        }
        thread::sleep(left.min(SLICE));
        context.check()?;
    }
}

#[cfg(test)]
mod tests {
    use crate::sync::atomic::AtomicBool;
    use std::net::TcpListener;

    use socket2::{Domain, SockRef, Socket, Type};

    use super::*;
    use crate::http::Limits;

    /// An address that does not answer: nobody takes connections from a queue that is full.
    struct Silent {
        _queue: Vec<Socket>,
        listener: TcpListener,
    }

    impl Silent {
        fn new() -> Silent {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            SockRef::from(&listener).listen(0).unwrap();
            let address = listener.local_addr().unwrap();
            let fill = || {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                let _ = socket.connect(&address.into());
                socket
            };
            let queue = (0..4).map(|_| fill()).collect();
            Silent { _queue: queue, listener }
        }
    }

    fn connected_to(found: &[SocketAddr], addresses: &Addresses) -> SocketAddr {
        let time = Duration::from_millis(200);
        let limits = Limits::all(time);
        let context = Arc::new(RequestContext::new(limits, Arc::new(AtomicBool::new(false)), None));
        context.during(|| connect_any(found, addresses)).unwrap().peer_addr().unwrap()
    }

    #[test]
    fn an_address_that_did_not_answer_is_not_tried_first_again() {
        let (silent, answering) = (Silent::new(), TcpListener::bind("127.0.0.1:0").unwrap());
        let [dead, alive] = [&silent.listener, &answering].map(|listener| listener.local_addr().unwrap());
        let addresses = Addresses::default();
        assert_eq!(connected_to(&[dead, alive], &addresses), alive);
        assert_eq!(addresses.in_order(&[dead, alive], Instant::now()), [alive, dead]);
        assert_eq!(connected_to(&[dead, alive], &addresses), alive);
    }

    #[test]
    fn a_request_that_is_stopped_blames_no_address() {
        let silent = Silent::new();
        let dead = silent.listener.local_addr().unwrap();
        let (addresses, other) = (Addresses::default(), SocketAddr::from(([127, 0, 0, 1], 1)));
        let limits = Limits::all(SLICE);
        let context = Arc::new(RequestContext::new(limits, Arc::new(AtomicBool::new(true)), None));
        context.during(|| connect_any(&[dead], &addresses)).unwrap_err();
        assert_eq!(addresses.in_order(&[dead, other], Instant::now()), [dead, other]);
    }
}
