//! A multipart upload: opened or resumed, its missing parts sent, completed.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use super::orphans;
use super::prove::{is_denied, of_head, stored, whole_crc64};
use super::resume::is_among;
use super::round::{MultipartUpload, Round};
use super::send::{self, PartSender, PartToSend};
use crate::error::{Error, Result};
use crate::service::Attempted;
use crate::source::Part;
use crate::transfer::{Plan, Step};

/// How often Complete is tried again after parts were found missing.
const MOST_REPAIRS: u32 = 2;

impl Round<'_> {
    /// Opens an upload on the server. The checkpoint is written before: were it not writable, nothing would be sent.
    pub(super) fn open(&mut self, plan: &Plan) -> Result<MultipartUpload> {
        if let Some((journal, file)) = self.journal.zip(self.file) {
            journal.begin(&self.header(file, plan))?;
        }
        self.initiate(plan)
    }

    /// The same, when the checkpoint has been written.
    pub(super) fn initiate(&mut self, plan: &Plan) -> Result<MultipartUpload> {
        let started = SystemTime::now();
        let opened = self.remote.initiate();
        if opened.ambiguous && orphans::remove(self.remote, opened.result.as_deref().ok(), &[started]).is_err() {
            self.state.orphans_since.push(started);
        }
        let upload_id = opened.result?;
        self.state.open = Some(upload_id.clone());
        self.state.result.upload_id.clone_from(&upload_id);
        if let Some(journal) = self.journal {
            journal.opened(&upload_id)?;
        }
        Ok(MultipartUpload { upload_id, plan: *plan, sent: Vec::new(), completing: false, rate: None })
    }

    pub(super) fn multipart(&mut self, mut upload: MultipartUpload) -> Result<()> {
        self.show(&upload);
        let mut resumed: HashSet<u32> = upload.sent.iter().map(|part| part.record.part.number).collect();
        let (count, mut repairs) = (upload.plan.count(), 0);
        loop {
            self.send_missing(&mut upload, 1..=count)?;
            self.verify(&mut upload.sent)?;
            match self.complete(&mut upload) {
                Err(error) if error.service_code() == "InvalidPart" && repairs < MOST_REPAIRS => {
                    repairs += 1;
                    self.forget_lost_parts(&mut upload, &mut resumed, error)?;
                }
                ended => return ended,
            }
        }
    }

    /// Sends those of the parts `numbers` that have not been sent.
    pub(super) fn send_missing(&self, upload: &mut MultipartUpload, numbers: RangeInclusive<u32>) -> Result<()> {
        self.remote.meter.enter(Step::Uploading);
        let mut missing = vec![true; upload.plan.count() as usize];
        upload.sent.iter().for_each(|part| missing[part.record.part.number as usize - 1] = false);
        let parts = upload.plan.parts().filter(|part| numbers.contains(&part.number));
        let missing = parts.filter(|part| missing[part.number as usize - 1]);
        let parts = missing.map(|part| PartToSend { part, source: self.source.clone() }).collect();
        send::send(self.part_sender(&upload.upload_id), parts, &mut upload.sent)?;
        self.remote.go_on()
    }

    pub(super) fn part_sender(&self, upload_id: &str) -> PartSender {
        PartSender {
            job: self.job.clone(),
            upload_id: upload_id.to_owned(),
            journal: self.journal.cloned(),
            stop: self.remote.stop.clone(),
        }
    }

    /// Has the server put the object together, and proves that it is the source.
    pub(super) fn complete(&mut self, upload: &mut MultipartUpload) -> Result<()> {
        self.remote.meter.enter(Step::Completing);
        upload.sent.sort_unstable_by_key(|part| part.record.part.number);
        let crc64 = whole_crc64(upload.sent.iter().map(|part| (part.record.part.size, part.record.crc64)));
        self.state.result.crc64 = crc64;
        if let Some(journal) = self.journal {
            journal.completing();
        }
        let parts = upload.sent.iter().map(|part| (part.record.part.number, part.record.etag.as_str()));
        let attempted = self.remote.complete(&upload.upload_id, parts);
        let size = upload.plan.size;
        match attempted {
            Attempted { result: Ok(completed), .. } if completed.crc64 == Some(crc64) => self.proven(completed),
            Attempted { result: Ok(completed), .. } => self.resolve_crc(completed, size, crc64),
            // Only then it can be ours: an object of the same content may have been there before, with other headers.
            Attempted { result: Err(error), ambiguous } if ambiguous || upload.completing => {
                match stored(self.remote, size, crc64)? {
                    Some(head) => self.proven(of_head(head)),
                    None => Err(error),
                }
            }
            Attempted { result: Err(error), .. } => Err(error),
        }
    }

    /// Keeps of `upload` what the server has.
    fn forget_lost_parts(&self, upload: &mut MultipartUpload, resumed: &mut HashSet<u32>, why: Error) -> Result<()> {
        let listed = match self.remote.list_parts(&upload.upload_id) {
            Ok(listed) => listed,
            Err(error) if is_denied(&error) => return Err(why),
            Err(error) => return Err(error),
        };
        let before = upload.sent.len();
        upload.sent.retain(|sent| {
            let Part { number, size, .. } = sent.record.part;
            let kept = is_among(&sent.record, &listed);
            if !kept {
                self.remote.meter.part_lost(size, resumed.remove(&number));
            }
            kept
        });
        if upload.sent.len() == before { Err(why) } else { Ok(()) }
    }
}
