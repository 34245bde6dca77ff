//! What the uploads of a client share, and the only place that reads the environment.

use std::env;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::SystemTime;

use crate::batch::{Batch, BatchJob, BatchOptions, BatchRequest};
use crate::credentials::{Clock, Credentials, CredentialsCache, CredentialsSource, Http, ProviderContext, Variables};
use crate::error::{Error, Result};
use crate::events::{ClientEvents, Event, EventKind, Events};
use crate::http::{NoResponse, Request, Response};
use crate::options::{ClientOptions, SignatureVersion, UploadOptions};
use crate::os::thread;
use crate::oss::Endpoint;
use crate::service::{RetryPolicy, Service, Signature};
use crate::source::MemorySource;
use crate::sync::atomic::AtomicBool;
use crate::transfer::{Progress, Queue};
use crate::transport::Transport;
use crate::transport::plain::Plain;
use crate::transport::proxy::Proxies;
use crate::upload::{Job, SharedStep, Upload, UploadRequest, UploadResult, UploadStream};

/// The endpoint, credentials, connections and limits that its uploads share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    service: Arc<Service>,
    endpoint: Endpoint,
    events: Arc<ClientEvents>,
    queue: Arc<Queue>,
}

/// How often [`Client::upload_file`] reports progress.
const PROGRESS_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);

impl Client {
    /// Creates a client with these options. Nothing is sent yet.
    pub fn new(options: ClientOptions) -> Result<Client> {
        let options = options.checked()?;
        let endpoint =
            Endpoint::parse(given(&options.endpoint), given(&options.region), options.cname, options.path_style)?;
        let signature = signature(options.signature_version, &endpoint)?;
        let proxies = Arc::new(Proxies::read(&options.proxy, |name| env::var(name).ok())?);
        let log = env::var_os("OSS_UPLOAD_LOG").unwrap_or_default();
        let events = Arc::new(ClientEvents::new(&log.to_string_lossy()));
        let cache = cache(&options, proxies.clone(), events.clone())?;
        let transport = Transport::new(&options, proxies)?;
        let retry = RetryPolicy { max_attempts: options.max_attempts };
        let service =
            Arc::new(Service::new(transport, signature, cache, options.credentials_wait, options.stall_timeout, retry));
        Ok(Client { service, endpoint, events, queue: Arc::default() })
    }

    /// Replaces the credentials, including those of running uploads: the next request is signed with the new ones.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<()> {
        credentials.check()?;
        self.service.set_credentials(credentials);
        Ok(())
    }

    /// Checks the options, starts the upload and returns at once.
    pub fn start(&self, options: UploadOptions) -> Result<Upload> {
        Upload::start(self.job(UploadRequest::of_file(options)?)?)
    }

    /// Uploads a block of memory, such as a `Vec<u8>`, an `Arc<[u8]>` or a `Bytes`, which is not copied. The options
    /// `file_path`, `checkpoint`, `on_file_change` and `verify_resume` must have their defaults: memory does not change, and no
    /// other process could resume.
    pub fn start_memory(
        &self,
        options: UploadOptions,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    ) -> Result<Upload> {
        let memory = MemorySource::new(Arc::new(bytes));
        Upload::start(self.job(UploadRequest::of_memory(options, memory)?)?)
    }

    /// Opens a stream: what is written to it becomes an object when it is finished. Parts begin with 1 MiB, or with the
    /// option `part_size`, and grow; `max_memory` bounds them. Of the options about files, `checkpoint` may be
    /// [`Checkpoint::File`](crate::Checkpoint::File): then a later call with the same stream sends only what is missing.
    pub fn open_stream(&self, options: UploadOptions) -> Result<UploadStream> {
        let (request, writer) = UploadRequest::of_stream(options)?;
        UploadStream::start(self.job(request)?, writer)
    }

    /// Opens an object that several hosts upload together. Each of them sees the file at a path of its own: the
    /// same file, or a copy with the same bytes. [`UploadResult::token`] is what the others need. The file must not be empty;
    /// `checkpoint` must be off. Content-Type is guessed from the object's name.
    ///
    /// The steps of a shared upload take the same `bucket`, `object_key` and `headers`. Each is started and waited for as
    /// any other upload, and a step that fails, is stopped or killed can be repeated, here or on another host. A file that
    /// changes is always an error, whatever `on_file_change` says. See docs/many-machines.md.
    pub fn begin_shared_upload(&self, options: UploadOptions) -> Result<Upload> {
        self.step(options, SharedStep::Begin)
    }

    /// Sends the parts with these numbers, which begin with 1 and end with [`shared_upload_part_count`]. Parts that the
    /// server has already are compared with the file, and not sent again. [`UploadResult::fragment`] is the proof for
    /// [`Client::finish_shared_upload`].
    ///
    /// [`shared_upload_part_count`]: crate::shared_upload_part_count
    pub fn send_parts(&self, options: UploadOptions, token: &str, parts: RangeInclusive<u32>) -> Result<Upload> {
        self.step(options, SharedStep::send(token, parts)?)
    }

    /// Makes the object of all parts, and proves it by its CRC-64. The order of the fragments does not matter, and they may
    /// be repeated; of a part that is in several, the last one counts. An object that is stored already counts as success.
    ///
    /// When parts were read from files with different times, the content must decide: with `file_path`, the file is read
    /// and compared, without, this is an error. `verify_resume` set to never promises that all files had the same bytes.
    pub fn finish_shared_upload(
        &self,
        options: UploadOptions,
        token: &str,
        fragments: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Upload> {
        self.step(options, SharedStep::finish(token, fragments)?)
    }

    /// Removes from the server what was sent. An upload that is gone already is no error, and an object that was stored
    /// stays.
    pub fn abort_shared_upload(&self, options: UploadOptions, token: &str) -> Result<Upload> {
        self.step(options, SharedStep::abort(token)?)
    }

    fn step(&self, options: UploadOptions, step: SharedStep) -> Result<Upload> {
        Upload::start(self.job(UploadRequest::of_shared(options, step)?)?)
    }

    /// Checks the options, starts the upload of many files and returns at once.
    pub fn start_batch(&self, options: BatchOptions) -> Result<Batch> {
        let request = BatchRequest::new(options)?;
        let endpoint = Arc::new(self.endpoint.clone().for_bucket(&request.options.bucket)?);
        let (service, queue) = (self.service.clone(), self.queue.clone());
        Batch::start(BatchJob::new(service, queue, endpoint, self.events.clone(), request))
    }

    /// Uploads one file and returns when it has ended, without reporting progress. The calling thread sends a small
    /// file itself, so no other thread has to be woken for it.
    pub(crate) fn run(&self, options: UploadOptions) -> Result<Upload> {
        let job = self.job(UploadRequest::of_file(options)?)?;
        // What the Rust runtime notes about a thread is never freed on the first thread of a C program: valgrind would report
        // it as possibly lost.
        let here = !thread::is_first() && job.is_one_request();
        if here { Ok(Upload::run(job)) } else { Upload::start(job) }
    }

    fn job(&self, request: UploadRequest) -> Result<Job> {
        let endpoint = Arc::new(self.endpoint.clone().for_bucket(&request.options.bucket)?);
        let events = Events::new(self.events.clone(), &request.options.object_key);
        Ok(Job::new(self.service.clone(), self.queue.clone(), endpoint, request, events))
    }

    /// Retrieves the oldest pending event of this client's uploads, or `None` if there is none. The first call opens
    /// the queue: make it before the first upload to receive every event. Up to 1024 events are kept; after that, the
    /// oldest are dropped and counted. Nothing is recorded until the first call.
    ///
    /// If the environment variable `OSS_UPLOAD_LOG` is set, the same events are written to standard error: `info`
    /// writes unusual events, `debug` all events, `off` none. Case and surrounding spaces are ignored; `1`, `true`,
    /// `on` and `warn` mean `info`; `0` and `false` mean `off`. Any other value writes one line that says so. The
    /// variable is read when the client is created, and the log goes only to the standard error that the program has
    /// then.
    pub fn next_event(&self) -> Option<Event> {
        self.events.queue.next()
    }

    /// Uploads one file and returns when it has ended. `on_progress` is called on this thread, about ten times a second
    /// and once at the end. It may pause or cancel the upload.
    pub fn upload_file(
        &self,
        options: UploadOptions,
        mut on_progress: impl FnMut(&Upload, Progress),
    ) -> Result<UploadResult> {
        let upload = self.start(options)?;
        loop {
            let outcome = upload.wait(PROGRESS_INTERVAL);
            on_progress(&upload, upload.progress());
            if let Some(outcome) = outcome {
                return outcome.error.map_or(Ok(outcome.result), Err);
            }
        }
    }
}

