//! Where an upload goes on: the checkpoint is the memory, the server is the truth, the file is the judge.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use super::checkpoint::{Header, Journal, PartRecord, Saved};
use super::identity::Comparison;
use super::parts::{Sent, Trust};
use super::plan::Plan;
use super::remote::Remote;
use super::source::Source;
use crate::crc64::Combiner;
use crate::error::{Error, Result};
use crate::options::{OnFileChange, VerifyResume};
use crate::oss::api::{HeadInfo, ListedPart};
use crate::oss::bare_etag;

/// What is to be done with a checkpoint.
pub(crate) enum Verdict {
    /// Go on with this upload.
    Resume(Resumed),
    /// The object is there already: only the news of it had been lost.
    Stored(HeadInfo, Resumed),
    /// All parts must be sent; the reason is for the user.
    StartOver(String),
}

/// An upload that goes on.
pub(crate) struct Resumed {
    pub upload_id: String,
    pub plan: Plan,
    pub sent: Vec<Sent>,
    /// An earlier call may have completed it already.
    pub completing: bool,
    /// Bytes per second of the earlier call.
    pub rate: Option<u64>,
}

/// Weighs the checkpoint `saved` for an upload that would write `wanted` into a new one.
pub(crate) fn reconcile(
    remote: &Remote<'_>,
    source: &Source,
    journal: &Journal,
    saved: &Saved,
    wanted: &Header,
) -> Result<Verdict> {
    if let Some(reason) = mismatch(&saved.header, wanted) {
        return Ok(Verdict::StartOver(reason));
    }
    let comparison = saved.header.identity.compare(&wanted.identity);
    if comparison == Comparison::Changed {
        return match remote.task.on_file_change {
            OnFileChange::Restart => {
                Ok(Verdict::StartOver("file-changed: the local file is not the one that was being uploaded".into()))
            }
            OnFileChange::Fail => Err(source.changed("it is not the one that was being uploaded")),
        };
    }
    let plan = Plan::of_checkpoint(wanted.identity.size, saved.header.part_size);
    let (Some(plan), Some(upload_id)) = (plan, saved.upload_id.clone()) else {
        return Ok(Verdict::StartOver(String::new()));
    };
    // What this call sends may come from another file than what is known: no later call may trust the numbers again.
    if comparison == Comparison::InDoubt && !saved.doubted {
        journal.doubted();
    }
    let in_doubt = comparison == Comparison::InDoubt || saved.doubted;
    let trust = trust(remote.task.verify_resume, in_doubt, &saved.header);
    let known = saved.parts.iter().map(|part| (part.number, part)).collect();
    let sent = match remote.list_parts(&upload_id) {
        Ok(listed) => adopt(remote, source, journal, &plan, &known, listed, trust)?,
        // A policy with oss:PutObject alone must be enough: the journal is believed, and Complete will judge.
        Err(error) if is_denied(&error) => known.values().map(|part| Sent { record: named(part), trust }).collect(),
        Err(error) if error.service_code() == "NoSuchUpload" => {
            return upload_missing(remote, saved, plan, upload_id, trust);
        }
        Err(error) => return Err(error.context("cannot resume")),
    };
    Ok(Verdict::Resume(Resumed { upload_id, plan, sent, completing: saved.completing, rate: saved.rate }))
}

/// Why the checkpoint belongs to something else.
pub(crate) fn mismatch(saved: &Header, wanted: &Header) -> Option<String> {
    let what = if saved.endpoint != wanted.endpoint {
        "endpoint"
    } else if (&saved.bucket, &saved.key) != (&wanted.bucket, &wanted.key) {
        "object"
    } else if !is_same_file(saved, wanted) {
        "file"
    } else if saved.options != wanted.options {
        return Some("headers-changed: the upload was created with different object headers".into());
    } else {
        return None;
    };
    Some(format!("other-{what}: the checkpoint belongs to a different {what}"))
}

/// The path is the same, or leads to the same place; or it is another name of the same file, such as a hard link.
fn is_same_file(saved: &Header, wanted: &Header) -> bool {
    let resolved = |header: &Header| fs::canonicalize(&header.source).ok();
    let is_same_place = || resolved(saved).is_some_and(|place| resolved(wanted) == Some(place));
    let (then, now) = (&saved.identity, &wanted.identity);
    let has_other_name = || then.has_numbers_of(now) && then.compare(now) != Comparison::Changed;
    saved.source == wanted.source || has_other_name() || is_same_place()
}

