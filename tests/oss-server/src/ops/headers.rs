//! Headers that describe an object, or say how a request is to be treated.

use std::collections::BTreeMap;

use base64::Engine;

use crate::digest::Sums;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::percent;
use crate::request::Call;
use crate::store::Headers;

const LARGEST_BODY: u64 = 5 << 30;
const META: &str = "x-oss-meta-";
const META_LIMIT: usize = 8 << 10;
const DESCRIBING: [&str; 6] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"];
const STORAGE_CLASSES: [&str; 5] = ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];
const ACLS: [&str; 4] = ["default", "private", "public-read", "public-read-write"];
pub(super) const SSE: &str = "x-oss-server-side-encryption";
pub(super) const SSE_DATA: &str = "x-oss-server-side-data-encryption";
pub(super) const SSE_KEY: &str = "x-oss-server-side-encryption-key-id";

/// Everything that describes the object, checked.
pub(super) fn of_object(call: &Call) -> Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (name, value) in call.headers() {
        if DESCRIBING.contains(&name) || name.starts_with(META) {
            headers.insert(name.to_owned(), value);
        }
    }
    check_meta(&headers)?;
    headers.extend(storage_class(call)?);
    headers.extend(encryption(call)?);
    headers.extend(tagging(call)?);
    headers.entry("content-type".into()).or_insert_with(|| "application/octet-stream".into());
    Ok(headers)
}

/// The same with the ACL, as it is stored.
pub(super) fn of_stored(call: &Call) -> Result<Headers> {
    let mut headers = of_object(call)?;
    headers.extend(acl(call)?);
    Ok(headers.into())
}

fn check_meta(headers: &BTreeMap<String, String>) -> Result<()> {
    let mut total = 0;
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with(META)) {
        let rest = &name[META.len()..];
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let message = "The name of a user metadata header is made of letters, digits and hyphens.";
            return Err(OssError::invalid_argument("0016-00000309", message, name, value));
        }
        total += rest.len() + value.len();
    }
    if total > META_LIMIT {
        let message = "Your metadata headers exceed the maximum allowed metadata size of 8 KB.";
        return Err(OssError::invalid_argument("0016-00000310", message, META, &total.to_string()));
    }
    Ok(())
}

type Header = (String, String);

fn storage_class(call: &Call) -> Result<Option<Header>> {
    let message = "The storage class is not supported.";
    one_of(call, "x-oss-storage-class", &STORAGE_CLASSES, "0016-00000004", message)
}

/// The ACL, which is given when the object comes to be: at PutObject and at CompleteMultipartUpload.
pub(super) fn acl(call: &Call) -> Result<Option<Header>> {
    one_of(call, "x-oss-object-acl", &ACLS, "0016-00000005", "The object ACL is not valid.")
}

fn one_of(call: &Call, name: &str, values: &[&str], ec: &'static str, message: &str) -> Result<Option<Header>> {
    match call.header(name) {
        Some(value) if !values.contains(&value.as_str()) => Err(OssError::invalid_argument(ec, message, name, &value)),
        value => Ok(value.map(|value| (name.to_owned(), value))),
    }
}

fn encryption(call: &Call) -> Result<Vec<Header>> {
    let method = call.header(SSE);
    if let Some(method) = &method
        && !["AES256", "KMS", "SM4"].contains(&method.as_str())
    {
        let message = "The encryption algorithm you specified is not supported.";
        return Err(OssError::new(400, "InvalidEncryptionAlgorithmError", "0016-00000901", message)
            .with("ArgumentName", SSE)
            .with("ArgumentValue", method));
    }
    let kms = method.as_deref() == Some("KMS");
    for (name, fits) in [(SSE_DATA, call.header(SSE_DATA).is_none_or(|v| v == "SM4")), (SSE_KEY, true)] {
        if let Some(value) = call.header(name).filter(|_| !kms || !fits) {
            let message = "The header goes with x-oss-server-side-encryption: KMS only.";
            return Err(OssError::invalid_argument("0016-00000902", message, name, &value));
        }
    }
    Ok([SSE, SSE_DATA, SSE_KEY].iter().filter_map(|name| Some(((*name).to_owned(), call.header(name)?))).collect())
}

