//! Proves that the object on the server is what was to be uploaded.

use super::remote::Remote;
use super::result::StoredFile;
use super::round::Round;
use crate::crc64::Combiner;
use crate::error::{Error, ErrorKind, Result};
use crate::oss::api::{Completed, HeadInfo};

impl Round<'_> {
    /// Complete succeeded, but its response has another CRC-64, or none: the object itself is asked.
    pub(super) fn resolve_crc(&mut self, completed: Completed, size: u64, crc64: u64) -> Result<()> {
        // The upload id is spent. With a checkpoint, the next call finds out what came of it.
        if self.journal.is_none() {
            self.state.open = None;
        }
        let head = match self.remote.head() {
            // Nothing contradicts the parts' CRCs, which were all right.
            Err(error) if is_denied(&error) && completed.crc64.is_none() => return self.proven(completed),
            Err(error) if is_denied(&error) => None,
            head => Some(head?),
        };
        match head {
            Some(head) if head.size == Some(size) && head.crc64.unwrap_or(crc64) == crc64 => self.proven(completed),
            head => {
                let theirs = head.and_then(|head| head.crc64).or(completed.crc64).unwrap_or(0);
                let message = format!("the object is stored with CRC-64 {theirs}, but the file has {crc64}");
                let error = Error::new(ErrorKind::ChecksumMismatch, message).with_retryable(true);
                Err(error.hint("do not use it; upload the file again"))
            }
        }
    }

    /// The object is there, and it is the file: the checkpoint has served its purpose.
    pub(super) fn proven(&mut self, completed: Completed) -> Result<()> {
        self.state.open = None;
        self.state.stored = self.file.map(|file| {
            let identity = file.identity();
            StoredFile { identity, is_fresh: identity.may_hide_a_write_after(file.observed) }
        });
        let result = &mut self.state.result;
        result.etag = completed.etag;
        result.version_id = completed.version_id.unwrap_or_default();
        result.request_id = completed.request_id;
        result.callback_response = completed.callback_body.into();
        let removed = self.journal.map_or(Ok(()), |journal| journal.remove());
        completed.callback_error.map_or(Ok(()), Err).and(removed)
    }
}

pub(super) fn of_head(head: HeadInfo) -> Completed {
    Completed {
        etag: head.etag,
        crc64: head.crc64,
        version_id: head.version_id,
        request_id: head.request_id,
        callback_body: Vec::new(),
        callback_error: None,
    }
}

/// An object is there already, perhaps ours.
pub(super) fn is_taken(error: &Error) -> bool {
    error.service_code() == "FileAlreadyExists"
}

/// The object under the key, if the server says that it has this size and CRC-64.
pub(super) fn stored(remote: &Remote<'_>, size: u64, crc64: u64) -> Result<Option<HeadInfo>> {
    match remote.head() {
        Ok(head) => Ok(Some(head).filter(|head| head.size == Some(size) && head.crc64 == Some(crc64))),
        Err(error) if is_denied(&error) || error.http_status() == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The CRC-64 of the whole from the sizes and CRC-64s of all parts, in their order.
pub(super) fn whole_crc64(parts: impl IntoIterator<Item = (u64, u64)>) -> u64 {
    let mut combiner: Option<(u64, Combiner)> = None;
    let mut whole = 0;
    for (size, crc64) in parts {
        // To make one costs more than to use it, and most parts are of one size.
        let (_, combiner) = match &mut combiner {
            Some(known) if known.0 == size => known,
            other => other.insert((size, Combiner::new(size))),
        };
        whole = combiner.combine(whole, crc64);
    }
    whole
}

/// The policy does not allow the call, which says nothing about the upload.
pub(super) fn is_denied(error: &Error) -> bool {
    error.service_code() == "AccessDenied"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc64::checksum;
    use crate::transfer::Plan;

    #[test]
    fn part_crcs_make_the_whole() {
        let data: Vec<u8> = (0..250_000u32).map(|i| (i % 251) as u8).collect();
        let plan = Plan::new(250_000, Some(102_400)).unwrap();
        let parts = plan.parts().map(|p| (p.size, checksum(&data[p.offset as usize..(p.offset + p.size) as usize])));
        assert_eq!(whole_crc64(parts), 211854289135609509);
        assert_eq!(whole_crc64([(102_400, 7)]), 7);
    }
}
