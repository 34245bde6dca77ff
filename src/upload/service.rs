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
    /// The server said no, to a request signed so.
    Service(Box<ServiceError>, Signed),
    /// There is no answer, or not a whole one.
    Transport(Failure),
    /// There is an answer, but it cannot be right.
    Answer(crate::error::Error),
}

/// What a request was signed with.
pub(crate) struct Signed {
    pub credentials: Option<Arc<Credentials>>,
    clock_offset_ms: i64,
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
        let mut request = request.clone();
        let signed = self.sign(endpoint, &mut request);
        let url = endpoint.url(&request);
        let mut response = self.transport.send(&request, &url, body, stop).map_err(CallError::Transport)?;
        if let Some(credentials) = &signed.credentials {
            response.blot_out(credentials.access_key_secret());
            response.blot_out(credentials.security_token().unwrap_or_default());
        }
        match response.status {
            200..=299 => Ok(response),
            _ => Err(CallError::Service(Box::new(ServiceError::parse(&response)), signed)),
        }
    }

    fn sign(&self, endpoint: &Endpoint, request: &mut Request) -> Signed {
        let credentials = self.credentials();
        let clock_offset_ms = self.clock_offset_ms.load(Ordering::Relaxed);
        let now = shifted(SystemTime::now(), clock_offset_ms);
        match (credentials.as_deref(), self.signature, endpoint.region()) {
            (None, _, _) => {}
            (Some(credentials), Signature::V4, Some(region)) => {
                oss::sign_v4::sign(request, credentials, region, endpoint.product(), now);
            }
            (Some(credentials), _, _) => oss::sign_v1::sign(request, credentials, now),
        }
        Signed { credentials, clock_offset_ms }
    }

    /// What the server's clock shows, as far as we know, when ours shows `time`.
    pub(crate) fn by_server_clock(&self, time: SystemTime) -> SystemTime {
        shifted(time, self.clock_offset_ms.load(Ordering::Relaxed))
    }

    /// Learns the server's time from its complaint about a request. False when that changes nothing: the request
    /// counts, not the clock, which the complaint about another one may have corrected already.
    pub(crate) fn correct_clock(&self, server_time: SystemTime, signed: &Signed) -> bool {
        let offset = milliseconds(server_time) - milliseconds(SystemTime::now());
        self.clock_offset_ms.store(offset, Ordering::Relaxed);
        (offset - signed.clock_offset_ms).abs() >= LEAST_CORRECTION_MS
    }
}

fn shifted(time: SystemTime, by_ms: i64) -> SystemTime {
    let step = Duration::from_millis(by_ms.unsigned_abs());
    let shifted = if by_ms < 0 { time.checked_sub(step) } else { time.checked_add(step) };
    shifted.unwrap_or(time)
}

fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis().try_into().unwrap_or(i64::MAX / 2),
        Err(before) => -before.duration().as_millis().try_into().unwrap_or(i64::MAX / 2),
    }
}
