//! A stream: parts are sent as the program writes them, and the end makes the object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::checkpoint::{Found, Header, Journal, Origin, PartRecord, Saved};
use super::job::Job;
use super::prove::is_denied;
use super::received::{Received, Sent, Trust};
use super::resume::{is_among, mismatch, named};
use super::round::{MultipartUpload, Round};
use super::send::{Incoming, PartToSend, send_blocks};
use super::state::UploadState;
use crate::error::{Error, Result};
use crate::oss::api::ListedPart;
use crate::service::stopped;
use crate::source::{Block, MemorySource, Part, Source};
use crate::transfer::{Mailbox, Pipe, Plan, Step};

/// How often who waits for the first block looks whether to go on.
const TICK: Duration = Duration::from_millis(250);

/// The parts that the server has of an earlier call, until the stream turns out to be another.
#[derive(Default)]
struct Known {
    upload_id: Option<String>,
    parts: BTreeMap<u32, KnownPart>,
    completing: bool,
}

/// A part that the server has, of which the stream must have the same bytes.
struct KnownPart {
    size: u64,
    etag: String,
    crc64: u64,
    /// In the checkpoint, too. The earlier call may not have lived to write it.
    recorded: bool,
}

impl KnownPart {
    fn recorded(record: &PartRecord) -> KnownPart {
        let PartRecord { part, etag, crc64 } = named(record);
        KnownPart { size: part.size, etag, crc64, recorded: true }
    }

    /// What only the server knows of can be compared if it tells the CRC-64.
    fn listed(part: ListedPart) -> Option<KnownPart> {
        let ListedPart { size, etag, crc64, .. } = part;
        Some(KnownPart { size, etag, crc64: crc64?, recorded: false })
    }
}

impl Job {
    /// Sends the stream whose blocks come to `inbox`.
    pub(super) fn stream(
        self: &Arc<Self>,
        pipe: &Arc<Pipe>,
        inbox: &Arc<Mailbox<Received>>,
        state: &mut UploadState,
    ) -> Result<()> {
        let mut journal = None;
        let ended = self.open_journal(&mut journal).and_then(|found| {
            let remote = self.remote(self.control.begin_round());
            self.meter.begin_stream();
            let source: Arc<dyn Source> = Arc::new(MemorySource::new(Arc::new([])));
            let journal = journal.as_ref();
            let round = Round { job: self, remote: &remote, source: &source, file: None, journal, state };
            round.stream(pipe, inbox, found)
        });
        // Whoever writes need not wait for what comes now.
        pipe.close();
        ended.map_err(|error| {
            let error = match error.service_code() {
                "NoSuchUpload" | "InvalidPart" => {
                    // Were it kept, the next call would end in the same way.
                    let error = self.abort(state).into_iter().fold(error, Error::hint);
                    error.hint("a stream cannot be read again: send all of it again")
                }
                _ => error,
            };
            self.clean_up(journal.as_deref(), error, state)
        })
    }

    fn open_journal(&self, journal: &mut Option<Arc<Journal>>) -> Result<Found> {
        let Some(location) = self.request.checkpoint_location() else { return Ok(Found::Nothing) };
        let opened = self.while_leased(&self.control.begin_round(), |wait| Journal::open(&location, None, wait))?;
        *journal = Some(Arc::new(opened.0));
        Ok(opened.1)
    }
}

