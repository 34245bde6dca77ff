//! One object on the server: the calls that an upload makes.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::request::UploadRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::http::Response;
use crate::oss::api::{self, Completed, HeadInfo, ListedPart, OpenUploads, UploadedPart};
use crate::oss::{ApiRequest, Endpoint, ObjectRef, Operation};
use crate::service::{Attempt, Attempted, Attempts, CallError, Caller, RetryBudget, Service, longest_wait, stopped};
use crate::source::{Part, PartReader, Source, changed};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::transfer::{Control, KeepsTo, Meter, PartMeter, Permit, Queue, RequestLimit, StopRequest};
use crate::transport::{Body, Failure, Lent};

/// A page of ListParts: the most that OSS gives.
const PAGE: u32 = 1000;
/// 10,000 parts have ten pages of OSS. Other servers may give smaller ones, but not of a part each for ever.
const MOST_PAGES: usize = 500;
/// How often something is tried that is only tidying up; once when the user waits for the upload to stop.
const TIDY_ATTEMPTS: u32 = 2;
/// PutObject replaces the object before its CRC-64 can be compared; with Content-MD5 the server refuses a damaged body.
/// Up to this many bytes that costs some milliseconds, and is not left to the caller.
const MD5_COSTS_NOTHING: u64 = 8 * 1024 * 1024;

/// The calls of one upload.
pub(crate) struct Remote<'a> {
    pub service: &'a Service,
    pub endpoint: &'a Endpoint,
    pub request: &'a UploadRequest,
    pub control: &'a Control,
    pub meter: &'a Meter,
    pub budget: &'a RetryBudget,
    pub limit: Option<&'a RequestLimit>,
    pub events: &'a Events,
    /// Where each request waits for its turn, unless its turn has come already.
    pub turns: Option<(&'a Arc<Queue>, &'a KeepsTo)>,
    /// Ends every call.
    pub stop: Arc<AtomicBool>,
}

impl Caller for Remote<'_> {
    fn stop(&self) -> &Arc<AtomicBool> {
        &self.stop
    }

    fn events(&self) -> &Events {
        self.events
    }

    fn sleep(&self, time: Duration) {
        self.control.sleep(time, &self.stop);
    }

    fn attempted(&self) {
        self.meter.attempt();
    }

    fn retrying(&self, complaint: bool) {
        self.meter.retry();
        if complaint {
            self.meter.complaint();
        }
    }

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        let _waiting = self.meter.waiting();
        wait();
    }
}

