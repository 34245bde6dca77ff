//! A call, tried until it succeeds or trying is pointless: with pauses, with a corrected clock, with other credentials.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backoff::{RetryBudget, RetryPolicy};
use super::call::Service;
use super::call_error::{CallError, refuses_credentials, stopped};
use super::time_limits::is_tidying;
use crate::credentials::Renewal;
use crate::error::Result;
use crate::events::{Event, EventKind, Events};
use crate::http::Response;
use crate::oss::{ApiRequest, Endpoint, Operation};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::transport::{Body, Failure};

/// Retries that count as none (stale connections, a corrected clock) end here all the same.
const FREE_RETRIES: u32 = 20;
/// How often one request gets other credentials: more of them would be refused as well.
const MOST_RENEWALS: u32 = 5;

/// Who makes a call. It is told how the attempts go, and has them stopped.
pub(crate) trait Caller {
    /// Ends every attempt and every pause.
    fn stop(&self) -> &Arc<AtomicBool>;

    /// Where attempts are told.
    fn events(&self) -> &Events;

    /// Waits before the next attempt, or until it is stopped.
    fn sleep(&self, time: Duration);

    /// A request was made.
    fn attempted(&self);

    /// It will be made again. `complaint`: the server asked to slow down, or did not keep up.
    fn retrying(&self, complaint: bool);

    /// Runs `wait`, which waits for credentials.
    fn while_waiting(&self, wait: &mut dyn FnMut());
}

/// The attempts that one caller makes.
pub(crate) struct Attempts<'a> {
    pub service: &'a Service,
    pub endpoint: &'a Endpoint,
    pub budget: &'a RetryBudget,
    pub caller: &'a dyn Caller,
}

/// One attempt of a request.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    request: &'a ApiRequest,
    /// From 1.
    number: u32,
}

/// What came of it, and whether an earlier attempt may have been carried out without our hearing of it.
pub(crate) struct Attempted<T> {
    pub result: Result<T>,
    pub ambiguous: bool,
}

/// Attempts of one request that did not succeed, by what followed.
#[derive(Default)]
struct Counts {
    failed: u32,
    free: u32,
    renewed: u32,
}

