//! Multipart uploads: initiate, upload parts, complete, abort.

use std::collections::BTreeMap;

use super::{Received, callback, headers, md5_wanted, now, part_headers, stored_headers, version_id};
use crate::digest::{Combiner, Sums, base64_md5, multipart_etag};
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::store::{Blob, Object, ObjectKind, Part, Upload};
use crate::xml::{self, ListedPart, Xml};

/// The least size of a part that is not the last one.
const SMALLEST_PART: u64 = 100 << 10;

pub(super) fn check_initiate(x: &Exchange) -> Result<()> {
    headers::of_object(&x.call)?;
    headers::check_overwrite(x)
}

pub(super) fn initiate(x: &Exchange) -> Result<Response> {
    headers::check_overwrite(x)?;
    let upload = Upload {
        key: x.call.key().to_owned(),
        initiated: now(x),
        sequential: x.call.query("sequential").is_some(),
        headers: headers::of_object(&x.call)?,
        parts: BTreeMap::new(),
    };
    let upload_id = x.shared.store.initiate(x.call.bucket(), upload)?;
    let text = Xml::result("InitiateMultipartUploadResult", x.shared.config.quirks, x.call.query("encoding-type"))
        .element("Bucket", x.call.bucket())
        .name("Key", x.call.key())
        .element("UploadId", upload_id)
        .finish();
    Ok(Response::xml(text))
}

/// Everything about a part that its headers tell.
pub(super) fn check_part(x: &Exchange) -> Result<()> {
    let number = part_number(x)?;
    for name in [headers::SSE, headers::SSE_DATA, headers::SSE_KEY] {
        if let Some(value) = x.call.header(name) {
            let message = "Server side encryption is specified when the upload is initiated.";
            return Err(OssError::invalid_argument("0017-00000223", message, name, &value));
        }
    }
    headers::check_body(x)?;
    check_turn(x, number)
}

fn part_number(x: &Exchange) -> Result<u32> {
    let text = x.call.query("partNumber").unwrap_or("");
    let ec = if text.is_empty() { "0017-00000219" } else { "0017-00000220" };
    x.call.part_number().ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive.";
        OssError::invalid_argument(ec, message, "partNumber", text)
    })
}

fn upload_id(x: &Exchange) -> &str {
    x.call.query("uploadId").unwrap_or("")
}

/// The upload must exist; a sequential one takes its parts in order only.
fn check_turn(x: &Exchange, number: u32) -> Result<()> {
    let next = |upload: &Upload| upload.sequential.then(|| upload.parts.keys().next_back().map_or(1, |last| last + 1));
    match x.shared.store.upload(x.call.bucket(), x.call.key(), upload_id(x), next)? {
        Some(next) if next != number => {
            let message = format!("The upload is sequential: part {next} is expected, not {number}.");
            Err(OssError::new(400, "PartNotSequential", "0042-00000225", message))
        }
        _ => Ok(()),
    }
}

pub(super) fn part(x: &Exchange, body: Received) -> Result<Response> {
    let (sums, content) = body.content()?;
    let number = part_number(x)?;
    // Once more: the upload may have gone while the body arrived.
    check_turn(x, number)?;
    let part = new_part(x, &sums);
    let mut response = part_headers(Response::new(200), &part).stored();
    if let Some(md5) = &sums.md5 {
        response = response.header("Content-MD5", base64_md5(md5));
    }
    x.shared.store.put_part(x.call.bucket(), upload_id(x), number, part, content)?;
    Ok(response)
}

pub(super) fn new_part(x: &Exchange, sums: &Sums) -> Part {
    Part { size: sums.size, crc64: sums.crc64, etag: sums.etag(md5_wanted(x)), modified: now(x), blob: Blob::Discarded }
}

pub(super) fn check_complete(x: &Exchange) -> Result<()> {
    headers::acl(&x.call)?;
    callback::of(&x.call)?;
    headers::forbids_overwrite(x)?;
    wants_all(x).map(drop)
}

