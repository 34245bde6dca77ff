//! Kept connections. Each is in an agent of its own, which a request has for itself.
//!
//! ureq has a pool in each agent, and looks at all of its connections before and after each request: with 64 of them, that
//! took a quarter of the CPU time of small files. And it takes the connection that has rested longest; here it is the one that
//! has rested least, so that no more are used than are needed.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};

use super::resolver::NoLookUp;
use crate::sync::{Mutex, unpoisoned};

/// Connections kept for the next request; as many as there can be routines.
const IDLE_CONNECTIONS: usize = 128;
/// Shorter than servers and load balancers keep idle connections.
pub(super) const IDLE_AGE: Duration = Duration::from_secs(25);

/// The agents of one way to servers.
pub(super) struct Agents {
    make: Box<dyn Fn() -> Agent + Send + Sync>,
    /// The one that was used last is at the end.
    idle: Mutex<VecDeque<Idle>>,
}

/// An agent that no request has.
struct Idle {
    agent: Agent,
    server: Option<Authority>,
    since: Instant,
}

/// An agent that one request has, until this is dropped.
pub(super) struct Lent<'a> {
    agents: &'a Agents,
    agent: Agent,
    server: Option<Authority>,
}

impl Agents {
    /// Of agents with this configuration that connect by `connector`.
    pub(super) fn new<C: Connector>(config: Config, connector: C) -> Agents {
        let shared = Arc::new(connector);
        let make = move || Agent::with_parts(config.clone(), Shared(shared.clone()), NoLookUp);
        Agents { make: Box::new(make), idle: Mutex::default() }
    }

    /// One that has a connection to the server of `uri`, if there is one.
    pub(super) fn lend(&self, uri: &Uri) -> Lent<'_> {
        let server = uri.authority().cloned();
        let mut idle = unpoisoned(self.idle.lock());
        let at = idle.iter().rposition(|kept| kept.server == server);
        let kept = at.and_then(|at| idle.remove(at));
        drop(idle);
        let agent = kept.map_or_else(|| (self.make)(), |kept| kept.agent);
        Lent { agents: self, agent, server }
    }

    fn keep(&self, agent: Agent, server: Option<Authority>) {
        let since = Instant::now();
        let mut idle = unpoisoned(self.idle.lock());
        idle.push_back(Idle { agent, server, since });
        let is_old = |kept: &Idle| since.saturating_duration_since(kept.since) > IDLE_AGE;
        let too_many = idle.len().saturating_sub(IDLE_CONNECTIONS);
        let too_old = idle.iter().take_while(|kept| is_old(kept)).count();
        let dropped: Vec<_> = idle.drain(..too_many.max(too_old)).collect();
        drop(idle);
        // Connections are closed without the lock.
        drop(dropped);
    }
}

impl Deref for Lent<'_> {
    type Target = Agent;

    fn deref(&self) -> &Agent {
        &self.agent
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.agents.keep(self.agent.clone(), self.server.take());
    }
}

/// All agents connect by the same: TLS is set up once.
#[derive(Debug)]
struct Shared<C>(Arc<C>);

impl<In: Transport, C: Connector<In>> Connector<In> for Shared<C> {
    type Out = C::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<C::Out>, ureq::Error> {
        self.0.connect(details, chained)
    }
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::TcpConnector;

    use super::*;

    fn agents() -> Agents {
        Agents::new(Agent::config_builder().build(), TcpConnector::default())
    }

    fn count(agents: &Agents) -> usize {
        unpoisoned(agents.idle.lock()).len()
    }

    #[test]
    fn each_server_has_its_own() {
        let (agents, one, other) = (agents(), Uri::from_static("http://one/key"), Uri::from_static("http://other/key"));
        let lent = [agents.lend(&one), agents.lend(&one), agents.lend(&other)];
        assert_eq!(count(&agents), 0);
        drop(lent);
        assert_eq!(count(&agents), 3);
        let kept: Vec<_> = (0..2).map(|_| agents.lend(&one)).collect();
        assert_eq!(count(&agents), 1);
        let new = agents.lend(&one);
        assert_eq!((count(&agents), agents.idle.lock().unwrap()[0].server.as_ref()), (1, other.authority()));
        drop((kept, new));
        assert_eq!(count(&agents), 4);
    }

    #[test]
    fn neither_too_many_nor_old_ones_are_kept() {
        let (agents, server) = (agents(), Uri::from_static("http://server/"));
        drop((0..IDLE_CONNECTIONS + 5).map(|_| agents.lend(&server)).collect::<Vec<_>>());
        assert_eq!(count(&agents), IDLE_CONNECTIONS);
        for kept in unpoisoned(agents.idle.lock()).iter_mut().take(100) {
            kept.since -= 2 * IDLE_AGE;
        }
        drop(agents.lend(&server));
        assert_eq!(count(&agents), IDLE_CONNECTIONS - 100);
    }
}
