//! Where requests go: the endpoint's host, and the URL of an object there.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::cloud_host::{CloudHost, OSS};
use super::request::ApiRequest;
use crate::error::{Error, Result};
use crate::text::percent;

/// How the bucket stands in the URL (OSS: endpoints, and custom domain names).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// `https://bucket.host/key`
    VirtualHosted,
    /// `https://host/bucket/key`, for addresses, which have no names below them.
    Path,
    /// `https://host/key`: the host is a custom domain that is bound to the bucket.
    Cname,
}

/// A server that takes requests, and the region that signatures for it name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    https: bool,
    /// Lower-case; an IPv6 address is in brackets.
    host: String,
    /// `None` is the scheme's own port.
    port: Option<u16>,
    style: Style,
    region: Option<String>,
    product: &'static str,
}

impl Endpoint {
    /// Reads an endpoint such as `oss-cn-hangzhou.aliyuncs.com` or `http://127.0.0.1:8080`; without one, the public
    /// endpoint of `region` is taken. The default scheme is https.
    ///
    /// `region` may be `cn-hangzhou` or `oss-cn-hangzhou`, and stands above what the host says. `cname` says that the
    /// host is a custom domain of the bucket, `path_style` that the bucket's name goes into the path; it always does
    /// when the host is an address.
    pub fn parse(endpoint: Option<&str>, region: Option<&str>, cname: bool, path_style: bool) -> Result<Endpoint> {
        if cname && path_style {
            return Err(Error::invalid(
                "cname and path_style exclude each other: a custom domain stands for its bucket",
            ));
        }
        let region = region.map(region_id).transpose()?;
        let text = match endpoint {
            Some(text) => text.trim().to_owned(),
            None => public_host(region.as_deref(), cname)?,
        };
        let (https, authority) = split_scheme(&text)?;
        let (host, port) = split_port(authority, https)?;
        let (host, is_address) = check_host(host)?;
        let vendor = CloudHost::parse(&host);
        let product = vendor.as_ref().map_or(OSS, |vendor| vendor.product);
        let region = region.or_else(|| vendor.and_then(|vendor| vendor.region.map(str::to_owned)));
        let style = match (cname, path_style || is_address) {
            (true, _) => Style::Cname,
            (false, true) => Style::Path,
            (false, false) => Style::VirtualHosted,
        };
        Ok(Endpoint { https, host, port, style, region, product })
    }

    /// The endpoint for uploads to `bucket`. People paste a bucket's own host name: its bucket label is dropped, and
    /// one of another bucket is refused. Hosts that are not Alibaba Cloud's stay as they are.
    pub fn for_bucket(mut self, bucket: &str) -> Result<Endpoint> {
        let label = match CloudHost::parse(&self.host).and_then(|vendor| vendor.bucket) {
            Some(label) if self.style != Style::Cname => label,
            _ => return Ok(self),
        };
        let bare = self.host[label.len() + 1..].to_owned();
        if label != bucket {
            return Err(Error::invalid(format!(
                "the endpoint belongs to the bucket {label}, but the upload goes to {bucket}: use the endpoint {bare}"
            )));
        }
        self.host = bare;
        Ok(self)
    }

