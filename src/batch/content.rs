//! Files whose times are new: is their content what was stored? That is work for the processor and the disk, not for
//! connections.

use std::sync::{Arc, Weak};

use super::backlog::Backlog;
use super::entry::{Entry, Stored};
use super::schedule::Schedule;
use crate::crc64;
use crate::error::{Error, Result};
use crate::source::lease::LeaseWait;
use crate::source::{FileSource, Part, SmallFile, Source};
use crate::sync::atomic::Ordering;
use crate::upload::{StoredFile, while_leased};

impl Schedule {
    /// Has threads compare the files that wait for it, as many as there are processors.
    pub(super) fn start_comparing(self: &Arc<Self>) {
        while self.backlog.begin_comparing() {
            let (schedule, backlog) = (Arc::downgrade(self), self.backlog.clone());
            if let Err(error) = self.job.queue.pool().spawn(move || compare_all(&schedule, &backlog)) {
                self.backlog.gave_up_comparing();
                self.job.fail(Error::no_thread(&error));
                return;
            }
        }
    }

    /// The file as it is, when its content is what was stored.
    pub(crate) fn has_content(&self, entry: &Entry, stored: &Stored) -> Result<Option<StoredFile>> {
        let control = &self.job.control.own;
        let stop = control.begin_round();
        let go_on = || if stop.load(Ordering::Relaxed) { Err(crate::service::stopped()) } else { Ok(()) };
        let path = self.job.request.full_path(&entry.path);
        let open = |wait: &LeaseWait<'_>| FileSource::open(&path, wait);
        let file = while_leased(control, &stop, self.job.service.stall_timeout, open)?;
        if file.size() != stored.size {
            return Ok(None);
        }
        let crc64 = match file.size() <= SmallFile::LARGEST {
            true => crc64::checksum(&file.read_whole()?),
            false => {
                file.check_end()?;
                let source: &dyn Source = &file;
                source.crc64(&Part { number: 1, offset: 0, size: file.size() }, go_on)?
            }
        };
        file.check_unchanged()?;
        let identity = file.identity();
        let is_fresh = identity.may_hide_a_write_after(file.observed);
        Ok((crc64 == stored.crc64).then_some(StoredFile { identity, is_fresh }))
    }
}

/// Nobody holds the schedule, and with it the manifest, when the last file counts as finished.
fn compare_all(schedule: &Weak<Schedule>, backlog: &Backlog) {
    loop {
        let group = backlog.next_to_compare();
        let count = group.len();
        if count == 0 {
            return;
        }
        if let Some(schedule) = schedule.upgrade() {
            group.into_iter().for_each(|entry| schedule.carry_out(entry, false));
        }
        backlog.finished(count);
    }
}
