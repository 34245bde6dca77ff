//! What OSS says in the headers of a response.

use std::time::SystemTime;

use crate::http::Response;
use crate::text::date;

impl Response {
    /// The request id; empty when a proxy answered in OSS's place (OSS: common response headers).
    pub fn request_id(&self) -> &str {
        self.header("x-oss-request-id").unwrap_or_default()
    }

    /// The CRC-64 of what the server has stored: of the part for UploadPart, else of the whole object.
    pub fn crc64(&self) -> Option<u64> {
        self.header("x-oss-hash-crc64ecma")?.parse().ok()
    }

    /// The bare ETag.
    pub fn etag(&self) -> Option<String> {
        self.header("etag").and_then(bare_etag)
    }

    /// What the server's clock showed.
    pub fn date(&self) -> Option<SystemTime> {
        self.header("date").and_then(date::parse_http_date)
    }

    /// The version of the object that was stored, in a versioned bucket.
    pub fn version_id(&self) -> Option<String> {
        self.header("x-oss-version-id").filter(|id| !id.is_empty()).map(str::to_owned)
    }
}

/// OSS's have 32 bytes, and some more for an object of parts. An upload remembers 10,000 of them.
const LONGEST_ETAG: usize = 256;

/// `etag` without what stands around it: blanks, quotes, and the `W/` that a proxy which compresses puts in front. OSS
/// itself has no weak ETags, and does not know one in Complete. `None` when nothing is left, or more than one has.
pub fn bare_etag(etag: &str) -> Option<String> {
    let is_around = |c: char| c == '"' || c.is_whitespace();
    let mut etag = etag.trim_matches(is_around);
    // As often as it stands there: what is bare must stay so.
    while let Some(rest) = etag.strip_prefix("W/").or_else(|| etag.strip_prefix("w/")) {
        etag = rest.trim_matches(is_around);
    }
    (1..=LONGEST_ETAG).contains(&etag.len()).then(|| etag.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::http::Headers;

    /// A response for the tests of this and other files.
    pub fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let mut lines = Headers::default();
        headers.iter().for_each(|(name, value)| lines.push(name, value));
        Response { status, headers: lines, body: body.as_bytes().to_vec().into() }
    }

    #[test]
    fn headers_are_read() {
        let headers = [
            ("x-oss-request-id", "5C3D9175B6FC201293AD1234"),
            ("etag", "\"5B3C1A2E053D763E1B002CC607C5A0FE\""),
            ("x-oss-hash-crc64ecma", "18446744073709551615"),
            ("x-oss-version-id", "v1"),
        ];
        let response = response(200, &headers, "");
        assert_eq!(response.request_id(), "5C3D9175B6FC201293AD1234");
        assert_eq!(response.etag().as_deref(), Some("5B3C1A2E053D763E1B002CC607C5A0FE"));
        assert_eq!(response.crc64(), Some(u64::MAX));
        assert_eq!(response.version_id().as_deref(), Some("v1"));
    }

    #[test]
    fn an_etag_is_bare_whatever_stands_around_it() {
        for (etag, bare) in [
            ("\"AB\"", Some("AB")),
            ("AB", Some("AB")),
            ("W/\"AB\"", Some("AB")),
            (" w/\"AB\" ", Some("AB")),
            ("W/AB-2", Some("AB-2")),
            // What an earlier version kept of a weak one.
            ("W/\"AB", Some("AB")),
            ("W/\"w/\"AB\"\"", Some("AB")),
            ("WAB", Some("WAB")),
            ("W/\"\"", None),
            ("\"", None),
            (&"E".repeat(256), Some("E".repeat(256).as_str())),
            (&"E".repeat(257), None),
        ] {
            assert_eq!(bare_etag(etag).as_deref(), bare, "{etag}");
            assert_eq!(response(200, &[("etag", etag)], "").etag().as_deref(), bare, "{etag}");
        }
    }

    #[test]
    fn absent_and_senseless_headers_are_none() {
        let response = response(200, &[("etag", "\"\""), ("x-oss-hash-crc64ecma", "-1")], "");
        assert_eq!((response.request_id(), response.etag(), response.crc64()), ("", None, None));
        assert_eq!(response.version_id(), None);
    }
}
