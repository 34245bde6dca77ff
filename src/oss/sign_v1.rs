//! Signature version 1: HMAC-SHA1 over the request (OSS: include a V1 signature in the header).
//!
//! No region takes part, so it works for every endpoint. Newer users' accounts may refuse it.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::request::{ApiRequest, SignatureHeaders};
use crate::credentials::Credentials;
use crate::text::date;

/// The query parameters that are signed, beside all whose names begin with `x-oss-`; others, such as `encoding-type`,
/// are not.
const SIGNED_PARAMETERS: &[&str] = &[
    "acl",
    "append",
    "bucketInfo",
    "callback",
    "callback-var",
    "cloudboxes",
    "continuation-token",
    "delete",
    "location",
    "objectMeta",
    "partNumber",
    "position",
    "regionList",
    "resourceGroup",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "security-token",
    "sequential",
    "stat",
    "symlink",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
];

/// The headers that sign `request` as of `now`. Headers that are added to it later must not be signed ones.
pub fn sign(request: &ApiRequest, credentials: &Credentials, now: SystemTime) -> SignatureHeaders {
    let date = date::http_date(now);
    let token = credentials.security_token();
    let signature = signature(credentials, &string_to_sign(request, &date, token));
    let authorization = format!("OSS {}:{signature}", credentials.access_key_id());
    let mut headers = vec![("date", date), ("authorization", authorization)];
    headers.extend(token.map(|token| ("x-oss-security-token", token.to_owned())));
    headers
}

