//! Makes sure that what was sent is what the file holds.

use std::time::SystemTime;

use super::checkpoint::PartRecord;
use super::job::Job;
use super::received::{Sent, Trust};
use super::remote::Remote;
use crate::error::Result;
use crate::options::VerifyResume;
use crate::source::identity::{Comparison, Identity};
use crate::source::{FileSource, Source};
use crate::transfer::Step;

/// A file that is touched again and again while it is verified is given up.
const MOST_ROUNDS: u32 = 10;

/// Reads again what may have changed unseen since it was sent, until nothing is in doubt. Fails when the file has
/// changed.
///
/// Where a write may leave no trace in the time stamps, everything is read twice. When both readings agree, the file held
/// just that at the moment between them: the first reading of all parts ends before the second one begins.
pub(crate) fn verify_parts(job: &Job, remote: &Remote<'_>, source: &FileSource, sent: &mut [Sent]) -> Result<()> {
    let keeps_change_time = source.keeps_change_time();
    let reads_twice = !keeps_change_time && remote.request.options.verify_resume != VerifyResume::Never;
    let mut reopened: Option<FileSource> = None;
    for _ in 0..MOST_ROUNDS {
        let source = reopened.as_ref().unwrap_or(source);
        let look = source.look()?;
        // Where no change time is kept, numbers may not be firm either, and differ at each look: once must do.
        let may_reopen = keeps_change_time || reopened.is_none();
        if may_reopen && (look.is_in_doubt || reads_twice) {
            reopened = Some(reopen(job, remote, source)?);
            sent.iter_mut().for_each(|part| part.trust = Trust::Doubted);
            continue;
        }
        let now = look.identity;
        // look() lets another change time pass. It may be harmless, or a write with its traces removed.
        let touched = now.changed_ns != source.identity().changed_ns;
        let mut suspects: Vec<&mut Sent> = sent.iter_mut().filter(|part| is_suspect(part, touched, &now)).collect();
        if suspects.is_empty() {
            return Ok(());
        }
        remote.meter.enter(Step::Verifying);
        wait_until_writes_show(remote, &now);
        let started = SystemTime::now();
        for part in &mut suspects {
            compare(remote, source, part)?;
            part.trust = Trust::ReadSince(started);
        }
        source.verified_as(now);
    }
    Err(source.changed("it keeps being modified"))
}

/// The file that the path leads to now. Network file systems ask their server anew when a file is opened, so that what is
/// read does not come from an old cache.
fn reopen(job: &Job, remote: &Remote<'_>, source: &FileSource) -> Result<FileSource> {
    let reopened = job.open_file(&remote.stop)?;
    if source.identity().compare(&reopened.identity()) == Comparison::Changed {
        return Err(source.changed("another file has taken its place"));
    }
    Ok(reopened)
}

fn is_suspect(part: &Sent, touched: bool, now: &Identity) -> bool {
    match part.trust {
        Trust::Exempt => false,
        Trust::Doubted => true,
        Trust::ReadSince(time) => touched || now.may_hide_a_write_after(time),
    }
}

/// What is read right after a change would stay in doubt.
fn wait_until_writes_show(remote: &Remote<'_>, now: &Identity) {
    if now.may_hide_a_write_after(SystemTime::now()) {
        remote.control.sleep(now.time_step(), &remote.stop);
    }
}

fn compare(remote: &Remote<'_>, file: &FileSource, sent: &Sent) -> Result<()> {
    let PartRecord { part, crc64, .. } = &sent.record;
    let source: &dyn Source = file;
    if source.crc64(part, || remote.go_on())? != *crc64 {
        return Err(file.changed(format!("part {} differs from what was sent", part.number)).with_part(part.number));
    }
    Ok(())
}
