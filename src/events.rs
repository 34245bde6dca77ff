//! Events: requests, retries, parts. For logs and metrics; the user's own thread retrieves them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::os::standard_error::StandardError;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, unpoisoned};

/// An event of an upload. Fields that do not apply to its kind are empty or 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Kind of the event.
    pub kind: EventKind,
    /// Number of the upload within the client, from 1 in the order of starting; 0 for events of the client itself.
    pub upload: u64,
    /// Time since the upload started.
    pub at: Duration,
    /// Name of the object.
    pub object_key: String,
    /// The API call, such as `UploadPart`.
    pub operation: String,
    /// Number of the part, from 1.
    pub part_number: u32,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// HTTP status; 0 when there was no response.
    pub http_status: u16,
    /// OSS error code.
    pub service_code: String,
    /// Request ID.
    pub request_id: String,
    /// Time that the request took; for a retry, the wait before it.
    pub elapsed: Duration,
    /// Bytes in the body of the request, or in the part.
    pub bytes: u64,
    /// Number of parts that may now be in flight.
    pub concurrency: u32,
    /// The reason, in one line.
    pub message: String,
    /// Number of events lost immediately before this one because they were not retrieved in time.
    pub dropped: u64,
}

/// Kind of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A request received a response, or failed.
    Request,
    /// A request will be retried.
    Retry,
    /// A part has reached the server.
    PartDone,
    /// A part sent by an earlier call is on the server.
    PartResumed,
    /// The number of parts that may be in flight changed.
    ConcurrencyChanged,
    /// A source returned the first credentials, or the credentials changed. The message names the AccessKey ID and the
    /// source.
    CredentialsChanged,
    /// The checkpoint was synced to disk.
    CheckpointWritten,
    /// The upload starts over and sends all parts again.
    Restarted,
    /// The upload has ended.
    Ended,
}

impl Event {
    fn new(kind: EventKind, sink: &Events) -> Event {
        Event {
            kind,
            upload: sink.upload,
            at: sink.start.elapsed(),
            object_key: sink.object_key.clone(),
            operation: String::new(),
            part_number: 0,
            attempt: 0,
            http_status: 0,
            service_code: String::new(),
            request_id: String::new(),
            elapsed: Duration::ZERO,
            bytes: 0,
            concurrency: 0,
            message: String::new(),
            dropped: 0,
        }
    }
}

/// A log line with all fields of the event that are known.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {:.3} {:?}", self.upload, self.at.as_secs_f64(), self.kind)?;
        let number = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        for (name, value) in [
            ("", self.operation.clone()),
            ("part=", number(self.part_number.into())),
            ("attempt=", number(self.attempt.into())),
            ("status=", number(self.http_status.into())),
            ("code=", self.service_code.clone()),
            ("request_id=", self.request_id.clone()),
            ("ms=", number(self.elapsed.as_millis() as u64)),
            ("bytes=", number(self.bytes)),
            ("concurrency=", number(self.concurrency.into())),
            ("dropped=", number(self.dropped)),
        ] {
            if !value.is_empty() {
                write!(f, " {name}{value}")?;
            }
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// Pending events. New events replace the oldest.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    /// Whether events have been asked for.
    open: AtomicBool,
    waiting: Mutex<EventBacklog>,
}

#[derive(Debug, Default)]
struct EventBacklog {
    events: VecDeque<Event>,
    dropped: u64,
}

const CAPACITY: usize = 1024;
/// Number of characters of an unknown level that are repeated.
const MOST_OF_LEVEL: usize = 40;

impl EventQueue {
    /// The oldest event. The first call opens the queue: before it, no events are kept.
    pub(crate) fn next(&self) -> Option<Event> {
        self.open.store(true, Ordering::Relaxed);
        let mut waiting = self.lock();
        let mut event = waiting.events.pop_front()?;
        event.dropped = std::mem::take(&mut waiting.dropped);
        Some(event)
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    fn push(&self, event: &Event) {
        if self.is_open() {
            let mut waiting = self.lock();
            if waiting.events.len() == CAPACITY {
                waiting.events.pop_front();
                waiting.dropped += 1;
            }
            waiting.events.push_back(event.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, EventBacklog> {
        unpoisoned(self.waiting.lock())
    }
}

/// What to write to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    #[default]
    Off,
    /// Unusual events.
    Info,
    /// Everything.
    Debug,
}

impl LogLevel {
    /// From the value of `OSS_UPLOAD_LOG`, including common synonyms; `None` for unknown values.
    pub(crate) fn parse(text: &str) -> Option<LogLevel> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "off" | "0" | "false" | "no" | "none" => Some(LogLevel::Off),
            "info" | "1" | "true" | "yes" | "on" | "warn" | "warning" | "error" => Some(LogLevel::Info),
            "debug" | "2" | "trace" | "all" => Some(LogLevel::Debug),
            _ => None,
        }
    }

    fn covers(self, kind: EventKind) -> bool {
        match kind {
            EventKind::Request | EventKind::PartDone | EventKind::PartResumed | EventKind::CheckpointWritten => {
                self >= LogLevel::Debug
            }
            _ => self >= LogLevel::Info,
        }
    }
}

/// The events of all uploads of a client.
#[derive(Debug, Default)]
pub(crate) struct ClientEvents {
    pub queue: EventQueue,
    log: LogLevel,
    standard_error: StandardError,
    uploads: AtomicU64,
}

impl ClientEvents {
    /// `wanted` is the value of `OSS_UPLOAD_LOG`. If it is unknown, one line lists the known values: anyone who sets it
    /// expects output.
    pub(crate) fn new(wanted: &str) -> Self {
        let standard_error = StandardError::now();
        let log = LogLevel::parse(wanted).unwrap_or_else(|| {
            let start: String = wanted.chars().take(MOST_OF_LEVEL).collect();
            standard_error.write_line(&format!(
                "oss-upload: OSS_UPLOAD_LOG is {start:?}; it must be off, info or debug; nothing is logged"
            ));
            LogLevel::Off
        });
        ClientEvents { log, standard_error, ..ClientEvents::default() }
    }
}

/// Where an upload reports its events.
#[derive(Debug)]
pub(crate) struct Events {
    client: Arc<ClientEvents>,
    pub queue: EventQueue,
    upload: u64,
    object_key: String,
    start: Instant,
}

impl Events {
    pub(crate) fn new(client: Arc<ClientEvents>, object_key: &str) -> Self {
        let upload = client.uploads.fetch_add(1, Ordering::Relaxed) + 1;
        Events {
            client,
            queue: EventQueue::default(),
            upload,
            object_key: object_key.to_owned(),
            start: Instant::now(),
        }
    }

