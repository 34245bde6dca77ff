//! CopyObject, within this server.

use super::{headers, now, stored_headers, version_id};
use crate::clock;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::percent;
use crate::response::Response;
use crate::store::{ObjectKind, from_millis};
use crate::xml::Xml;

pub(super) fn check(x: &Exchange) -> Result<()> {
    headers::of_object(&x.call)?;
    headers::acl(&x.call)?;
    source(x)?;
    headers::check_overwrite(x)
}

/// Bucket and key that the request names as its source.
fn source(x: &Exchange) -> Result<(String, String)> {
    let text = x.call.header("x-oss-copy-source").unwrap_or_default();
    let path = percent::decode_path(text.split('?').next().unwrap_or(""));
    let found = path.as_deref().and_then(|path| path.strip_prefix('/').unwrap_or(path).split_once('/'));
    match found {
        Some((bucket, key)) if !key.is_empty() => Ok((bucket.to_owned(), key.to_owned())),
        _ => {
            let message = "Copy source must name a bucket and a key.";
            Err(OssError::invalid_argument("0017-00000301", message, "x-oss-copy-source", &text))
        }
    }
}

pub(super) fn process(x: &Exchange) -> Result<Response> {
    let (bucket, key) = source(x)?;
    let only_new = headers::forbids_overwrite(x)?;
    let original = x.shared.store.object(&bucket, &key)?;
    let mut writer = x.shared.store.writer()?;
    writer.append(&original.blob)?;
    let mut object = (*original).clone();
    object.kind = ObjectKind::Normal;
    object.modified = now(x);
    object.version_id = version_id(x);
    let replace = x.call.header("x-oss-metadata-directive").as_deref() == Some("REPLACE");
    let mut described = if replace { headers::of_object(&x.call)? } else { object.headers.into() };
    described.extend(headers::acl(&x.call)?);
    object.headers = described.into();
    let text = Xml::result("CopyObjectResult", x.shared.config.quirks, None)
        .element("LastModified", clock::iso(from_millis(object.modified)))
        .element("ETag", format!("\"{}\"", object.etag))
        .finish();
    let response = stored_headers(Response::xml(text), &object).stored();
    x.shared.store.put_object(x.call.bucket(), x.call.key(), object, writer.finish(), only_new)?;
    Ok(response)
}
