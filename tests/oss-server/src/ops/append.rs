//! AppendObject.

use super::{Received, headers, md5_wanted, put, stored_headers};
use crate::digest::{Combiner, Sums};
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::store::{Content, Object, ObjectKind};

pub(super) fn check(x: &Exchange) -> Result<()> {
    headers::check_body(x)?;
    headers::of_object(&x.call)?;
    headers::acl(&x.call)?;
    position(x).map(drop)
}

fn position(x: &Exchange) -> Result<u64> {
    let text = x.call.query("position").unwrap_or("");
    text.parse().map_err(|_| {
        let message = "The position must be an integer.";
        OssError::invalid_argument("0026-00000201", message, "position", text)
    })
}

pub(super) fn process(x: &Exchange, body: Received) -> Result<Response> {
    let (sums, content) = body.content()?;
    let old = x.shared.store.object(x.call.bucket(), x.call.key()).ok();
    let length = old.as_ref().map_or(0, |object| object.size);
    if old.as_ref().is_some_and(|object| object.kind != ObjectKind::Appendable) {
        let message = "The object is not appendable.";
        return Err(OssError::new(409, "ObjectNotAppendable", "0026-00000202", message));
    }
    if position(x)? != length {
        let message = "Position is not equal to file length.";
        return Err(OssError::new(409, "PositionNotEqualToLength", "0026-00000203", message)
            .header("x-oss-next-append-position", length.to_string()));
    }
    headers::check_size(length + sums.size)?;
    let (object, content) = match &old {
        None => (first(x, &sums)?, content),
        Some(old) => grown(x, old, &sums, content)?,
    };
    let response =
        stored_headers(Response::new(200), &object).header("x-oss-next-append-position", length + sums.size).stored();
    x.shared.store.put_object(x.call.bucket(), x.call.key(), object, content, false)?;
    Ok(response)
}

fn first(x: &Exchange, sums: &Sums) -> Result<Object> {
    let mut object = put::plain_object(x, sums);
    object.kind = ObjectKind::Appendable;
    object.headers = headers::of_stored(&x.call)?;
    Ok(object)
}

fn grown(x: &Exchange, old: &Object, sums: &Sums, content: Content) -> Result<(Object, Content)> {
    let mut writer = x.shared.store.writer()?;
    writer.append(&old.blob)?;
    writer.append_content(&content)?;
    let crc64 = Combiner::new().combine(old.crc64, sums.crc64, sums.size);
    let whole = Sums { size: old.size + sums.size, crc64, md5: None };
    let mut object = put::plain_object(x, &whole);
    object.kind = ObjectKind::Appendable;
    object.etag = whole.etag(md5_wanted(x));
    object.headers.clone_from(&old.headers);
    Ok((object, writer.finish()))
}
