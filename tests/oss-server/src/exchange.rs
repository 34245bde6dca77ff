//! One request under way: what its handlers share, from the headers to the log entry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::auth::Claim;
use crate::clock;
use crate::control::{Control, End};
use crate::error::OssError;
use crate::fault::{Action, ActiveFault, Stage, Subject};
use crate::log::LogEntry;
use crate::request::Call;
use crate::response::Response;
use crate::shared::Shared;

/// Why a request is not processed to its end.
pub(crate) enum Stop {
    Error(OssError),
    /// A fault has a response of its own.
    Response(Box<Response>),
    /// There is nobody to answer, or a fault wants it so.
    Gone,
}

impl From<OssError> for Stop {
    fn from(error: OssError) -> Self {
        Self::Error(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Error(error.into())
    }
}

pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) control: Arc<Control>,
    pub(crate) call: Call,
    pub(crate) claim: Claim,
    pub(crate) request_id: String,
    pub(crate) fault: Option<ActiveFault>,
    pub(crate) entry: Pending,
    body: Option<Incoming>,
    received: u64,
    arrived: Instant,
}

/// A log entry that is written at the latest when it is dropped.
pub(crate) struct Pending {
    pub(crate) entry: LogEntry,
    shared: Arc<Shared>,
    written: bool,
}

impl Pending {
    fn write(&mut self) {
        if !std::mem::replace(&mut self.written, true) {
            self.shared.log.push(std::mem::take(&mut self.entry));
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.write();
    }
}

impl Exchange {
    pub(crate) fn new(
        shared: Arc<Shared>,
        control: Arc<Control>,
        call: Call,
        request_id: String,
        body: Incoming,
    ) -> Self {
        let claim = Claim::of(&call.message);
        let fault = shared.faults().pick(&Subject {
            operation: call.operation,
            bucket: call.message.bucket.as_deref(),
            key: call.message.key.as_deref(),
            part: call.part_number(),
        });
        let mut entry =
            if shared.log.is_wanted() { log_entry(&shared, &call, &claim, &request_id) } else { LogEntry::default() };
        entry.connection = control.id;
        entry.fault = fault.as_ref().map(|fault| fault.note.clone());
        let body = call.has_body.then_some(body);
        let entry = Pending { entry, shared: shared.clone(), written: false };
        Self { shared, control, call, claim, request_id, fault, entry, body, received: 0, arrived: Instant::now() }
    }

    pub(crate) fn action(&self) -> Option<&Action> {
        self.fault.as_ref().map(|fault| &fault.action)
    }

    /// Whether a part of the request's body is still to come.
    pub(crate) fn body_unread(&self) -> bool {
        self.body.is_some()
    }

    /// Lets the fault act that is due at this stage.
    pub(crate) async fn pass(&self, stage: Stage) -> Result<(), Stop> {
        match self.action() {
            Some(Action::Reset { at, .. }) if *at == Some(stage) => self.end(End::Reset),
            Some(Action::Close { at, .. }) if *at == Some(stage) => self.end(End::Close),
            Some(Action::Stall { at, ms, .. }) if *at == Some(stage) => self.stall(*ms).await,
            _ => Ok(()),
        }
    }

    fn end(&self, how: End) -> Result<(), Stop> {
        self.control.set_linger(self.shared.config.linger);
        self.control.end(how);
        Err(Stop::Gone)
    }

    async fn stall(&self, ms: Option<u64>) -> Result<(), Stop> {
        tokio::select! {
            () = self.control.gone() => Err(Stop::Gone),
            () = tokio::time::sleep(Duration::from_millis(ms.unwrap_or(0))), if ms.is_some() => Ok(()),
        }
    }

    /// The next piece of the body; `None` when it has arrived completely.
    pub(crate) async fn next_piece(&mut self) -> Result<Option<Bytes>, Stop> {
        if self.received == 0 {
            self.act_within_body(0, 0).await?;
        }
        let Some(body) = &mut self.body else { return Ok(None) };
        let Ok(frame) = tokio::time::timeout(self.shared.config.body_timeout, body.frame()).await else {
            return Err(timed_out().into());
        };
        match frame {
            None => {
                self.body = None;
                let complete = self.call.content_length.is_none_or(|length| length == self.received);
                if complete { Ok(None) } else { Err(Stop::Gone) }
            }
            Some(Err(_)) => Err(Stop::Gone),
            Some(Ok(frame)) => self.take_piece(frame.into_data().unwrap_or_default()).await.map(Some),
        }
    }

