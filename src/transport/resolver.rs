//! Name look-up that can be interrupted, and spreads connections over all addresses of a name.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crossbeam_channel::{RecvTimeoutError, bounded};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::context::{Interrupted, RequestContext, SLICE, StallTimer};
use super::no_thread::NoThread;
use crate::os::{descriptor, thread};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Addresses beyond these are not tried.
const MOST_ADDRESSES: usize = 16;

/// Asks the system at every new connection, and begins with another address each time.
#[derive(Debug, Default)]
pub(super) struct Names {
    turn: AtomicUsize,
}

impl Names {
    /// The addresses of the server of `uri`, in the order in which to try them.
    pub(super) fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(Error::BadUri(uri.to_string()));
        };
        let name = DefaultResolver::host_and_port(scheme, authority).ok_or_else(|| Error::BadUri(uri.to_string()))?;
        let mut found = look_up(name)?;
        found.truncate(MOST_ADDRESSES);
        if found.is_empty() {
            return Err(Error::HostNotFound);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % found.len();
        found.rotate_left(turn);
        Ok(found)
    }
}

#[cfg(test)]
impl Names {
    /// How often a name was looked up.
    pub(super) fn asked(&self) -> usize {
        self.turn.load(Ordering::Relaxed)
    }
}

/// Looks nothing up: ureq asks before each request, also when it has a connection for it. The connectors ask [`Names`].
#[derive(Debug)]
pub(super) struct NoLookUp;

impl Resolver for NoLookUp {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// The system's look-up cannot be interrupted, so it runs on a thread that is left behind when it takes too long.
/// Numeric addresses need none.
fn look_up(name: String) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let context = RequestContext::current()?;
    let (sender, receiver) = bounded(1);
    thread::spawn("oss-resolve", move || {
        let found = descriptor::away_from_standard(|| name.to_socket_addrs());
        let _ = sender.send(found.map(Vec::from_iter));
    })
    .map_err(|error| io::Error::other(NoThread(error)))?;
    let mut timer = StallTimer::new(context.limits.connect);
    loop {
        match timer.wait(|| receiver.recv_timeout(SLICE)) {
            Ok(found) => return found.map_err(|error| io::Error::other(format!("the name has no address ({error})"))),
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the name lookup failed")),
            Err(RecvTimeoutError::Timeout) => context.check()?,
        }
        if timer.is_over() {
            return Err(io::Error::other(Interrupted::ConnectTimeout));
        }
    }
}