impl Round<'_> {
    fn stream(mut self, pipe: &Arc<Pipe>, inbox: &Arc<Mailbox<Received>>, found: Found) -> Result<()> {
        self.remote.meter.enter(Step::Preparing);
        let wanted = self.job.header(Origin::Stream(pipe.growth()), SystemTime::now());
        let mut known = self.known_parts(found, &wanted)?;
        let first = self.first_block(inbox)?;
        let Part { size, .. } = first.part();
        let plan = Plan { size, part_size: size.max(1), raised: false };
        if first.is_last() {
            return self.single_block(first, &plan);
        }
        let mut upload = match known.upload_id.take() {
            Some(upload_id) => {
                self.state.result.upload_id.clone_from(&upload_id);
                MultipartUpload { upload_id, plan, sent: Vec::new(), completing: known.completing, rate: None }
            }
            None => {
                if let Some(journal) = self.journal {
                    journal.begin(&wanted)?;
                }
                self.initiate(&plan)?
            }
        };
        self.remote.meter.enter(Step::Uploading);
        let sender = self.part_sender(&upload.upload_id);
        send_blocks(sender, first, inbox, |block| self.accept(block, &mut known), &mut upload.sent)?;
        self.remote.go_on()?;
        if !pipe.is_finished() {
            return Err(stopped());
        }
        self.note_parts(&mut upload);
        self.complete(&mut upload)
    }

    /// The whole stream is one block.
    fn single_block(self, block: Block, plan: &Plan) -> Result<()> {
        if self.state.open.is_some() {
            let left = self.job.abort(self.state);
            self.job.restarted("other-stream: the stream ends before the second part", left, self.state);
        }
        let source: Arc<dyn Source> = Arc::new(block);
        Round { source: &source, ..self }.put_object(plan)
    }

    /// How large the stream was, now that its end is known.
    fn note_parts(&mut self, upload: &mut MultipartUpload) {
        let sizes = || upload.sent.iter().map(|sent| sent.record.part.size);
        let result = &mut self.state.result;
        result.size = sizes().sum();
        result.part_size = sizes().max().unwrap_or(0);
        // At most MAX_PARTS.
        result.parts = upload.sent.len() as u32;
        upload.plan.size = result.size;
    }

    /// The next block, while there is nothing else to do.
    fn first_block(&self, inbox: &Arc<Mailbox<Received>>) -> Result<Block> {
        loop {
            self.remote.go_on()?;
            match inbox.take(TICK) {
                Some(Received::Block(Some(block))) => return Ok(block),
                Some(_) => return Err(stopped()),
                None => {}
            }
        }
    }

    /// Sends a block, unless the server has it from an earlier call. What comes after a difference from the checkpoint is another
    /// stream. What only the server knows of may have been damaged on its way there, and says nothing of the rest.
    fn accept(&self, block: Block, known: &mut Known) -> Result<Incoming> {
        let part = block.part();
        self.remote.meter.part_comes(part.size, block.is_last());
        if let Some(KnownPart { size, etag, crc64, recorded }) = known.parts.remove(&part.number) {
            let source: &dyn Source = &block;
            if size == part.size && source.crc64(&part, || self.remote.go_on())? == crc64 {
                let record = PartRecord { part, etag, crc64 };
                if let Some(journal) = self.journal.filter(|_| !recorded) {
                    journal.part(&record);
                }
                self.part_resumed(&part);
                return Ok(Incoming::Known(Sent { record, trust: Trust::Exempt }));
            }
            if recorded {
                known.parts.clear();
            }
        }
        Ok(Incoming::Send(PartToSend { part, source: Arc::new(block) }))
    }

    /// The parts that the server has. When they are of no use, what is left of them is removed.
    fn known_parts(&mut self, found: Found, wanted: &Header) -> Result<Known> {
        let (reason, saved) = match found {
            Found::Nothing => return Ok(Known::default()),
            Found::Void { reason, saved } => (format!("checkpoint-damaged: {reason}"), saved),
            Found::Usable(saved) => match self.continued(&saved, wanted)? {
                Ok(known) => return Ok(known),
                Err(reason) => (reason, Some(saved)),
            },
        };
        self.start_over(&reason, saved.as_ref(), wanted);
        Ok(Known::default())
    }

    /// The upload of an earlier call, or why it cannot be gone on with.
    fn continued(&mut self, saved: &Saved, wanted: &Header) -> Result<std::result::Result<Known, String>> {
        if let Some(reason) = mismatch(&saved.header, wanted) {
            return Ok(Err(reason));
        }
        let Some(upload_id) = saved.upload_id.clone() else { return Ok(Err(String::new())) };
        // From here on a stop or a failure leaves it, for a later call.
        self.state.open = Some(upload_id.clone());
        let listed = match self.remote.list_parts(&upload_id) {
            Ok(listed) => Some(listed),
            // A policy with oss:PutObject alone must be enough: the journal is believed, and Complete will judge.
            Err(error) if is_denied(&error) => None,
            Err(error) if error.service_code() == "NoSuchUpload" => {
                return Ok(Err("upload-gone: the server no longer knows the upload".into()));
            }
            Err(error) => return Err(error.context("cannot resume")),
        };
        let is_on_server = |record: &PartRecord| listed.as_ref().is_none_or(|listed| is_among(record, listed));
        let recorded = saved.parts.iter().filter(|record| is_on_server(record));
        let recorded: Vec<_> = recorded.map(|record| (record.part.number, KnownPart::recorded(record))).collect();
        let listed = listed.into_iter().flatten();
        let listed = listed.filter_map(|part| Some((part.number, KnownPart::listed(part)?)));
        // What both know is taken from the checkpoint.
        let parts = listed.chain(recorded).collect();
        Ok(Ok(Known { upload_id: Some(upload_id), parts, completing: saved.completing }))
    }
}