impl Attempts<'_> {
    /// Makes `request` by `attempt` until that succeeds, but no more than `most` times.
    pub(crate) fn run<T>(
        &self,
        request: &ApiRequest,
        most: u32,
        mut attempt: impl FnMut(Attempt<'_>) -> std::result::Result<T, CallError>,
    ) -> Attempted<T> {
        let (mut counts, mut ambiguous) = (Counts::default(), false);
        let result = loop {
            if self.caller.stop().load(Ordering::Relaxed) {
                break Err(stopped());
            }
            let this = Attempt { request, number: counts.failed + counts.free + counts.renewed + 1 };
            let response = attempt(this);
            if !matches!(response, Err(CallError::Credentials { .. })) {
                self.caller.attempted();
            }
            let error = match response {
                Ok(value) => {
                    self.budget.earn();
                    break Ok(value);
                }
                Err(error) => error,
            };
            ambiguous |= error.may_have_been_done();
            if let Err(error) = self.prepare_next(this, error, &mut counts, RetryPolicy { max_attempts: most }) {
                break Err(error.explain(request.operation, counts.failed));
            }
        };
        Attempted { result, ambiguous }
    }

    /// Makes the request of `attempt` once, which is told as an event.
    pub(crate) fn call(
        &self,
        attempt: Attempt<'_>,
        body: Option<&mut dyn Body>,
    ) -> std::result::Result<Response, CallError> {
        let start = Instant::now();
        let bytes = body.as_ref().map_or(attempt.request.body.len() as u64, |body| body.length());
        let response = self.service.call(self.endpoint, attempt.request, body, self.caller.stop());
        self.caller.events().tell(EventKind::Request, |event| {
            attempt.describe(event);
            event.elapsed = start.elapsed();
            event.bytes = bytes;
            match &response {
                Ok(response) => {
                    event.http_status = response.status;
                    response.request_id().clone_into(&mut event.request_id);
                }
                Err(error) => error.describe(event),
            }
        });
        response
    }

    /// Does what an attempt that failed with `error` needs before the next one, or gives the error back.
    fn prepare_next(
        &self,
        attempt: Attempt<'_>,
        error: CallError,
        counts: &mut Counts,
        policy: RetryPolicy,
    ) -> std::result::Result<(), CallError> {
        if counts.free < FREE_RETRIES && self.costs_nothing(&error) {
            counts.free += 1;
            return Ok(());
        }
        let error = match self.other_credentials(attempt.request.operation, error, counts.renewed) {
            Ok(()) => {
                counts.renewed += 1;
                return Ok(());
            }
            Err(error) => error,
        };
        counts.failed += 1;
        let delay = policy.delay(counts.failed, error.asked_delay(), fastrand::f64());
        let Some(delay) = delay.filter(|_| error.is_retryable() && self.budget.spend()) else { return Err(error) };
        self.caller.retrying(error.is_complaint());
        self.caller.events().tell(EventKind::Retry, |event| {
            attempt.describe(event);
            error.describe(event);
            event.elapsed = delay;
        });
        self.caller.sleep(delay);
        Ok(())
    }

    /// Failures that say nothing about the server's health, once what caused them has been put right.
    fn costs_nothing(&self, error: &CallError) -> bool {
        match error {
            CallError::Transport(Failure::Connection { stale, .. }) => *stale,
            CallError::Service(error, signed) => match (error.code.as_str(), error.server_time) {
                ("RequestTimeTooSkewed", Some(server_time)) => self.service.correct_clock(server_time, signed),
                ("SignatureDoesNotMatch", _) => self.service.credentials() != signed.credentials,
                _ => false,
            },
            _ => false,
        }
    }

    /// When the request failed for want of good credentials, sees to it that there are others now; else, or when there
    /// are none, gives the error back.
    fn other_credentials(
        &self,
        operation: Operation,
        error: CallError,
        renewed: u32,
    ) -> std::result::Result<(), CallError> {
        if renewed >= MOST_RENEWALS {
            return Err(error);
        }
        let (error, used) = match error {
            CallError::Service(error, signed) if refuses_credentials(&error.code) => {
                let Some(used) = signed.credentials.clone() else { return Err(CallError::Service(error, signed)) };
                match self.service.renew(&used, operation, self.caller.stop()) {
                    Renewal::Renewed => return Ok(()),
                    Renewal::Stopped => return Err(CallError::Transport(Failure::Stopped { begun: false })),
                    Renewal::Same => (CallError::Service(error, signed), Some(used)),
                    Renewal::Failed(why) => {
                        let error = error.into_error(operation).hint(&why).with_retryable(why.is_retryable());
                        (CallError::Credentials { error, over: false }, Some(used))
                    }
                }
            }
            CallError::Credentials { error, over } => {
                (CallError::Credentials { error: error.context(operation), over }, None)
            }
            error => return Err(error),
        };
        let longest = self.service.credentials_wait;
        if longest.is_zero() || is_tidying(operation) {
            return Err(error);
        }
        let mut found = Ok(false);
        self.caller.while_waiting(&mut || {
            found = self.service.wait_for_others(used.as_deref(), self.caller.stop());
        });
        if found? {
            return Ok(());
        }
        let error = error.explain(operation, 1).hint(format_args!("waited {longest:?} for new ones"));
        Err(CallError::Credentials { error: error.with_retryable(true), over: true })
    }
}

impl Attempt<'_> {
    pub(crate) fn operation(&self) -> Operation {
        self.request.operation
    }

    fn describe(&self, event: &mut Event) {
        event.operation = self.request.operation.to_string();
        event.attempt = self.number;
        event.part_number = self.request.part_number();
    }
}
