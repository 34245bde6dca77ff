//! Requests and responses as ureq has them.

use ureq::http;

use crate::http::{Headers, Method, Request};

/// More, and longer in all, than those of OSS.
const USUAL_COUNT: usize = 16;
const USUAL_BYTES: usize = 512;

/// The names and values of its headers.
pub(super) fn headers<T>(response: &http::Response<T>) -> Headers {
    let mut headers = Headers::with_capacity(USUAL_COUNT, USUAL_BYTES);
    for (name, value) in response.headers() {
        match value.to_str() {
            Ok(value) => headers.push(name.as_str(), value),
            Err(_) => headers.push(name.as_str(), &String::from_utf8_lossy(value.as_bytes())),
        }
    }
    headers
}

/// The request as ureq takes it, with a body of `length` bytes.
pub(super) fn message(request: &Request<'_>, length: u64) -> std::result::Result<http::Request<()>, http::Error> {
    let mut message = http::Request::new(());
    *message.method_mut() = method(request.method);
    *message.uri_mut() = request.url.parse()?;
    let headers = message.headers_mut();
    headers.reserve(request.headers.len() + 1);
    for (name, value) in &request.headers {
        headers.append(http::HeaderName::from_bytes(name.as_bytes())?, http::HeaderValue::from_str(value)?);
    }
    if takes_body(message.method()) {
        // With a length ureq does not send in chunks.
        message.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    Ok(message)
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Put => http::Method::PUT,
        Method::Post => http::Method::POST,
        Method::Delete => http::Method::DELETE,
    }
}

pub(super) fn takes_body(method: &http::Method) -> bool {
    matches!(*method, http::Method::PUT | http::Method::POST)
}
