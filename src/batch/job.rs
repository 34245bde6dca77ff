//! All that one batch needs, and the uploads that it makes.

use std::path::PathBuf;
use std::sync::Arc;

use super::bounded_queue::BoundedQueue;
use super::control::{BatchControl, RunningUpload};
use super::entry::{Entry, PushedFile, Stored, Task};
use super::outcome::BatchOutcome;
use super::progress::BatchMeter;
use super::request::BatchRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{ClientEvents, Events};
use crate::options::{Checkpoint, PartSize, UploadOptions};
use crate::os;
use crate::oss::Endpoint;
use crate::oss::api::HeadInfo;
use crate::service::Service;
use crate::source::MemorySource;
use crate::transfer::{KeepsTo, Plan, Queue, RequestLimit};
use crate::upload::{Job, Outcome, UploadRequest};

/// One batch, and what it shares with others.
#[derive(Debug)]
pub(crate) struct BatchJob {
    pub service: Arc<Service>,
    pub queue: Arc<Queue>,
    /// For the bucket.
    pub endpoint: Arc<Endpoint>,
    pub events: Arc<ClientEvents>,
    pub request: BatchRequest,
    pub keeps_to: KeepsTo,
    pub limit: Option<Arc<RequestLimit>>,
    pub control: BatchControl,
    pub meter: BatchMeter,
    /// Outcomes on their way to the program.
    pub outbox: BoundedQueue<BatchOutcome>,
    /// What a program pushes.
    pub pushed: BoundedQueue<PushedFile>,
}

impl BatchJob {
    pub(crate) fn new(
        service: Arc<Service>,
        queue: Arc<Queue>,
        endpoint: Arc<Endpoint>,
        events: Arc<ClientEvents>,
        request: BatchRequest,
    ) -> BatchJob {
        let keeps_to = match request.connections {
            Some(connections) => KeepsTo::Group(Arc::new(queue.new_pace(connections))),
            None => KeepsTo::Shared,
        };
        let per_second = request.options.max_requests_per_second;
        BatchJob {
            service,
            queue,
            endpoint,
            events,
            request,
            keeps_to,
            limit: (per_second > 0).then(|| Arc::new(RequestLimit::new(per_second))),
            control: BatchControl::new(),
            meter: BatchMeter::default(),
            outbox: BoundedQueue::default(),
            pushed: BoundedQueue::default(),
        }
    }

    /// Ends the batch with this error. Who waits until its outcome is taken need not wait any more: the program may want to
    /// know the error first.
    pub(crate) fn fail(&self, error: Error) {
        self.control.fail(error);
        self.outbox.stop_waiting();
    }

    /// One request sends the file.
    pub(crate) fn is_small(&self, entry: &Entry) -> bool {
        entry.task == Task::Directory
            || Plan::new(entry.identity.size, self.request.part_size).is_ok_and(|plan| plan.is_single())
    }

    /// Where the checkpoints of large files are.
    pub(crate) fn checkpoint_directory(&self) -> Option<PathBuf> {
        let mut path = self.request.options.manifest.clone()?.into_os_string();
        path.push(".parts");
        Some(path.into())
    }

    /// Carries out the upload of one file on this thread. How often the server has complained in all comes with the outcome.
    pub(crate) fn upload(&self, entry: &Entry, is_small: bool) -> Result<(Outcome, u32)> {
        let mut job = self.upload_job(self.upload_request(entry, is_small)?);
        // The turn of a small file has come: its requests need not wait for another one.
        job.keeps_to = if is_small { KeepsTo::Own(1) } else { self.keeps_to.clone() };
        let large = (!is_small).then(|| (job.meter.clone(), String::from_utf8_lossy(&entry.path).into()));
        let _entered = self.control.enter(RunningUpload { control: job.control.clone(), large });
        let job = Arc::new(job);
        let outcome = job.run();
        let complaints = self.meter.uploaded(&outcome.result, &job.meter);
        Ok((outcome, complaints))
    }

    /// What the bucket has under the key; `None` when nothing, or nothing that can be compared.
    pub(crate) fn head(&self, entry: &Entry) -> Result<Option<Stored>> {
        let job = self.upload_job(self.upload_request(entry, true)?);
        let _entered = self.control.enter(RunningUpload { control: job.control.clone(), large: None });
        let head = job.remote_of_worker(job.control.begin_round()).head();
        self.meter.requested(job.meter.attempts());
        match head {
            Err(error) if error.http_status() == 404 => Ok(None),
            head => {
                let HeadInfo { size, crc64, etag, version_id, .. } = head?;
                let stored = |(size, crc64)| {
                    let version_id = version_id.unwrap_or_default();
                    Stored { size, crc64, etag, version_id, resumed: false }
                };
                Ok(size.zip(crc64).map(stored))
            }
        }
    }

    fn upload_job(&self, request: UploadRequest) -> Job {
        let events = Events::new(self.events.clone(), &request.options.object_key);
        let mut job = Job::new(self.service.clone(), self.queue.clone(), self.endpoint.clone(), request, events);
        job.limit.clone_from(&self.limit);
        job
    }

    fn upload_request(&self, entry: &Entry, is_small: bool) -> Result<UploadRequest> {
        let batch = &self.request.options;
        let mut options = UploadOptions {
            bucket: batch.bucket.clone(),
            object_key: entry.key.clone(),
            part_size: self.request.part_size.map_or(PartSize::Auto, PartSize::Bytes),
            headers: batch.headers.clone(),
            ..UploadOptions::default()
        };
        if batch.keep_mtime {
            options.headers.push(("x-oss-meta-mtime".into(), mtime(entry.identity.modified_ns)));
        }
        if entry.task == Task::Directory {
            return UploadRequest::of_memory(options, MemorySource::new(Arc::new([])));
        }
        options.file_path = self.request.full_path(&entry.path);
        options.on_file_change = batch.on_file_change;
        if !is_small && let Some(directory) = self.checkpoint_directory() {
            os::directory::make_private(&directory).map_err(|error| {
                let what = format!("cannot make the folder {} for checkpoints", directory.display());
                Error::os(ErrorKind::Checkpoint, what, &error)
            })?;
            options.checkpoint = Checkpoint::Directory(directory);
        }
        UploadRequest::of_file(options)
    }
}

/// Seconds since 1970 with as many digits of the fraction as it has, as rclone writes them.
fn mtime(nanoseconds: i128) -> String {
    const SECOND: u128 = 1_000_000_000;
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let distance = nanoseconds.unsigned_abs();
    let text = format!("{sign}{}.{:09}", distance / SECOND, distance % SECOND);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rclone_does() {
        for (nanoseconds, text) in [
            (0, "0"),
            (1_354_040_105_123_456_789, "1354040105.123456789"),
            (1_354_040_105_100_000_000, "1354040105.1"),
            (1_354_040_110_000_000_000, "1354040110"),
            (-1_500_000_000, "-1.5"),
        ] {
            assert_eq!(mtime(nanoseconds), text);
        }
    }
}
