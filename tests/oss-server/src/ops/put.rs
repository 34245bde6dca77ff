//! PutObject.

use std::collections::BTreeMap;

use super::{Received, callback, headers, md5_wanted, now, stored_headers, version_id};
use crate::digest::{Sums, base64_md5};
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::store::{Blob, Object, ObjectKind};

pub(super) fn check(x: &Exchange) -> Result<()> {
    headers::check_body(x)?;
    headers::of_object(&x.call)?;
    headers::acl(&x.call)?;
    callback::of(&x.call)?;
    refuse_conditions(x)?;
    headers::check_overwrite(x)
}

/// OSS knows no conditional PUT.
fn refuse_conditions(x: &Exchange) -> Result<()> {
    for name in ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"] {
        if x.call.header(&name.to_ascii_lowercase()).is_some() {
            let message = "A header you provided implies functionality that is not implemented.";
            return Err(OssError::new(501, "NotImplemented", "0016-00000701", message).with("Header", name));
        }
    }
    Ok(())
}

pub(super) async fn process(x: &Exchange, body: Received) -> Result<Response> {
    let (sums, content) = body.content()?;
    let only_new = headers::forbids_overwrite(x)?;
    let mut object = plain_object(x, &sums);
    object.headers = headers::of_stored(&x.call)?;
    let mut response = stored_headers(Response::new(200), &object).stored();
    if let Some(md5) = &sums.md5 {
        response = response.header("Content-MD5", base64_md5(md5));
    }
    x.shared.store.put_object(x.call.bucket(), x.call.key(), object.clone(), content, only_new)?;
    callback::response(x, response, &object).await
}

/// An object that was written in one go, without headers.
pub(super) fn plain_object(x: &Exchange, sums: &Sums) -> Object {
    Object {
        size: sums.size,
        crc64: sums.crc64,
        etag: sums.etag(md5_wanted(x)),
        md5: sums.md5,
        kind: ObjectKind::Normal,
        parts: 0,
        headers: BTreeMap::from([("content-type".to_owned(), "application/octet-stream".to_owned())]).into(),
        modified: now(x),
        version_id: version_id(x),
        blob: Blob::Discarded,
    }
}
