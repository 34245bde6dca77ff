//! Which headers a user may give with an object, and which values they may have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What begins the names of user metadata (OSS: object metadata).
const META: &str = "x-oss-meta-";

/// The most user metadata of one object (OSS: object metadata).
const MAX_META_BYTES: usize = 8 * 1024;

/// The longest callback parameter, in base64 (OSS: Callback).
const MAX_CALLBACK_BYTES: usize = 5 * 1024;

/// What a header is about, which decides the requests that it goes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It describes the object, and is fixed when the upload begins.
    Describes,
    /// The object's ACL, which multipart uploads take at their end.
    Acl,
    /// Whether an object that is there may be replaced, which is asked at the beginning and at the end.
    ForbidOverwrite,
    /// The request that OSS sends to an application server once the object is stored.
    Callback,
    /// A limit for requests with a body of data.
    TrafficLimit,
    /// Who pays, in every request.
    RequestPayer,
}

/// The role of the header `name` (lower-case), or why it cannot be given.
///
/// Headers that OSS does not document for uploads are refused rather than passed: the server would drop most of them
/// in silence, and the object would not be what the caller asked for.
pub fn role(name: &str) -> Result<Role> {
    match name {
        "content-type"
        | "cache-control"
        | "content-disposition"
        | "content-encoding"
        | "content-language"
        | "expires"
        | "x-oss-storage-class"
        | "x-oss-tagging" => Ok(Role::Describes),
        SSE | SSE_DATA | SSE_KEY => Ok(Role::Describes),
        "x-oss-object-acl" => Ok(Role::Acl),
        "x-oss-forbid-overwrite" => Ok(Role::ForbidOverwrite),
        CALLBACK | CALLBACK_VAR => Ok(Role::Callback),
        "x-oss-traffic-limit" => Ok(Role::TrafficLimit),
        "x-oss-request-payer" => Ok(Role::RequestPayer),
        _ if name.starts_with(META) => Ok(Role::Describes),
        _ => Err(Error::invalid(format!("the header {name} cannot be set: {}", refusal(name)))),
    }
}

const SSE: &str = "x-oss-server-side-encryption";
const SSE_DATA: &str = "x-oss-server-side-data-encryption";
const SSE_KEY: &str = "x-oss-server-side-encryption-key-id";
const CALLBACK: &str = "x-oss-callback";
const CALLBACK_VAR: &str = "x-oss-callback-var";

fn refusal(name: &str) -> &'static str {
    match name {
        "host" | "content-length" | "expect" | "date" | "x-oss-date" | "x-oss-content-sha256" => {
            "the library sets it itself"
        }
        "authorization" | "x-oss-security-token" => "it is derived from the credentials",
        "content-md5" => "use the option content_md5",
        "user-agent" => "use the client's option user_agent",
        "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" => {
            "it concerns the connection, not the object"
        }
        _ if name.starts_with("proxy-") => "it concerns the connection, not the object",
        _ if name.starts_with("x-oss-") => "it is not a header of uploads; name your own metadata x-oss-meta-*",
        _ => "OSS does not store it; name your own metadata x-oss-meta-*",
    }
}

/// Checks that `name` is a field name (RFC 9110, token).
pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("a header's name is empty"));
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
        return Err(Error::invalid(format!("the header name {name:?} has characters that header names cannot have")));
    }
    Ok(())
}

/// Checks the value of the header `name` (lower-case) by what Alibaba Cloud documents for it.
pub fn check_value(name: &str, value: &str) -> Result<()> {
    if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(wrong(name, "must consist of visible ASCII characters and spaces: percent-encode others"));
    }
    if let Some(suffix) = name.strip_prefix(META) {
        return check_meta_name(name, suffix);
    }
    if value.is_empty() {
        return Err(wrong(name, "is empty: leave the header out"));
    }
    match name {
        "x-oss-object-acl" => one_of(name, value, &["default", "private", "public-read", "public-read-write"]),
        "x-oss-storage-class" => one_of(name, value, &["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"]),
        SSE => one_of(name, value, &["AES256", "KMS", "SM4"]),
        SSE_DATA => one_of(name, value, &["SM4"]),
        "x-oss-forbid-overwrite" => one_of(name, value, &["true", "false"]),
        "x-oss-request-payer" => one_of(name, value, &["requester"]),
        "x-oss-traffic-limit" => check_traffic_limit(name, value),
        "x-oss-tagging" => check_tagging(name, value),
        CALLBACK => check_callback(name, value),
        CALLBACK_VAR => check_callback_var(name, value),
        _ => Ok(()),
    }
}