/// Whether the server is to take whatever parts it has.
fn wants_all(x: &Exchange) -> Result<bool> {
    const NAME: &str = "x-oss-complete-all";
    match x.call.header(NAME).as_deref() {
        None => Ok(false),
        Some("yes") => Ok(true),
        Some(other) => Err(OssError::invalid_argument("0042-00000216", "The value must be yes.", NAME, other)),
    }
}

pub(super) async fn complete(x: &Exchange, body: Received) -> Result<Response> {
    let body = body.small();
    headers::compare_md5(x, &Sums::of(&body, true))?;
    let listed = match (wants_all(x)?, body.is_empty()) {
        (true, true) => None,
        (true, false) => {
            let message = "The body must be empty when x-oss-complete-all is given.";
            return Err(OssError::invalid_argument("0042-00000217", message, "x-oss-complete-all", "yes"));
        }
        (false, _) => Some(xml::complete_body(&body)?),
    };
    let (bucket, key) = (x.call.bucket(), x.call.key());
    let only_new = headers::forbids_overwrite(x)?;
    let (upload, numbers) = x.shared.store.take_upload(bucket, key, upload_id(x), |bucket, upload| {
        if only_new && bucket.objects.contains_key(key) {
            return Err(OssError::already_exists(key));
        }
        chosen_parts(upload, listed.as_deref())
    })?;
    let object = match assemble(x, &upload, &numbers, only_new) {
        Ok(object) => object,
        Err(error) => {
            x.shared.store.put_back(bucket, upload_id(x), upload)?;
            return Err(error);
        }
    };
    x.shared.store.forget_upload(bucket, upload_id(x))?;
    let response = stored_headers(completed(x, &object), &object).stored();
    callback::response(x, response, &object).await
}

fn completed(x: &Exchange, object: &Object) -> Response {
    let scheme = if x.shared.config.tls { "https" } else { "http" };
    let text = Xml::result("CompleteMultipartUploadResult", x.shared.config.quirks, x.call.query("encoding-type"))
        .element("Location", format!("{scheme}://{}{}", x.call.host, x.call.path))
        .element("Bucket", x.call.bucket())
        .name("Key", x.call.key())
        .element("ETag", format!("\"{}\"", object.etag))
        .finish();
    Response::xml(text)
}

/// The numbers of the parts that make the object, after everything about them has been checked.
fn chosen_parts(upload: &Upload, listed: Option<&[ListedPart]>) -> Result<Vec<u32>> {
    let numbers: Vec<u32> = match listed {
        None => upload.parts.keys().copied().collect(),
        Some(listed) => {
            check_list(upload, listed)?;
            listed.iter().map(|part| part.number).collect()
        }
    };
    let Some((_, all_but_last)) = numbers.split_last() else {
        return Err(invalid_part(0, ""));
    };
    for number in all_but_last {
        check_part_size(*number, &upload.parts[number])?;
    }
    Ok(numbers)
}

fn check_list(upload: &Upload, listed: &[ListedPart]) -> Result<()> {
    if listed.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        let message =
            "The list of parts was not in ascending order. Parts list must specified in order by part number.";
        return Err(OssError::new(400, "InvalidPartOrder", "0042-00000209", message));
    }
    for part in listed {
        let stored = upload.parts.get(&part.number).map(|stored| stored.etag);
        if stored.is_none() || part.etag.parse().ok() != stored {
            return Err(invalid_part(part.number, part.etag.trim().trim_matches('"')));
        }
    }
    Ok(())
}

fn invalid_part(number: u32, etag: &str) -> OssError {
    let message = "One or more of the specified parts could not be found or the specified entity tag might not have \
                   matched the part's entity tag.";
    OssError::new(400, "InvalidPart", "0042-00000210", message)
        .with("PartNumber", number.to_string())
        .with("ETag", etag)
}

