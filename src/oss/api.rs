//! The API calls of an upload: how each request is built, and what each response says.

use std::time::SystemTime;

use super::object_headers::ObjectHeaders;
use super::request::{ApiRequest, Operation};
use super::response::bare_etag;
use super::service_error::ServiceError;
use super::xml::{self, Document};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Method, Response};
use crate::text::date;

/// The type of an object whose type nobody gave (OSS: PutObject).
const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// The largest part number (OSS: UploadPart).
const MAX_PART_NUMBER: u32 = 10_000;

/// Which object a call is about.
#[derive(Clone, Copy, Debug)]
pub struct ObjectRef<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// The object's key, not encoded.
    pub key: &'a str,
}

/// What OSS: PutObject and CompleteMultipartUpload say about the object that they made.
#[derive(Debug)]
pub struct Completed {
    /// Without quotes; empty when the server gave none.
    pub etag: String,
    /// Of the whole object.
    pub crc64: Option<u64>,
    /// In a versioned bucket.
    pub version_id: Option<String>,
    /// Empty when OSS did not name one.
    pub request_id: String,
    /// The application server's words, when a callback was asked for and succeeded.
    pub callback_body: Vec<u8>,
    /// The object is stored, but the callback failed (status 203). To be returned once the object has been verified.
    pub callback_error: Option<Error>,
}

/// What OSS: UploadPart says about a part.
#[derive(Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// Without quotes.
    pub etag: String,
    /// Of the part as the server stored it.
    pub crc64: Option<u64>,
}

/// One page of OSS: ListParts.
#[derive(Debug, PartialEq, Eq)]
pub struct PartsPage {
    /// In ascending order.
    pub parts: Vec<ListedPart>,
    /// The marker of the next page; `None` on the last one.
    pub next: Option<u32>,
}

/// A part that the server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// From 1.
    pub number: u32,
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// Older servers do not tell.
    pub crc64: Option<u64>,
}

/// The uploads of one key that are open on the server (OSS: ListMultipartUploads).
#[derive(Debug, PartialEq, Eq)]
pub struct OpenUploads {
    /// In no order.
    pub uploads: Vec<OpenUpload>,
    /// What the server's clock showed then.
    pub server_time: Option<SystemTime>,
}

/// An upload that is open on the server.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The upload id.
    pub upload_id: String,
    /// When it was opened, by the server's clock.
    pub initiated: SystemTime,
}

/// What OSS: HeadObject says about an object.
#[derive(Debug, PartialEq, Eq)]
pub struct HeadInfo {
    /// In bytes.
    pub size: Option<u64>,
    /// Objects that are older than the checksum have none.
    pub crc64: Option<u64>,
    /// Without quotes; empty when the server gave none.
    pub etag: String,
    /// In a versioned bucket.
    pub version_id: Option<String>,
    /// Empty when OSS did not name one.
    pub request_id: String,
}

/// OSS: PutObject. The body comes from the caller.
pub fn put_object(object: ObjectRef<'_>, headers: &ObjectHeaders) -> ApiRequest {
    let mut request = build(Operation::PutObject, Method::Put, object, &[], headers.for_put_object());
    set_default_content_type(&mut request);
    request
}

/// OSS: InitiateMultipartUpload.
pub fn initiate_multipart_upload(object: ObjectRef<'_>, headers: &ObjectHeaders) -> ApiRequest {
    let query = [("uploads", None), ("encoding-type", Some("url"))];
    let mut request = build(Operation::InitiateMultipartUpload, Method::Post, object, &query, headers.for_initiate());
    set_default_content_type(&mut request);
    request
}

/// OSS: UploadPart. The body comes from the caller.
pub fn upload_part(object: ObjectRef<'_>, upload_id: &str, part_number: u32, headers: &ObjectHeaders) -> ApiRequest {
    let number = part_number.to_string();
    let query = [("partNumber", Some(number.as_str())), ("uploadId", Some(upload_id))];
    build(Operation::UploadPart, Method::Put, object, &query, headers.for_upload_part())
}

