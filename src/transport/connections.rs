//! The connections of a client: direct ones, and those through a proxy.

use std::sync::Arc;

use ureq::config::{AutoHeaderValue, Config};
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{Connector, RustlsConnector};
use ureq::{Agent, Proxy};

use super::addresses::Addresses;
use super::agents::{Agents, IDLE_AGE};
use super::buffers::{INPUT_BUFFER, MOST_HEAD, OUTPUT_BUFFER};
use super::proxy::{Proxies, is_encrypted};
use super::resolver::Names;
use super::tunnel::ProxyConnector;
use super::{early_response, tcp, tls};
use crate::error::{Error, Result};
use crate::options::ClientOptions;

/// Kept connections, by the way that they go.
pub(super) struct Connections {
    direct: Agents,
    /// To servers that speak plain HTTP.
    http: Option<Result<Proxied>>,
    /// To servers that speak TLS.
    https: Option<Result<Proxied>>,
    proxies: Arc<Proxies>,
}

struct Proxied {
    agents: Agents,
    /// `host:port`, for messages.
    name: String,
}

/// How requests reach a server.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub agents: &'a Agents,
    /// `host:port` of the proxy, if one leads there.
    pub proxy: Option<&'a str>,
    /// The proxy reads the requests, so that a response may be its own.
    pub is_read: bool,
}

impl Connections {
    pub(super) fn new(options: &ClientOptions, proxies: Arc<Proxies>) -> Result<Self> {
        let tls = tls::config(options)?;
        let (names, addresses) = (Arc::<Names>::default(), Arc::<Addresses>::default());
        let agents = |proxy| agents(options, proxy, tls.clone(), &names, &addresses);
        let proxied = |proxy: &Proxy| Proxied {
            agents: agents(Some(proxy.clone())),
            name: format!("{}:{}", proxy.host(), proxy.port()),
        };
        let read = |proxy: &Option<Result<Proxy>>| {
            proxy.as_ref().map(|proxy| proxy.as_ref().map(proxied).map_err(Error::clone))
        };
        Ok(Connections { direct: agents(None), http: read(&proxies.http), https: read(&proxies.https), proxies })
    }

    pub(super) fn direct(&self) -> Way<'_> {
        Way { agents: &self.direct, proxy: None, is_read: false }
    }

    /// Decided for the host that is connected to: the bucket's own, as a rule.
    pub(super) fn to(&self, uri: &Uri) -> Result<Way<'_>> {
        let is_encrypted = is_encrypted(uri);
        let proxied = if is_encrypted { &self.https } else { &self.http };
        match proxied {
            Some(proxied) if self.proxies.lead_to(uri) => {
                let Proxied { agents, name } = proxied.as_ref().map_err(Error::clone)?;
                Ok(Way { agents, proxy: Some(name), is_read: !is_encrypted })
            }
            _ => Ok(self.direct()),
        }
    }
}

impl Way<'_> {
    /// The server as messages name it.
    pub(super) fn name(&self, server: &str) -> String {
        match self.proxy {
            Some(proxy) => format!("{server} through the proxy {proxy}"),
            None => server.to_owned(),
        }
    }
}

fn agents(
    options: &ClientOptions,
    proxy: Option<Proxy>,
    tls: TlsConfig,
    names: &Arc<Names>,
    addresses: &Arc<Addresses>,
) -> Agents {
    let user_agent = user_agent(options.user_agent.as_deref());
    let (names, addresses) = (names.clone(), addresses.clone());
    let through_proxy =
        ProxyConnector { names: names.clone(), addresses: addresses.clone(), user_agent: user_agent.clone() };
    let connector = through_proxy
        .chain(tcp::TcpConnector { names, addresses })
        .chain(RustlsConnector::default())
        .chain(early_response::EarlyResponseConnector);
    Agents::new(config(user_agent, proxy, tls), connector)
}

fn config(user_agent: String, proxy: Option<Proxy>, tls: TlsConfig) -> Config {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .user_agent(user_agent)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .input_buffer_size(INPUT_BUFFER)
        .output_buffer_size(OUTPUT_BUFFER)
        .max_response_header_size(MOST_HEAD)
        .max_idle_connections(1)
        .max_idle_connections_per_host(1)
        .max_idle_age(IDLE_AGE)
        .tls_config(tls)
        .build()
}

fn user_agent(suffix: Option<&str>) -> String {
    let own = format!("oss-upload/{} ({}/{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    suffix.map_or(own.clone(), |suffix| format!("{own} {suffix}"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::super::context::RequestContext;
    use super::*;
    use crate::http::Limits;

    fn way_to(url: &str, no_proxy: &str) -> Option<String> {
        let variable = |name: &str| match name {
            "http_proxy" => Some("http://plain:1".to_owned()),
            "https_proxy" => Some("http://user:secret@tls:2".to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        };
        let proxies = Proxies::read(&crate::options::Proxy::Environment, variable).unwrap();
        let connections = Connections::new(&ClientOptions::default(), Arc::new(proxies)).unwrap();
        let way = connections.to(&url.parse().unwrap()).unwrap();
        assert_eq!(way.is_read, way.proxy.is_some() && url.starts_with("http:"), "{url}");
        way.proxy.map(str::to_owned)
    }

    #[test]
    fn the_bucket_s_own_host_and_the_scheme_of_the_request_decide() {
        let bucket = "https://bucket.oss-cn-x.aliyuncs.com/key";
        assert_eq!(way_to(bucket, "").as_deref(), Some("tls:2"));
        assert_eq!(way_to("http://bucket.oss.example/key", "").as_deref(), Some("plain:1"));
        for exempt in ["bucket.oss-cn-x.aliyuncs.com", "*.oss-cn-x.aliyuncs.com", "bucket.oss-cn-x.aliyuncs.com:443"] {
            assert_eq!(way_to(bucket, exempt), None, "{exempt}");
        }
        assert_eq!(way_to("https://sts.aliyuncs.com/", "bucket.oss-cn-x.aliyuncs.com").as_deref(), Some("tls:2"));
    }

    #[test]
    fn a_proxy_for_everything_has_no_exceptions() {
        let proxies = Proxies::read(&crate::options::Proxy::Url("proxy:3128".into()), |_| Some("*".into())).unwrap();
        let connections = Connections::new(&ClientOptions::default(), Arc::new(proxies)).unwrap();
        for url in ["http://127.0.0.1/key", "https://b.oss.example/key"] {
            assert_eq!(connections.to(&url.parse().unwrap()).unwrap().proxy, Some("proxy:3128"), "{url}");
        }
    }

    /// Answers every request on one connection after the other.
    fn serve(listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            let lines = BufReader::new(&stream).lines().map_while(std::result::Result::ok);
            for _ in lines.filter(String::is_empty) {
                (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    }

    #[test]
    fn the_name_is_looked_up_for_a_connection_and_not_for_each_request() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        std::thread::spawn(move || serve(&listener));
        let (names, options) = (Arc::<Names>::default(), ClientOptions::default());
        let agents = agents(&options, None, tls::config(&options).unwrap(), &names, &Arc::default());
        let limits = Limits::all(std::time::Duration::from_secs(10));
        let context = Arc::new(RequestContext::new(limits, Arc::default(), None));
        for _ in 0..3 {
            let response = context.during(|| agents.lend(&url.parse().unwrap()).get(&url).call()).unwrap();
            assert_eq!(response.status(), 200);
        }
        assert_eq!(names.asked(), 1);
    }
}
