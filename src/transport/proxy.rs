//! Which proxy: the one that the caller names, or that the environment does, as other programs read it.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::no_proxy::NoProxy;
use crate::error::{Error, Result};
use crate::options;

/// Which proxy leads to which server.
pub(crate) struct Proxies {
    /// To servers that speak plain HTTP.
    pub(super) http: Option<Result<Proxy>>,
    /// To servers that speak TLS.
    pub(super) https: Option<Result<Proxy>>,
    exempt: NoProxy,
}

impl Proxies {
    /// As the option says. `variable` looks up in the environment; a proxy from there that is none fails when it is needed:
    /// perhaps it never is.
    ///
    /// `http_proxy` counts in lower case only: a CGI program's HTTP_PROXY comes from its client.
    pub(crate) fn read(option: &options::Proxy, variable: impl Fn(&str) -> Option<String>) -> Result<Proxies> {
        let given = match option {
            options::Proxy::Environment => return Ok(Self::of_environment(variable)),
            options::Proxy::Url(url) => Some(Ok(read(url)?)),
            options::Proxy::None => None,
        };
        Ok(Proxies { http: given.clone(), https: given, exempt: NoProxy::default() })
    }

    fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let first = |names: &[&'static str]| {
            let value = |name: &&'static str| variable(name).map(|value| (*name, value.trim().to_owned()));
            names.iter().filter_map(value).find(|(_, value)| !value.is_empty())
        };
        let named = |(name, value): (&str, String)| read(&value).map_err(|error| error.context(name));
        Proxies {
            http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]).map(named),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]).map(named),
            exempt: NoProxy::read(&first(&["no_proxy", "NO_PROXY"]).unwrap_or_default().1),
        }
    }

    /// Whether a proxy leads to the server of `uri`, if there is one for its scheme.
    pub(super) fn lead_to(&self, uri: &Uri) -> bool {
        let usual = if is_encrypted(uri) { 443 } else { 80 };
        !self.exempt.matches(uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
    }
}

pub(super) fn is_encrypted(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// Reads `http://[user:password@]host:port`. Other kinds of proxies are refused: connections would go around them.
fn read(text: &str) -> Result<Proxy> {
    let fits = |proxy: &Proxy| proxy.protocol() == ProxyProtocol::Http && !proxy.host().is_empty();
    let proxy = Proxy::new(text).ok().filter(|proxy| fits(proxy) && has_good_port(text));
    // The text may hold a password.
    proxy.ok_or_else(|| Error::invalid("proxy is not http://[user:password@]host:port"))
}

/// ureq takes the usual port in place of one that is no number.
fn has_good_port(url: &str) -> bool {
    let host = url.trim_end_matches('/').rsplit(['@', '/']).next().unwrap_or_default();
    let after_address = host.rsplit(']').next().unwrap_or_default();
    after_address.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy that the environment names for a URL, as `host:port`.
    fn proxy(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let look_up = |name: &str| variables.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).into());
        let proxies = Proxies::read(&options::Proxy::Environment, look_up).unwrap();
        let uri: Uri = url.parse().unwrap();
        let proxy = if is_encrypted(&uri) { &proxies.https } else { &proxies.http };
        let proxy = proxy.as_ref().filter(|_| proxies.lead_to(&uri))?.as_ref().unwrap();
        Some(format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn only_http_proxies_with_good_ports_are_taken() {
        for good in ["http://proxy", "http://proxy:3128/", "proxy:3128", "http://u:p%40@[::1]:1", "http://10.0.0.1:80"]
        {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in
            ["http://u:secret@proxy:port", "http://proxy:0", "http://proxy:65536", "https://proxy", "socks5://p:1"]
        {
            let error = read(bad).unwrap_err();
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let both = [("http_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(proxy("http://oss.example", &both).as_deref(), Some("a:1"));
        assert_eq!(proxy("https://oss.example:8443", &both).as_deref(), Some("b:2"));
        assert_eq!(proxy("https://oss.example", &[("ALL_PROXY", "http://c:3")]).as_deref(), Some("c:3"));
        assert_eq!(proxy("http://oss.example", &[("HTTP_PROXY", "http://evil:1")]), None);
        assert_eq!(proxy("https://oss.example", &[("https_proxy", "")]), None);
        assert_eq!(
            proxy("https://oss.example", &[("https_proxy", " "), ("all_proxy", " d:4 ")]).as_deref(),
            Some("d:4")
        );
    }

    #[test]
    fn exempt_hosts_are_reached_directly() {
        let with = |url, no_proxy| proxy(url, &[("https_proxy", "p"), ("http_proxy", "q"), ("NO_PROXY", no_proxy)]);
        let bucket = "https://bucket.oss-cn-x.aliyuncs.com/key";
        for exempt in ["*", "aliyuncs.com", " .aliyuncs.com", "a,*.ALIYUNCS.com", "bucket.oss-cn-x.aliyuncs.com:443"] {
            assert_eq!(with(bucket, exempt), None, "{exempt}");
        }
        assert_eq!(with("http://bucket.oss.example/key", "bucket.oss.example:80"), None);
        assert_eq!(with("https://[::1]:443/key", "[::1]"), None);
        for other in ["", "liyuncs.com", "oss-cn-y.aliyuncs.com", ",", "other.oss-cn-x.aliyuncs.com", "aliyuncs.com:80"]
        {
            assert!(with(bucket, other).is_some(), "{other}");
        }
    }

    #[test]
    fn lower_case_stands_above_upper_case() {
        let both = [("https_proxy", "p"), ("no_proxy", "a.example"), ("NO_PROXY", "b.example")];
        assert_eq!(proxy("https://a.example", &both), None);
        assert!(proxy("https://b.example", &both).is_some());
    }

    #[test]
    fn a_senseless_proxy_of_the_environment_is_an_error_that_names_the_variable_once_it_is_needed() {
        let look_up = |name: &str| (name == "https_proxy").then(|| "socks5://user:secret@host".to_owned());
        let proxies = Proxies::read(&options::Proxy::Environment, look_up).unwrap();
        let error = proxies.https.unwrap().unwrap_err();
        assert!(error.message().starts_with("https_proxy: ") && !error.message().contains("secret"), "{error}");
        assert!(proxies.http.is_none());
    }
}
