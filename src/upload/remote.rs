//! One object on the server: the calls of an upload, each tried until it succeeds or trying is pointless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::control::{Control, Wish, stopped};
use super::plan::PartRange;
use super::progress::{Meter, PartMeter};
use super::range_reader::RangeReader;
use super::service::{CallError, Service, is_tidying, patience_for};
use super::source::Source;
use super::task::Task;
use crate::credentials::Renewal;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, EventKind, Events};
use crate::oss::api::{self, Completed, HeadInfo, ListedPart, OpenUpload, UploadedPart};
use crate::oss::{Endpoint, ObjectRef, Operation, Request, Response};
use crate::transfer::{Permit, Queue};
use crate::transport::retry::{RetryBudget, RetryPolicy};
use crate::transport::{Body, Failure};

/// A page of ListParts: the most that OSS gives.
const PAGE: u32 = 1000;
/// Retries that count as none (stale connections, a corrected clock, new credentials) end here all the same.
const FREE_RETRIES: u32 = 20;
/// How often one request gets other credentials: more of them would be refused as well.
const MOST_RENEWALS: u32 = 5;
/// How often something is tried that is only tidying up; once when the user waits for the upload to stop.
const TIDY_ATTEMPTS: u32 = 2;
/// PutObject replaces the object before its CRC-64 can be compared; with Content-MD5 the server refuses a damaged body.
/// Up to this many bytes that costs some milliseconds, and is not left to the caller.
const MD5_COSTS_NOTHING: u64 = 8 * 1024 * 1024;

/// The calls of one upload.
pub(crate) struct Remote<'a> {
    pub service: &'a Service,
    pub endpoint: &'a Endpoint,
    pub task: &'a Task,
    pub control: &'a Control,
    pub meter: &'a Meter,
    pub budget: &'a RetryBudget,
    pub events: &'a Events,
    /// Where each request waits for its turn, unless its turn has come already.
    pub turns: Option<&'a Arc<Queue>>,
    /// Ends every call.
    pub stop: Arc<AtomicBool>,
}

/// An answer, and whether an earlier try may have been carried out without our hearing of it.
pub(crate) struct Tried<T> {
    pub result: Result<T>,
    pub ambiguous: bool,
}