    async fn take_piece(&mut self, piece: Bytes) -> Result<Bytes, Stop> {
        let start = self.received;
        self.received += piece.len() as u64;
        self.entry.entry.body_bytes = self.received;
        self.act_within_body(start, self.received).await?;
        match self.action() {
            Some(Action::CorruptBody { offset }) if (start..self.received).contains(offset) => {
                let mut damaged = piece.to_vec();
                damaged[(offset - start) as usize] ^= 1;
                Ok(damaged.into())
            }
            _ => Ok(piece),
        }
    }

    /// Lets a fault act that is due after so many bytes of the body.
    async fn act_within_body(&mut self, start: u64, end: u64) -> Result<(), Stop> {
        let (
            Some(
                Action::Reset { after_body_bytes: Some(after), .. }
                | Action::Close { after_body_bytes: Some(after), .. }
                | Action::Stall { after_body_bytes: Some(after), .. },
            ),
            true,
        ) = (self.action(), self.body.is_some())
        else {
            return Ok(());
        };
        // Exactly once: at the piece that reaches the byte, or before the first one.
        let due = if end == 0 { *after == 0 } else { start < *after && *after <= end };
        if !due {
            return Ok(());
        }
        match self.action() {
            Some(Action::Reset { .. }) => self.end(End::Reset),
            Some(Action::Close { .. }) => self.end(End::Close),
            Some(Action::Stall { ms, .. }) => self.stall(*ms).await,
            _ => Ok(()),
        }
    }

    /// Reads a body that is not content: a list of parts, a setting.
    pub(crate) async fn small_body(&mut self) -> Result<Bytes, Stop> {
        const LIMIT: usize = 8 << 20;
        let mut all = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if all.len() + piece.len() > LIMIT {
                return Err(OssError::new(400, "EntityTooLarge", "0016-00000509", "The body is too large.").into());
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    /// Writes the log entry; `response` is what was decided on, and `answered` whether it will be sent.
    pub(crate) fn log(&mut self, response: Option<&Response>, answered: bool) {
        let elapsed_ms = self.elapsed_ms();
        let entry = &mut self.entry.entry;
        if let Some(response) = response {
            entry.status = response.status;
            entry.code.clone_from(&response.code);
            entry.stored = response.stored;
        }
        entry.answered = answered;
        entry.elapsed_ms = elapsed_ms;
        self.entry.write();
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.arrived.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn timed_out() -> OssError {
    let message = "Your socket connection to the server was not read from or written to within the timeout period.";
    OssError::new(400, "RequestTimeout", "0002-00000011", message)
}

fn log_entry(shared: &Shared, call: &Call, claim: &Claim, request_id: &str) -> LogEntry {
    const SECRET: [&str; 5] =
        ["Signature", "security-token", "x-oss-signature", "x-oss-security-token", "authorization"];
    let public = |name: &str| !SECRET.contains(&name);
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in call.headers().filter(|(name, _)| public(name)) {
        let joined = headers.entry(name.to_owned()).or_default();
        *joined = if joined.is_empty() { value } else { format!("{joined},{value}") };
    }
    LogEntry {
        seq: shared.next_request(),
        time: clock::iso(shared.clock.now()),
        method: call.message.method.clone(),
        operation: call.operation.name().to_owned(),
        bucket: call.message.bucket.clone(),
        key: call.message.key.clone(),
        upload_id: call.query("uploadId").map(str::to_owned),
        part_number: call.query("partNumber").and_then(|number| number.parse().ok()),
        query: call.message.query.iter().filter(|(name, _)| public(name)).cloned().collect(),
        request_id: request_id.to_owned(),
        content_length: call.content_length,
        signature: claim.version().to_owned(),
        access_key_id: claim.key_id().map(str::to_owned),
        signed_headers: claim.signed_headers(&call.message),
        user_agent: call.header("user-agent"),
        headers,
        ..LogEntry::default()
    }
}
