//! The XML of OSS's responses and of Complete's body.
//!
//! Responses are read with tolerance: namespaces, unknown elements and blanks around values do not matter. Most responses
//! are about the key that was asked for, and the key in them is not read; `encoding-type=url` is sent there so that
//! control characters of a key cannot make the response ill-formed.

use std::fmt::Write;

use quick_xml::de::from_str;
use quick_xml::escape::escape;
use serde::Deserialize;

/// The documents that OSS answers to the calls of an upload, by their root elements.
#[derive(Debug, Deserialize)]
pub enum Document {
    /// OSS: InitiateMultipartUpload.
    InitiateMultipartUploadResult(Initiated),
    /// OSS: CompleteMultipartUpload.
    CompleteMultipartUploadResult(Completed),
    /// OSS: ListParts.
    ListPartsResult(ListParts),
    /// OSS: ListMultipartUploads.
    ListMultipartUploadsResult(ListMultipartUploads),
    /// OSS: ListObjectsV2.
    ListBucketResult(ListObjects),
    /// OSS: error responses.
    Error(ErrorBody),
}

/// OSS: InitiateMultipartUpload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Initiated {
    pub upload_id: Option<String>,
}

/// OSS: CompleteMultipartUpload.
#[derive(Debug, Deserialize)]
pub struct Completed {
    #[serde(rename = "ETag")]
    pub etag: Option<String>,
}

/// OSS: ListParts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListParts {
    pub is_truncated: Option<String>,
    pub next_part_number_marker: Option<String>,
    #[serde(default)]
    pub part: Vec<Part>,
}

/// One part in OSS: ListParts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Part {
    pub part_number: String,
    #[serde(rename = "ETag")]
    pub etag: String,
    pub size: String,
    pub hash_crc64ecma: Option<String>,
}

/// OSS: ListMultipartUploads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMultipartUploads {
    #[serde(default)]
    pub upload: Vec<Upload>,
}

/// One upload in OSS: ListMultipartUploads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Upload {
    pub key: String,
    pub upload_id: String,
    pub initiated: String,
}

/// OSS: ListObjectsV2.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListObjects {
    pub encoding_type: Option<String>,
    pub is_truncated: Option<String>,
    pub next_continuation_token: Option<String>,
    #[serde(default)]
    pub contents: Vec<Object>,
}

/// One object in OSS: ListObjectsV2.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Object {
    pub key: String,
    pub size: String,
    #[serde(rename = "ETag")]
    pub etag: Option<String>,
}

/// OSS: error responses. Elements that repeat the request, such as `StringToSign`, are left unread.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
    #[serde(rename = "EC")]
    pub ec: Option<String>,
    pub endpoint: Option<String>,
    pub server_time: Option<String>,
}

/// A page of ListParts has 300 KiB, a thousand uploads of long keys some more than a mebibyte.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Reads a response; `None` when it is not one of OSS's documents.
pub fn parse(body: &[u8]) -> Option<Document> {
    if body.len() > MOST_BYTES {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    from_str(text.trim_start_matches('\u{feff}').trim_start()).ok()
}

/// The body of OSS: CompleteMultipartUpload. ETags are given without quotes and go out with them.
pub fn complete_body<E: AsRef<str>>(parts: impl IntoIterator<Item = (u32, E)>) -> Vec<u8> {
    let mut xml = String::from("<CompleteMultipartUpload>");
    for (number, etag) in parts {
        let quoted = format!("\"{}\"", etag.as_ref());
        // Writing to a String cannot fail.
        let _ = write!(xml, "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", escape(&quoted));
    }
    xml.push_str("</CompleteMultipartUpload>");
    xml.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_response_is_read_with_tolerance() {
        for text in [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InitiateMultipartUploadResult \
             xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\">\n <EncodingType>url</EncodingType>\n \
             <Bucket>b</Bucket><Key>dir%2Fbig.bin</Key><UploadId>ID</UploadId>\n</InitiateMultipartUploadResult>\n",
            "\u{feff}<!-- c --><InitiateMultipartUploadResult><UploadId>ID</UploadId></InitiateMultipartUploadResult>",
            "<InitiateMultipartUploadResult><New><A/><A>x</A></New><UploadId><![CDATA[ID]]></UploadId>\
             </InitiateMultipartUploadResult>",
        ] {
            let Some(Document::InitiateMultipartUploadResult(response)) = parse(text.as_bytes()) else {
                panic!("{text}");
            };
            assert_eq!(response.upload_id.as_deref(), Some("ID"), "{text}");
        }
    }

    #[test]
    fn control_characters_of_a_key_do_no_harm() {
        let text = "<InitiateMultipartUploadResult><Key>a\u{1}b&#x1;</Key><UploadId>I&amp;D</UploadId>\
                    </InitiateMultipartUploadResult>";
        let Some(Document::InitiateMultipartUploadResult(response)) = parse(text.as_bytes()) else { panic!() };
        assert_eq!(response.upload_id.as_deref(), Some("I&D"));
    }

    #[test]
    fn other_documents_are_none() {
        for text in ["", "  ", "{}", "<html><body/></html>", "<Error><Code>x</Error>", "<Error>", "\u{0}"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse(b"<Error><Code>\xff</Code></Error>").is_none());
    }

    #[test]
    fn complete_lists_the_parts_with_quoted_etags() {
        let body = complete_body([(1, "3349DC70"), (5, "8EFDA8BE")]);
        let expected = "<CompleteMultipartUpload>\
            <Part><PartNumber>1</PartNumber><ETag>&quot;3349DC70&quot;</ETag></Part>\
            <Part><PartNumber>5</PartNumber><ETag>&quot;8EFDA8BE&quot;</ETag></Part></CompleteMultipartUpload>";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[derive(Deserialize)]
    struct Complete {
        #[serde(rename = "Part", default)]
        parts: Vec<CompletePart>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct CompletePart {
        part_number: u32,
        #[serde(rename = "ETag")]
        etag: String,
    }

    #[test]
    fn what_is_too_long_is_none_of_oss() {
        let text = |blanks: usize| format!("<Error><Code>C</Code>{}</Error>", " ".repeat(blanks));
        assert!(parse(text(MOST_BYTES - 100).as_bytes()).is_some());
        assert!(parse(text(MOST_BYTES).as_bytes()).is_none());
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        let text = format!("<Error><X>{}{}</X><Code>C</Code></Error>", "<a>".repeat(10_000), "</a>".repeat(10_000));
        let Some(Document::Error(error)) = parse(text.as_bytes()) else { panic!() };
        assert_eq!(error.code.as_deref(), Some("C"));
    }

    const XML: &str = "<(Error|ListPartsResult)>[<>/A-Za-z&;!\\[\\]\" -]{0,80}";

    proptest! {
        #[test]
        fn complete_says_what_was_given(parts in prop::collection::vec((1u32..=10_000, "[!-~]{0,40}"), 0..20)) {
            let body = String::from_utf8(complete_body(parts.clone())).unwrap();
            let read: Complete = from_str(&body).unwrap();
            let read: Vec<_> = read.parts.into_iter().map(|part| (part.part_number, part.etag)).collect();
            let expected: Vec<_> = parts.into_iter().map(|(number, etag)| (number, format!("\"{etag}\""))).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn reading_never_panics(body in prop::collection::vec(any::<u8>(), 0..200), xml in XML) {
            let _ = (parse(&body), parse(xml.as_bytes()));
        }
    }
}
