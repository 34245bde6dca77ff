//! OSS signatures, versions 1 and 4: the texts that are signed and the signing itself.
//!
//! The server checks requests with these functions; tests sign with them.

pub mod v1;
pub mod v4;

/// The parts of a request that take part in its signature.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The bucket, also when it is not part of the URL.
    pub bucket: Option<String>,
    /// The object's key, decoded.
    pub key: Option<String>,
    /// Decoded query parameters; a parameter without a value has an empty one.
    pub query: Vec<(String, String)>,
    /// Header names in lower case, with their values as they are on the wire.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// The first value of a header, or an empty one.
    pub(crate) fn header(&self, name: &str) -> &[u8] {
        self.headers.iter().find(|(n, _)| n == name).map_or(b"", |(_, v)| v.trim_ascii())
    }

    /// The value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `/bucket/key`, `/bucket/` or `/`: the same for every URL style.
    fn resource(&self) -> String {
        match (&self.bucket, &self.key) {
            (Some(bucket), key) => format!("/{bucket}/{}", key.as_deref().unwrap_or("")),
            (None, _) => "/".to_owned(),
        }
    }

    /// `name:value` lines of the headers that `wanted` picks: sorted, trimmed, joined when repeated.
    fn header_lines(&self, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
        let mut picked = std::collections::BTreeMap::<&str, Vec<&[u8]>>::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| wanted(name)) {
            picked.entry(name).or_default().push(value.trim_ascii());
        }
        let mut lines = Vec::new();
        for (name, values) in picked {
            lines.extend_from_slice(name.as_bytes());
            lines.push(b':');
            lines.extend_from_slice(&values.join(&b','));
            lines.push(b'\n');
        }
        lines
    }
}

/// Compares without giving away, by its running time, where two texts differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}
