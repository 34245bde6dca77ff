//! One API call, before it is signed and sent.

use std::fmt;

use crate::http::{self, Limits, Method};

/// Which API call a request is. Shown with the API's name in Alibaba Cloud's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Stores a whole object.
    PutObject,
    /// Opens a multipart upload.
    InitiateMultipartUpload,
    /// Stores one part.
    UploadPart,
    /// Makes the object from its parts.
    CompleteMultipartUpload,
    /// Throws the parts away.
    AbortMultipartUpload,
    /// Asks which parts the server holds.
    ListParts,
    /// Asks for an object's size and checksum.
    HeadObject,
    /// Asks which multipart uploads are open.
    ListMultipartUploads,
    /// Asks which objects there are.
    ListObjectsV2,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a signature adds to a request: names (lower-case) and values. The security token may be among them.
pub type SignatureHeaders = Vec<(&'static str, String)>;

/// A request before it is signed. Not in it: a body that is a range of a file.
pub struct ApiRequest {
    /// Which API call it is.
    pub operation: Operation,
    /// The HTTP method.
    pub method: Method,
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, not encoded; empty at the level of the bucket.
    pub key: String,
    /// Names and values, not encoded, in the order of the wire; `None` is a bare name.
    pub query: Vec<(String, Option<String>)>,
    /// Names (lower-case, each once) and values.
    pub headers: Vec<(String, String)>,
    /// A small body that is made in memory; empty when there is none or when it comes from a file.
    pub body: Vec<u8>,
}

impl ApiRequest {
    /// The value of the header `name` (lower-case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The part that it is about (OSS: UploadPart); 0 for other calls.
    pub fn part_number(&self) -> u32 {
        let number = self.query.iter().find(|(name, _)| name == "partNumber").and_then(|(_, value)| value.as_deref());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// The request to send to `url`, with the headers that sign it.
    pub fn to_http<'a>(&'a self, signature: &'a SignatureHeaders, url: &'a str, limits: Limits) -> http::Request<'a> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = own.chain(signature.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        http::Request { method: self.method, url, headers, body: &self.body, limits }
    }

    /// Sets the header `name` (lower-case) in place of one that is there.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(have, _)| have != name);
        self.headers.push((name.to_owned(), value.into()));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::text::percent;

    /// A request for the tests of this and other files: header names are taken in any case.
    pub fn request(
        method: Method,
        bucket: &str,
        key: &str,
        query: &[(&str, Option<&str>)],
        headers: &[(&str, &str)],
    ) -> ApiRequest {
        ApiRequest {
            operation: Operation::PutObject,
            method,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect(),
            headers: headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned())).collect(),
            body: Vec::new(),
        }
    }

    impl ApiRequest {
        /// The query as it stands in the URL, without the question mark; empty when there is none.
        pub fn query_string(&self) -> String {
            let mut text = String::new();
            percent::push_query(&mut text, &self.query);
            text
        }
    }

    #[test]
    fn setting_a_header_replaces_it() {
        let mut request = request(Method::Put, "b", "k", &[], &[("Date", "then")]);
        request.set_header("date", "now");
        assert_eq!(request.headers, [("date".to_owned(), "now".to_owned())]);
        assert_eq!(request.header("date"), Some("now"));
        assert_eq!(request.header("etag"), None);
    }

    #[test]
    fn the_query_is_encoded_in_its_order() {
        let query = [("uploads", None), ("prefix", Some("a/b &c")), ("encoding-type", Some("url"))];
        let request = request(Method::Get, "b", "", &query, &[]);
        assert_eq!(request.query_string(), "uploads&prefix=a%2Fb%20%26c&encoding-type=url");
    }

    #[test]
    fn an_operation_is_shown_by_its_api_name() {
        assert_eq!(Operation::CompleteMultipartUpload.to_string(), "CompleteMultipartUpload");
    }
}