    /// For events of the client itself.
    pub(crate) fn of_client(client: Arc<ClientEvents>) -> Self {
        Events { client, queue: EventQueue::default(), upload: 0, object_key: String::new(), start: Instant::now() }
    }

    /// Reports an event of `kind`, which `fill` completes. Does nothing if nobody listens.
    pub(crate) fn tell(&self, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        let logged = self.client.log.covers(kind);
        if !logged && !self.queue.is_open() && !self.client.queue.is_open() {
            return;
        }
        let mut event = Event::new(kind, self);
        fill(&mut event);
        if logged {
            self.client.standard_error.write_line(&format!("oss-upload {event}"));
        }
        self.queue.push(&event);
        self.client.queue.push(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Events {
        Events::new(Arc::default(), "key")
    }

    #[test]
    fn nothing_is_kept_before_somebody_asks() {
        let events = events();
        events.tell(EventKind::Retry, |_| panic!("nobody listens"));
        assert_eq!(events.queue.next(), None);
        events.tell(EventKind::Retry, |event| event.part_number = 7);
        let event = events.queue.next().unwrap();
        assert_eq!((event.kind, event.part_number, event.object_key.as_str()), (EventKind::Retry, 7, "key"));
        assert_eq!(events.queue.next(), None);
    }

    #[test]
    fn a_client_hears_all_its_uploads() {
        let client = Arc::new(ClientEvents::default());
        assert_eq!(client.queue.next(), None);
        for key in ["a", "b"] {
            Events::new(client.clone(), key).tell(EventKind::Ended, |_| ());
        }
        let heard: Vec<_> = std::iter::from_fn(|| client.queue.next()).map(|e| (e.upload, e.object_key)).collect();
        assert_eq!(heard, [(1, "a".to_owned()), (2, "b".to_owned())]);
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let events = events();
        events.queue.next();
        for part in 1..=CAPACITY as u32 + 3 {
            events.tell(EventKind::PartDone, |event| event.part_number = part);
        }
        let first = events.queue.next().unwrap();
        assert_eq!((first.part_number, first.dropped), (4, 3));
        assert_eq!(events.queue.next().unwrap().dropped, 0);
    }

    #[test]
    fn a_log_line_leaves_out_what_is_not_known() {
        let events = events();
        let mut event = Event::new(EventKind::Retry, &events);
        event.at = Duration::from_millis(1500);
        event.operation = "UploadPart".into();
        event.part_number = 3;
        event.http_status = 503;
        event.message = "slow down".into();
        assert_eq!(event.to_string(), "[1] 1.500 Retry UploadPart part=3 status=503: slow down");
    }

    #[test]
    fn the_log_has_levels() {
        assert!(LogLevel::Info.covers(EventKind::Retry) && !LogLevel::Info.covers(EventKind::Request));
        assert!(LogLevel::Debug.covers(EventKind::Request));
        assert!(!LogLevel::Off.covers(EventKind::Ended));
    }

    #[test]
    fn the_usual_words_for_a_level_are_understood() {
        for (words, level) in [
            (&["", " ", "0", "off", "OFF", "false", "no", "none"][..], LogLevel::Off),
            (
                &["info", "INFO", " info\n", "1", "true", "True", "yes", "on", "warn", "WARNING", "error"],
                LogLevel::Info,
            ),
            (&["debug", "Debug ", "2", "trace", "all"], LogLevel::Debug),
        ] {
            for word in words {
                assert_eq!(LogLevel::parse(word), Some(level), "{word:?}");
            }
        }
        for word in ["verbos", "3", "oss_upload=debug", "info,debug", "\u{fffd}"] {
            assert_eq!(LogLevel::parse(word), None, "{word:?}");
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
