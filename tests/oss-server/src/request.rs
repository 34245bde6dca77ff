//! A request, taken apart: where it goes, what it wants, what it says.

use std::net::IpAddr;

use hyper::body::Body;
use hyper::header::{HOST, HeaderMap};

use crate::config::Config;
use crate::error::{OssError, Result};
use crate::operation::Operation;
use crate::{percent, sign};

const LONGEST_KEY: usize = 1023;

/// What is known of a request once its headers are read.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) message: sign::Request,
    pub(crate) host: String,
    /// The path as it came, encoded.
    pub(crate) path: String,
    pub(crate) content_length: Option<u64>,
    /// Whether a body follows, of known length or not.
    pub(crate) has_body: bool,
    /// Whether the request is for the server's own pages.
    pub(crate) admin: Option<String>,
    /// Why it leads nowhere.
    pub(crate) problem: Option<OssError>,
}

impl Call {
    pub(crate) fn of<B: Body>(request: &hyper::Request<B>, config: &Config) -> Self {
        let host = host_of(request);
        let path = request.uri().path();
        let mut problem = None;
        let (bucket, key) = locate(&host, path, config).unwrap_or_else(|error| {
            problem = Some(error);
            (None, None)
        });
        let query = parse_query(request.uri().query().unwrap_or("")).unwrap_or_else(|error| {
            problem.get_or_insert(error);
            Vec::new()
        });
        let admin = (bucket.as_deref() == Some("_server")).then(|| key.clone().unwrap_or_default());
        let headers = header_list(request.headers());
        let message = sign::Request { method: request.method().to_string(), bucket, key, query, headers };
        let operation = Operation::of(
            &message.method,
            message.bucket.is_some(),
            message.key.is_some(),
            |name| message.query(name).is_some(),
            !message.header("x-oss-copy-source").is_empty(),
        );
        let content_length = String::from_utf8_lossy(message.header("content-length")).parse().ok();
        let has_body = !request.body().is_end_stream();
        let path = path.to_owned();
        let mut call = Self { operation, message, host, path, content_length, has_body, admin, problem };
        call.problem = call.problem.take().or_else(|| call.check_names().err());
        call
    }

    pub(crate) fn bucket(&self) -> &str {
        self.message.bucket.as_deref().unwrap_or("")
    }

    pub(crate) fn key(&self) -> &str {
        self.message.key.as_deref().unwrap_or("")
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.message.query(name)
    }

    /// The value of a header that is there.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let found = self.message.headers.iter().any(|(n, _)| n == name);
        found.then(|| text(self.message.header(name)))
    }

    /// All headers, with values as text.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, String)> {
        self.message.headers.iter().map(|(name, value)| (name.as_str(), text(value)))
    }

    /// A part number that is one.
    pub(crate) fn part_number(&self) -> Option<u32> {
        self.query("partNumber")?.parse().ok().filter(|number| (1..=10_000).contains(number))
    }

    fn check_names(&self) -> Result<()> {
        if let Some(bucket) = &self.message.bucket
            && self.admin.is_none()
            && !is_bucket_name(bucket)
        {
            let message = "The specified bucket is not valid.";
            return Err(OssError::new(400, "InvalidBucketName", "0015-00000001", message).with("BucketName", bucket));
        }
        match &self.message.key {
            Some(key) if key.len() > LONGEST_KEY || key.starts_with(['/', '\\']) => Err(invalid_object_name(key)),
            _ => Ok(()),
        }
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.trim_ascii()).into_owned()
}

fn invalid_object_name(key: &str) -> OssError {
    OssError::new(400, "InvalidObjectName", "0016-00000002", "The specified object is not valid.")
        .with("ObjectName", key)
}

/// Whether OSS takes this as a bucket's name.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| alphanumeric(*byte) || *byte == b'-')
        && alphanumeric(bytes[0])
        && alphanumeric(bytes[bytes.len() - 1])
}