fn trust(verify: VerifyResume, in_doubt: bool, saved: &Header) -> Trust {
    match verify {
        VerifyResume::Never => Trust::Exempt,
        VerifyResume::Always => Trust::Doubted,
        VerifyResume::WhenInDoubt if in_doubt => Trust::Doubted,
        VerifyResume::WhenInDoubt => Trust::ReadSince(saved.observed),
    }
}

/// The listed parts that hold what the file holds. What the journal does not know, or knows otherwise, is compared with
/// the file, for which the server must tell the part's CRC-64.
fn adopt(
    remote: &Remote<'_>,
    source: &Source,
    journal: &Journal,
    plan: &Plan,
    known: &BTreeMap<u32, &PartRecord>,
    listed: Vec<ListedPart>,
    trust: Trust,
) -> Result<Vec<Sent>> {
    let mut sent = Vec::new();
    for part in listed.into_iter().filter(|part| part.number <= plan.count()) {
        let range = plan.part(part.number);
        if part.size != range.size {
            continue;
        }
        let record = known.get(&part.number).copied();
        if let Some(record) = record.filter(|record| matches(record, &part)) {
            sent.push(Sent { record: named(record), trust });
            continue;
        }
        let Some(theirs) = part.crc64 else { continue };
        let started = SystemTime::now();
        if source.crc64(&range, || remote.go_on())? == theirs {
            let record = PartRecord {
                number: range.number,
                offset: range.offset,
                size: range.size,
                etag: part.etag,
                crc64: theirs,
            };
            journal.part(&record);
            sent.push(Sent { record, trust: Trust::ReadSince(started) });
        }
    }
    Ok(sent)
}

/// The record with its ETag as Complete must name it: earlier versions kept weak ones.
fn named(record: &PartRecord) -> PartRecord {
    PartRecord { etag: bare_etag(&record.etag).unwrap_or_default(), ..record.clone() }
}

/// The server holds what the record says.
pub(crate) fn matches(record: &PartRecord, listed: &ListedPart) -> bool {
    named(record).etag.eq_ignore_ascii_case(&listed.etag) && listed.crc64.is_none_or(|crc64| crc64 == record.crc64)
}

/// Nobody knows the upload id any more. If Complete had been sent, the object may be there.
fn upload_missing(remote: &Remote<'_>, saved: &Saved, plan: Plan, upload_id: String, trust: Trust) -> Result<Verdict> {
    let start_over = || Verdict::StartOver("upload-gone: the server no longer knows the upload".into());
    if !saved.completing || saved.parts.len() != plan.count() as usize {
        return Ok(start_over());
    }
    let crc64 = whole_crc64(&plan, saved.parts.iter().map(|part| part.crc64));
    match stored(remote, plan.size, crc64)? {
        Some(head) => {
            let sent = saved.parts.iter().map(|part| Sent { record: part.clone(), trust }).collect();
            Ok(Verdict::Stored(head, Resumed { upload_id, plan, sent, completing: true, rate: None }))
        }
        None => Ok(start_over()),
    }
}

/// The object under the key, if the server says that it has this size and CRC-64.
pub(crate) fn stored(remote: &Remote<'_>, size: u64, crc64: u64) -> Result<Option<HeadInfo>> {
    match remote.head() {
        Ok(head) => Ok(Some(head).filter(|head| head.size == Some(size) && head.crc64 == Some(crc64))),
        Err(error) if is_denied(&error) || error.http_status() == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The CRC-64 of the whole from those of all parts, in their order.
pub(crate) fn whole_crc64(plan: &Plan, parts: impl IntoIterator<Item = u64>) -> u64 {
    let full = Combiner::new(plan.part_size);
    let last = plan.part(plan.count());
    let mut crc64s = parts.into_iter();
    let body = crc64s.by_ref().take(last.number as usize - 1).fold(0, |whole, part| full.combine(whole, part));
    crc64s.next().map_or(body, |part| Combiner::new(last.size).combine(body, part))
}

/// The policy does not allow the call, which says nothing about the upload.
pub(crate) fn is_denied(error: &Error) -> bool {
    error.service_code() == "AccessDenied"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc64::checksum;

    #[test]
    fn part_crcs_make_the_whole() {
        let data: Vec<u8> = (0..250_000u32).map(|i| (i % 251) as u8).collect();
        let plan = Plan::new(250_000, Some(102_400)).unwrap();
        let parts = plan.parts().map(|p| checksum(&data[p.offset as usize..(p.offset + p.size) as usize]));
        assert_eq!(whole_crc64(&plan, parts), 211854289135609509);
        let plan = Plan::new(102_400, Some(102_400)).unwrap();
        assert_eq!(whole_crc64(&plan, [7]), 7);
    }
}
