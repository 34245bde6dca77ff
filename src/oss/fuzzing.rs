//! Any bytes as responses, and as what users say.

use std::time::{Duration, SystemTime};

use super::api::{self, ObjectRef};
use super::service_error::ServiceError;
use super::{
    Endpoint, ObjectHeaders, Operation, SignatureHeaders, bare_etag, check_bucket, check_key, sign_v1, sign_v4,
};
use crate::credentials::Credentials;
use crate::http::{Headers, Response};
use crate::text::percent;

/// The longest message that an error may have: what a server says is cut.
const LONGEST_MESSAGE: usize = 16 * 1024;

/// The input is a status, a line for each header, an empty line, and a body: what each call makes of it.
pub fn responses(input: &[u8]) {
    let response = response(input);
    let errors = [
        api::initiated(&response).map(|id| assert!((1..=1024).contains(&id.len()))).err(),
        api::part_uploaded(&response).map(|part| assert!((1..=256).contains(&part.etag.len()))).err(),
        api::object_put(&response, false).err(),
        api::object_put(&response, true).err(),
        api::completed(&response, false).err(),
        api::completed(&response, true).err(),
        api::open_uploads(&response, "key").err(),
    ];
    errors.iter().flatten().for_each(|error| assert!(error.message().len() <= LONGEST_MESSAGE));
    for marker in [0, 1, 9_999] {
        let Ok(page) = api::parts_page(&response, marker) else { continue };
        assert!(page.parts.iter().all(|part| (marker + 1..=10_000).contains(&part.number)));
        assert!(page.parts.is_sorted_by(|a, b| a.number < b.number));
        assert!(page.next.is_none_or(|next| next > marker));
    }
    let head = api::head(&response);
    assert_eq!(bare_etag(&head.etag).unwrap_or_default(), head.etag);
    let error = ServiceError::parse(&response).into_error(Operation::UploadPart);
    assert!(error.message().len() <= LONGEST_MESSAGE);
}

fn response(input: &[u8]) -> Response {
    let (status, rest) = input.split_at_checked(2).unwrap_or((&[0, 0], input));
    let (head, body) = match rest.windows(2).position(|window| window == b"\n\n") {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (&[][..], rest),
    };
    let head = String::from_utf8_lossy(head);
    let mut headers = Headers::default();
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        headers.push(&name.to_ascii_lowercase(), value);
    }
    Response { status: 100 + u16::from_be_bytes([status[0], status[1]]) % 900, headers, body: body.to_vec().into() }
}

/// The input is an endpoint, a region, a bucket, a key, and a line for each header. What is accepted makes requests of one
/// line for each header, to the host that was named.
pub fn texts(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (endpoint, region, bucket, key) = (next(), next(), next(), next());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (Ok(()), Ok(())) = (check_bucket(bucket), check_key(key)) else { return };
    let object = ObjectRef { bucket, key };
    if let Ok(headers) = ObjectHeaders::new(&headers) {
        assert_one_line_each(&api::put_object(object, &headers).headers);
        assert_one_line_each(&api::initiate_multipart_upload(object, &headers).headers);
        assert_one_line_each(&api::complete_multipart_upload(object, "id", [(1, "E")], &headers).headers);
    }
    let Ok(none) = ObjectHeaders::new(&[]) else { panic!("no headers are right") };
    let region = Some(region).filter(|region| !region.is_empty());
    for (cname, path_style) in [(false, false), (false, true), (true, false)] {
        let parsed = Endpoint::parse(Some(endpoint), region, cname, path_style);
        let Ok(endpoint) = parsed.and_then(|endpoint| endpoint.for_bucket(bucket)) else { continue };
        let url = endpoint.url(&api::put_object(object, &none));
        let is_plain = |c: char| c.is_ascii_graphic();
        assert!(url.chars().all(is_plain), "{url:?}");
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or_default();
        let mut authority = String::new();
        endpoint.push_authority(&mut authority, bucket);
        assert_eq!(host.to_ascii_lowercase(), authority.to_ascii_lowercase(), "{url}");
        let mut encoded = String::new();
        percent::push_path(&mut encoded, key);
        assert!(path.ends_with(&encoded), "{url}");
    }
}

fn assert_one_line_each(headers: &[(String, String)]) {
    for (name, value) in headers {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
        assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
    }
}

/// A signed request: what another implementation needs to sign it.
pub struct Signed {
    /// Such as `PUT`.
    pub method: &'static str,
    /// Names and values that are not encoded.
    pub query: Vec<(String, Option<String>)>,
    /// Names and values, with those that signing has set.
    pub headers: Vec<(String, String)>,
}

/// The request UploadPart to this key with these headers, signed with version 1 and version 4, so many seconds after 1970.
pub fn signed(key: &str, upload_id: &str, headers: &[(String, String)], seconds: u32) -> [Signed; 2] {
    let credentials = Credentials::new("id", "secret", Some("token".to_owned()));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    let Ok(none) = ObjectHeaders::new(&[]) else { panic!("no headers are right") };
    let request = |sign: &dyn Fn(&super::ApiRequest) -> SignatureHeaders| {
        let mut request = api::upload_part(ObjectRef { bucket: "bucket", key }, upload_id, 1, &none);
        headers.iter().for_each(|(name, value)| request.set_header(name, value.as_str()));
        let signing = sign(&request);
        signing.into_iter().for_each(|(name, value)| request.set_header(name, value));
        Signed { method: request.method.as_str(), query: request.query, headers: request.headers }
    };
    [
        request(&|request| sign_v1::sign(request, &credentials, now)),
        request(&|request| sign_v4::Signer::new(&credentials, "cn-hangzhou", "oss", now).sign(request, &credentials)),
    ]
}
