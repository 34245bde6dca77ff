//! What the uploads of one client share, and the only place that reads the environment.

use std::env;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use crate::credentials::{self, Ask, Clock, Credentials, Http, HttpAnswer, Keyring, Surroundings, Variables};
use crate::error::{Error, Result};
use crate::events::{ClientEvents, Event, EventKind, Events};
use crate::options::{ClientOptions, CredentialsSource, SignatureVersion, UploadOptions};
use crate::oss::Endpoint;
use crate::transport::plain::{Plain, PlainRequest};
use crate::transport::retry::RetryPolicy;
use crate::transport::{Transport, proxy};
use crate::upload::crew::Crew;
use crate::upload::engine::Job;
use crate::upload::service::{Service, Signature};
use crate::upload::task::Task;
use crate::upload::{Progress, Upload, UploadResult};

/// Endpoint, credentials, connections and limits that uploads share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    service: Arc<Service>,
    endpoint: Endpoint,
    events: Arc<ClientEvents>,
    crew: Arc<Crew>,
}

/// How often [`Client::upload_file`] reports progress.
const PROGRESS_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);

impl Client {
    /// A client for these options. Nothing is sent yet.
    pub fn new(options: ClientOptions) -> Result<Client> {
        let options = options.checked()?;
        let endpoint =
            Endpoint::parse(given(&options.endpoint), given(&options.region), options.cname, options.path_style)?;
        let signature = signature(options.signature_version, &endpoint)?;
        let options = with_proxy(options, &endpoint);
        let log = env::var_os("OSS_UPLOAD_LOG").unwrap_or_default();
        let events = Arc::new(ClientEvents::new(&log.to_string_lossy()));
        let keyring = keyring(&options, events.clone())?;
        let transport = Transport::new(&options)?;
        let retry = RetryPolicy { max_attempts: options.max_attempts };
        let service = Arc::new(Service::new(transport, signature, keyring, options.credentials_wait, retry));
        Ok(Client { service, endpoint, events, crew: Arc::default() })
    }

    /// Replaces the credentials, also for uploads that are running: the next request is signed with them.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<()> {
        credentials.check()?;
        self.service.set_credentials(credentials);
        Ok(())
    }

    /// Checks the options, starts the upload and returns at once.
    pub fn start(&self, options: UploadOptions) -> Result<Upload> {
        Upload::start(&self.crew, self.job(options)?)
    }

    /// Like [`Client::start`], for who wants to hear nothing before the end. A small file is sent by the calling thread:
    /// no other has to be woken for it.
    pub(crate) fn run(&self, options: UploadOptions) -> Result<Upload> {
        let job = self.job(options)?;
        let here = !is_first_thread() && job.is_one_request();
        if here { Ok(Upload::run(job)) } else { Upload::start(&self.crew, job) }
    }

    fn job(&self, options: UploadOptions) -> Result<Job> {
        let task = Task::new(options)?;
        let endpoint = self.endpoint.clone().for_bucket(&task.bucket)?;
        let events = Events::new(self.events.clone(), &task.key);
        Ok(Job::new(self.service.clone(), endpoint, task, events))
    }

    /// The oldest event of this client's uploads that waits to be taken out; `None` when none does. The first call
    /// opens the queue: make it before the first upload to miss nothing. 1024 events are kept, then the oldest are
    /// dropped and counted. Nothing is recorded for who never asks.
    ///
    /// The environment variable `OSS_UPLOAD_LOG` has the same events written to standard error: what is out of the
    /// ordinary with `info`, all with `debug`, nothing with `off`. Capitals and blanks around it do not matter; `1`,
    /// `true`, `on` and `warn` mean `info`, `0` and `false` mean `off`. Any other value gets one line that says so. It is
    /// read when the client is made, and the log goes only to the standard error that the program has then.
    pub fn next_event(&self) -> Option<Event> {
        self.events.queue.next()
    }

    /// Uploads one file and returns when it has ended. `on_progress` is called on this thread, about ten times a second
    /// and once at the end, and may pause or cancel the upload.
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

/// Or it is not known. What the Rust runtime notes about a thread is never freed on the first thread of a C program:
/// valgrind would report it as possibly lost.
fn is_first_thread() -> bool {
    #[cfg(target_os = "linux")]
    return rustix::thread::gettid() == rustix::process::getpid();
    #[cfg(not(target_os = "linux"))]
    true
}

/// Who signs requests, as the options say. Tells an event when others do.
fn keyring(options: &ClientOptions, events: Arc<ClientEvents>) -> Result<Keyring> {
    let (given, name) = match &options.credentials {
        CredentialsSource::Given(credentials) => (Some(credentials.clone()), Some("anonymous")),
        CredentialsSource::UsualPlaces => (None, None),
        CredentialsSource::Environment => (None, Some("env")),
        CredentialsSource::Named(name) => (None, Some(name.as_str())),
        CredentialsSource::Anonymous => (None, Some("anonymous")),
    };
    let clock: Clock = Arc::new(SystemTime::now);
    let surroundings = Arc::new(Surroundings {
        variables: Variables::read(|name| env::var(name).ok()),
        http: Box::new(PlainHttp(Plain::new(options)?)),
        clock: clock.clone(),
    });
    let events = Events::of_client(events);
    let tell = move |id: &str| {
        events.tell(EventKind::CredentialsChanged, |event| event.message = format!("access key id {id}"));
    };
    Ok(Keyring::new(credentials::provider(name, &surroundings)?, given, clock, tell))
}

/// HTTP for providers of credentials.
struct PlainHttp(Plain);

impl Http for PlainHttp {
    fn ask(&self, ask: &Ask<'_>, stop: &Arc<AtomicBool>) -> Result<HttpAnswer> {
        let Ask { method, url, headers, body, connect, answer } = *ask;
        let answer = self.0.send(&PlainRequest { method, url, headers, body, connect, answer }, stop)?;
        Ok(HttpAnswer { status: answer.status, date: answer.date, body: answer.body })
    }
}

/// Asks the environment for the proxy when the options say so.
fn with_proxy(mut options: ClientOptions, endpoint: &Endpoint) -> ClientOptions {
    if options.proxy.as_deref() == Some("env") {
        options.proxy = proxy::from_environment(&endpoint.to_string(), |name| env::var(name).ok());
    }
    options
}

/// An empty text is the same as none.
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
