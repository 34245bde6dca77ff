//! Which proxy: the one that the caller names, or that the environment does, as other programs read it.

use ureq::{Proxy, ProxyProtocol};

use crate::error::{Error, Result};

/// Reads `http://[user:password@]host:port`. Other kinds of proxies are refused: connections would go around them.
pub(super) fn read(text: &str) -> Result<Proxy> {
    let fits = |proxy: &Proxy| proxy.protocol() == ProxyProtocol::Http && !proxy.host().is_empty();
    let proxy = Proxy::new(text).ok().filter(|proxy| fits(proxy) && has_good_port(text));
    // The text may hold a password.
    proxy.ok_or_else(|| Error::invalid("proxy is not http://[user:password@]host:port"))
}

/// The proxy for `endpoint` (`scheme://host[:port]`) that the environment names, if any; `variable` looks up.
///
/// `http_proxy` counts in lower case only: a CGI program's HTTP_PROXY comes from its client.
pub(crate) fn from_environment(endpoint: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (scheme, host) = endpoint.split_once("://")?;
    // An IPv6 address has colons of its own, in brackets.
    let host = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(host, _)| host);
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let exempt = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    if exempt.split(',').any(|entry| is_exempt(host, entry.trim())) {
        return None;
    }
    match scheme {
        "https" => first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        _ => first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
    }
}

/// ureq takes the usual port in place of one that is no number.
fn has_good_port(url: &str) -> bool {
    let host = url.trim_end_matches('/').rsplit(['@', '/']).next().unwrap_or_default();
    let after_address = host.rsplit(']').next().unwrap_or_default();
    after_address.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `entry` is `*`, the host itself, or a domain that it lies in.
fn is_exempt(host: &str, entry: &str) -> bool {
    let domain = entry.trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    entry == "*" || (!domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
        let look_up = |name: &str| variables.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).into());
        from_environment(endpoint, look_up)
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
        assert_eq!(proxy("http://oss.example", &both).as_deref(), Some("http://a:1"));
        assert_eq!(proxy("https://oss.example:8443", &both).as_deref(), Some("http://b:2"));
        assert_eq!(proxy("https://oss.example", &[("ALL_PROXY", "http://c:3")]).as_deref(), Some("http://c:3"));
        assert_eq!(proxy("http://oss.example", &[("HTTP_PROXY", "http://evil:1")]), None);
        assert_eq!(proxy("https://oss.example", &[("https_proxy", "")]), None);
    }

    #[test]
    fn exempt_hosts_are_reached_directly() {
        let with = |no_proxy| proxy("https://oss-cn-x.aliyuncs.com", &[("https_proxy", "p"), ("NO_PROXY", no_proxy)]);
        for exempt in ["*", "aliyuncs.com", " .aliyuncs.com", "a,OSS-CN-X.aliyuncs.com"] {
            assert_eq!(with(exempt), None, "{exempt}");
        }
        assert_eq!(proxy("https://[::1]", &[("https_proxy", "p"), ("NO_PROXY", "[::1]")]), None);
        assert_eq!(proxy("https://[::1]:443", &[("https_proxy", "p"), ("NO_PROXY", "[::1]")]), None);
        for other in ["", "liyuncs.com", "oss-cn-y.aliyuncs.com", ","] {
            assert!(with(other).is_some(), "{other}");
        }
    }
}