fn check_part_size(number: u32, part: &Part) -> Result<()> {
    if part.size >= SMALLEST_PART {
        return Ok(());
    }
    let message = "Your proposed upload smaller than the minimum allowed size.";
    Err(OssError::new(400, "EntityTooSmall", "0042-00000213", message)
        .with("ProposedSize", part.size.to_string())
        .with("MinSizeAllowed", SMALLEST_PART.to_string())
        .with("PartNumber", number.to_string())
        .with("ETag", part.etag.to_string()))
}

/// Puts the parts together and stores the object.
fn assemble(x: &Exchange, upload: &Upload, numbers: &[u32], only_new: bool) -> Result<Object> {
    let parts = || numbers.iter().map(|number| &upload.parts[number]);
    let (mut combiner, mut crc64, mut writer) = (Combiner::new(), 0, x.shared.store.writer()?);
    for part in parts() {
        crc64 = combiner.combine(crc64, part.crc64, part.size);
        writer.append(&part.blob)?;
    }
    let mut headers = upload.headers.clone();
    headers.extend(headers::acl(&x.call)?);
    let object = Object {
        size: parts().map(|part| part.size).sum(),
        crc64,
        etag: multipart_etag(parts().map(|part| part.etag)),
        md5: None,
        kind: ObjectKind::Multipart,
        parts: u32::try_from(numbers.len()).unwrap_or(u32::MAX),
        headers: headers.into(),
        modified: now(x),
        version_id: version_id(x),
        blob: Blob::Discarded,
    };
    x.shared.store.put_object(x.call.bucket(), x.call.key(), object.clone(), writer.finish(), only_new)?;
    Ok(object)
}

pub(super) fn abort(x: &Exchange) -> Result<Response> {
    x.shared.store.take_upload(x.call.bucket(), x.call.key(), upload_id(x), |_, _| Ok(()))?;
    x.shared.store.forget_upload(x.call.bucket(), upload_id(x))?;
    Ok(Response::new(204))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etag::Etag;

    fn upload(sizes: &[(u32, u64)]) -> Upload {
        let part = |size| Part { size, crc64: 0, etag: etag(size), modified: 0, blob: Blob::Discarded };
        Upload {
            key: "k".into(),
            initiated: 0,
            sequential: false,
            headers: BTreeMap::new(),
            parts: sizes.iter().map(|(number, size)| (*number, part(*size))).collect(),
        }
    }

    /// Differs from size to size.
    fn etag(size: u64) -> Etag {
        Etag::new(u128::from(size).to_be_bytes())
    }

    fn choose(upload: &Upload, listed: &[(u32, u64)]) -> std::result::Result<Vec<u32>, String> {
        let quoted = |size| format!("\"{}\"", etag(size)).to_lowercase();
        let listed: Vec<_> =
            listed.iter().map(|(number, size)| ListedPart { number: *number, etag: quoted(*size) }).collect();
        chosen_parts(upload, Some(&listed)).map_err(|error| error.code)
    }

    #[test]
    fn lists_are_checked_in_every_respect() {
        let upload = upload(&[(1, 102_400), (3, 5), (4, 102_399)]);
        assert_eq!(choose(&upload, &[(1, 102_400), (3, 5)]), Ok(vec![1, 3]));
        assert_eq!(choose(&upload, &[(3, 5), (1, 102_400)]), Err("InvalidPartOrder".into()));
        assert_eq!(choose(&upload, &[(1, 102_400), (1, 102_400)]), Err("InvalidPartOrder".into()));
        assert_eq!(choose(&upload, &[(1, 102_400), (2, 5)]), Err("InvalidPart".into()));
        assert_eq!(choose(&upload, &[(1, 102_401)]), Err("InvalidPart".into()));
        assert_eq!(choose(&upload, &[(3, 5), (4, 102_399)]), Err("EntityTooSmall".into()));
        let no_etag = [ListedPart { number: 1, etag: "no ETag".into() }];
        assert_eq!(chosen_parts(&upload, Some(&no_etag)).unwrap_err().code, "InvalidPart");
        assert_eq!(chosen_parts(&upload, None).unwrap_err().code, "EntityTooSmall");
    }
}
