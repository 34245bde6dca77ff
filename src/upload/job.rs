//! All that one upload needs.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::checkpoint::{Header, Origin};
use super::remote::Remote;
use super::request::{UploadRequest, UploadSource};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::oss::Endpoint;
use crate::service::{RetryBudget, Service, stopped};
use crate::source::lease::LeaseWait;
use crate::source::{FileSource, MemorySource, Source};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::transfer::{Control, KeepsTo, Meter, Plan, Queue, RequestLimit};

/// One upload, and what it shares with others.
#[derive(Debug)]
pub(crate) struct Job {
    pub service: Arc<Service>,
    pub queue: Arc<Queue>,
    pub endpoint: Arc<Endpoint>,
    pub request: UploadRequest,
    pub keeps_to: KeepsTo,
    /// Of all requests of a batch.
    pub limit: Option<Arc<RequestLimit>>,
    pub control: Arc<Control>,
    pub meter: Arc<Meter>,
    pub budget: RetryBudget,
    pub events: Arc<Events>,
}

/// What is read. Only a file can change, and be read by the process of a later call.
#[derive(Clone, Debug)]
pub(crate) enum OpenSource {
    File(Arc<FileSource>),
    Memory(Arc<MemorySource>),
}

impl OpenSource {
    pub(crate) fn bytes(&self) -> Arc<dyn Source> {
        match self {
            OpenSource::File(file) => file.clone(),
            OpenSource::Memory(memory) => memory.clone(),
        }
    }

    pub(crate) fn file(&self) -> Option<&FileSource> {
        match self {
            OpenSource::File(file) => Some(file),
            OpenSource::Memory(_) => None,
        }
    }
}

impl Job {
    pub(crate) fn new(
        service: Arc<Service>,
        queue: Arc<Queue>,
        endpoint: Arc<Endpoint>,
        request: UploadRequest,
        events: Events,
    ) -> Job {
        let budget = RetryBudget::new(service.retry);
        let keeps_to = request.routines.map_or(KeepsTo::Shared, KeepsTo::Own);
        Job {
            service,
            queue,
            endpoint,
            request,
            keeps_to,
            limit: None,
            control: Arc::new(Control::new()),
            meter: Arc::new(Meter::default()),
            budget,
            events: Arc::new(events),
        }
    }

    /// The source looks so small that one request will send it.
    pub(crate) fn is_one_request(&self) -> bool {
        let size = match &self.request.source {
            UploadSource::File => fs::metadata(self.request.path()).map(|file| file.len()).ok(),
            UploadSource::Memory(memory) => Some(memory.size()),
            UploadSource::Stream(..) => None,
        };
        size.is_some_and(|size| Plan::new(size, self.request.part_size).is_ok_and(|plan| plan.is_single()))
    }

    /// The calls that the upload makes besides sending its parts, until `stop` goes up. At a shared pace they take turns
    /// with the parts of all uploads.
    pub(crate) fn remote(&self, stop: Arc<AtomicBool>) -> Remote<'_> {
        Remote { turns: Some((&self.queue, &self.keeps_to)), ..self.remote_of_worker(stop) }
    }

    /// The calls of a thread whose turn has come.
    pub(crate) fn remote_of_worker(&self, stop: Arc<AtomicBool>) -> Remote<'_> {
        Remote {
            service: &self.service,
            endpoint: &self.endpoint,
            request: &self.request,
            control: &self.control,
            meter: &self.meter,
            budget: &self.budget,
            limit: self.limit.as_deref(),
            events: &self.events,
            turns: None,
            stop,
        }
    }

    /// What a checkpoint of this upload begins with.
    pub(crate) fn header(&self, origin: Origin, observed: SystemTime) -> Header {
        Header {
            endpoint: self.endpoint.to_string(),
            bucket: self.request.options.bucket.clone(),
            key: self.request.options.object_key.clone(),
            options: self.request.shape(),
            observed,
            origin,
        }
    }

    /// Opens a file that may have to wait for somebody's lease, until `stop` goes up.
    pub(crate) fn while_leased<T>(
        &self,
        stop: &AtomicBool,
        open: impl FnOnce(&LeaseWait<'_>) -> Result<T>,
    ) -> Result<T> {
        while_leased(&self.control, stop, self.service.stall_timeout, open)
    }

    pub(crate) fn open_source(&self, stop: &AtomicBool) -> Result<OpenSource> {
        match &self.request.source {
            UploadSource::File => self.open_file(stop).map(|file| OpenSource::File(Arc::new(file))),
            UploadSource::Memory(memory) => Ok(OpenSource::Memory(memory.clone())),
            UploadSource::Stream(..) => Err(Error::new(ErrorKind::Internal, "a stream is read by nobody else")),
        }
    }

    pub(crate) fn open_file(&self, stop: &AtomicBool) -> Result<FileSource> {
        self.while_leased(stop, |wait| FileSource::open(self.request.path(), wait))
    }
}

/// Opens a file that may have to wait for somebody's lease, but no longer than `timeout`, or until `stop` goes up.
pub(crate) fn while_leased<T>(
    control: &Control,
    stop: &AtomicBool,
    timeout: Duration,
    open: impl FnOnce(&LeaseWait<'_>) -> Result<T>,
) -> Result<T> {
    let sleep = |pause: Duration| {
        control.sleep(pause, stop);
        if stop.load(Ordering::Relaxed) { Err(stopped()) } else { Ok(()) }
    };
    open(&LeaseWait { sleep: &sleep, timeout })
}
