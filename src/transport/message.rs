//! Requests and responses as ureq has them.

use ureq::http;

use crate::http::Request;

/// The names and values of its headers.
pub(super) fn headers<T>(response: &http::Response<T>) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The request as ureq takes it, with a body of `length` bytes.
pub(super) fn message(request: &Request<'_>, length: u64) -> std::result::Result<http::Request<()>, http::Error> {
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(request.url);
    for (name, value) in &request.headers {
        builder = builder.header(*name, *value);
    }
    if builder.method_ref().is_some_and(takes_body) {
        // With a length ureq does not send in chunks.
        builder = builder.header("content-length", length);
    }
    builder.body(())
}

pub(super) fn takes_body(method: &http::Method) -> bool {
    matches!(*method, http::Method::PUT | http::Method::POST)
}
