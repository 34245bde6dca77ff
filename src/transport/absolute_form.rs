//! A connection to a proxy that reads the requests: it is told the whole URL (`PUT http://bucket.host/key HTTP/1.1`), and
//! its own credentials with each request.

use std::{fmt, io};

use ureq::Error;
use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::context::RequestContext;
use super::tcp::TcpTransport;

/// Serves one origin: ureq keeps connections by scheme, host, port and proxy.
pub(super) struct AbsoluteForm {
    inner: TcpTransport,
    /// `http://host[:port]`
    origin: String,
    /// The line with the proxy's credentials, or nothing.
    login: String,
}

impl AbsoluteForm {
    pub(super) fn new(inner: TcpTransport, uri: &Uri, authorization: Option<String>) -> Self {
        let origin = format!("http://{}", uri.authority().map_or("", |authority| authority.as_str()));
        let login = authorization.map_or(String::new(), |value| format!("Proxy-Authorization: {value}\r\n"));
        AbsoluteForm { inner, origin, login }
    }

    /// The request is longer by this than what ureq wrote, perhaps than the buffer.
    fn send_head(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let head = in_absolute_form(&self.inner.buffers().output()[..amount], &self.origin, &self.login)
            .ok_or_else(|| io::Error::other("the request has no first line"))?;
        let mut rest = head.as_slice();
        while !rest.is_empty() {
            let output = self.inner.buffers().output();
            let count = rest.len().min(output.len());
            output[..count].copy_from_slice(&rest[..count]);
            self.inner.transmit_output(count, timeout)?;
            rest = &rest[count..];
        }
        Ok(())
    }
}

/// `head` is the beginning of a request, at least its first line, in origin form.
fn in_absolute_form(head: &[u8], origin: &str, login: &str) -> Option<Vec<u8>> {
    let target = head.iter().position(|byte| *byte == b' ')? + 1;
    let headers = head.windows(2).position(|bytes| bytes == b"\r\n")? + 2;
    let first_line = head.get(target..headers)?;
    Some([&head[..target], origin.as_bytes(), first_line, login.as_bytes(), &head[headers..]].concat())
}

impl Transport for AbsoluteForm {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let context = RequestContext::current()?;
        if context.head_begun.get() {
            return self.inner.transmit_output(amount, timeout);
        }
        context.head_begun.set(true);
        self.send_head(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// Without the credentials.
impl fmt::Debug for AbsoluteForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbsoluteForm").field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_whole_url_and_the_login_follows() {
        let head = b"PUT /a%20b?partNumber=1 HTTP/1.1\r\nhost: b.host:81\r\n\r\nbody";
        let rewritten = in_absolute_form(head, "http://b.host:81", "Proxy-Authorization: x\r\n").unwrap();
        let expected: &[u8] = b"PUT http://b.host:81/a%20b?partNumber=1 HTTP/1.1\r\nProxy-Authorization: x\r\n\
            host: b.host:81\r\n\r\nbody";
        assert_eq!(rewritten, expected);
        assert_eq!(in_absolute_form(b"PUT /a", "http://h", ""), None);
        assert_eq!(in_absolute_form(b"\r\n a", "http://h", ""), None);
    }
}
