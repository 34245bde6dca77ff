//! Signature version 4: HMAC-SHA256 over a canonical request, with a key bound to day, region and product.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::Request;
use crate::percent;

/// The name of the algorithm, as it stands in headers and queries.
pub const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// The only payload hash that OSS takes.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The last item of every scope.
pub const TERMINATOR: &str = "aliyun_v4_request";

/// What a signature is good for: one day, one region, one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `YYYYMMDD`.
    pub day: String,
    /// A region id, such as `cn-hangzhou`.
    pub region: String,
    /// `oss`, or `oss-cloudbox`.
    pub product: String,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{TERMINATOR}", self.day, self.region, self.product)
    }
}

/// The canonical request. `additional` are lower-case header names, sorted.
#[must_use]
pub fn canonical_request(request: &Request, additional: &[String]) -> Vec<u8> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method,
        percent::encode_path(request.resource()),
        canonical_query(&request.query)
    )
    .into_bytes();
    text.extend(request.header_lines(|name| is_default_signed(name) || additional.iter().any(|a| a == name)));
    text.extend(format!("\n{}\n{UNSIGNED_PAYLOAD}", additional.join(";")).into_bytes());
    text
}

/// The text that is signed. `date` has the form `YYYYMMDDTHHMMSSZ`.
#[must_use]
pub fn string_to_sign(canonical_request: &[u8], date: &str, scope: &Scope) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical_request)))
}

/// The key that signs everything within a scope.
#[must_use]
pub fn signing_key(secret: &str, scope: &Scope) -> Vec<u8> {
    [scope.day.as_str(), &scope.region, &scope.product, TERMINATOR]
        .iter()
        .fold(format!("aliyun_v4{secret}").into_bytes(), |key, item| hmac(&key, item.as_bytes()))
}

/// The hexadecimal signature of a text.
#[must_use]
pub fn signature(secret: &str, scope: &Scope, string_to_sign: &str) -> String {
    hex(&hmac(&signing_key(secret, scope), string_to_sign.as_bytes()))
}

/// Whether a header is signed without being asked for.
#[must_use]
pub fn is_default_signed(name: &str) -> bool {
    name == "content-type" || name == "content-md5" || name.starts_with("x-oss-")
}

fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .filter(|(name, _)| name != "x-oss-signature")
        .map(|(name, value)| (percent::encode(name), percent::encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") })
        .collect();
    pairs.join("&")
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
