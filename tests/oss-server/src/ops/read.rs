//! GET, HEAD and DELETE of an object.

use super::headers::parse_tags;
use crate::clock;
use crate::digest::base64_md5;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::{Payload, Response};
use crate::store::{Blob, Object, ObjectKind, from_millis, storage_class};
use crate::xml::Xml;

/// GetObject and HeadObject.
pub(super) fn object(x: &Exchange) -> Result<Response> {
    let object = x.shared.store.object(x.call.bucket(), x.call.key())?;
    if let Some(response) = check_conditions(x, &object)? {
        return Ok(response);
    }
    let range = range(x, object.size)?;
    let (start, length) = range.unwrap_or((0, object.size));
    let mut response = base_headers(Response::new(if range.is_some() { 206 } else { 200 }), &object)
        .header("Accept-Ranges", "bytes")
        .header("x-oss-object-type", object.kind.name())
        .header("x-oss-storage-class", storage_class(&object.headers));
    if range.is_some() {
        let content_range = format!("bytes {start}-{}/{}", start + length - 1, object.size);
        response = response.header("Content-Range", content_range);
    }
    response = described(x, response, &object);
    if x.call.message.method == "HEAD" {
        return Ok(response.header("Content-Length", length));
    }
    if matches!(object.blob, Blob::Discarded) && object.size > 0 {
        return Err(OssError::not_implemented("reading objects whose content it has discarded"));
    }
    if length > 0 {
        response.body = Payload::Blob(object.blob.read(start, length)?);
    }
    Ok(response)
}

fn base_headers(mut response: Response, object: &Object) -> Response {
    response = response
        .header("ETag", format!("\"{}\"", object.etag))
        .header("Last-Modified", clock::rfc1123(from_millis(object.modified)))
        .header("x-oss-hash-crc64ecma", object.crc64);
    if let Some(version_id) = &object.version_id {
        response = response.header("x-oss-version-id", version_id);
    }
    response
}

/// Headers that came with the object, some of which the query of a GET overrides.
fn described(x: &Exchange, mut response: Response, object: &Object) -> Response {
    for (name, value) in object.headers.iter() {
        match name.as_str() {
            "x-oss-object-acl" | "x-oss-storage-class" => {}
            "x-oss-tagging" => {
                let count = parse_tags(value).map_or(0, |tags| tags.len());
                response = response.header("x-oss-tagging-count", count);
            }
            _ => {
                let wanted = x.call.query(&format!("response-{name}")).filter(|value| !value.is_empty());
                response = response.header(name, wanted.unwrap_or(value));
            }
        }
    }
    if let (Some(md5), ObjectKind::Normal) = (&object.md5, object.kind) {
        response = response.header("Content-MD5", base64_md5(md5));
    }
    response
}

/// GetObjectMeta: little is told, so little is looked up.
pub(super) fn meta(x: &Exchange) -> Result<Response> {
    let object = x.shared.store.object(x.call.bucket(), x.call.key())?;
    let response = base_headers(Response::new(200), &object);
    Ok(if x.call.message.method == "HEAD" { response.header("Content-Length", object.size) } else { response })
}

pub(super) fn acl(x: &Exchange) -> Result<Response> {
    let object = x.shared.store.object(x.call.bucket(), x.call.key())?;
    let grant = object.headers.get("x-oss-object-acl").map_or("default", String::as_str);
    let text = Xml::result("AccessControlPolicy", x.shared.config.quirks, None)
        .group("Owner", |xml| {
            xml.element("ID", 0).element("DisplayName", 0);
        })
        .group("AccessControlList", |xml| {
            xml.element("Grant", grant);
        })
        .finish();
    Ok(Response::xml(text))
}

