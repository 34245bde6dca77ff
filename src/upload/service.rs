//! The server, as all uploads of a client share it: one signed request at a time.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::credentials::Credentials;
use crate::oss::{self, Endpoint, Request, Response, ServiceError};
use crate::transport::retry::RetryPolicy;
use crate::transport::{Body, Failure, Transport};

/// Which signature requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    V1,
    V4,
}

/// Connections, credentials and the server's clock.
#[derive(Debug)]
pub(crate) struct Service {
    transport: Transport,
    signature: Signature,
    /// `None`: requests are not signed.
    credentials: RwLock<Option<Arc<Credentials>>>,
    /// What to add to the local clock to get the server's, in milliseconds.
    clock_offset_ms: AtomicI64,
    pub(crate) retry: RetryPolicy,
}

/// Why one try did not succeed.
pub(crate) enum CallError {
    /// The server said no, to a request signed with these credentials.
    Service(Box<ServiceError>, Option<Arc<Credentials>>),
    /// There is no answer, or not a whole one.
    Transport(Failure),
    /// There is an answer, but it cannot be right.
    Answer(crate::error::Error),
}

/// A smaller step of the clock is not worth a retry: OSS allows 15 minutes.
const LEAST_CORRECTION_MS: i64 = 60_000;

impl Service {
    pub(crate) fn new(
        transport: Transport,
        signature: Signature,
        credentials: Option<Credentials>,
        retry: RetryPolicy,
    ) -> Self {
        Service {
            transport,
            signature,
            credentials: RwLock::new(credentials.map(Arc::new)),
            clock_offset_ms: AtomicI64::new(0),
            retry,
        }
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        *self.credentials.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::new(credentials));
    }

    pub(crate) fn credentials(&self) -> Option<Arc<Credentials>> {
        self.credentials.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Signs `request` now, sends it once and reads the answer.
    pub(crate) fn call(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        body: Option<&mut dyn Body>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Response, CallError> {
        let credentials = self.credentials();
        let mut request = request.clone();
        self.sign(endpoint, &mut request, credentials.as_deref());
        let url = endpoint.url(&request);
        let response = self.transport.send(&request, &url, body, stop).map_err(CallError::Transport)?;
        match response.status {
            200..=299 => Ok(response),
            _ => Err(CallError::Service(Box::new(ServiceError::parse(&response)), credentials)),
        }
    }

    fn sign(&self, endpoint: &Endpoint, request: &mut Request, credentials: Option<&Credentials>) {
        let now = self.by_server_clock(SystemTime::now());
        match (credentials, self.signature, endpoint.region()) {
            (None, _, _) => {}
            (Some(credentials), Signature::V4, Some(region)) => {
                oss::sign_v4::sign(request, credentials, region, endpoint.product(), now);
            }
            (Some(credentials), _, _) => oss::sign_v1::sign(request, credentials, now),
        }
    }

    /// What the server's clock shows, as far as we know, when ours shows `time`.
    pub(crate) fn by_server_clock(&self, time: SystemTime) -> SystemTime {
        let offset = self.clock_offset_ms.load(Ordering::Relaxed);
        let step = Duration::from_millis(offset.unsigned_abs());
        let shifted = if offset < 0 { time.checked_sub(step) } else { time.checked_add(step) };
        shifted.unwrap_or(time)
    }

    /// Learns the server's time from its complaint. False when that changes nothing.
    pub(crate) fn correct_clock(&self, server_time: SystemTime) -> bool {
        let offset = milliseconds(server_time) - milliseconds(SystemTime::now());
        let before = self.clock_offset_ms.swap(offset, Ordering::Relaxed);
        (offset - before).abs() >= LEAST_CORRECTION_MS
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis().try_into().unwrap_or(i64::MAX / 2),
        Err(before) => -before.duration().as_millis().try_into().unwrap_or(i64::MAX / 2),
    }
}