    /// The region that a V4 signature names; `None` when it was not given and the host does not tell.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The product that a V4 signature names: `oss`, or `oss-cloudbox`.
    pub fn product(&self) -> &'static str {
        self.product
    }

    /// Appends the host for requests to `bucket`, with the port when it is not the scheme's own.
    pub(super) fn push_authority(&self, text: &mut String, bucket: &str) {
        if self.style == Style::VirtualHosted {
            text.push_str(bucket);
            text.push('.');
        }
        text.push_str(&self.host);
        if let Some(port) = self.port {
            text.push(':');
            text.push_str(&port.to_string());
        }
    }

    /// The request's absolute URL as it goes on the wire. Dot segments of a key stay as they are.
    pub fn url(&self, request: &ApiRequest) -> String {
        let mut url = String::with_capacity(256);
        url.push_str(self.scheme());
        url.push_str("://");
        self.push_authority(&mut url, &request.bucket);
        url.push('/');
        if self.style == Style::Path {
            url.push_str(&request.bucket);
            url.push('/');
        }
        percent::push_path(&mut url, &request.key);
        if !request.query.is_empty() {
            url.push('?');
            percent::push_query(&mut url, &request.query);
        }
        url
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

/// The normal form, such as `https://oss-cn-hangzhou.aliyuncs.com`: the same for all ways to write one endpoint.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The public host of a region (OSS: regions and endpoints).
fn public_host(region: Option<&str>, cname: bool) -> Result<String> {
    match region {
        _ if cname => Err(Error::invalid("cname needs an endpoint: set it to the bucket's custom domain")),
        Some(region) => Ok(format!("oss-{region}.aliyuncs.com")),
        None => Err(Error::invalid("neither endpoint nor region is set: set one, such as the region cn-hangzhou")),
    }
}

/// The plain form of a region id. Unknown ones pass: Alibaba Cloud opens new regions.
fn region_id(region: &str) -> Result<String> {
    let region = region.trim().to_ascii_lowercase();
    let region = region.strip_prefix("oss-").unwrap_or(&region);
    let is_label = !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_label {
        return Err(Error::invalid("the region must be an id such as cn-hangzhou"));
    }
    Ok(region.to_owned())
}

/// Whether the text is https, and what follows the scheme. Texts are not repeated in messages before it is known that
/// no password is in them.
fn split_scheme(text: &str) -> Result<(bool, &str)> {
    let (https, authority) = match text.split_once("://") {
        None => (true, text),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) => return Err(Error::invalid("the endpoint must begin with https:// or http://, or with the host")),
    };
    // A lone slash at the end is what browsers show: it is no path yet.
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains('@') {
        return Err(Error::invalid("the endpoint must not contain a user name: set the access key as the credentials"));
    }
    if authority.contains(['/', '?', '#', '\\']) {
        return Err(Error::invalid(
            "the endpoint must be a host without path, query or fragment: bucket and object key are options",
        ));
    }
    if authority.is_empty() {
        return Err(Error::invalid("the endpoint is empty: set a host such as oss-cn-hangzhou.aliyuncs.com"));
    }
    Ok((https, authority))
}

