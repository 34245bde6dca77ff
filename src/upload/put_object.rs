//! A source that fits one part: one PutObject.

use std::sync::Arc;

use super::checkpoint::PartRecord;
use super::prove::{is_taken, of_head, stored};
use super::received::{Sent, Trust};
use super::round::Round;
use crate::error::{ErrorKind, Result};
use crate::service::Attempted;
use crate::source::{SmallFile, Source};
use crate::transfer::{Plan, Step};

impl Round<'_> {
    /// Sends everything in one request. Nothing of it can be resumed.
    pub(super) fn put_object(&mut self, plan: &Plan) -> Result<()> {
        self.note_plan(plan, "");
        self.remote.meter.begin_round(plan.size, 1);
        self.remote.meter.enter(Step::Uploading);
        let whole = plan.part(1);
        let trust = self.file.map_or(Trust::Exempt, |file| Trust::ReadSince(file.observed));
        // A server that never gets the last bytes stores nothing: the source is verified before they are sent.
        let verify = |crc64| {
            let record = PartRecord { part: whole, etag: String::new(), crc64 };
            self.verify(&mut [Sent { record, trust }])?;
            self.remote.meter.enter(Step::Uploading);
            Ok(())
        };
        let attempted = self.remote.put_object(&self.checked_source()?, &verify);
        let (completed, crc64) = match attempted {
            Attempted { result: Ok(done), .. } => done,
            Attempted { result: Err(error), ambiguous: true } if is_taken(&error) => {
                let crc64 = self.source.crc64(&whole, || self.remote.go_on())?;
                let head = stored(self.remote, plan.size, crc64)?.ok_or(error)?;
                (of_head(head), crc64)
            }
            Attempted { result: Err(error), .. } if error.kind() == ErrorKind::ChecksumMismatch => {
                return Err(error.hint("the object under the key may be damaged: do not use it, upload the file again"));
            }
            Attempted { result: Err(error), .. } => return Err(error),
        };
        self.state.result.crc64 = crc64;
        self.proven(completed)
    }

    /// What to send, once it is known to end where its size says. That is asked again when all was read.
    fn checked_source(&self) -> Result<Arc<dyn Source>> {
        match self.file {
            Some(file) if (1..=SmallFile::LARGEST).contains(&file.size()) => {
                Ok(Arc::new(SmallFile::read(file, self.source)?))
            }
            _ => self.source.check_end().map(|()| self.source.clone()),
        }
    }
}