fn host_of<B>(request: &hyper::Request<B>) -> String {
    let header = request.headers().get(HOST).map(|value| text(value.as_bytes()));
    header.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default()
}

fn header_list(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

type Location = (Option<String>, Option<String>);

/// Finds bucket and key in the host and the path, by the host's URL style. The path is never normalised.
fn locate(host: &str, path: &str, config: &Config) -> Result<Location> {
    let name = without_port(host).to_ascii_lowercase();
    let path = path.strip_prefix('/').unwrap_or(path);
    if let Some(bucket) = config.cname.get(&name) {
        return Ok((Some(bucket.clone()), decode_key(path)?));
    }
    if let Some(domain) = &config.domain
        && let Some(bucket) = name.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.'))
    {
        return Ok((Some(bucket.to_owned()), decode_key(path)?));
    }
    // The server's own pages are found under any name.
    if !(path.is_empty() || path.starts_with("_server") || takes_path_style(&name)) {
        let message = "The bucket you are attempting to access must be addressed using OSS third level domain.";
        return Err(OssError::new(403, "SecondLevelDomainForbidden", "0003-00000102", message));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let bucket = percent::decode_path(bucket).ok_or_else(|| invalid_object_name(bucket))?;
    Ok(((!bucket.is_empty()).then_some(bucket), decode_key(key)?))
}

/// OSS takes path style where there can be no host for the bucket. `localhost` counts as an address.
fn takes_path_style(name: &str) -> bool {
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

fn decode_key(path: &str) -> Result<Option<String>> {
    let key = percent::decode_path(path).ok_or_else(|| invalid_object_name(path))?;
    Ok((!key.is_empty()).then_some(key))
}

fn parse_query(query: &str) -> Result<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decode_pair(pair).ok_or_else(|| bad_query(pair))).collect()
}

fn decode_pair(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((percent::decode_query(name)?, percent::decode_query(value)?))
}

fn bad_query(pair: &str) -> OssError {
    OssError::invalid_argument("0017-00000001", "A query parameter is not UTF-8.", "query", pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            domain: Some("oss.test".into()),
            cname: [("static.example.com".to_owned(), "files".to_owned())].into(),
            ..Config::default()
        }
    }

    fn find(host: &str, path: &str) -> std::result::Result<(String, String), String> {
        let (bucket, key) = locate(host, path, &config()).map_err(|error| error.code)?;
        Ok((bucket.unwrap_or_default(), key.unwrap_or_default()))
    }

    fn at(bucket: &str, key: &str) -> std::result::Result<(String, String), String> {
        Ok((bucket.into(), key.into()))
    }

    #[test]
    fn each_url_style_leads_to_bucket_and_key() {
        assert_eq!(find("127.0.0.1:80", "/b/k%2Fl/../m//n"), at("b", "k/l/../m//n"));
        assert_eq!(find("[::1]:80", "/b/"), at("b", ""));
        assert_eq!(find("localhost", "/b"), at("b", ""));
        assert_eq!(find("B1.oss.test:9000", "/b/k"), at("b1", "b/k"));
        assert_eq!(find("oss.test", "/"), at("", ""));
        assert_eq!(find("static.example.com", "/a+b"), at("files", "a+b"));
        assert_eq!(find("oss.test", "/b/k"), Err("SecondLevelDomainForbidden".into()));
        assert_eq!(find("127.0.0.1", "/b/%FF"), Err("InvalidObjectName".into()));
    }

    #[test]
    fn bucket_names_follow_the_rules() {
        for good in ["abc", "a-1", &"a".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["ab", "-abc", "abc-", "Abc", "a_c", "_server", "a.b.c", &"a".repeat(64)] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn queries_keep_order_and_empty_values() {
        let query = parse_query("uploads&a=b+c%2B&x=").unwrap();
        let expected = [("uploads", ""), ("a", "b c+"), ("x", "")];
        assert_eq!(query, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
