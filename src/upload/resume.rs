//! Where an upload goes on: the checkpoint is the memory, the server is the truth, the file is the judge.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use super::checkpoint::{FileOrigin, Header, Journal, Origin, PartRecord, Saved};
use super::prove::{is_denied, stored, whole_crc64};
use super::received::{Sent, Trust};
use super::remote::Remote;
use super::round::MultipartUpload;
use crate::error::Result;
use crate::options::{OnFileChange, VerifyResume};
use crate::oss::api::{HeadInfo, ListedPart};
use crate::oss::bare_etag;
use crate::source::identity::Comparison;
use crate::source::{FileSource, Source};
use crate::transfer::Plan;

/// How an upload begins.
pub(crate) enum Resumption {
    /// Go on with this upload.
    Resume(MultipartUpload),
    /// The object is there already: only the news of it had been lost.
    Stored(HeadInfo, MultipartUpload),
    /// All must be sent. The reason is for the user; it is empty when nothing was there to resume.
    StartOver(String),
}

/// Weighs the checkpoint `saved` for an upload that would write `wanted` into a new one.
pub(crate) fn reconcile(
    remote: &Remote<'_>,
    source: &FileSource,
    journal: &Journal,
    saved: &Saved,
    wanted: &Header,
) -> Result<Resumption> {
    if let Some(reason) = mismatch(&saved.header, wanted) {
        return Ok(Resumption::StartOver(reason));
    }
    let (Some(then), Some(now)) = (saved.header.file(), wanted.file()) else {
        return Ok(Resumption::StartOver(String::new()));
    };
    let comparison = then.identity.compare(&now.identity);
    if comparison == Comparison::Changed {
        return match remote.request.options.on_file_change {
            OnFileChange::Restart => {
                Ok(Resumption::StartOver("file-changed: the local file is not the one that was being uploaded".into()))
            }
            OnFileChange::Fail => Err(source.changed("it is not the one that was being uploaded")),
        };
    }
    let plan = Plan::of_checkpoint(now.identity.size, then.part_size);
    let (Some(plan), Some(upload_id)) = (plan, saved.upload_id.clone()) else {
        return Ok(Resumption::StartOver(String::new()));
    };
    // What this call sends may come from another file than what is known: no later call may trust the numbers again.
    if comparison == Comparison::InDoubt && !saved.doubted {
        journal.doubted();
    }
    let in_doubt = comparison == Comparison::InDoubt || saved.doubted;
    let trust = trust(remote.request.options.verify_resume, in_doubt, &saved.header);
    let known = saved.parts.iter().map(|record| (record.part.number, record)).collect();
    let sent = match remote.list_parts(&upload_id) {
        Ok(listed) => adopt(remote, source, Some(journal), &plan, &known, listed, trust)?,
        // A policy with oss:PutObject alone must be enough: the journal is believed, and Complete will judge.
        Err(error) if is_denied(&error) => known.values().map(|part| Sent { record: named(part), trust }).collect(),
        Err(error) if error.service_code() == "NoSuchUpload" => {
            return upload_missing(remote, saved, plan, upload_id, trust);
        }
        Err(error) => return Err(error.context("cannot resume")),
    };
    Ok(Resumption::Resume(MultipartUpload { upload_id, plan, sent, completing: saved.completing, rate: saved.rate }))
}

/// Why the checkpoint belongs to something else.
pub(crate) fn mismatch(saved: &Header, wanted: &Header) -> Option<String> {
    let what = if saved.endpoint != wanted.endpoint {
        "endpoint"
    } else if (&saved.bucket, &saved.key) != (&wanted.bucket, &wanted.key) {
        "object"
    } else if !is_same_origin(&saved.origin, &wanted.origin) {
        if wanted.file().is_some() { "file" } else { "stream" }
    } else if saved.options != wanted.options {
        return Some("headers-changed: the upload was created with different object headers".into());
    } else {
        return None;
    };
    Some(format!("other-{what}: the checkpoint belongs to a different {what}"))
}

/// Any stream that is cut at the same places may be the same: only its bytes can tell.
fn is_same_origin(saved: &Origin, wanted: &Origin) -> bool {
    match (saved, wanted) {
        (Origin::File(saved), Origin::File(wanted)) => is_same_file(saved, wanted),
        (saved, wanted) => saved == wanted,
    }
}

/// The path is the same, or leads to the same place; or it is another name of the same file, such as a hard link.
fn is_same_file(saved: &FileOrigin, wanted: &FileOrigin) -> bool {
    let resolved = |file: &FileOrigin| fs::canonicalize(&file.path).ok();
    let is_same_place = || resolved(saved).is_some_and(|place| resolved(wanted) == Some(place));
    let (then, now) = (&saved.identity, &wanted.identity);
    let has_other_name = || then.has_numbers_of(now) && then.compare(now) != Comparison::Changed;
    saved.path == wanted.path || has_other_name() || is_same_place()
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
pub(super) fn adopt(
    remote: &Remote<'_>,
    source: &FileSource,
    journal: Option<&Journal>,
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
        if (source as &dyn Source).crc64(&range, || remote.go_on())? == theirs {
            let record = PartRecord { part: range, etag: part.etag, crc64: theirs };
            if let Some(journal) = journal {
                journal.part(&record);
            }
            sent.push(Sent { record, trust: Trust::ReadSince(started) });
        }
    }
    Ok(sent)
}

/// The record with its ETag as Complete must name it: earlier versions kept weak ones.
pub(super) fn named(record: &PartRecord) -> PartRecord {
    PartRecord { etag: bare_etag(&record.etag).unwrap_or_default(), ..record.clone() }
}

/// The server holds what the record says.
fn matches(record: &PartRecord, listed: &ListedPart) -> bool {
    named(record).etag.eq_ignore_ascii_case(&listed.etag) && listed.crc64.is_none_or(|crc64| crc64 == record.crc64)
}

/// One of the listed parts, which are in the order of their numbers, is what the record says.
pub(super) fn is_among(record: &PartRecord, listed: &[ListedPart]) -> bool {
    let found = listed.binary_search_by_key(&record.part.number, |listed| listed.number);
    found.is_ok_and(|at| matches(record, &listed[at]))
}

/// Nobody knows the upload id any more. If Complete had been sent, the object may be there.
fn upload_missing(
    remote: &Remote<'_>,
    saved: &Saved,
    plan: Plan,
    upload_id: String,
    trust: Trust,
) -> Result<Resumption> {
    let start_over = || Resumption::StartOver("upload-gone: the server no longer knows the upload".into());
    if !saved.completing || saved.parts.len() != plan.count() as usize {
        return Ok(start_over());
    }
    let crc64 = whole_crc64(saved.parts.iter().map(|record| (record.part.size, record.crc64)));
    match stored(remote, plan.size, crc64)? {
        Some(head) => {
            let sent = saved.parts.iter().map(|part| Sent { record: part.clone(), trust }).collect();
            Ok(Resumption::Stored(head, MultipartUpload { upload_id, plan, sent, completing: true, rate: None }))
        }
        None => Ok(start_over()),
    }
}