impl Remote<'_> {
    fn attempts(&self) -> Attempts<'_> {
        Attempts { service: self.service, endpoint: self.endpoint, budget: self.budget, caller: self }
    }

    fn object(&self) -> ObjectRef<'_> {
        self.request.object()
    }

    /// Stores the whole file. `before_end` runs when it has been read, before the last of it is sent.
    pub(crate) fn put_object(
        &self,
        source: &Arc<dyn Source>,
        before_end: &dyn Fn(u64) -> Result<()>,
    ) -> Attempted<(Completed, u64)> {
        let whole = Part { number: 1, offset: 0, size: source.size() };
        let mut request = api::put_object(self.object(), &self.request.headers);
        let mut meter = PartMeter::new(self.meter);
        let wants_md5 = self.request.options.content_md5 || whole.size <= MD5_COSTS_NOTHING;
        if let Err(error) = self.add_md5(&mut request, source, &whole, wants_md5) {
            return Attempted { result: Err(error), ambiguous: false };
        }
        let attempted = self.attempts().run(&request, self.service.retry.max_attempts, |attempt| {
            let sent = self.send_range(attempt, source, whole, &mut meter, before_end);
            let (response, crc64) = sent.map_err(|error| self.digest_refused(error, &request, source, &whole))?;
            let stored =
                api::object_put(&response, self.request.headers.wants_callback()).map_err(CallError::Response)?;
            agree(request.operation, stored.crc64, crc64).map_err(CallError::Response)?;
            Ok((stored, crc64))
        });
        if attempted.result.is_ok() {
            meter.acknowledged(&whole);
        }
        attempted
    }

    pub(crate) fn initiate(&self) -> Attempted<String> {
        let request = api::initiate_multipart_upload(self.object(), &self.request.headers);
        self.calling(&request, |response| api::initiated(&response))
    }

    /// Stores one part and returns its ETag and CRC-64.
    pub(crate) fn upload_part(
        &self,
        source: &Arc<dyn Source>,
        upload_id: &str,
        part: Part,
    ) -> Result<(UploadedPart, u64)> {
        let mut request = api::upload_part(self.object(), upload_id, part.number, &self.request.headers);
        let mut meter = PartMeter::new(self.meter);
        self.add_md5(&mut request, source, &part, self.request.options.content_md5)?;
        let unchanged = |_| source.check_unchanged();
        let sent = self.attempts().run(&request, self.service.retry.max_attempts, |attempt| {
            let sent = self.send_range(attempt, source, part, &mut meter, &unchanged);
            let (response, crc64) = sent.map_err(|error| self.digest_refused(error, &request, source, &part))?;
            let stored = api::part_uploaded(&response).map_err(CallError::Response)?;
            agree(request.operation, stored.crc64, crc64).map_err(CallError::Response)?;
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
    ) -> Attempted<Completed> {
        let request = api::complete_multipart_upload(self.object(), upload_id, parts, &self.request.headers);
        let callback = self.request.headers.wants_callback();
        self.calling(&request, |response| api::completed(&response, callback))
    }

    /// Throws the parts on the server away. An upload that is gone already is as good.
    pub(crate) fn abort(&self, upload_id: &str) -> Result<()> {
        self.abort_of(self.object(), upload_id)
    }

    /// The same for an upload of another object, which an old checkpoint names.
    pub(crate) fn abort_of(&self, object: ObjectRef<'_>, upload_id: &str) -> Result<()> {
        let request = api::abort_multipart_upload(object, upload_id, &self.request.headers);
        let attempted = self.attempts().run(&request, self.tidy_attempts(), |attempt| self.call(attempt, None));
        match attempted.result {
            Err(error) if error.service_code() == "NoSuchUpload" => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// All parts that the server holds for `upload_id`.
    pub(crate) fn list_parts(&self, upload_id: &str) -> Result<Vec<ListedPart>> {
        self.list_parts_in(upload_id, &(1..=u32::MAX))
    }

    /// Those with these numbers.
    pub(crate) fn list_parts_in(&self, upload_id: &str, numbers: &RangeInclusive<u32>) -> Result<Vec<ListedPart>> {
        let mut parts = Vec::new();
        let mut marker = numbers.start().saturating_sub(1);
        for _ in 0..MOST_PAGES {
            let request = api::list_parts(self.object(), upload_id, marker, PAGE, &self.request.headers);
            let page = self.calling(&request, |response| api::parts_page(&response, marker)).result?;
            parts.extend(page.parts.into_iter().filter(|part| numbers.contains(&part.number)));
            match page.next {
                Some(next) if next < *numbers.end() => marker = next,
                _ => return Ok(parts),
            }
        }
        Err(Error::new(ErrorKind::Service, "ListParts: the server's list of parts does not end")
            .hint("check the endpoint, and whether a proxy is in between"))
    }

    /// The uploads of the key that are open on the server, ours and others'.
    pub(crate) fn open_uploads(&self) -> Result<OpenUploads> {
        let request = api::list_multipart_uploads(self.object(), &self.request.headers);
        let attempted = self.attempts().run(&request, self.tidy_attempts(), |attempt| {
            let response = self.call(attempt, None)?;
            api::open_uploads(&response, &self.request.options.object_key).map_err(CallError::Response)
        });
        attempted.result
    }

    /// What is stored under the key.
    pub(crate) fn head(&self) -> Result<HeadInfo> {
        let request = api::head_object(self.object(), &self.request.headers);
        self.calling(&request, |response| Ok(api::head(&response))).result
    }

    fn tidy_attempts(&self) -> u32 {
        if self.control.stop_request() == StopRequest::None { TIDY_ATTEMPTS } else { 1 }
    }

    fn calling<T>(&self, request: &ApiRequest, read: impl Fn(Response) -> Result<T>) -> Attempted<T> {
        self.attempts().run(request, self.service.retry.max_attempts, |attempt| {
            let response = self.call(attempt, None)?;
            read(response).map_err(CallError::Response)
        })
    }

    /// Sends a range of the file once; returns the response and the CRC-64 of what was read.
    fn send_range(
        &self,
        attempt: Attempt<'_>,
        source: &Arc<dyn Source>,
        part: Part,
        meter: &mut PartMeter<'_>,
        before_end: &dyn Fn(u64) -> Result<()>,
    ) -> std::result::Result<(Response, u64), CallError> {
        let _sending = self.meter.sending();
        let mut body = PartBody { reader: PartReader::new(source, part, before_end), meter };
        let response = self.call(attempt, Some(&mut body))?;
        Ok((response, body.reader.crc64()))
    }

    /// One attempt, when its turn has come.
    fn call(&self, attempt: Attempt<'_>, body: Option<&mut dyn Body>) -> std::result::Result<Response, CallError> {
        let _permit = self.wait_for_turn(attempt.operation())?;
        if let Some(limit) = self.limit {
            self.control.sleep(limit.delay(Instant::now()), &self.stop);
        }
        self.attempts().call(attempt, body)
    }

    /// What only tidies up does not wait long.
    fn wait_for_turn(&self, operation: Operation) -> std::result::Result<Option<Permit>, CallError> {
        let Some((queue, keeps_to)) = self.turns else { return Ok(None) };
        let permit = queue.permit(keeps_to, &self.stop, longest_wait(operation));
        if permit.is_none() && self.stop.load(Ordering::Relaxed) {
            return Err(CallError::Transport(Failure::Stopped { begun: false }));
        }
        Ok(permit)
    }

    fn add_md5(&self, request: &mut ApiRequest, source: &Arc<dyn Source>, part: &Part, wanted: bool) -> Result<()> {
        if wanted {
            let _hashing = self.meter.hashing();
            let md5 = source.md5(part, || self.go_on())?;
            request.set_header("content-md5", BASE64.encode(md5));
        }
        Ok(())
    }

    /// The server may have found other bytes than those of the digest because they have changed since it was computed, even if
    /// nothing but they themselves tells. Another attempt with that digest cannot succeed then.
    fn digest_refused(
        &self,
        error: CallError,
        request: &ApiRequest,
        source: &Arc<dyn Source>,
        part: &Part,
    ) -> CallError {
        let is_refused = matches!(&error, CallError::Service(refusal, _) if refusal.code == "InvalidDigest");
        let Some(sent) = request.header("content-md5").filter(|_| is_refused) else { return error };
        match source.md5(part, || self.go_on()) {
            Ok(md5) if BASE64.encode(md5) == sent => error,
            Ok(_) => {
                let path = self.request.path();
                let what = if path.as_os_str().is_empty() { "the content".into() } else { path.to_string_lossy() };
                CallError::Transport(Failure::Body(changed(what, "its MD5 is another now")))
            }
            Err(failure) => CallError::Transport(Failure::Body(failure)),
        }
    }

    /// Fails when this round of work is being stopped.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(stopped()) } else { Ok(()) }
    }
}

/// A part on its way into a request, and into what progress shows.
struct PartBody<'a, 'm> {
    reader: PartReader<'a>,
    meter: &'a mut PartMeter<'m>,
}

impl Body for PartBody<'_, '_> {
    fn length(&self) -> u64 {
        self.reader.size()
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.reader.read(buffer)?;
        self.meter.sent(count as u64, self.reader.position());
        Ok(count)
    }

    fn lend(&mut self, most: usize) -> Result<Option<Lent>> {
        let Some(loan) = self.reader.lend(most)? else { return Ok(None) };
        self.meter.sent(loan.as_ref().len() as u64, self.reader.position());
        Ok(Some(Box::new(loan)))
    }
}

/// The CRC-64 that the server computed must be ours. Servers too old to compute one are believed.
fn agree(operation: Operation, theirs: Option<u64>, ours: u64) -> Result<()> {
    match theirs {
        Some(theirs) if theirs != ours => {
            let message = format!("the data was damaged in transit: the server has CRC-64 {theirs}, the file {ours}");
            Err(Error::new(ErrorKind::ChecksumMismatch, message).with_retryable(true).context(operation))
        }
        _ => Ok(()),
    }
}
