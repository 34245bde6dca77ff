//! OSS: ListObjectsV2, which tells what a bucket holds, page by page.
//!
//! A page of the longest keys there are, percent-encoded, is still shorter than what is read of any response.

use super::api::{ObjectRef, build, unexpected};
use super::object_headers::ObjectHeaders;
use super::request::{ApiRequest, Operation};
use super::response::bare_etag;
use super::xml::{self, Document};
use crate::error::Result;
use crate::http::{Method, Response};
use crate::text::percent;

/// What a page is about: the objects of a bucket whose keys begin with a prefix and come after those of the page before.
#[derive(Clone, Copy, Debug)]
pub struct ObjectsQuery<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// Empty for all objects.
    pub prefix: &'a str,
    /// The last key of the pages before. At the first page, the key to begin after; empty to begin at the beginning.
    pub after: &'a str,
    /// What the page before gave; `None` at the first page.
    pub token: Option<&'a str>,
}

/// One page of OSS: ListObjectsV2.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectsPage {
    /// In ascending order of their keys' bytes. May be empty although more follow.
    pub objects: Vec<ListedObject>,
    /// The token of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// An object that the bucket holds.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Not encoded.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Without quotes; empty when the server gave none.
    pub etag: String,
}

/// OSS: ListObjectsV2, with pages as long as they can be. `encoding-type` lets every key through the XML.
pub fn list_objects_v2(query: &ObjectsQuery<'_>, headers: &ObjectHeaders) -> ApiRequest {
    let begin = query.token.map_or(("start-after", query.after), |token| ("continuation-token", token));
    let fixed = [("list-type", "2"), ("max-keys", "1000"), ("encoding-type", "url")];
    let given = [("prefix", query.prefix), begin].into_iter().filter(|(_, value)| !value.is_empty());
    let parameters: Vec<_> = fixed.into_iter().chain(given).map(|(name, value)| (name, Some(value))).collect();
    let bucket = ObjectRef { bucket: query.bucket, key: "" };
    build(Operation::ListObjectsV2, Method::Get, bucket, &parameters, headers.for_others())
}

/// The response to OSS: ListObjectsV2 with this query.
pub fn objects_page(response: &Response, query: &ObjectsQuery<'_>) -> Result<ObjectsPage> {
    let Some(Document::ListBucketResult(document)) = xml::parse(&response.body) else {
        return Err(unexpected(Operation::ListObjectsV2, response));
    };
    read_page(document, query).ok_or_else(|| unexpected(Operation::ListObjectsV2, response))
}

/// `None` when the page makes no sense: other keys than those asked for, keys that do not go on, or a token that would
/// have the caller ask for ever.
fn read_page(response: xml::ListObjects, query: &ObjectsQuery<'_>) -> Option<ObjectsPage> {
    let encoded = response.encoding_type.as_deref().is_some_and(|kind| kind.trim() == "url");
    let decode = |text: String| if encoded { percent::decode_query(text.trim()) } else { Some(text) };
    let mut objects: Vec<ListedObject> = Vec::with_capacity(response.contents.len());
    for content in response.contents {
        let key = decode(content.key)?;
        let last = objects.last().map_or(query.after, |object| object.key.as_str());
        if !key.starts_with(query.prefix) || key.as_str() <= last {
            return None;
        }
        let etag = content.etag.as_deref().and_then(bare_etag).unwrap_or_default();
        objects.push(ListedObject { key, size: content.size.trim().parse().ok()?, etag });
    }
    let truncated = response.is_truncated.as_deref().is_some_and(|text| text.trim() == "true");
    if !truncated {
        return Some(ObjectsPage { objects, next: None });
    }
    let next = decode(response.next_continuation_token?)?.trim().to_owned();
    (!next.is_empty() && query.token != Some(&next)).then_some(ObjectsPage { objects, next: Some(next) })
}

#[cfg(test)]
mod tests {
    use super::super::object_headers::tests::headers;
    use super::super::response::tests::response;
    use super::*;
    use proptest::prelude::*;

    const FIRST: ObjectsQuery<'static> = ObjectsQuery { bucket: "bucket", prefix: "d/", after: "", token: None };

    fn content(key: &str, size: &str, etag: &str) -> String {
        format!("<Contents><Key>{key}</Key><ETag>{etag}</ETag><Type>Normal</Type><Size>{size}</Size></Contents>")
    }

    fn page(rest: &str, query: &ObjectsQuery<'_>) -> Result<ObjectsPage> {
        let body = format!("<ListBucketResult><EncodingType>url</EncodingType>{rest}</ListBucketResult>");
        objects_page(&response(200, &[], &body), query)
    }

    fn encoded(key: &str) -> String {
        let mut text = String::new();
        percent::push_path(&mut text, key);
        text.replace('/', "%2F")
    }

    fn keys(page: &ObjectsPage) -> Vec<&str> {
        page.objects.iter().map(|object| object.key.as_str()).collect()
    }

