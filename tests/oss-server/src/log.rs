//! The log: one entry a request.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use crate::config::LogTarget;

/// What happened to one request.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogEntry {
    /// Counts requests in the order in which they arrived, from 1.
    pub seq: u64,
    /// When the request arrived, by the server's clock.
    pub time: String,
    /// The number of the TCP connection, from 1.
    pub connection: u64,
    /// The HTTP method.
    pub method: String,
    /// The operation's name, such as `UploadPart`.
    pub operation: String,
    /// The bucket, if the request named one.
    pub bucket: Option<String>,
    /// The decoded key, if the request named one.
    pub key: Option<String>,
    /// The upload id, if the request named one.
    pub upload_id: Option<String>,
    /// The part number, if the request named one.
    pub part_number: Option<u32>,
    /// The decoded query, signatures and tokens left out.
    pub query: BTreeMap<String, String>,
    /// The status that was decided on; 0 when the request was cut before.
    pub status: u16,
    /// Whether a response was handed to the connection; a fault can withhold it.
    pub answered: bool,
    /// The error code, if it was an error.
    pub code: Option<String>,
    /// The id of the request, as in `x-oss-request-id`.
    pub request_id: String,
    /// Bytes of the body that were read.
    pub body_bytes: u64,
    /// What `Content-Length` said.
    pub content_length: Option<u64>,
    /// `v1`, `v4`, `v1-presigned`, `v4-presigned` or `anonymous`.
    pub signature: String,
    /// The key that signed the request.
    pub access_key_id: Option<String>,
    /// Headers that the signature covers.
    pub signed_headers: Vec<String>,
    /// The rule of the fault script that acted.
    pub fault: Option<FaultNote>,
    /// Whether an object or a part was stored.
    pub stored: bool,
    /// The client's name.
    pub user_agent: Option<String>,
    /// All headers but `Authorization` and tokens; repeated ones are joined with a comma.
    pub headers: BTreeMap<String, String>,
    /// Milliseconds from the request's arrival to this entry.
    pub elapsed_ms: u64,
}

/// A rule of the fault script that acted on a request.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FaultNote {
    /// The rule's place in the script, from 0.
    pub rule: usize,
    /// The rule's name, if it has one.
    pub name: Option<String>,
    /// The type of its action.
    pub action: String,
}

/// All entries so far, and the place where they are written to; `None` when no log is wanted.
pub(crate) struct Log {
    inner: Option<Mutex<Inner>>,
}

/// The memory keeps this many entries, the latest ones; a file keeps all.
const KEPT: usize = 200_000;

struct Inner {
    entries: VecDeque<LogEntry>,
    sink: Option<Box<dyn Write + Send>>,
}

impl Log {
    pub(crate) fn open(target: &LogTarget) -> std::io::Result<Self> {
        let sink: Option<Box<dyn Write + Send>> = match target {
            LogTarget::None => return Ok(Self { inner: None }),
            LogTarget::Memory => None,
            LogTarget::Stderr => Some(Box::new(std::io::stderr())),
            LogTarget::File(path) => Some(Box::new(File::options().create(true).append(true).open(path)?)),
        };
        Ok(Self { inner: Some(Mutex::new(Inner { entries: VecDeque::new(), sink })) })
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.inner.is_some()
    }

    pub(crate) fn push(&self, entry: LogEntry) {
        let Some(mut inner) = self.lock() else { return };
        if let Some(sink) = &mut inner.sink {
            let line = serde_json::to_string(&entry).unwrap_or_default() + "\n";
            // A full disk must not end the server: the entry stays in memory.
            let _ = sink.write_all(line.as_bytes()).and_then(|()| sink.flush());
        }
        if inner.entries.len() == KEPT {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
    }

    /// Entries after `seq`, in the order of their arrival.
    pub(crate) fn since(&self, seq: u64) -> Vec<LogEntry> {
        let Some(inner) = self.lock() else { return Vec::new() };
        let mut entries: Vec<_> = inner.entries.iter().filter(|entry| entry.seq > seq).cloned().collect();
        drop(inner);
        entries.sort_by_key(|entry| entry.seq);
        entries
    }

    pub(crate) fn length(&self) -> usize {
        self.lock().map_or(0, |inner| inner.entries.len())
    }

    pub(crate) fn clear(&self) {
        if let Some(mut inner) = self.lock() {
            inner.entries.clear();
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Inner>> {
        self.inner.as_ref().map(crate::lock)
    }
}