/// OSS: CompleteMultipartUpload, with number and ETag (without quotes) of every part in ascending order.
pub fn complete_multipart_upload<E: AsRef<str>>(
    object: ObjectRef<'_>,
    upload_id: &str,
    parts: impl IntoIterator<Item = (u32, E)>,
    headers: &ObjectHeaders,
) -> ApiRequest {
    let query = [("uploadId", Some(upload_id)), ("encoding-type", Some("url"))];
    let mut request = build(Operation::CompleteMultipartUpload, Method::Post, object, &query, headers.for_complete());
    request.set_header("content-type", "application/xml");
    request.body = xml::complete_body(parts);
    request
}

/// OSS: AbortMultipartUpload. `NoSuchUpload` means that it is done already.
pub fn abort_multipart_upload(object: ObjectRef<'_>, upload_id: &str, headers: &ObjectHeaders) -> ApiRequest {
    let query = [("uploadId", Some(upload_id))];
    build(Operation::AbortMultipartUpload, Method::Delete, object, &query, headers.for_others())
}

/// OSS: ListParts, from the part after `marker` on.
pub fn list_parts(
    object: ObjectRef<'_>,
    upload_id: &str,
    marker: u32,
    max_parts: u32,
    headers: &ObjectHeaders,
) -> ApiRequest {
    let (marker, max_parts) = (marker.to_string(), max_parts.to_string());
    let query = [
        ("uploadId", Some(upload_id)),
        ("max-parts", Some(max_parts.as_str())),
        ("part-number-marker", Some(marker.as_str())),
        ("encoding-type", Some("url")),
    ];
    build(Operation::ListParts, Method::Get, object, &query, headers.for_others())
}

/// OSS: HeadObject.
pub fn head_object(object: ObjectRef<'_>, headers: &ObjectHeaders) -> ApiRequest {
    build(Operation::HeadObject, Method::Head, object, &[], headers.for_others())
}

/// OSS: ListMultipartUploads, for the uploads of one key. The key itself sorts first among those that begin with it, so
/// one page is enough. Keys come back as they are, since `encoding-type` is not asked for.
pub fn list_multipart_uploads(object: ObjectRef<'_>, headers: &ObjectHeaders) -> ApiRequest {
    let query = [("uploads", None), ("prefix", Some(object.key)), ("max-uploads", Some("1000"))];
    let bucket = ObjectRef { bucket: object.bucket, key: "" };
    build(Operation::ListMultipartUploads, Method::Get, bucket, &query, headers.for_others())
}

/// OSS's have 32 bytes. It is in every request and in error messages.
const LONGEST_UPLOAD_ID: usize = 1024;

/// The upload id in the response to OSS: InitiateMultipartUpload.
pub fn initiated(response: &Response) -> Result<String> {
    let operation = Operation::InitiateMultipartUpload;
    let Some(Document::InitiateMultipartUploadResult(document)) = xml::parse(&response.body) else {
        return Err(unexpected(operation, response));
    };
    let upload_id = document.upload_id.as_deref().unwrap_or_default().trim();
    if upload_id.is_empty() || upload_id.len() > LONGEST_UPLOAD_ID {
        return Err(unexpected(operation, response));
    }
    Ok(upload_id.to_owned())
}

/// The response to OSS: UploadPart. Without an ETag the part cannot be named in Complete, so it is none.
pub fn part_uploaded(response: &Response) -> Result<UploadedPart> {
    let etag = response.etag().ok_or_else(|| unexpected(Operation::UploadPart, response))?;
    Ok(UploadedPart { etag, crc64: response.crc64() })
}

/// The response to OSS: PutObject; `callback` says whether one was asked for.
pub fn object_put(response: &Response, callback: bool) -> Result<Completed> {
    let operation = Operation::PutObject;
    if callback {
        return after_callback(operation, response);
    }
    if response.etag().is_none() && response.crc64().is_none() {
        return Err(unexpected(operation, response));
    }
    Ok(stored(response, None))
}

/// The response to OSS: CompleteMultipartUpload; `callback` says whether one was asked for.
pub fn completed(response: &Response, callback: bool) -> Result<Completed> {
    let operation = Operation::CompleteMultipartUpload;
    if callback {
        return after_callback(operation, response);
    }
    let Some(Document::CompleteMultipartUploadResult(document)) = xml::parse(&response.body) else {
        return Err(unexpected(operation, response));
    };
    Ok(stored(response, document.etag.as_deref().and_then(bare_etag)))
}

