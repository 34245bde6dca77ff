//! What a request is told, and tells, while its connection is busy.
//!
//! ureq gives a request no way to speak to the connection that serves it, and connections are shared by all uploads of
//! a client. Requests are synchronous, so the thread is the link: the request's context is laid down in a thread-local for
//! the time that the request runs, and every layer of the connection looks there.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::throttle::Throttle;
use crate::http::Limits;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, unpoisoned};

/// How long a connection blocks at the most before it looks at its context again.
pub(super) const SLICE: Duration = Duration::from_millis(250);

/// More than this is no response: content is cut long before (4 MiB). What is around it, such as interim responses, trailers
/// or messages of TLS, would never end.
const MOST_RECEIVED: usize = 8 * 1024 * 1024;

/// The context of one running request.
pub(crate) struct RequestContext {
    pub(super) limits: Limits,
    stop: Arc<AtomicBool>,
    pub(super) throttle: Option<Arc<Throttle>>,
    /// The connection had served a request before, so that it may have been closed by the server in the meantime.
    pub(super) reused: Flag,
    /// Bytes of a response, or of TLS itself, arrived while the request was being sent.
    pub(super) unseen_input: Flag,
    /// The connection must not block: an early response is being looked for.
    pub(super) probing: Flag,
    /// The server has answered before the request was sent: the rest of the body goes nowhere.
    pub(super) responded_early: Flag,
    /// The first bytes of the request are being handed over: there is a connection.
    pub(super) begun: Flag,
    /// A proxy that reads the request has been told the whole URL.
    pub(super) head_begun: Flag,
    /// Bytes of the response have arrived.
    pub(super) response_begun: Flag,
    /// The connection sends bytes of the body from where they are, and need not have them in its buffer.
    pub(super) borrows: Flag,
    lent: Mutex<Option<Lent>>,
    /// The bytes that have arrived, of any kind.
    received: AtomicUsize,
}

/// Bytes of a body, which are sent from where they are.
pub(crate) type Lent = Box<dyn AsRef<[u8]> + Send>;

#[derive(Debug, Default)]
pub(super) struct Flag(AtomicBool);

impl Flag {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, value: bool) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<RequestContext>>> = const { RefCell::new(None) };
}

impl RequestContext {
    pub(super) fn new(limits: Limits, stop: Arc<AtomicBool>, throttle: Option<Arc<Throttle>>) -> Self {
        RequestContext {
            limits,
            stop,
            throttle,
            reused: Flag::default(),
            unseen_input: Flag::default(),
            probing: Flag::default(),
            responded_early: Flag::default(),
            begun: Flag::default(),
            head_begun: Flag::default(),
            response_begun: Flag::default(),
            borrows: Flag::default(),
            lent: Mutex::default(),
            received: AtomicUsize::new(0),
        }
    }

    /// Lays `self` down for this thread while `work` runs.
    pub(super) fn during<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(None);
            }
        }
        CURRENT.set(Some(self.clone()));
        let _reset = Reset;
        work()
    }

    /// The context of the request that runs on this thread.
    pub(super) fn current() -> io::Result<Arc<RequestContext>> {
        CURRENT.with_borrow(Clone::clone).ok_or_else(|| io::Error::other("a connection is used outside a request"))
    }

    /// Leaves bytes of the body for the connection to send next; returns how many.
    pub(super) fn lend(&self, lent: Lent) -> usize {
        let count = (*lent).as_ref().len();
        *unpoisoned(self.lent.lock()) = Some(lent);
        count
    }

    /// What was left.
    pub(super) fn take_lent(&self) -> Option<Lent> {
        unpoisoned(self.lent.lock()).take()
    }

    /// So many bytes have arrived. Fails when there have been too many.
    pub(super) fn received(&self, bytes: usize) -> io::Result<()> {
        let before = self.received.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > MOST_RECEIVED { Err(io::Error::other(Interrupted::Endless)) } else { Ok(()) }
    }

    /// Fails when the upload is being stopped.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(io::Error::other(Interrupted::Stopped)) } else { Ok(()) }
    }
}

/// Why a connection gave up by itself. Travels through ureq as the inner error of an `io::Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    Stopped,
    ConnectTimeout,
    SendTimeout,
    ResponseTimeout,
    Endless,
}

impl Interrupted {
    /// That `error` carries, if it is one of these.
    pub(super) fn of(error: &io::Error) -> Option<Interrupted> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Interrupted::Stopped => "the upload was stopped",
            Interrupted::ConnectTimeout => "no connection could be opened in time",
            Interrupted::SendTimeout => "the server stopped reading data",
            Interrupted::ResponseTimeout => "the server did not respond in time",
            Interrupted::Endless => "the server's response does not end",
        })
    }
}

impl std::error::Error for Interrupted {}

/// Counts how long a peer has kept us waiting.
///
/// It adds up the waits and does not compare clock times, so that a machine that was suspended does not blame the peer.
#[derive(Debug)]
pub(super) struct StallTimer {
    limit: Duration,
    waited: Duration,
    moved: usize,
}

impl StallTimer {
    /// Fewer bytes than this are no progress: a peer that takes a byte a second is as good as dead.
    pub(super) const MOVED_ENOUGH: usize = 16 * 1024;

    pub(super) fn new(limit: Duration) -> Self {
        StallTimer { limit, waited: Duration::ZERO, moved: 0 }
    }

    /// Runs one wait of at most [`SLICE`] and adds its length.
    pub(super) fn wait<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = wait();
        self.waited += start.elapsed().min(2 * SLICE);
        result
    }

    pub(super) fn moved(&mut self, bytes: usize) {
        self.moved += bytes;
        if self.moved >= Self::MOVED_ENOUGH {
            self.moved = 0;
            self.waited = Duration::ZERO;
        }
    }

    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    pub(super) fn is_over(&self) -> bool {
        self.waited >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_in_bulk_restore_patience() {
        let mut timer = StallTimer::new(Duration::from_millis(5));
        assert!(!timer.is_over());
        timer.waited = Duration::from_millis(5);
        timer.moved(1);
        assert!(timer.is_over(), "a drip is no progress");
        timer.moved(StallTimer::MOVED_ENOUGH);
        assert!(!timer.is_over());
    }

    #[test]
    fn what_does_not_end_is_no_response() {
        let context = RequestContext::new(Limits::all(SLICE), Arc::default(), None);
        assert!(context.received(MOST_RECEIVED).is_ok());
        assert_eq!(Interrupted::of(&context.received(1).unwrap_err()), Some(Interrupted::Endless));
    }

    #[test]
    fn a_watch_lasts_as_long_as_its_request() {
        let limits = Limits::all(SLICE);
        let stop = Arc::new(AtomicBool::new(false));
        let context = Arc::new(RequestContext::new(limits, stop.clone(), None));
        assert!(RequestContext::current().is_err());
        context.during(|| {
            assert!(RequestContext::current().unwrap().check().is_ok());
            stop.store(true, Ordering::Relaxed);
            assert!(RequestContext::current().unwrap().check().is_err());
        });
        assert!(RequestContext::current().is_err());
    }
}