/// Checks what several headers (names in lower-case) say together.
pub fn check_together(headers: &[(String, String)]) -> Result<()> {
    let value_of = |name| headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
    for name in [SSE_DATA, SSE_KEY] {
        if value_of(name).is_some() && value_of(SSE) != Some("KMS") {
            return Err(Error::invalid(format!("the header {name} requires {SSE}: KMS")));
        }
    }
    if value_of(CALLBACK_VAR).is_some() && value_of(CALLBACK).is_none() {
        return Err(Error::invalid(format!("the header {CALLBACK_VAR} requires {CALLBACK}")));
    }
    let metadata = headers.iter().filter_map(|(name, value)| Some((name.strip_prefix(META)?, value)));
    if metadata.map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_META_BYTES {
        return Err(Error::invalid(format!("the {META}* headers together exceed {MAX_META_BYTES} bytes")));
    }
    Ok(())
}

fn wrong(name: &str, rule: &str) -> Error {
    Error::invalid(format!("the value of the header {name} {rule}"))
}

fn one_of(name: &str, value: &str, known: &[&str]) -> Result<()> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(wrong(name, &format!("must be {}", known.join(" or "))))
}

fn check_meta_name(name: &str, suffix: &str) -> Result<()> {
    if suffix.is_empty() || !suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Error::invalid(format!(
            "the header {name} is not valid metadata: only letters, digits and hyphens may follow {META}"
        )));
    }
    Ok(())
}

/// Bits per second (OSS: single-connection bandwidth throttling). The lower bound is the one of older documentation;
/// servers with a higher one say so themselves.
fn check_traffic_limit(name: &str, value: &str) -> Result<()> {
    let is_number = value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<u64>() {
        Ok(245_760..=838_860_800) if is_number => Ok(()),
        _ => Err(wrong(name, "must be bits per second from 245760 to 838860800")),
    }
}

/// At most ten tags `key=value`, joined with `&`, percent-encoded (OSS: PutObject, x-oss-tagging).
fn check_tagging(name: &str, value: &str) -> Result<()> {
    let mut keys = Vec::new();
    for tag in value.split('&') {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        let key = decoded(key).ok_or_else(|| wrong(name, "must be percent-encoded UTF-8"))?;
        let value = decoded(value).ok_or_else(|| wrong(name, "must be percent-encoded UTF-8"))?;
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(wrong(name, "must have tag keys of 1 to 128 characters and tag values of at most 256"));
        }
        if keys.contains(&key) {
            return Err(wrong(name, &format!("has the tag {key} twice")));
        }
        keys.push(key);
    }
    if keys.len() > 10 {
        return Err(wrong(name, "must have at most 10 tags"));
    }
    Ok(())
}

