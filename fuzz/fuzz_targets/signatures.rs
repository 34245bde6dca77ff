//! Signatures of both versions, against a second implementation that was written from Alibaba Cloud's documentation.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_upload::fuzzing::{Signed, signed};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Arbitrary, Debug)]
struct Input {
    key: String,
    upload_id: String,
    headers: Vec<(u8, String)>,
    seconds: u32,
}

const NAMES: [&str; 8] = [
    "content-type",
    "content-md5",
    "x-oss-acl",
    "x-oss-meta-b",
    "x-oss-meta-a",
    "cache-control",
    "expires",
    "x-oss-object-acl",
];

fn header<'a>(request: &'a Signed, name: &str) -> &'a str {
    request.headers.iter().find(|(have, _)| have == name).map_or("", |(_, value)| value)
}

fn hmac256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lines `name:value` of the headers that `is_signed` names, sorted.
fn lines(request: &Signed, is_signed: impl Fn(&str) -> bool) -> String {
    let mut lines: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.trim()))
        .filter(|(name, _)| is_signed(name))
        .collect();
    lines.sort_unstable();
    lines.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

fn version_1(request: &Signed, key: &str, upload_id: &str) -> String {
    let id = if upload_id.is_empty() { String::from("uploadId") } else { format!("uploadId={upload_id}") };
    let text = format!(
        "{}\n{}\n{}\n{}\n{}/bucket/{key}?partNumber=1&{id}",
        request.method,
        header(request, "content-md5"),
        header(request, "content-type"),
        header(request, "date"),
        lines(request, |name| name.starts_with("x-oss-")),
    );
    let mut mac = Hmac::<Sha1>::new_from_slice(b"secret").expect("any key");
    mac.update(text.as_bytes());
    format!("OSS id:{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn version_4(request: &Signed, key: &str, upload_id: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let path = encoded(key).replace("%2F", "/");
    let id = if upload_id.is_empty() { "uploadId".to_owned() } else { format!("uploadId={}", encoded(upload_id)) };
    let is_signed = |name: &str| ["content-type", "content-md5"].contains(&name) || name.starts_with("x-oss-");
    let canonical = format!(
        "{}\n/bucket/{path}\npartNumber=1&{id}\n{}\n\nUNSIGNED-PAYLOAD",
        request.method,
        lines(request, is_signed),
    );
    let date = header(request, "x-oss-date");
    let day = &date[..8];
    let scope = format!("{day}/cn-hangzhou/oss/aliyun_v4_request");
    let text = format!("OSS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let key = [day, "cn-hangzhou", "oss", "aliyun_v4_request"]
        .iter()
        .fold(b"aliyun_v4secret".to_vec(), |key, step| hmac256(&key, step));
    format!("OSS4-HMAC-SHA256 Credential=id/{scope},Signature={}", hex(&hmac256(&key, &text)))
}

fuzz_target!(|input: Input| {
    let headers: Vec<(String, String)> = input
        .headers
        .iter()
        .map(|(name, value)| (NAMES[usize::from(*name) % NAMES.len()].to_owned(), value.clone()))
        .collect();
    let [first, fourth] = signed(&input.key, &input.upload_id, &headers, input.seconds);
    assert_eq!(header(&first, "authorization"), version_1(&first, &input.key, &input.upload_id));
    assert_eq!(header(&fourth, "authorization"), version_4(&fourth, &input.key, &input.upload_id));
    assert!(fourth.query.len() == 2 && fourth.query[1].1.as_deref() == Some(input.upload_id.as_str()));
});
