//! Ways through an HTTP proxy: a tunnel (CONNECT) to servers that speak TLS, and a connection that the proxy reads
//! ([`AbsoluteForm`]) to those that do not. Proxies refuse tunnels to the port of plain HTTP as a rule.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Either, NextTimeout, Transport};
use ureq::{Error, Proxy};

use super::absolute_form::AbsoluteForm;
use super::addresses::Addresses;
use super::buffers::MOST_HEAD;
use super::resolver::Names;
use super::tcp::TcpTransport;

/// What proxies send before they give the tunnel free has seldom ten headers.
const MOST_HEADERS: usize = 128;

/// Connects to the proxy, when there is one.
pub(super) struct ProxyConnector {
    pub names: Arc<Names>,
    pub addresses: Arc<Addresses>,
    pub user_agent: String,
}

impl Connector for ProxyConnector {
    type Out = Either<TcpTransport, AbsoluteForm>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = details.config.proxy() else { return Ok(None) };
        let addresses = self.names.addresses(proxy.uri())?;
        let needs_tls = details.needs_tls();
        let mut stream = TcpTransport::open(&addresses, &self.addresses, details.config, needs_tls)?;
        if !needs_tls {
            return Ok(Some(Either::B(AbsoluteForm::new(stream, details.uri, authorization(proxy)))));
        }
        let head = self.request(details.uri, proxy);
        open_tunnel(&mut stream, head.as_bytes(), details.timeout)?;
        Ok(Some(Either::A(stream)))
    }
}

impl ProxyConnector {
    fn request(&self, uri: &Uri, proxy: &Proxy) -> String {
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let server = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual));
        let login = authorization(proxy).map_or(String::new(), |value| format!("Proxy-Authorization: {value}\r\n"));
        let agent = &self.user_agent;
        format!(
            "CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: {agent}\r\nProxy-Connection: Keep-Alive\r\n{login}\r\n"
        )
    }
}

impl fmt::Debug for ProxyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyConnector")
    }
}

/// The value of `Proxy-Authorization`.
fn authorization(proxy: &Proxy) -> Option<String> {
    let (user, password) = (proxy.username(), proxy.password());
    user.or(password)?;
    let login = format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default());
    Some(format!("Basic {}", STANDARD.encode(login)))
}

/// Any status of success opens it (RFC 9110, CONNECT); what follows the head is the server's.
fn open_tunnel(stream: &mut TcpTransport, head: &[u8], timeout: NextTimeout) -> Result<(), Error> {
    stream.buffers().output()[..head.len()].copy_from_slice(head);
    stream.transmit_output(head.len(), timeout)?;
    loop {
        let more = stream.await_input(timeout)?;
        while let Some((length, status)) = response(stream.buffers().input())? {
            stream.buffers().input_consume(length);
            match status {
                100 | 102..=199 => {}
                200..=299 => return Ok(()),
                status => return Err(Error::ConnectProxyFailed(format!("the proxy returned {status}"))),
            }
        }
        if !more {
            return Err(Error::ConnectProxyFailed("the proxy closed the connection".into()));
        }
        if stream.buffers().input().len() > MOST_HEAD {
            return Err(Error::ConnectProxyFailed("the proxy's response is incomplete".into()));
        }
    }
}

/// Length and status of the response's head, once it is whole.
fn response(input: &[u8]) -> Result<Option<(usize, u16)>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(input) {
        Ok(httparse::Status::Complete(length)) => Ok(Some((length, response.code.unwrap_or_default()))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(Error::ConnectProxyFailed(format!("the proxy does not speak HTTP ({error})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_encoded_as_it_was_meant() {
        for (proxy, login) in [
            ("http://proxy:3128", None),
            ("http://user:p%40ss@proxy:3128", Some("user:p@ss")),
            ("http://user@proxy:3128", Some("user:")),
        ] {
            let expected = login.map(|login| format!("Basic {}", STANDARD.encode(login)));
            assert_eq!(authorization(&Proxy::new(proxy).unwrap()), expected);
        }
    }

    #[test]
    fn a_tunnel_is_asked_for_by_host_and_port() {
        let connector = ProxyConnector { names: Arc::default(), addresses: Arc::default(), user_agent: "agent".into() };
        for (uri, server) in
            [("https://b.host/key", "b.host:443"), ("https://[::1]:8443/key?q", "[::1]:8443"), ("http://h/", "h:80")]
        {
            let head = connector.request(&uri.parse().unwrap(), &Proxy::new("http://p").unwrap());
            assert!(head.starts_with(&format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n")), "{head}");
            assert!(head.ends_with("\r\n\r\n") && !head.contains("Authorization"), "{head}");
        }
    }
}