/// The host, and its port when that is not the scheme's own.
fn split_port(authority: &str, https: bool) -> Result<(&str, Option<u16>)> {
    let host_end = if authority.starts_with('[') {
        let bracket = authority.find(']');
        bracket.ok_or_else(|| Error::invalid("the IPv6 address in the endpoint lacks its closing bracket"))? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(host_end);
    if rest.is_empty() {
        return Ok((host, None));
    }
    let digits = rest.strip_prefix(':').unwrap_or_default();
    if digits.contains(':') {
        return Err(Error::invalid("an IPv6 address in the endpoint must be in brackets, such as [::1]:8080"));
    }
    let port = digits.parse().ok().filter(|port| *port > 0 && digits.bytes().all(|b| b.is_ascii_digit()));
    let port: u16 = port.ok_or_else(|| Error::invalid("the endpoint's port must be a number from 1 to 65535"))?;
    let own = if https { 443 } else { 80 };
    Ok((host, (port != own).then_some(port)))
}

/// The host in its normal form, and whether it is an address.
fn check_host(host: &str) -> Result<(String, bool)> {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: Ipv6Addr =
            inner.parse().map_err(|_| Error::invalid("the endpoint's brackets do not contain an IPv6 address"))?;
        return Ok((format!("[{address}]"), true));
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(Error::invalid(
            "the endpoint's host must consist of letters, digits, hyphens, dots and underscores",
        ));
    }
    if host.len() > 253 || host.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(Error::invalid(
            "the endpoint's host is not well-formed: each label between its dots must have 1 to 63 characters",
        ));
    }
    let is_address = host.parse::<Ipv4Addr>().is_ok();
    let ends_in_number = host.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if ends_in_number && !is_address {
        return Err(Error::invalid("the endpoint's host looks like an IPv4 address, but is not one"));
    }
    Ok((host.to_ascii_lowercase(), is_address))
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;
    use crate::http::Method;
    use proptest::prelude::*;

    fn plain(text: &str) -> Endpoint {
        Endpoint::parse(Some(text), None, false, false).unwrap()
    }

    fn url_of(endpoint: &Endpoint, key: &str) -> String {
        endpoint.url(&request(Method::Put, "bucket", key, &[], &[]))
    }

    #[test]
    fn one_endpoint_has_one_normal_form() {
        for text in [
            "oss-cn-hangzhou.aliyuncs.com",
            " https://oss-cn-hangzhou.aliyuncs.com\n",
            "HTTPS://OSS-CN-Hangzhou.aliyuncs.com:443",
            "https://oss-cn-hangzhou.aliyuncs.com/",
        ] {
            let endpoint = plain(text);
            assert_eq!(endpoint.to_string(), "https://oss-cn-hangzhou.aliyuncs.com", "{text}");
            assert_eq!(endpoint.region(), Some("cn-hangzhou"), "{text}");
        }
        assert_eq!(plain("http://[0:0:0:0:0:0:0:1]:8080").to_string(), "http://[::1]:8080");
    }

    #[test]
    fn a_region_alone_names_its_public_endpoint() {
        for region in ["cn-hangzhou", "oss-cn-hangzhou", " CN-Hangzhou "] {
            let endpoint = Endpoint::parse(None, Some(region), false, false).unwrap();
            assert_eq!(endpoint, plain("oss-cn-hangzhou.aliyuncs.com"), "{region}");
        }
    }

    #[test]
    fn a_given_region_stands_above_the_host() {
        let endpoint = Endpoint::parse(Some("oss-accelerate.aliyuncs.com"), Some("us-west-1"), false, false).unwrap();
        assert_eq!(endpoint.region(), Some("us-west-1"));
        assert_eq!(plain("oss-accelerate.aliyuncs.com").region(), None);
        let endpoint = plain("cb-1.cn-hangzhou.oss-cloudbox.aliyuncs.com");
        assert_eq!((endpoint.region(), endpoint.product()), (Some("cb-1"), "oss-cloudbox"));
    }

    #[test]
    fn the_bucket_stands_where_the_style_says() {
        let hosted = plain("http://oss-cn-hangzhou.aliyuncs.com:8080");
        assert_eq!(url_of(&hosted, "a b"), "http://bucket.oss-cn-hangzhou.aliyuncs.com:8080/a%20b");
        let cname = Endpoint::parse(Some("static.example.com"), None, true, false).unwrap();
        assert_eq!(url_of(&cname, "dir/k"), "https://static.example.com/dir/k");
        let path = Endpoint::parse(Some("http://localhost:9000"), None, false, true).unwrap();
        assert_eq!(url_of(&path, "k"), "http://localhost:9000/bucket/k");
        assert_eq!(url_of(&plain("http://127.0.0.1:80"), "k"), "http://127.0.0.1/bucket/k");
        assert_eq!(url_of(&plain("http://[::1]:1"), ""), "http://[::1]:1/bucket/");
    }

    #[test]
    fn a_pasted_bucket_label_is_dropped() {
        let endpoint = plain("mybucket.oss-cn-hangzhou.aliyuncs.com").for_bucket("mybucket").unwrap();
        assert_eq!(endpoint, plain("oss-cn-hangzhou.aliyuncs.com"));
        let error = plain("mybucket.oss-cn-hangzhou.aliyuncs.com").for_bucket("other").unwrap_err();
        assert!(error.message().ends_with("use the endpoint oss-cn-hangzhou.aliyuncs.com"), "{error}");
    }

    #[test]
    fn labels_that_only_look_like_the_bucket_stay() {
        for (host, bucket) in [
            ("mybucket.example.com", "mybucket"),
            ("oss-cn-hangzhou.aliyuncs.com", "oss-cn-hangzhou"),
            ("cn-hangzhou.oss.aliyuncs.com", "cn-hangzhou"),
        ] {
            assert_eq!(plain(host).for_bucket(bucket).unwrap(), plain(host), "{host}");
        }
        let cname = Endpoint::parse(Some("mybucket.oss-cn-hangzhou.aliyuncs.com"), None, true, false).unwrap();
        assert_eq!(cname.clone().for_bucket("mybucket").unwrap(), cname);
    }

    #[test]
    fn senseless_endpoints_are_refused_with_advice() {
        for (text, says) in [
            ("", "is empty"),
            ("https://", "is empty"),
            ("ftp://host", "must begin with https://"),
            ("https://host/path", "without path"),
            ("host?x", "without path"),
            ("host#x", "without path"),
            ("https://user:password@host", "must not contain a user name"),
            ("host:0", "from 1 to 65535"),
            ("host:65536", "from 1 to 65535"),
            ("host:+80", "from 1 to 65535"),
            ("host:", "from 1 to 65535"),
            ("::1", "must be in brackets"),
            ("[::1", "closing bracket"),
            ("[::1]8080", "from 1 to 65535"),
            ("[nope]", "IPv6"),
            ("a b.com", "letters, digits"),
            ("主机.com", "letters, digits"),
            ("a..b", "not well-formed"),
            ("host.", "not well-formed"),
            ("1.2.3", "IPv4"),
            ("1.2.3.256", "IPv4"),
        ] {
            let error = Endpoint::parse(Some(text), None, false, false).unwrap_err();
            assert!(error.message().contains(says), "{text}: {error}");
            assert!(!error.message().contains("password"), "{error}");
        }
    }

    #[test]
    fn senseless_combinations_are_refused() {
        assert!(Endpoint::parse(Some("host"), None, true, true).is_err());
        assert!(Endpoint::parse(None, Some("cn-hangzhou"), true, false).is_err());
        assert!(Endpoint::parse(None, None, false, false).is_err());
        assert!(Endpoint::parse(None, Some("cn hangzhou"), false, false).is_err());
        assert!(Endpoint::parse(None, Some("oss-"), false, false).is_err());
    }

    #[test]
    fn the_http_client_leaves_dot_segments_alone() {
        for key in ["a/../b", ".", "..", "../x", "a//b", "a/./b/"] {
            let url = url_of(&plain("oss-cn-hangzhou.aliyuncs.com"), key);
            let uri: ureq::http::Uri = url.parse().unwrap();
            assert_eq!(uri.path(), format!("/{key}"));
            assert_eq!(uri.to_string(), url);
        }
    }

    const ENDPOINTS: &str = "(https?://)?(\\[?[0-9a-f:.]{1,12}\\]?|[a-zA-Z0-9._-]{1,20})(:[0-9]{1,6})?/?";

    proptest! {
        #[test]
        fn every_key_makes_a_url_that_the_http_client_takes(key in any::<String>(), value in any::<String>()) {
            let request = request(Method::Put, "bucket", &key, &[("uploadId", Some(&value))], &[]);
            let url = plain("http://127.0.0.1:8080").url(&request);
            let uri: ureq::http::Uri = url.parse().unwrap();
            prop_assert_eq!(uri.to_string(), url);
            let mut path = "/bucket/".to_owned();
            percent::push_path(&mut path, &key);
            prop_assert_eq!(uri.path(), path);
        }

        #[test]
        fn the_normal_form_is_read_as_itself(text in ENDPOINTS) {
            if let Ok(endpoint) = Endpoint::parse(Some(&text), None, false, false) {
                prop_assert_eq!(plain(&endpoint.to_string()), endpoint);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), region in any::<String>()) {
            let _ = Endpoint::parse(Some(&text), Some(&region), false, false).map(|e| e.for_bucket("bucket"));
        }
    }
}
