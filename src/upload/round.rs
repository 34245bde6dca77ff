//! One round of an upload: what all its steps share.

use std::sync::Arc;

use super::checkpoint::{FileOrigin, Header, Journal, Origin};
use super::job::Job;
use super::received::Sent;
use super::remote::Remote;
use super::state::UploadState;
use super::verify::verify_parts;
use crate::error::Result;
use crate::events::EventKind;
use crate::source::{FileSource, Part, Source};
use crate::transfer::Plan;

/// One try to store the whole source. It ends with the proven object, or with an error that says whether another may help.
pub(crate) struct Round<'a> {
    pub job: &'a Arc<Job>,
    pub remote: &'a Remote<'a>,
    pub source: &'a Arc<dyn Source>,
    /// The source again, when it is a file.
    pub file: Option<&'a FileSource>,
    pub journal: Option<&'a Arc<Journal>>,
    pub state: &'a mut UploadState,
}

/// An upload that is open on the server.
pub(crate) struct MultipartUpload {
    pub upload_id: String,
    pub plan: Plan,
    pub sent: Vec<Sent>,
    /// An earlier call may have completed it already.
    pub completing: bool,
    /// Bytes per second of the earlier call.
    pub rate: Option<u64>,
}

impl Round<'_> {
    /// What the checkpoint of this upload begins with.
    pub(super) fn header(&self, file: &FileSource, plan: &Plan) -> Header {
        let (path, identity) = (file.path().to_owned(), file.identity());
        let origin = Origin::File(FileOrigin { path, identity, part_size: plan.part_size });
        self.job.header(origin, file.observed)
    }

    /// Makes sure that what was sent is what the source holds, to its end.
    pub(super) fn verify(&self, sent: &mut [Sent]) -> Result<()> {
        self.source.check_end()?;
        match self.file {
            Some(file) => verify_parts(self.job, self.remote, file, sent),
            // It cannot have changed.
            None => Ok(()),
        }
    }

    pub(super) fn note_plan(&mut self, plan: &Plan, upload_id: &str) {
        let result = &mut self.state.result;
        result.size = plan.size;
        result.part_size = plan.part_size;
        result.part_size_raised = plan.raised;
        result.parts = plan.count();
        result.upload_id = upload_id.to_owned();
    }

    /// Tells the meter and the result how an upload begins.
    pub(super) fn show(&mut self, upload: &MultipartUpload) {
        self.note_plan(&upload.plan, &upload.upload_id);
        self.remote.meter.begin_round(upload.plan.size, upload.plan.count());
        self.remote.meter.expect_rate(upload.rate);
        upload.sent.iter().for_each(|sent| self.part_resumed(&sent.record.part));
    }

    /// An earlier call has sent this part.
    pub(super) fn part_resumed(&self, part: &Part) {
        self.remote.meter.part_resumed(part.size);
        self.remote.events.tell(EventKind::PartResumed, |event| {
            event.part_number = part.number;
            event.bytes = part.size;
        });
    }
}