fn signature(credentials: &Credentials, string_to_sign: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(credentials.access_key_secret().as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn string_to_sign(request: &ApiRequest, date: &str, token: Option<&str>) -> String {
    let mut text = format!(
        "{}\n{}\n{}\n{date}\n",
        request.method.as_str(),
        request.header("content-md5").unwrap_or_default(),
        request.header("content-type").unwrap_or_default(),
    );
    let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let added = token.map(|token| ("x-oss-security-token", token));
    let mut headers: Vec<_> = own.chain(added).filter(|(name, _)| name.starts_with("x-oss-")).collect();
    headers.sort_unstable();
    for (name, value) in headers {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&resource(request));
    text.push_str(&signed_parameters(request));
    text
}

/// `/bucket/key`, not encoded, whatever the URL's style is.
fn resource(request: &ApiRequest) -> String {
    if request.bucket.is_empty() { "/".to_owned() } else { format!("/{}/{}", request.bucket, request.key) }
}

/// The signed part of the query, not encoded, with its question mark.
fn signed_parameters(request: &ApiRequest) -> String {
    let is_signed = |name: &str| SIGNED_PARAMETERS.contains(&name) || name.starts_with("x-oss-");
    let mut signed: Vec<_> = request.query.iter().filter(|(name, _)| is_signed(name)).collect();
    signed.sort();
    let mut text = String::new();
    for (name, value) in signed {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            text.push_str(&format!("={value}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;
    use crate::http::Method;
    use std::time::{Duration, UNIX_EPOCH};

    fn keys(token: Option<&str>) -> Credentials {
        Credentials::new("ak", "sk", token.map(str::to_owned))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn signed(request: ApiRequest, token: Option<&str>, seconds: u64) -> String {
        let headers = sign(&request, &keys(token), at(seconds));
        value(&headers, "authorization").strip_prefix("OSS ak:").unwrap().to_owned()
    }

    fn value<'a>(headers: &'a SignatureHeaders, wanted: &str) -> &'a str {
        headers.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value)
    }

    const D: &str = "Wed, 28 Dec 2022 10:27:41 GMT";
    const D_SECONDS: u64 = 1_672_223_261;

    fn s1(query: &[(&str, Option<&str>)]) -> ApiRequest {
        let headers = [
            ("Content-MD5", "eB5eJF1ptWaXm4bijSPyxw=="),
            ("Content-Type", "text/html"),
            ("x-oss-meta-magic", "abracadabra"),
            ("x-oss-meta-author", "alice"),
            ("x-oss-date", D),
        ];
        request(Method::Put, "examplebucket", "nelson", query, &headers)
    }

    #[test]
    fn vectors_of_the_vendors_sdks() {
        assert_eq!(signed(s1(&[]), None, D_SECONDS), "kSHKmLxlyEAKtZPkJhG9bZb5k7M=");
        assert_eq!(signed(s1(&[("acl", None)]), None, D_SECONDS), "/afkugFbmWDQ967j1vr6zygBLQk=");
        let bucket = |query: &[(&str, Option<&str>)]| {
            signed(request(Method::Get, "examplebucket", "", query, &[("x-oss-date", D)]), None, D_SECONDS)
        };
        let s3 = [("resourceGroup", None), ("non-resousce", Some("null"))];
        assert_eq!(bucket(&s3), "vkQmfuUDyi1uDi3bKt67oemssIs=");
        let s4 = [("resourceGroup", None), ("non-resousce", Some("null")), ("acl", Some(""))];
        assert_eq!(bucket(&s4), "x3E5TgOvl/i7PN618s5mEvpJDYk=");
    }

    #[test]
    fn string_to_sign_of_the_first_vector() {
        let expected = "PUT\neB5eJF1ptWaXm4bijSPyxw==\ntext/html\nWed, 28 Dec 2022 10:27:41 GMT\n\
            x-oss-date:Wed, 28 Dec 2022 10:27:41 GMT\nx-oss-meta-author:alice\nx-oss-meta-magic:abracadabra\n\
            /examplebucket/nelson";
        assert_eq!(string_to_sign(&s1(&[]), D, None), expected);
    }

    #[test]
    fn vector_of_the_vendors_documentation() {
        let credentials = Credentials::new("44CF9590006BF252F707", "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV", None);
        for (md5, signature) in [
            ("ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=", "26NBxoKdsyly4EDv6inkoDft/yA="),
            ("eB5eJF1ptWaXm4bijSPyxw==", "hD208RWMpg77svXkQRwWXS+V5KQ="),
        ] {
            let headers = [
                ("Content-MD5", md5),
                ("Content-Type", "text/html"),
                ("X-OSS-Meta-Author", "foo@bar.com"),
                ("X-OSS-Magic", "abracadabra"),
            ];
            let request = request(Method::Put, "oss-example", "nelson", &[], &headers);
            let signed = sign(&request, &credentials, at(1_132_253_398));
            assert_eq!(value(&signed, "date"), "Thu, 17 Nov 2005 18:49:58 GMT");
            assert_eq!(value(&signed, "authorization"), format!("OSS 44CF9590006BF252F707:{signature}"));
        }
    }

    #[test]
    fn vectors_of_the_calls_of_an_upload() {
        const NOW: u64 = 1_702_743_657;
        const ID: (&str, Option<&str>) = ("uploadId", Some("0004B9895DBBB6EC98E36"));
        let call = |method, key: &str, query: &[(&str, Option<&str>)], headers: &[(&str, &str)], token| {
            signed(request(method, "examplebucket", key, query, headers), token, NOW)
        };
        let x1 = call(Method::Put, "目录/测试 文件+1.txt", &[], &[("content-type", "text/plain")], Some("token"));
        assert_eq!(x1, "zYrdq23g9FmcJ/9n391ygA8080c=");
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-meta-author", "alice"),
        ];
        let query = [("uploads", None), ("encoding-type", Some("url"))];
        assert_eq!(call(Method::Post, "dir/big.bin", &query, &headers, None), "ehSljeJMUdAm0ZyNlqFKi9cqvkg=");
        let md5 = [("content-md5", "eB5eJF1ptWaXm4bijSPyxw==")];
        let x3 = call(Method::Put, "dir/big.bin", &[("partNumber", Some("1")), ID], &md5, None);
        assert_eq!(x3, "+e2ruj0+34WkTrYS6gxhkIaOSpg=");
        let query =
            [ID, ("max-parts", Some("1000")), ("part-number-marker", Some("5")), ("encoding-type", Some("url"))];
        assert_eq!(call(Method::Get, "dir/big.bin", &query, &[], Some("token")), "YiBDgCNGXECr+uvtF35Wl+KR2s8=");
        let query = [("uploads", None), ("prefix", Some("dir/")), ("max-uploads", Some("1000"))];
        assert_eq!(call(Method::Get, "", &query, &[], None), "UCubrUHsY35rjDPFNZoTXfcqk6M=");
        // Of a list's parameters only the token is signed.
        let query = [("list-type", Some("2")), ("prefix", Some("dir/ +")), ("continuation-token", Some("CgJiYw--"))];
        assert_eq!(call(Method::Get, "", &query, &[], Some("token")), "RcoksP3Qowk+AZFmaOAaMWMy+bk=");
    }

    #[test]
    fn vectors_of_presigned_urls() {
        let version = ("versionId", Some("versionId"));
        let s5 = request(Method::Get, "bucket", "key", &[version], &[]);
        assert_eq!(signature(&keys(None), &string_to_sign(&s5, "1699807420", None)), "dcLTea+Yh9ApirQ8o8dOPqtvJXQ=");
        let query = [version, ("security-token", Some("token"))];
        let s6 = request(Method::Get, "bucket", "key+123", &query, &[]);
        let text = string_to_sign(&s6, "1699808204", None);
        assert!(text.ends_with("\n/bucket/key+123?security-token=token&versionId=versionId"), "{text}");
        assert_eq!(signature(&keys(None), &text), "jzKYRrM5y6Br0dRFPaTGOsbrDhY=");
    }
}