/// A key or value of a tag; `None` when it is not encoded as it must be.
fn decoded(text: &str) -> Option<String> {
    let escapes_are_whole = text.split('%').skip(1).all(|after| {
        let hex = after.as_bytes().get(..2);
        hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole || text.contains('=') {
        return None;
    }
    Some(percent_decode_str(&text.replace('+', " ")).decode_utf8().ok()?.into_owned())
}

/// OSS: Callback. A mistake here would show only after all the data has been sent.
fn check_callback(name: &str, value: &str) -> Result<()> {
    if value.len() > MAX_CALLBACK_BYTES {
        return Err(wrong(name, "must have at most 5 KB"));
    }
    let callback = base64_object(name, value)?;
    let text_of = |field: &str| callback.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(urls) = text_of("callbackUrl") else {
        return Err(wrong(name, "lacks the string callbackUrl"));
    };
    if urls.split(';').count() > 5 {
        return Err(wrong(name, "must have at most 5 addresses in callbackUrl"));
    }
    if text_of("callbackBody").is_none() {
        return Err(wrong(name, "lacks the string callbackBody"));
    }
    Ok(())
}

/// OSS: Callback, custom parameters.
fn check_callback_var(name: &str, value: &str) -> Result<()> {
    let variables = base64_object(name, value)?;
    let is_variable = |(name, value): (&String, &Value)| {
        name.starts_with("x:") && !name.contains(|c: char| c.is_ascii_uppercase()) && value.is_string()
    };
    if !variables.iter().all(is_variable) {
        return Err(wrong(name, "must contain strings whose names begin with x: and are in lower case"));
    }
    Ok(())
}

fn base64_object(name: &str, value: &str) -> Result<Map<String, Value>> {
    let json = STANDARD.decode(value).ok().and_then(|json| serde_json::from_slice(&json).ok());
    json.ok_or_else(|| wrong(name, "must be a JSON object in base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(json: &str) -> String {
        STANDARD.encode(json)
    }

    #[test]
    fn documented_values_pass() {
        let tags: Vec<String> = (0..10).map(|n| format!("k{n}=v")).collect();
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("x-oss-meta-author", "alice"),
            ("x-oss-meta-empty", ""),
            ("x-oss-object-acl", "public-read-write"),
            ("x-oss-storage-class", "DeepColdArchive"),
            (SSE, "AES256"),
            (SSE_DATA, "SM4"),
            (SSE_KEY, "9468da86-3509-4f8d-a61e-6eab1eac****"),
            ("x-oss-tagging", "a=b&%E7%9B%AE=1+2&c"),
            ("x-oss-tagging", &tags.join("&")),
            ("x-oss-traffic-limit", "245760"),
            ("x-oss-traffic-limit", "838860800"),
            ("x-oss-forbid-overwrite", "true"),
            ("x-oss-request-payer", "requester"),
            (CALLBACK, &base64(r#"{"callbackUrl":"http://a/;http://b/","callbackBody":"x"}"#)),
            (CALLBACK_VAR, &base64(r#"{"x:my":"v"}"#)),
        ] {
            check_value(name, value).unwrap();
        }
    }

    #[test]
    fn other_values_are_refused_by_name() {
        let tags: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        let six = base64(r#"{"callbackUrl":"a;b;c;d;e;f","callbackBody":"x"}"#);
        let long = base64(&format!(r#"{{"callbackUrl":"a","callbackBody":"{}"}}"#, "x".repeat(5000)));
        for (name, value) in [
            ("content-type", ""),
            ("content-type", "text/plain\r\nx: y"),
            ("content-disposition", "attachment; filename=目录"),
            ("x-oss-meta-", "v"),
            ("x-oss-meta-a_b", "v"),
            ("x-oss-meta-a", "tab\there"),
            ("x-oss-object-acl", "Private"),
            ("x-oss-storage-class", "standard"),
            (SSE, "AES128"),
            (SSE_DATA, "AES256"),
            ("x-oss-tagging", &tags.join("&")),
            ("x-oss-tagging", "a=1&a=2"),
            ("x-oss-tagging", "a=1&"),
            ("x-oss-tagging", "a=b=c"),
            ("x-oss-tagging", "a=%zz"),
            ("x-oss-tagging", "a=%e7"),
            ("x-oss-tagging", "a=%2"),
            ("x-oss-tagging", &format!("{}=v", "k".repeat(129))),
            ("x-oss-tagging", &format!("k={}", "v".repeat(257))),
            ("x-oss-traffic-limit", "245759"),
            ("x-oss-traffic-limit", "838860801"),
            ("x-oss-traffic-limit", "+838860800"),
            ("x-oss-forbid-overwrite", "yes"),
            ("x-oss-request-payer", "me"),
            (CALLBACK, "not base64!"),
            (CALLBACK, &base64("[]")),
            (CALLBACK, &base64(r#"{"callbackUrl":"http://a/"}"#)),
            (CALLBACK, &base64(r#"{"callbackBody":"x","callbackUrl":7}"#)),
            (CALLBACK, &six),
            (CALLBACK, &long),
            (CALLBACK_VAR, &base64(r#"{"my":"v"}"#)),
            (CALLBACK_VAR, &base64(r#"{"x:My":"v"}"#)),
            (CALLBACK_VAR, &base64(r#"{"x:my":1}"#)),
        ] {
            let error = check_value(name, value).unwrap_err();
            assert!(error.message().contains(name), "{name}: {value}: {error}");
        }
    }

    #[test]
    fn refused_names_say_what_to_do() {
        for (name, says) in [
            ("host", "sets it itself"),
            ("x-oss-security-token", "credentials"),
            ("content-md5", "content_md5"),
            ("user-agent", "user_agent"),
            ("transfer-encoding", "connection"),
            ("proxy-authorization", "connection"),
            ("x-oss-complete-all", "x-oss-meta-*"),
            ("x-request-id", "x-oss-meta-*"),
        ] {
            let error = role(name).unwrap_err();
            assert!(error.message().contains(name) && error.message().contains(says), "{error}");
        }
    }
}