impl Remote<'_> {
    fn object(&self) -> ObjectRef<'_> {
        ObjectRef { bucket: &self.task.bucket, key: &self.task.key }
    }

    /// Stores the whole file. `before_end` runs when it has been read, before the last of it is sent.
    pub(crate) fn put_object(
        &self,
        source: &Source,
        before_end: &dyn Fn(u64) -> Result<()>,
    ) -> Tried<(Completed, u64)> {
        let whole = PartRange { number: 1, offset: 0, size: source.identity().size };
        let mut request = api::put_object(self.object(), &self.task.headers);
        let mut meter = PartMeter::new(self.meter);
        let wants_md5 = self.task.content_md5 || whole.size <= MD5_COSTS_NOTHING;
        if let Err(error) = self.add_md5(&mut request, source, &whole, wants_md5) {
            return Tried { result: Err(error), ambiguous: false };
        }
        let tried = self.retrying(&request, self.service.retry.max_attempts, |try_| {
            let (response, crc64) = self.send_range(try_, source, whole, &mut meter, before_end)?;
            let stored = api::object_put(&response, self.task.headers.wants_callback()).map_err(CallError::Answer)?;
            agree(stored.crc64, crc64).map_err(CallError::Answer)?;
            Ok((stored, crc64))
        });
        if tried.result.is_ok() {
            meter.acknowledged(&whole);
        }
        tried
    }

    pub(crate) fn initiate(&self) -> Tried<String> {
        let request = api::initiate_multipart_upload(self.object(), &self.task.headers);
        self.calling(&request, |response| api::initiated(&response))
    }

    /// Stores one part and returns its ETag and CRC-64.
    pub(crate) fn upload_part(&self, source: &Source, upload_id: &str, part: PartRange) -> Result<(UploadedPart, u64)> {
        let mut request = api::upload_part(self.object(), upload_id, part.number, &self.task.headers);
        let mut meter = PartMeter::new(self.meter);
        self.add_md5(&mut request, source, &part, self.task.content_md5)?;
        let unchanged = |_| source.look().map(|_| ());
        let sent = self.retrying(&request, self.service.retry.max_attempts, |try_| {
            let (response, crc64) = self.send_range(try_, source, part, &mut meter, &unchanged)?;
            let stored = api::part_uploaded(&response).map_err(CallError::Answer)?;
            agree(stored.crc64, crc64).map_err(CallError::Answer)?;
            Ok((stored, crc64))
        });
        let sent =
            sent.result.map_err(|error| error.context(format_args!("part {}", part.number)).with_part(part.number))?;
        meter.acknowledged(&part);
        Ok(sent)
    }

    pub(crate) fn complete<'p>(
        &self,
        upload_id: &str,
        parts: impl IntoIterator<Item = (u32, &'p str)>,
    ) -> Tried<Completed> {
        let request = api::complete_multipart_upload(self.object(), upload_id, parts, &self.task.headers);
        let callback = self.task.headers.wants_callback();
        self.calling(&request, |response| api::completed(&response, callback))
    }

    /// Throws the parts on the server away. An upload that is gone already is as good.
    pub(crate) fn abort(&self, upload_id: &str) -> Result<()> {
        self.abort_of(self.object(), upload_id)
    }

    /// The same for an upload of another object, which an old checkpoint names.
    pub(crate) fn abort_of(&self, object: ObjectRef<'_>, upload_id: &str) -> Result<()> {
        let request = api::abort_multipart_upload(object, upload_id, &self.task.headers);
        let tried = self.retrying(&request, self.tidy_attempts(), |try_| self.call(try_, None));
        match tried.result {
            Err(error) if error.service_code() == "NoSuchUpload" => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// All parts that the server holds for `upload_id`.
    pub(crate) fn list_parts(&self, upload_id: &str) -> Result<Vec<ListedPart>> {
        let mut parts = Vec::new();
        let mut marker = 0;
        loop {
            let request = api::list_parts(self.object(), upload_id, marker, PAGE, &self.task.headers);
            let page = self.calling(&request, |response| api::parts_page(&response, marker)).result?;
            parts.extend(page.parts);
            match page.next {
                Some(next) => marker = next,
                None => return Ok(parts),
            }
        }
    }

    /// The uploads of the key that are open on the server, ours and others'.
    pub(crate) fn open_uploads(&self) -> Result<Vec<OpenUpload>> {
        let request = api::list_multipart_uploads(self.object(), &self.task.headers);
        let tried = self.retrying(&request, self.tidy_attempts(), |try_| {
            let response = self.call(try_, None)?;
            api::open_uploads(&response, &self.task.key).map_err(CallError::Answer)
        });
        tried.result
    }

    /// What is stored under the key.
    pub(crate) fn head(&self) -> Result<HeadInfo> {
        let request = api::head_object(self.object(), &self.task.headers);
        self.calling(&request, |response| Ok(api::head(&response))).result
    }

    fn tidy_attempts(&self) -> u32 {
        if self.control.wish() == Wish::GoOn { TIDY_ATTEMPTS } else { 1 }
    }

    fn calling<T>(&self, request: &Request, read: impl Fn(Response) -> Result<T>) -> Tried<T> {
        self.retrying(request, self.service.retry.max_attempts, |try_| {
            let response = self.call(try_, None)?;
            read(response).map_err(CallError::Answer)
        })
    }

    /// Sends a range of the file once; returns the answer and the CRC-64 of what was read.
    fn send_range(
        &self,
        try_: Try<'_>,
        source: &Source,
        part: PartRange,
        meter: &mut PartMeter<'_>,
        before_end: &dyn Fn(u64) -> Result<()>,
    ) -> std::result::Result<(Response, u64), CallError> {
        let _sending = self.meter.sending();
        let mut reader = RangeReader::new(source, part, meter, before_end);
        let response = self.call(try_, Some(&mut reader))?;
        Ok((response, reader.crc64()))
    }

    /// One request, which is told as an event.
    fn call(&self, try_: Try<'_>, body: Option<&mut dyn Body>) -> std::result::Result<Response, CallError> {
        let _permit = self.wait_for_turn(try_.request.operation)?;
        let start = Instant::now();
        let bytes = body.as_ref().map_or(try_.request.body.len() as u64, |body| body.length());
        let answer = self.service.call(self.endpoint, try_.request, body, &self.stop);
        self.events.tell(EventKind::Request, |event| {
            try_.describe(event);
            event.elapsed = start.elapsed();
            event.bytes = bytes;
            match &answer {
                Ok(response) => {
                    event.http_status = response.status;
                    response.request_id().clone_into(&mut event.request_id);
                }
                Err(error) => describe(error, event),
            }
        });
        answer
    }

    /// What only tidies up does not wait long.
    fn wait_for_turn(&self, operation: Operation) -> std::result::Result<Option<Permit>, CallError> {
        let Some(queue) = self.turns else { return Ok(None) };
        let permit = queue.permit(&self.stop, patience_for(operation));
        if permit.is_none() && self.stop.load(Ordering::Relaxed) {
            return Err(CallError::Transport(Failure::Stopped { begun: false }));
        }
        Ok(permit)
    }

    fn add_md5(&self, request: &mut Request, source: &Source, part: &PartRange, wanted: bool) -> Result<()> {
        if wanted {
            let _hashing = self.meter.hashing();
            let md5 = source.md5(part, || self.go_on())?;
            request.set_header("content-md5", BASE64.encode(md5));
        }
        Ok(())
    }

    /// Fails when this round of work is being stopped.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(stopped()) } else { Ok(()) }
    }

    fn retrying<T>(
        &self,
        request: &Request,
        max_attempts: u32,
        mut attempt: impl FnMut(Try<'_>) -> std::result::Result<T, CallError>,
    ) -> Tried<T> {
        let policy = RetryPolicy { max_attempts };
        let (mut failed, mut free, mut renewed, mut ambiguous) = (0, 0, 0, false);
        let result = loop {
            if let Err(error) = self.go_on() {
                break Err(error);
            }
            let try_ = Try { request, number: failed + free + renewed + 1 };
            let answer = attempt(try_);
            if !matches!(answer, Err(CallError::Credentials { .. })) {
                self.meter.attempt();
            }
            let error = match answer {
                Ok(value) => {
                    self.budget.earn();
                    break Ok(value);
                }
                Err(error) => error,
            };
            ambiguous |= may_have_been_done(&error);
            if free < FREE_RETRIES && self.costs_nothing(&error) {
                free += 1;
                continue;
            }
            let error = match self.other_credentials(request.operation, error, renewed) {
                Ok(()) => {
                    renewed += 1;
                    continue;
                }
                Err(error) => error,
            };
            failed += 1;
            let asked = match &error {
                CallError::Service(error, _) => error.delay,
                _ => None,
            };
            let delay =
                policy.delay(failed, asked, fastrand::f64()).filter(|_| may_help(&error) && self.budget.spend());
            let Some(delay) = delay else { break Err(explain(error, request.operation, failed)) };
            self.meter.retry();
            self.events.tell(EventKind::Retry, |event| {
                try_.describe(event);
                describe(&error, event);
                event.elapsed = delay;
            });
            if is_complaint(&error) {
                self.meter.complaint();
            }
            self.control.sleep(delay, &self.stop);
        };
        Tried { result, ambiguous }
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
            CallError::Service(error, signed) if is_refusal_of_credentials(&error.code) => {
                let Some(used) = signed.credentials.clone() else { return Err(CallError::Service(error, signed)) };
                match self.service.renew(&used, operation, &self.stop) {
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
        let patience = self.service.credentials_wait;
        if patience.is_zero() || is_tidying(operation) {
            return Err(error);
        }
        let waiting = self.meter.waiting();
        let found = self.service.wait_for_others(used.as_deref(), &self.stop)?;
        drop(waiting);
        if found {
            return Ok(());
        }
        let error = explain(error, operation, 1).hint(format_args!("waited {patience:?} for others"));
        Err(CallError::Credentials { error: error.with_retryable(true), over: true })
    }
}

/// The server's words for credentials that are of no use, or not any more.
fn is_refusal_of_credentials(code: &str) -> bool {
    matches!(
        code,
        "SecurityTokenExpired" | "InvalidSecurityToken" | "InvalidAccessKeyId" | "AccessKeyIdAndSecurityTokenNotMatch"
    )
}

/// One try of a request.
#[derive(Clone, Copy)]
struct Try<'a> {
    request: &'a Request,
    /// From 1.
    number: u32,
}

impl Try<'_> {
    fn describe(&self, event: &mut Event) {
        event.operation = self.request.operation.to_string();
        event.attempt = self.number;
        event.part_number = self.request.part_number();
    }
}

fn describe(error: &CallError, event: &mut Event) {
    match error {
        CallError::Service(error, _) => {
            event.http_status = error.http_status;
            event.service_code.clone_from(&error.code);
            event.request_id.clone_from(&error.request_id);
            event.message.clone_from(&error.message);
        }
        CallError::Transport(failure) => event.message = failure.to_string(),
        CallError::Answer(error) | CallError::Credentials { error, .. } => {
            error.message().clone_into(&mut event.message);
        }
    }
}

/// The CRC-64 that the server computed must be ours. Servers too old to compute one are believed.
fn agree(theirs: Option<u64>, ours: u64) -> Result<()> {
    match theirs {
        Some(theirs) if theirs != ours => {
            let message = format!("the data was damaged on its way: the server has CRC-64 {theirs}, the file {ours}");
            Err(Error::new(ErrorKind::ChecksumMismatch, message).with_retryable(true))
        }
        _ => Ok(()),
    }
}

/// The server may have carried the request out although we did not hear so.
fn may_have_been_done(error: &CallError) -> bool {
    match error {
        CallError::Transport(Failure::Connection { begun, .. } | Failure::Stopped { begun }) => *begun,
        CallError::Answer(_) => true,
        CallError::Service(error, _) => error.http_status >= 500,
        _ => false,
    }
}

/// A sign that fewer requests at a time would do better.
fn is_complaint(error: &CallError) -> bool {
    match error {
        CallError::Service(error, _) => matches!(error.http_status, 429 | 503),
        CallError::Transport(Failure::Connection { kind, .. }) => *kind == ErrorKind::Timeout,
        _ => false,
    }
}

fn may_help(error: &CallError) -> bool {
    match error {
        CallError::Service(error, _) => error.is_retryable(),
        CallError::Transport(Failure::Connection { .. }) => true,
        CallError::Answer(error) => error.is_retryable(),
        CallError::Credentials { error, over } => !over && error.is_retryable(),
        CallError::Transport(_) => false,
    }
}

fn explain(error: CallError, operation: Operation, tries: u32) -> Error {
    let error = match error {
        CallError::Service(error, _) => error.into_error(operation),
        CallError::Transport(Failure::Stopped { .. }) => return stopped(),
        CallError::Transport(Failure::Body(error)) => return error,
        CallError::Transport(Failure::Hopeless(error)) => error.context(operation),
        CallError::Transport(Failure::Connection { kind, message, errno, .. }) => {
            let error = Error::new(kind, format!("{operation}: {message}")).with_retryable(true);
            error.with_errno(errno)
        }
        CallError::Answer(error) => error.context(operation),
        // It names the operation.
        CallError::Credentials { error, .. } => error,
    };
    if tries > 1 { error.hint(format_args!("tried {tries} times")) } else { error }
}