/// The response to OSS: ListParts that was asked for the parts after `marker`.
pub fn parts_page(response: &Response, marker: u32) -> Result<PartsPage> {
    let Some(Document::ListPartsResult(document)) = xml::parse(&response.body) else {
        return Err(unexpected(Operation::ListParts, response));
    };
    read_parts_page(&document, marker).ok_or_else(|| unexpected(Operation::ListParts, response))
}

/// The uploads of `key` in the response to OSS: ListMultipartUploads.
pub fn open_uploads(response: &Response, key: &str) -> Result<OpenUploads> {
    let Some(Document::ListMultipartUploadsResult(document)) = xml::parse(&response.body) else {
        return Err(unexpected(Operation::ListMultipartUploads, response));
    };
    let ours = document.upload.into_iter().filter(|upload| upload.key == key);
    let read = ours.filter_map(|upload| {
        let initiated = date::parse_iso(upload.initiated.trim())?;
        Some(OpenUpload { upload_id: upload.upload_id.trim().to_owned(), initiated })
    });
    Ok(OpenUploads { uploads: read.collect(), server_time: response.date() })
}

/// The response to OSS: HeadObject.
pub fn head(response: &Response) -> HeadInfo {
    HeadInfo {
        size: response.header("content-length").and_then(|size| size.parse().ok()),
        crc64: response.crc64(),
        etag: response.etag().unwrap_or_default(),
        version_id: response.version_id(),
        request_id: response.request_id().to_owned(),
    }
}

pub(super) fn build(
    operation: Operation,
    method: Method,
    object: ObjectRef<'_>,
    query: &[(&str, Option<&str>)],
    headers: Vec<(String, String)>,
) -> ApiRequest {
    ApiRequest {
        operation,
        method,
        bucket: object.bucket.to_owned(),
        key: object.key.to_owned(),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect(),
        headers,
        body: Vec::new(),
    }
}

fn set_default_content_type(request: &mut ApiRequest) {
    if request.header("content-type").is_none() {
        request.set_header("content-type", DEFAULT_CONTENT_TYPE);
    }
}

fn stored(response: &Response, etag: Option<String>) -> Completed {
    Completed {
        etag: etag.or_else(|| response.etag()).unwrap_or_default(),
        crc64: response.crc64(),
        version_id: response.version_id(),
        request_id: response.request_id().to_owned(),
        callback_body: Vec::new(),
        callback_error: None,
    }
}

/// OSS passes on less than 3 MB. What is longer was cut by us, and is nobody's words: the object is stored all the same.
const MOST_CALLBACK_RESPONSE: usize = 3 * 1024 * 1024;

/// OSS: Callback. The body is not OSS's own: it holds the application server's words, or, with status 203, why there
/// are none.
fn after_callback(operation: Operation, response: &Response) -> Result<Completed> {
    // A proxy's page must not pass for the application server's words.
    if response.request_id().is_empty() {
        return Err(unexpected(operation, response));
    }
    let mut completed = stored(response, None);
    if response.status == 203 {
        completed.callback_error = Some(ServiceError::parse(response).into_error(operation));
    } else if response.body.len() <= MOST_CALLBACK_RESPONSE {
        completed.callback_body = response.body.to_vec();
    }
    Ok(completed)
}

/// `None` when the page makes no sense: parts out of order, or a marker that would have the caller ask for ever.
fn read_parts_page(response: &xml::ListParts, marker: u32) -> Option<PartsPage> {
    let mut last = marker;
    let mut parts = Vec::with_capacity(response.part.len());
    for part in &response.part {
        let part = read_part(part)?;
        if part.number <= last || part.number > MAX_PART_NUMBER {
            return None;
        }
        last = part.number;
        parts.push(part);
    }
    let truncated = response.is_truncated.as_deref().is_some_and(|text| text.trim() == "true");
    if !truncated {
        return Some(PartsPage { parts, next: None });
    }
    let next: u32 = response.next_part_number_marker.as_deref()?.trim().parse().ok()?;
    (next > marker && next >= last).then_some(PartsPage { parts, next: Some(next) })
}

fn read_part(part: &xml::Part) -> Option<ListedPart> {
    Some(ListedPart {
        number: part.part_number.trim().parse().ok()?,
        size: part.size.trim().parse().ok()?,
        etag: bare_etag(&part.etag)?,
        crc64: part.hash_crc64ecma.as_deref().and_then(|crc64| crc64.trim().parse().ok()),
    })
}