pub(super) fn tagging(x: &Exchange) -> Result<Response> {
    let object = x.shared.store.object(x.call.bucket(), x.call.key())?;
    let tags = object.headers.get("x-oss-tagging").and_then(|text| parse_tags(text)).unwrap_or_default();
    let text = Xml::result("Tagging", x.shared.config.quirks, None)
        .group("TagSet", |xml| {
            for (key, value) in &tags {
                xml.group("Tag", |xml| {
                    xml.element("Key", key).element("Value", value);
                });
            }
        })
        .finish();
    Ok(Response::xml(text))
}

/// DeleteObject succeeds whether there was an object or not.
pub(super) fn delete(x: &Exchange) -> Result<Response> {
    x.shared.store.delete_object(x.call.bucket(), x.call.key())?;
    Ok(Response::new(204))
}

/// `Some` response when a condition says that there is nothing to send.
fn check_conditions(x: &Exchange, object: &Object) -> Result<Option<Response>> {
    let same = |value: &str| value.split(',').any(|etag| etag.parse() == Ok(object.etag));
    let modified = from_millis(object.modified).replace_nanosecond(0).unwrap_or_else(|_| from_millis(object.modified));
    let time = |name| x.call.header(name).and_then(|value| clock::parse_rfc1123(&value));
    let failed = x.call.header("if-match").is_some_and(|value| !same(&value))
        || time("if-unmodified-since").is_some_and(|time| modified > time);
    if failed {
        let message = "At least one of the pre-conditions you specified did not hold.";
        return Err(OssError::new(412, "PreconditionFailed", "0026-00000013", message));
    }
    let unchanged = x.call.header("if-none-match").is_some_and(|value| same(&value))
        || time("if-modified-since").is_some_and(|time| modified <= time);
    Ok(unchanged.then(|| base_headers(Response::new(304), object)))
}

/// The range to send, as start and length. One that does not fit is ignored, unless the client wants the standard.
fn range(x: &Exchange, size: u64) -> Result<Option<(u64, u64)>> {
    let Some(text) = x.call.header("range") else { return Ok(None) };
    let standard = x.call.header("x-oss-range-behavior").as_deref() == Some("standard");
    match parse_range(&text, size, standard) {
        Some(range) => Ok(Some(range)),
        None if standard && text.starts_with("bytes=") => {
            let message = "The requested range cannot be satisfied.";
            let actual = size.to_string();
            let error = OssError::new(416, "InvalidRange", "0026-00000205", message);
            Err(error.with("ActualObjectSize", actual).header("Content-Range", format!("bytes */{size}")))
        }
        None => Ok(None),
    }
}

fn parse_range(text: &str, size: u64, standard: bool) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first.trim(), last.trim()) {
        ("", suffix) => (size.checked_sub(suffix.parse().ok()?).or(standard.then_some(0))?, size.checked_sub(1)?),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (first.parse().ok()?, last.parse().ok()?),
    };
    let end = if standard { end.min(size.checked_sub(1)?) } else { end };
    (start <= end && end < size).then(|| (start, end - start + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_do_not_fit_are_ignored() {
        assert_eq!(parse_range("bytes=0-9", 10, false), Some((0, 10)));
        assert_eq!(parse_range("bytes=3-", 10, false), Some((3, 7)));
        assert_eq!(parse_range("bytes=-4", 10, false), Some((6, 4)));
        assert_eq!(parse_range("bytes=5-20", 10, false), None);
        assert_eq!(parse_range("bytes=-20", 10, false), None);
        assert_eq!(parse_range("bytes=10-", 10, false), None);
        assert_eq!(parse_range("bytes=5-2", 10, false), None);
        assert_eq!(parse_range("bytes=0-0", 0, false), None);
    }

    #[test]
    fn the_standard_behaviour_shortens_them() {
        assert_eq!(parse_range("bytes=5-20", 10, true), Some((5, 5)));
        assert_eq!(parse_range("bytes=-20", 10, true), Some((0, 10)));
        assert_eq!(parse_range("bytes=10-20", 10, true), None);
    }
}