    #[test]
    fn requests_have_the_documented_query() {
        let fixed = "list-type=2&max-keys=1000&encoding-type=url";
        for (query, rest) in [
            (ObjectsQuery { prefix: "", ..FIRST }, ""),
            (FIRST, "&prefix=d%2F"),
            (ObjectsQuery { after: "d/ +", ..FIRST }, "&prefix=d%2F&start-after=d%2F%20%2B"),
            (
                ObjectsQuery { after: "d/x", token: Some("CgJi+w--"), ..FIRST },
                "&prefix=d%2F&continuation-token=CgJi%2Bw--",
            ),
        ] {
            let request = list_objects_v2(&query, &headers(&[("x-oss-request-payer", "requester")]).unwrap());
            assert_eq!((request.method.as_str(), request.query_string()), ("GET", format!("{fixed}{rest}")));
            assert_eq!((request.bucket.as_str(), request.key.as_str()), ("bucket", ""));
            assert_eq!(request.headers, [("x-oss-request-payer".to_owned(), "requester".to_owned())]);
        }
    }

    #[test]
    fn a_page_is_read() {
        let first = content("d%2F+%20%2B%25%0A%01", "12", "&quot;AB&quot;");
        let rest = format!(
            "<Name>bucket</Name><IsTruncated> true </IsTruncated><NextContinuationToken>Cg%2Bw--\n</NextContinuationToken>\
             {first}{}<KeyCount>2</KeyCount>",
            content("\n d%2F%E7%9B%AE \n", " 5368709120 ", "")
        );
        let object = |key: &str, size, etag: &str| ListedObject { key: key.to_owned(), size, etag: etag.to_owned() };
        let objects = vec![object("d/  +%\n\u{1}", 12, "AB"), object("d/目", 5_368_709_120, "")];
        assert_eq!(page(&rest, &FIRST).unwrap(), ObjectsPage { objects, next: Some("Cg+w--".to_owned()) });
        let empty = page("<IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken>", &FIRST);
        assert_eq!(empty.unwrap(), ObjectsPage { objects: vec![], next: None });
    }

    #[test]
    fn plain_keys_are_read_as_they_are() {
        let body = format!("<ListBucketResult>{}</ListBucketResult>", content("d/%41+&amp; ", "1", "E"));
        assert_eq!(keys(&objects_page(&response(200, &[], &body), &FIRST).unwrap()), ["d/%41+& "]);
    }

    #[test]
    fn senseless_pages_are_errors() {
        let query = ObjectsQuery { after: "d/b", token: Some("t"), ..FIRST };
        let with = |keys: &[&str]| keys.iter().map(|key| content(key, "1", "E")).collect::<String>();
        assert_eq!(keys(&page(&with(&["d/b%00", "d/c"]), &query).unwrap()), ["d/b\0", "d/c"]);
        for rest in [
            with(&["e/c"]),
            with(&["d"]),
            with(&["d/b"]),
            with(&["d/a"]),
            with(&["d/c", "d/c"]),
            with(&["d/d", "d/c"]),
            with(&["d/%FF"]),
            content("d/c", "-1", "E"),
            content("d/c", "", "E"),
            "<Contents><Key>d/c</Key></Contents>".to_owned(),
            "<Contents><Size>1</Size></Contents>".to_owned(),
            "<IsTruncated>true</IsTruncated>".to_owned(),
            "<IsTruncated>true</IsTruncated><NextContinuationToken> </NextContinuationToken>".to_owned(),
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>".to_owned(),
        ] {
            assert!(page(&rest, &query).unwrap_err().is_retryable(), "{rest}");
        }
        for body in ["", "<html/>", "<ListPartsResult/>", "<ListBucketResult><Contents>"] {
            assert!(objects_page(&response(200, &[], body), &FIRST).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives(mut found in prop::collection::btree_set(any::<String>(), 0..5), prefix in "[a/ +%\u{1}目]{0,3}") {
            found = found.into_iter().map(|key| format!("{prefix}{key}")).filter(|key| !key.is_empty()).collect();
            let contents = found.iter().map(|key| content(&encoded(key), "1", "E"));
            let query = ObjectsQuery { prefix: &prefix, ..FIRST };
            let page = page(&contents.collect::<String>(), &query).unwrap();
            prop_assert!(keys(&page).into_iter().eq(found.iter()));
        }

        #[test]
        fn pages_always_go_on(found in prop::collection::vec("[a-c]{1,2}", 0..4), after in "[a-c]{0,2}", next in "[tu]?") {
            let contents: String = found.iter().map(|key| content(key, "1", "E")).collect();
            let next = format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>");
            let query = ObjectsQuery { bucket: "bucket", prefix: "", after: &after, token: Some("t") };
            if let Ok(page) = page(&format!("{next}{contents}"), &query) {
                prop_assert!(keys(&page).iter().all(|key| *key > after.as_str()));
                prop_assert!(keys(&page).is_sorted_by(|one, two| one < two));
                prop_assert_eq!(page.next.as_deref(), Some("u"));
            }
        }
    }
}