/// A response of success that cannot be one of OSS. Asking again may reach OSS.
pub(super) fn unexpected(operation: Operation, response: &Response) -> Error {
    if let Some(Document::Error(_)) = xml::parse(&response.body) {
        return ServiceError::parse(response).into_error(operation);
    }
    let message = format!("{operation}: the server's response of status {} is not from OSS", response.status);
    Error::new(ErrorKind::Service, message)
        .with_service(response.status, "", "", response.request_id())
        .with_retryable(true)
        .hint("check the endpoint, and whether a proxy is in between")
}

#[cfg(test)]
mod tests {
    use super::super::object_headers::tests::headers;
    use super::super::response::tests::response;
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const OBJECT: ObjectRef<'static> = ObjectRef { bucket: "bucket", key: "dir/big.bin" };
    const ID: &str = "0004B9895DBBB6EC98E36";
    const REQUEST_ID: (&str, &str) = ("x-oss-request-id", "5C3D9175B6FC201293AD1234");

    fn no_headers() -> ObjectHeaders {
        ObjectHeaders::default()
    }

    #[test]
    fn requests_have_the_documented_methods_and_queries() {
        let none = &no_headers();
        for (request, method, query) in [
            (put_object(OBJECT, none), "PUT", ""),
            (initiate_multipart_upload(OBJECT, none), "POST", "uploads&encoding-type=url"),
            (upload_part(OBJECT, ID, 7, none), "PUT", "partNumber=7&uploadId=0004B9895DBBB6EC98E36"),
            (
                complete_multipart_upload(OBJECT, ID, [(1, "E")], none),
                "POST",
                "uploadId=0004B9895DBBB6EC98E36&encoding-type=url",
            ),
            (abort_multipart_upload(OBJECT, ID, none), "DELETE", "uploadId=0004B9895DBBB6EC98E36"),
            (
                list_parts(OBJECT, ID, 5, 1000, none),
                "GET",
                "uploadId=0004B9895DBBB6EC98E36&max-parts=1000&part-number-marker=5&encoding-type=url",
            ),
            (head_object(OBJECT, none), "HEAD", ""),
        ] {
            assert_eq!((request.method.as_str(), request.query_string().as_str()), (method, query));
            assert_eq!((request.bucket.as_str(), request.key.as_str()), ("bucket", "dir/big.bin"));
        }
    }

    #[test]
    fn requests_carry_their_headers_and_a_content_type() {
        let headers = headers(&[("content-type", "text/plain"), ("x-oss-request-payer", "requester")]).unwrap();
        assert_eq!(put_object(OBJECT, &headers).header("content-type"), Some("text/plain"));
        assert_eq!(put_object(OBJECT, &no_headers()).header("content-type"), Some(DEFAULT_CONTENT_TYPE));
        let initiate = initiate_multipart_upload(OBJECT, &no_headers());
        assert_eq!(initiate.header("content-type"), Some(DEFAULT_CONTENT_TYPE));
        let complete = complete_multipart_upload(OBJECT, ID, [(1, "E".to_owned())], &headers);
        assert_eq!(complete.header("content-type"), Some("application/xml"));
        assert!(complete.body.starts_with(b"<CompleteMultipartUpload><Part>"));
        for request in [upload_part(OBJECT, ID, 1, &headers), head_object(OBJECT, &headers)] {
            assert_eq!(request.headers, [("x-oss-request-payer".to_owned(), "requester".to_owned())]);
        }
    }

