//! One signed call: connections, credentials and the clock of the server.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backoff::RetryPolicy;
use super::call_error::CallError;
use super::kept_signer::KeptSigner;
use super::signature::{Signature, Signed};
use super::time_limits::{limits, longest_wait};
use crate::credentials::{Credentials, CredentialsCache, Renewal};
use crate::http::Response;
use crate::oss::{self, ApiRequest, Endpoint, Operation, ServiceError, SignatureHeaders};
use crate::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use crate::transport::{Body, Failure, Transport};

/// Connections, credentials and the server's clock.
#[derive(Debug)]
pub(crate) struct Service {
    transport: Transport,
    signature: Signature,
    signer: KeptSigner,
    cache: CredentialsCache,
    /// How long an upload that has no credentials any more waits for others.
    pub(crate) credentials_wait: Duration,
    /// How long nothing may move.
    pub(crate) stall_timeout: Duration,
    /// What to add to the local clock to get the server's, in milliseconds.
    clock_offset_ms: AtomicI64,
    pub(crate) retry: RetryPolicy,
}

/// A smaller step of the clock is not worth a retry: OSS allows 15 minutes.
const LEAST_CORRECTION_MS: i64 = 60_000;

impl Service {
    pub(crate) fn new(
        transport: Transport,
        signature: Signature,
        cache: CredentialsCache,
        credentials_wait: Duration,
        stall_timeout: Duration,
        retry: RetryPolicy,
    ) -> Self {
        Service {
            transport,
            signature,
            signer: KeptSigner::default(),
            cache,
            credentials_wait,
            stall_timeout,
            clock_offset_ms: AtomicI64::new(0),
            retry,
        }
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        self.cache.set(credentials);
    }

    /// What the next request would be signed with, as far as is known without asking a provider.
    pub(crate) fn credentials(&self) -> Option<Arc<Credentials>> {
        self.cache.peek()
    }

    /// The server has refused `used`: has others fetched, once for all requests that were refused.
    pub(crate) fn renew(&self, used: &Credentials, operation: Operation, stop: &AtomicBool) -> Renewal {
        self.cache.renew(used, stop, longest_wait(operation))
    }

    /// Waits for other credentials than `used`, or for any, as long as the options say. False when none have come.
    pub(crate) fn wait_for_others(&self, used: Option<&Credentials>, stop: &AtomicBool) -> Result<bool, CallError> {
        self.cache.wait_for_others(used, self.credentials_wait, stop).map_err(CallError::from)
    }

    /// Signs `request` now, sends it once and reads the response.
    pub(crate) fn call(
        &self,
        endpoint: &Endpoint,
        request: &ApiRequest,
        body: Option<&mut dyn Body>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Response, CallError> {
        let (signed, signature) = self.sign(endpoint, request, stop)?;
        let url = endpoint.url(request);
        let message = request.to_http(&signature, &url, limits(request.operation, self.transport.limits()));
        let mut response = self.transport.send(&message, body, stop).map_err(|failure| match failure {
            Failure::Response(error) => CallError::Response(error.context(request.operation)),
            failure => CallError::Transport(failure),
        })?;
        if let Some(credentials) = &signed.credentials {
            response.redact(credentials.access_key_secret());
            response.redact(credentials.security_token().unwrap_or_default());
        }
        match response.status {
            200..=299 => Ok(response),
            _ => {
                let mut error = ServiceError::parse(&response);
                error.signed_v4 = signed.credentials.is_some() && self.signature == Signature::V4;
                error.proxy = self.transport.reading_proxy(&url).map(str::to_owned);
                Err(CallError::Service(Box::new(error), signed))
            }
        }
    }

    fn sign(
        &self,
        endpoint: &Endpoint,
        request: &ApiRequest,
        stop: &AtomicBool,
    ) -> Result<(Signed, SignatureHeaders), CallError> {
        let credentials = self.cache.get(stop, longest_wait(request.operation))?;
        let clock_offset_ms = self.clock_offset_ms.load(Ordering::Relaxed);
        let now = shifted(SystemTime::now(), clock_offset_ms);
        let headers = match (&credentials, self.signature, endpoint.region()) {
            (None, _, _) => SignatureHeaders::new(),
            (Some(credentials), Signature::V4, Some(region)) => {
                self.signer.get(credentials, region, endpoint.product(), now).sign(request, credentials)
            }
            (Some(credentials), _, _) => oss::sign_v1::sign(request, credentials, now),
        };
        Ok((Signed { credentials, clock_offset_ms }, headers))
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
