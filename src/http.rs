//! One HTTP request and one response: what is made above, and what the transport sends and reads.

use std::fmt;
use std::iter;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::Error;

/// An HTTP method that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Put => "PUT",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// To open a connection.
    pub connect: Duration,
    /// Without enough bytes accepted by the peer.
    pub stall: Duration,
    /// From the last byte of the request to the last byte of the response.
    pub response: Duration,
}

impl Limits {
    /// The same time for everything.
    pub(crate) fn all(time: Duration) -> Limits {
        Limits { connect: time, stall: time, response: time }
    }

    /// These, but none longer than `most`.
    pub(crate) fn at_most(self, most: Duration) -> Limits {
        Limits { connect: self.connect.min(most), stall: self.stall.min(most), response: self.response.min(most) }
    }
}

/// A request as it goes on the wire, and how long it may take. It borrows what it is made of: secrets are not copied.
///
/// It has no `Debug`: URL, headers and body may hold secrets.
pub(crate) struct Request<'a> {
    pub method: Method,
    /// The absolute URL, encoded.
    pub url: &'a str,
    /// Names (lower-case, each once) and values, in the order of the wire; the body's length is not among them.
    pub headers: Vec<(&'a str, &'a str)>,
    /// Empty when there is none, or when it is given apart from the request.
    pub body: &'a [u8],
    pub limits: Limits,
}

/// The headers of a response: names and values in one piece of memory, one behind the other.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    text: String,
    /// Where the name and where the value of each ends.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// With room for so many, of so many bytes in all.
    pub(crate) fn with_capacity(count: usize, bytes: usize) -> Headers {
        Headers { text: String::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Adds one: a name (lower-case), and a value.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_end = self.text.len();
        self.text.push_str(value);
        self.ends.push((name_end, self.text.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (name, end))| (&self.text[start..*name], &self.text[*name..*end]))
    }
}

/// A response of whatever status, with its body read, which is small: no call here fetches an object.
#[derive(Clone, Default)]
pub(crate) struct Response {
    /// The HTTP status.
    pub status: u16,
    pub headers: Headers,
    /// The body; empty for HEAD. It may hold a key.
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// The value of the header `name` (lower-case), without blanks around it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| value.trim())
    }

    /// Takes `secret` out, wherever a server or a proxy repeats it, so that no error can show it.
    pub(crate) fn redact(&mut self, secret: &str) {
        let redacted = |text: &str| text.replace(secret, "(withheld)");
        if !secret.is_empty() {
            if self.headers.text.contains(secret) {
                let mut headers = Headers::default();
                self.headers.iter().for_each(|(name, value)| headers.push(&redacted(name), &redacted(value)));
                self.headers = headers;
            }
            let body = String::from_utf8_lossy(&self.body);
            if body.contains(secret) {
                self.body = redacted(&body).into_bytes().into();
            }
        }
    }
}

/// Shows nothing that may hold a secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) struct NoResponse {
    pub error: Error,
    /// There was a connection: somebody is there.
    pub reached: bool,
}

impl NoResponse {
    /// There is a response, which is of no use.
    pub(crate) fn answered(error: Error) -> Self {
        NoResponse { error, reached: true }
    }
}

impl From<NoResponse> for Error {
    fn from(failure: NoResponse) -> Self {
        failure.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        let mut headers = Headers::default();
        [("a", "xSECRETx"), ("b", " y:z")].into_iter().for_each(|(name, value)| headers.push(name, value));
        let body = b"<M>SECRET and SECRET</M>".to_vec().into();
        let mut response = Response { status: 403, headers, body };
        assert!(!format!("{response:?}").contains("SECRET"));
        response.redact("SECRET");
        response.redact("");
        assert_eq!((response.header("a"), response.header("b")), (Some("x(withheld)x"), Some("y:z")));
        assert_eq!(*response.body, b"<M>(withheld) and (withheld)</M>");
    }

    #[test]
    fn limits_are_cut_one_by_one() {
        let [short, long] = [1, 5].map(Duration::from_secs);
        let limits = Limits { connect: short, ..Limits::all(long) }.at_most(Duration::from_secs(3));
        assert_eq!((limits.connect, limits.stall.as_secs(), limits.response.as_secs()), (short, 3, 3));
    }
}