fn tagging(call: &Call) -> Result<Option<Header>> {
    let Some(text) = call.header("x-oss-tagging") else { return Ok(None) };
    let bad = |message: &str| OssError::invalid_argument("0016-00000401", message, "x-oss-tagging", &text);
    let tags = parse_tags(&text).ok_or_else(|| bad("The tagging header is not properly encoded."))?;
    if tags.len() > 10 {
        return Err(bad("An object has at most 10 tags."));
    }
    let fits = |(key, value): &Header| (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if !tags.iter().all(fits) {
        return Err(bad("A tag's key has 1 to 128 characters, its value at most 256."));
    }
    if tags.iter().map(|(key, _)| key).collect::<std::collections::BTreeSet<_>>().len() != tags.len() {
        return Err(bad("A tag's key must not be repeated."));
    }
    Ok((!tags.is_empty()).then(|| ("x-oss-tagging".to_owned(), text.clone())))
}

/// `k1=v1&k2=v2`, decoded.
pub(super) fn parse_tags(text: &str) -> Option<Vec<Header>> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((percent::decode_query(key)?, percent::decode_query(value)?))
    };
    text.split('&').filter(|item| !item.is_empty()).map(pair).collect()
}

/// Rules for bodies that become content: a length that is known and allowed, and an MD5 that is one.
pub(super) fn check_body(x: &Exchange) -> Result<()> {
    if x.call.content_length.is_none() && x.call.header("transfer-encoding").is_none() {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(OssError::new(411, "MissingContentLength", "0016-00000501", message));
    }
    check_size(x.call.content_length.unwrap_or(0))?;
    wanted_md5(&x.call)?;
    traffic_limit(x)
}

pub(super) fn check_size(size: u64) -> Result<()> {
    if size > LARGEST_BODY {
        let message = "The body is larger than 5 GB.";
        return Err(OssError::invalid_argument("0016-00000502", message, "Content-Length", &size.to_string()));
    }
    Ok(())
}

fn wanted_md5(call: &Call) -> Result<Option<[u8; 16]>> {
    let Some(text) = call.header("content-md5") else { return Ok(None) };
    let decoded = base64::engine::general_purpose::STANDARD.decode(&text).ok();
    match decoded.and_then(|bytes| bytes.try_into().ok()) {
        Some(md5) => Ok(Some(md5)),
        None => Err(invalid_digest("The Content-MD5 you specified was invalid.", &text)),
    }
}

/// Compares what arrived with the Content-MD5 that was announced.
pub(super) fn compare_md5(x: &Exchange, sums: &Sums) -> Result<()> {
    match wanted_md5(&x.call)? {
        Some(wanted) if sums.md5 != Some(wanted) => {
            let message = "The Content-MD5 you specified did not match what we received.";
            Err(invalid_digest(message, &x.call.header("content-md5").unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

fn invalid_digest(message: &str, value: &str) -> OssError {
    OssError::new(400, "InvalidDigest", "0016-00000503", message).with("Content-MD5", value)
}

/// Checks `x-oss-traffic-limit`, and applies it.
fn traffic_limit(x: &Exchange) -> Result<()> {
    const NAME: &str = "x-oss-traffic-limit";
    let (header, query) = (x.call.header(NAME), x.call.query(NAME));
    let value = match (&header, query) {
        (Some(value), Some(_)) => {
            let message = "The traffic limit is given both as a header and as a query parameter.";
            return Err(OssError::invalid_argument("0004-00000501", message, NAME, value));
        }
        (Some(value), None) => value.as_str(),
        (None, Some(value)) => value,
        (None, None) => return Ok(()),
    };
    let bits = value.parse().ok().filter(|bits| (819_200..=838_860_800).contains(bits));
    let bits: u64 = bits.ok_or_else(|| {
        let message = "The traffic limit must be an integer between 819200 and 838860800.";
        OssError::invalid_argument("0004-00000502", message, NAME, value)
    })?;
    x.control.change(|settings| settings.read_rate = settings.read_rate.or(Some(bits / 8)));
    Ok(())
}

/// Whether `x-oss-forbid-overwrite` forbids what is about to happen. Where there are versions it means nothing.
pub(super) fn forbids_overwrite(x: &Exchange) -> Result<bool> {
    const NAME: &str = "x-oss-forbid-overwrite";
    match x.call.header(NAME).as_deref() {
        Some("true") => Ok(!x.shared.config.versioned),
        None | Some("false") => Ok(false),
        Some(other) => {
            let message = "The value must be true or false.";
            Err(OssError::invalid_argument("0016-00000601", message, NAME, other))
        }
    }
}

/// The early half of the overwrite check; the other is made when the object is stored.
pub(super) fn check_overwrite(x: &Exchange) -> Result<()> {
    let exists = x.shared.store.object(x.call.bucket(), x.call.key()).is_ok();
    if forbids_overwrite(x)? && exists { Err(OssError::already_exists(x.call.key())) } else { Ok(()) }
}