/// The credentials that the options ask for. Emits an event when a source returns the first ones, and when they change.
fn cache(options: &ClientOptions, proxies: Arc<Proxies>, events: Arc<ClientEvents>) -> Result<CredentialsCache> {
    let given = match &options.credentials {
        CredentialsSource::Given(credentials) => Some(credentials.clone()),
        _ => None,
    };
    let clock: Clock = Arc::new(SystemTime::now);
    let context = Arc::new(ProviderContext {
        variables: Variables::read(|name| env::var_os(name)),
        directory: env::current_dir().ok(),
        http: Box::new(Plain::new(options, proxies)?),
        clock: clock.clone(),
    });
    let events = Events::of_client(events);
    let tell = move |id: &str, source: &str| {
        let message = format!("access key id {id}, from {source}");
        events.tell(EventKind::CredentialsChanged, |event| event.message = message);
    };
    Ok(CredentialsCache::new(options.credentials.provider(&context)?, given, clock, tell))
}

impl Http for Plain {
    fn send(&self, request: &Request<'_>, stop: &Arc<AtomicBool>) -> std::result::Result<Response, NoResponse> {
        self.send(request, stop)
    }
}

/// An empty string counts as none.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn signature(wanted: SignatureVersion, endpoint: &Endpoint) -> Result<Signature> {
    match (wanted, endpoint.region()) {
        (SignatureVersion::V1, _) | (SignatureVersion::Auto, None) => Ok(Signature::V1),
        (SignatureVersion::V4 | SignatureVersion::Auto, Some(_)) => Ok(Signature::V4),
        (SignatureVersion::V4, None) => Err(Error::invalid(format!(
            "signature V4 needs a region, and {endpoint} does not name one; set region, such as \"cn-hangzhou\""
        ))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use oss_server::{Config, Server};

    use super::*;
    use crate::{Credentials, CredentialsSource};

    /// A local OSS with the bucket `test-bucket`, and a client of it.
    pub(crate) fn local_oss() -> (Server, Client) {
        let server = Server::start(Config::default()).unwrap();
        let client = Client::new(ClientOptions {
            endpoint: Some(server.endpoint()),
            region: Some("cn-hangzhou".into()),
            credentials: CredentialsSource::Given(Credentials::new("test-id", "test-secret", None)),
            ..ClientOptions::default()
        });
        (server, client.unwrap())
    }

    /// A fault script: requests that match are refused.
    pub(crate) fn refusing(requests: &str) -> String {
        format!(
            r#"[{{"match":{requests},"action":{{"type":"status","status":403,"code":"AccessDenied","before_body":false}}}}]"#
        )
    }
}
