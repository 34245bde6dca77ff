//! OSS's operations. Each is checked from its headers alone, then takes its body in, then is processed.

mod append;
mod bucket;
mod callback;
mod copy;
mod headers;
mod list;
mod list_objects;
mod multipart;
mod put;
mod read;

use bytes::Bytes;

use crate::digest::{Digest, Sums};
use crate::error::{OssError, Result};
use crate::exchange::{Exchange, Stop};
use crate::fault::Action;
use crate::operation::Operation;
use crate::response::Response;
use crate::store::{Content, Object, Part};

/// A request's body once it has arrived.
pub(crate) enum Received {
    Small(Bytes),
    Content(Sums, Content),
}

impl Received {
    fn content(self) -> Result<(Sums, Content)> {
        match self {
            Self::Content(sums, content) => Ok((sums, content)),
            Self::Small(_) => Err(OssError::internal("the body was not taken in as content")),
        }
    }

    fn small(self) -> Bytes {
        match self {
            Self::Small(bytes) => bytes,
            Self::Content(..) => Bytes::new(),
        }
    }
}

fn takes_content(operation: Operation) -> bool {
    matches!(operation, Operation::PutObject | Operation::UploadPart | Operation::AppendObject)
}

/// What can be said before the body is read.
pub(crate) fn check(x: &Exchange) -> Result<()> {
    if x.call.operation != Operation::ListBuckets && !x.call.bucket().is_empty() {
        bucket::must_exist(x)?;
    }
    match x.call.operation {
        Operation::PutObject => put::check(x),
        Operation::CopyObject => copy::check(x),
        Operation::AppendObject => append::check(x),
        Operation::UploadPart => multipart::check_part(x),
        Operation::InitiateMultipartUpload => multipart::check_initiate(x),
        Operation::CompleteMultipartUpload => multipart::check_complete(x),
        Operation::Unknown => Err(unknown(x)),
        _ => Ok(()),
    }
}

/// Takes the body in.
pub(crate) async fn receive(x: &mut Exchange) -> std::result::Result<Received, Stop> {
    if !takes_content(x.call.operation) {
        return Ok(Received::Small(x.small_body().await?));
    }
    let md5 = x.shared.config.etag == crate::EtagMode::Md5 || x.call.header("content-md5").is_some();
    let (mut digest, mut writer) = (Digest::new(md5), x.shared.store.writer()?);
    while let Some(piece) = x.next_piece().await? {
        digest.update(&piece);
        writer.write(&piece)?;
    }
    let sums = digest.finish();
    headers::check_size(sums.size)?;
    headers::compare_md5(x, &sums)?;
    Ok(Received::Content(sums, writer.finish()))
}

/// Does what the request asks for.
pub(crate) async fn process(x: &mut Exchange, body: Received) -> std::result::Result<Response, Stop> {
    Ok(match x.call.operation {
        Operation::PutObject => put::process(x, body).await?,
        Operation::CopyObject => copy::process(x)?,
        Operation::AppendObject => append::process(x, body)?,
        Operation::GetObject | Operation::HeadObject => read::object(x)?,
        Operation::GetObjectMeta => read::meta(x)?,
        Operation::GetObjectAcl => read::acl(x)?,
        Operation::GetObjectTagging => read::tagging(x)?,
        Operation::DeleteObject => read::delete(x)?,
        Operation::InitiateMultipartUpload => multipart::initiate(x)?,
        Operation::UploadPart => multipart::part(x, body)?,
        Operation::CompleteMultipartUpload => multipart::complete(x, body).await?,
        Operation::AbortMultipartUpload => multipart::abort(x)?,
        Operation::ListParts => list::parts(x)?,
        Operation::ListMultipartUploads => list::uploads(x)?,
        Operation::ListObjects => list_objects::first_version(x)?,
        Operation::ListObjectsV2 => list_objects::second_version(x)?,
        Operation::GetBucketInfo => bucket::info(x)?,
        Operation::GetBucketLocation => bucket::location(x)?,
        Operation::ListBuckets => bucket::list(x)?,
        Operation::Unknown => return Err(unknown(x).into()),
    })
}

fn unknown(x: &Exchange) -> OssError {
    let names: Vec<&str> = x.call.message.query.iter().map(|(name, _)| name.as_str()).collect();
    if x.call.message.bucket.is_none() || !matches!(x.call.message.method.as_str(), "GET" | "HEAD" | "PUT" | "POST") {
        return OssError::new(405, "MethodNotAllowed", "0016-00000201", "The method is not allowed on this resource.");
    }
    OssError::not_implemented(&format!("{} with [{}]", x.call.message.method, names.join(", ")))
}

/// Faults that play other clients, who come in between.
pub(crate) fn interfere_before(x: &Exchange) -> Result<()> {
    let (bucket, key) = (x.call.bucket(), x.call.key());
    match x.action() {
        Some(Action::DropUpload {}) => {
            let upload_id = x.call.query("uploadId").unwrap_or("");
            if x.shared.store.take_upload(bucket, key, upload_id, |_, _| Ok(())).is_ok() {
                x.shared.store.forget_upload(bucket, upload_id)?;
            }
            Ok(())
        }
        Some(Action::ObjectAppears { text }) => {
            let (sums, content) = in_one_piece(x, text.clone().into())?;
            x.shared.store.put_object(bucket, key, put::plain_object(x, &sums), content, false)
        }
        _ => Ok(()),
    }
}

/// A fault that plays another client, who comes after.
pub(crate) fn interfere_after(x: &Exchange) {
    let (Some(Action::ReplacePart {}), Some(number)) = (x.action(), x.call.part_number()) else { return };
    let upload_id = x.call.query("uploadId").unwrap_or("");
    let other = Bytes::from_static(b"written by another client");
    if let Ok((sums, content)) = in_one_piece(x, other) {
        let part = multipart::new_part(x, &sums);
        // The upload may be gone by now, which is what other clients do, too.
        let _ = x.shared.store.put_part(x.call.bucket(), upload_id, number, part, content);
    }
}

fn in_one_piece(x: &Exchange, bytes: Bytes) -> Result<(Sums, Content)> {
    let mut writer = x.shared.store.writer()?;
    writer.write(&bytes)?;
    Ok((Sums::of(&bytes, true), writer.finish()))
}

fn now(x: &Exchange) -> i64 {
    crate::store::millis(x.shared.clock.now())
}

fn md5_wanted(x: &Exchange) -> bool {
    x.shared.config.etag == crate::EtagMode::Md5
}

/// The id of a new version, where there are versions.
fn version_id(x: &Exchange) -> Option<String> {
    x.shared.config.versioned.then(crate::id::version_id)
}

/// The headers that tell what was stored.
fn stored_headers(mut response: Response, object: &Object) -> Response {
    response = response.header("ETag", format!("\"{}\"", object.etag)).header("x-oss-hash-crc64ecma", object.crc64);
    if let Some(version_id) = &object.version_id {
        response = response.header("x-oss-version-id", version_id);
    }
    response
}

fn part_headers(response: Response, part: &Part) -> Response {
    response.header("ETag", format!("\"{}\"", part.etag)).header("x-oss-hash-crc64ecma", part.crc64)
}
