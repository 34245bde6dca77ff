//! Writes the XML of responses, in the style that the quirks ask for, and reads the XML of requests.

use serde::Deserialize;

use crate::config::Quirks;
use crate::error::{OssError, Result};
use crate::percent;

const NAMESPACE: &str = "http://doc.oss-cn-hangzhou.aliyuncs.com";

/// A document under construction.
pub(crate) struct Xml {
    text: String,
    root: &'static str,
    blanks: bool,
    url_encoded: bool,
}

impl Xml {
    /// A result document; `encoding_type` is the query parameter of that name.
    pub(crate) fn result(root: &'static str, quirks: Quirks, encoding_type: Option<&str>) -> Self {
        let mut xml = Self::start(root, quirks, quirks.xmlns);
        xml.url_encoded = encoding_type == Some("url") && !quirks.ignore_encoding_type;
        if xml.url_encoded {
            xml.element("EncodingType", "url");
        }
        xml
    }

    fn start(root: &'static str, quirks: Quirks, namespace: bool) -> Self {
        let attribute = if namespace { format!(" xmlns=\"{NAMESPACE}\"") } else { String::new() };
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}{attribute}>\n");
        Self { text, root, blanks: quirks.blanks, url_encoded: false }
    }

    pub(crate) fn element(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        let value = escape(&value.to_string());
        let value = if self.blanks && !value.is_empty() { format!("\n  {value} \n") } else { value };
        self.text.push_str(&format!("<{name}>{value}</{name}>\n"));
        self
    }

    /// An element whose value is percent-encoded when the client asked for it: a key, a prefix, a marker.
    pub(crate) fn name(&mut self, name: &str, value: &str) -> &mut Self {
        if self.url_encoded { self.element(name, percent::encode(value)) } else { self.element(name, value) }
    }

    pub(crate) fn group(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.push_str(&format!("<{name}>\n"));
        fill(self);
        self.text.push_str(&format!("</{name}>\n"));
        self
    }

    pub(crate) fn finish(&mut self) -> String {
        format!("{}</{}>\n", self.text, self.root)
    }
}

/// The body of an error response.
pub(crate) fn error(error: &OssError, quirks: Quirks, request_id: &str, host: &str) -> String {
    let mut xml = Xml::start("Error", quirks, false);
    xml.element("Code", &error.code).element("Message", &error.message);
    xml.element("RequestId", request_id).element("HostId", host);
    for (name, value) in &error.elements {
        xml.element(name, value);
    }
    if !error.ec.is_empty() {
        let doc = format!("https://api.alibabacloud.com/troubleshoot?q={}", error.ec);
        xml.element("EC", error.ec).element("RecommendDoc", doc);
    }
    xml.finish()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not legal XML 1.0, whatever the notation: that is why clients ask for encoding-type=url.
            control if (control as u32) < 0x20 && !matches!(control, '\t' | '\n') => {
                escaped.push_str(&format!("&#x{:x};", control as u32));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A part as the client lists it at Complete.
#[derive(Debug, Deserialize)]
pub(crate) struct ListedPart {
    #[serde(rename = "PartNumber")]
    pub(crate) number: u32,
    #[serde(rename = "ETag")]
    pub(crate) etag: String,
}

#[derive(Deserialize)]
struct CompleteBody {
    #[serde(rename = "Part", default)]
    parts: Vec<ListedPart>,
}

/// Reads the part list of CompleteMultipartUpload.
pub(crate) fn complete_body(bytes: &[u8]) -> Result<Vec<ListedPart>> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let body: CompleteBody = quick_xml::de::from_str(text).map_err(|_| malformed())?;
    if body.parts.is_empty() { Err(malformed()) } else { Ok(body.parts) }
}

fn malformed() -> OssError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema.";
    OssError::new(400, "MalformedXML", "0042-00000215", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_change_the_shape_but_not_the_meaning() {
        let plain = Xml::result("R", Quirks::default(), Some("url")).name("Key", "a/ä").finish();
        assert!(plain.contains("<R>") && plain.contains("<Key>a%2F%C3%A4</Key>"), "{plain}");
        let quirks = Quirks { xmlns: true, blanks: true, ignore_encoding_type: true, ..Quirks::default() };
        let odd = Xml::result("R", quirks, Some("url")).name("Key", "a/<").finish();
        assert!(odd.contains("<R xmlns=") && odd.contains("<Key>\n  a/&lt; \n</Key>"), "{odd}");
    }

    #[test]
    fn reads_part_lists() {
        let parts = complete_body(
            b"<?xml version='1.0'?><CompleteMultipartUpload xmlns='x'><Part><PartNumber> 3 </PartNumber>\
              <ETag>&quot;AB&quot;</ETag></Part></CompleteMultipartUpload>",
        )
        .unwrap();
        assert_eq!((parts[0].number, parts[0].etag.as_str()), (3, "\"AB\""));
        for bad in ["", "<Complete", "<CompleteMultipartUpload></CompleteMultipartUpload>", "{}"] {
            assert_eq!(complete_body(bad.as_bytes()).unwrap_err().code, "MalformedXML", "{bad}");
        }
    }
}