    #[test]
    fn open_uploads_of_the_key_alone_are_read() {
        let request = list_multipart_uploads(ObjectRef { bucket: "bucket", key: "a b" }, &no_headers());
        assert_eq!(
            (request.key.as_str(), request.query_string().as_str()),
            ("", "uploads&prefix=a%20b&max-uploads=1000")
        );
        let upload = |key: &str, id: &str, time: &str| {
            format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{time}</Initiated></Upload>")
        };
        let body = [
            upload("a b", "1", "2012-02-23T04:18:23.000Z"),
            upload("a b", "2", "some day"),
            upload("a bc", "3", "2012-02-23T04:18:23.000Z"),
        ]
        .concat();
        let page = format!("<ListMultipartUploadsResult><Prefix/>{body}</ListMultipartUploadsResult>");
        let found = open_uploads(&response(200, &[("date", "Sat, 16 Dec 2023 16:20:57 GMT")], &page), "a b").unwrap();
        assert_eq!(found.uploads.iter().map(|upload| upload.upload_id.as_str()).collect::<Vec<_>>(), ["1"]);
        assert_eq!(found.server_time, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_702_743_657)));
        let empty = response(200, &[], "<ListMultipartUploadsResult></ListMultipartUploadsResult>");
        assert_eq!(open_uploads(&empty, "a b").unwrap(), OpenUploads { uploads: vec![], server_time: None });
        assert!(open_uploads(&response(200, &[], "<html/>"), "a b").is_err());
    }

    #[test]
    fn the_upload_id_is_read() {
        let body = "<InitiateMultipartUploadResult><UploadId>\n 0004B9 \n</UploadId></InitiateMultipartUploadResult>";
        assert_eq!(initiated(&response(200, &[], body)).unwrap(), "0004B9");
    }

    #[test]
    fn a_success_that_is_none_is_an_error_worth_a_retry() {
        let error_in_200 = "<Error><Code>InternalError</Code><Message>m</Message></Error>";
        let error = initiated(&response(200, &[], error_in_200)).unwrap_err();
        assert_eq!((error.service_code(), error.is_retryable()), ("InternalError", true));
        let empty_id = "<InitiateMultipartUploadResult><UploadId> </UploadId></InitiateMultipartUploadResult>";
        let long_id = empty_id.replace("> <", &format!(">{}<", "i".repeat(LONGEST_UPLOAD_ID + 1)));
        for body in ["", "<html>login</html>", empty_id, &long_id, "<ListPartsResult/>"] {
            let error = initiated(&response(200, &[REQUEST_ID], body)).unwrap_err();
            assert!(error.is_retryable(), "{error}");
            assert_eq!(error.request_id(), REQUEST_ID.1);
        }
        assert!(part_uploaded(&response(200, &[], "")).is_err());
        assert!(object_put(&response(200, &[], "<html>login</html>"), false).is_err());
        assert!(completed(&response(200, &[], "<html>login</html>"), true).is_err());
        assert!(completed(&response(200, &[REQUEST_ID], "{}"), false).is_err());
    }

    #[test]
    fn a_part_and_a_put_are_read() {
        let headers = [("etag", "\"AB\""), ("x-oss-hash-crc64ecma", "7"), ("x-oss-version-id", "v")];
        let part = part_uploaded(&response(200, &headers, "")).unwrap();
        assert_eq!(part, UploadedPart { etag: "AB".to_owned(), crc64: Some(7) });
        let put = object_put(&response(200, &headers, ""), false).unwrap();
        assert_eq!((put.etag.as_str(), put.crc64, put.version_id.as_deref()), ("AB", Some(7), Some("v")));
        let put = object_put(&response(200, &[REQUEST_ID], "{}"), true).unwrap();
        assert_eq!(put.callback_body, b"{}");
    }

    #[test]
    fn a_completed_upload_is_read() {
        let body = "<CompleteMultipartUploadResult xmlns=\"http://x\"><ETag>W/\"B864-2\"</ETag>\
                    </CompleteMultipartUploadResult>";
        let done = completed(&response(200, &[("x-oss-hash-crc64ecma", "9")], body), false).unwrap();
        assert_eq!((done.etag.as_str(), done.crc64), ("B864-2", Some(9)));
        assert!(done.callback_body.is_empty() && done.callback_error.is_none());
        let done = completed(&response(200, &[REQUEST_ID, ("etag", "\"C\"")], "{}"), true).unwrap();
        assert_eq!((done.etag.as_str(), done.callback_body.as_slice()), ("C", &b"{}"[..]));
    }

    #[test]
    fn a_response_to_a_callback_that_was_cut_is_none_and_the_object_is_stored_all_the_same() {
        for (size, kept) in [(MOST_CALLBACK_RESPONSE, MOST_CALLBACK_RESPONSE), (MOST_CALLBACK_RESPONSE + 1, 0)] {
            let done = completed(&response(200, &[REQUEST_ID, ("etag", "\"C\"")], &"x".repeat(size)), true).unwrap();
            assert_eq!((done.etag.as_str(), done.callback_body.len()), ("C", kept));
        }
    }

    #[test]
    fn a_failed_callback_leaves_a_stored_object() {
        let body = "<Error><Code>CallbackFailed</Code><Message>Error status : 502.</Message></Error>";
        let reply = response(203, &[REQUEST_ID, ("x-oss-hash-crc64ecma", "9")], body);
        for done in [completed(&reply, true).unwrap(), object_put(&reply, true).unwrap()] {
            assert_eq!(done.crc64, Some(9));
            let error = done.callback_error.unwrap();
            assert_eq!((error.kind(), error.http_status()), (ErrorKind::CallbackFailed, 203));
            assert!(!error.is_retryable());
        }
    }

    fn page(rest: &str, marker: u32) -> Result<PartsPage> {
        parts_page(&response(200, &[], &format!("<ListPartsResult>{rest}</ListPartsResult>")), marker)
    }

    fn part(number: u32) -> String {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>\"E\"</ETag><Size>5</Size></Part>")
    }

    #[test]
    fn a_page_of_parts_is_read() {
        let rest = "<IsTruncated> true </IsTruncated><NextPartNumberMarker>3</NextPartNumberMarker>\
            <Part><PartNumber> 2 </PartNumber><LastModified>2012-02-23T07:01:34.000Z</LastModified>\
            <ETag>\"3349DC70\"</ETag><HashCrc64ecma>12345678901234567890</HashCrc64ecma><Size>\n6291456 </Size></Part>\
            <Part><PartNumber>3</PartNumber><ETag>W/&quot;E&quot;</ETag><Size>1</Size></Part>";
        let read = page(rest, 1).unwrap();
        let first =
            ListedPart { number: 2, size: 6_291_456, etag: "3349DC70".to_owned(), crc64: Some(12345678901234567890) };
        let second = ListedPart { number: 3, size: 1, etag: "E".to_owned(), crc64: None };
        assert_eq!(read, PartsPage { parts: vec![first, second], next: Some(3) });
    }

    #[test]
    fn an_empty_page_is_the_end() {
        assert_eq!(page("", 0).unwrap(), PartsPage { parts: vec![], next: None });
        let rest = "<IsTruncated>false</IsTruncated><NextPartNumberMarker>0</NextPartNumberMarker>";
        assert_eq!(page(rest, 0).unwrap().next, None);
    }

    #[test]
    fn senseless_pages_are_errors() {
        let on = |next: &str| format!("<IsTruncated>true</IsTruncated>{next}");
        for rest in [
            on(""),
            on("<NextPartNumberMarker>4</NextPartNumberMarker>"),
            on("<NextPartNumberMarker>x</NextPartNumberMarker>"),
            on(&format!("<NextPartNumberMarker>5</NextPartNumberMarker>{}", part(6))),
            part(4),
            part(10_001),
            part(0),
            format!("{}{}", part(6), part(6)),
            format!("{}{}", part(7), part(6)),
            "<Part><PartNumber>6</PartNumber><ETag>\"\"</ETag><Size>1</Size></Part>".to_owned(),
            "<Part><PartNumber>6</PartNumber><ETag>E</ETag><Size>-1</Size></Part>".to_owned(),
            "<Part><PartNumber>6</PartNumber><ETag>E</ETag></Part>".to_owned(),
        ] {
            assert!(page(&rest, 4).is_err(), "{rest}");
        }
    }

    #[test]
    fn an_object_is_read() {
        let headers = [("content-length", "12"), ("etag", "\"E\""), ("x-oss-hash-crc64ecma", "3")];
        let expected = HeadInfo {
            size: Some(12),
            crc64: Some(3),
            etag: "E".to_owned(),
            version_id: None,
            request_id: String::new(),
        };
        assert_eq!(head(&response(200, &headers, "")), expected);
    }

    proptest! {
        #[test]
        fn pages_always_go_on(numbers in prop::collection::vec(0u32..12_000, 0..5), next: u32, marker in 0u32..10_000) {
            let parts: String = numbers.iter().map(|number| part(*number)).collect();
            let next = format!("<NextPartNumberMarker>{next}</NextPartNumberMarker>");
            let rest = format!("<IsTruncated>true</IsTruncated>{next}{parts}");
            if let Ok(page) = page(&rest, marker) {
                prop_assert!(page.next.is_some_and(|next| next > marker));
                prop_assert!(page.parts.iter().all(|part| part.number > marker && part.number <= MAX_PART_NUMBER));
            }
        }
    }
}
