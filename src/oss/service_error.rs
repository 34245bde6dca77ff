//! What the server's refusals mean.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::request::Operation;
use super::xml::{self, Document, ErrorBody};
use crate::error::{Error, ErrorKind};
use crate::http::Response;
use crate::text::date;

/// The code of a response that is none of OSS's, as Alibaba Cloud's SDKs call it.
const BAD_ERROR_RESPONSE: &str = "BadErrorResponse";

/// How much of such a response is shown.
const SNIPPET_BYTES: usize = 256;

/// The longest text of the server in a message: the C API's message has room for it and for what to do.
const MAX_MESSAGE_CHARS: usize = 400;

/// The longest code, request id or host of the server.
const MAX_WORD_CHARS: usize = 128;

/// A server that asks for a longer pause is asked again all the same, so that a senseless response cannot stop an upload.
const MAX_DELAY: Duration = Duration::from_secs(120);

/// A response that is no success, read (OSS: error responses).
#[derive(Clone, Debug)]
pub struct ServiceError {
    /// The HTTP status.
    pub http_status: u16,
    /// OSS's code, such as `AccessDenied`; `BadErrorResponse` when the response holds none.
    pub code: String,
    /// The server's words, shortened.
    pub message: String,
    /// Empty when OSS did not answer.
    pub request_id: String,
    /// The detailed code (`x-oss-ec`), or empty.
    pub ec: String,
    /// The host that the bucket must be addressed by, when that is what is wrong.
    pub endpoint: Option<String>,
    /// The server's clock.
    pub server_time: Option<SystemTime>,
    /// How long the server asks to wait.
    pub delay: Option<Duration>,
    /// The server does not like how the request was signed, whatever the secret is.
    doubts_signature: bool,
    /// For the caller to say: the request was signed with V4.
    pub signed_v4: bool,
    /// For the caller to say: the proxy that may have answered in OSS's place.
    pub proxy: Option<String>,
}

impl ServiceError {
    /// Reads a response in any of its shapes: XML, its base64 in a header (HEAD has no body), JSON of a gateway, or
    /// something else from a proxy.
    pub fn parse(response: &Response) -> ServiceError {
        let body = error_body(response).unwrap_or_else(|| ErrorBody {
            code: Some(BAD_ERROR_RESPONSE.to_owned()),
            message: Some(snippet(&response.body)),
            ..ErrorBody::default()
        });
        let server_date = response.date();
        let message = word(body.message, MAX_MESSAGE_CHARS).unwrap_or_default();
        let doubts_signature = doubts_signature(response.status, body.code.as_deref().unwrap_or_default(), &message);
        ServiceError {
            http_status: response.status,
            code: word(body.code, MAX_WORD_CHARS).unwrap_or_default(),
            message: if repeats_the_signature(&message) { "(its text is withheld)".to_owned() } else { message },
            request_id: word(body.request_id.or_else(|| header(response, "x-oss-request-id")), MAX_WORD_CHARS)
                .unwrap_or_default(),
            ec: word(body.ec.or_else(|| header(response, "x-oss-ec")), MAX_WORD_CHARS).unwrap_or_default(),
            endpoint: word(body.endpoint, MAX_WORD_CHARS).filter(|host| is_host(host)),
            server_time: body.server_time.as_deref().and_then(date::parse_iso).or(server_date),
            delay: delay(response, server_date),
            doubts_signature,
            signed_v4: false,
            proxy: None,
        }
    }

    /// Whether the same request may succeed later (OSS: error responses; the retry rules of Alibaba Cloud's SDKs).
    pub fn is_retryable(&self) -> bool {
        match self.code.as_str() {
            "RequestTimeout"
            | "RequestTimeTooSkewed"
            | "BadRequest"
            | "InvalidDigest"
            | "OperationAborted"
            | "InternalError"
            | "QpsLimitExceeded"
            | "TooManyRequests" => true,
            "NotImplemented" => false,
            _ => matches!(self.http_status, 408 | 429) || (self.http_status >= 500 && self.http_status != 501),
        }
    }

    /// What a user is told: the operation, the server's words, and what to do.
    pub fn into_error(self, operation: Operation) -> Error {
        let kind = if self.http_status == 203 { ErrorKind::CallbackFailed } else { ErrorKind::Service };
        let mut message = format!("{operation}: the server returned {} {}", self.http_status, self.code);
        if !self.message.is_empty() {
            message = format!("{message}: {}", self.message.trim_end_matches('.'));
        }
        let error = Error::new(kind, message)
            .with_service(self.http_status, &self.code, &self.ec, &self.request_id)
            // The same request would be refused again, but the upload may go on with another token.
            .with_retryable(self.is_retryable() || self.code == "SecurityTokenExpired");
        match self.what_to_do(operation) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn what_to_do(&self, operation: Operation) -> Option<Cow<'static, str>> {
        if let Some(endpoint) = &self.endpoint {
            return Some(format!("use the endpoint {endpoint}").into());
        }
        if self.http_status == 203 {
            return Some("the object is stored, only the callback failed: do not upload again".into());
        }
        if self.signed_v4 && self.doubts_signature {
            return Some("the server may not support signature V4: set signature_version to V1".into());
        }
        if let Some(proxy) = self.proxy.as_ref().filter(|_| self.is_not_oss()) {
            return Some(
                format!("this may be the response of the proxy {proxy}: check whether it lets you through").into(),
            );
        }
        if self.code == "AccessDenied" {
            let permission = permission(operation);
            return Some(format!("check that the policy allows {permission} here, and the endpoint's region").into());
        }
        hint(&self.code).or_else(|| self.hint_of_status()).map(Cow::Borrowed)
    }

    fn is_not_oss(&self) -> bool {
        self.code == BAD_ERROR_RESPONSE && self.request_id.is_empty()
    }

    fn hint_of_status(&self) -> Option<&'static str> {
        match self.http_status {
            300..=399 => Some("redirects are not followed: use the endpoint that it points to"),
            429 | 503 => Some("the server limits the rate: try later, or with fewer routines"),
            407 => Some("a proxy requires credentials: set them in proxy, as http://user:password@host:port"),
            _ if self.is_not_oss() => {
                Some("this response is not from OSS: check the endpoint, and whether a proxy is in between")
            }
            _ => None,
        }
    }
}

/// Servers that know no V4 take the header `Authorization` for a damaged one of V1, or miss the `Date` that V1 has. A wrong
/// secret and a missing permission have codes of their own.
fn doubts_signature(status: u16, code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let signs =
        ["authorization", "authentication", "authenticate", "signature version", "signature method", "valid date"];
    let says = signs.iter().any(|sign| message.contains(sign));
    match code {
        "AuthorizationHeaderMalformed" => true,
        "SignatureDoesNotMatch" | "InvalidAccessKeyId" | "RequestTimeTooSkewed" => false,
        // Permission is what most of these are about.
        "AccessDenied" => message.contains("valid date"),
        _ => matches!(status, 400 | 401 | 403 | 501) && says,
    }
}

/// What to do about the codes that an upload meets (OSS: error codes).
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "SignatureDoesNotMatch" => {
            "check the access key secret and the region; a proxy that alters requests also causes this"
        }
        "InvalidAccessKeyId" => "check the access key ID; a temporary one needs its security token",
        "SecurityTokenExpired" => "get a new security token and resume",
        "InvalidSecurityToken" | "AccessKeyIdAndSecurityTokenNotMatch" => {
            "check that access key and security token were issued together"
        }
        "RequestTimeTooSkewed" => "set this machine's clock",
        "NoSuchBucket" => "check the bucket's name and the endpoint",
        "SecondLevelDomainForbidden" => "do not use path_style with this endpoint",
        "FileAlreadyExists" => "the object exists already, and x-oss-forbid-overwrite or a directory protects it",
        "FileImmutable" => "a retention policy of the bucket protects the object",
        "NoSuchUpload" => "the upload was completed or aborted meanwhile: start it again",
        "InvalidPart" | "InvalidPartOrder" => "another program may be writing to this upload: start it again",
        "EntityTooSmall" => "every part except the last needs at least 102400 bytes: use a larger part_size",
        "EntityTooLarge" => "the object or part is too large: see the limits of part_size",
        "InvalidDigest" => "the data changed in transit, or the given Content-MD5 is wrong",
        "RequestTimeout" => "the data arrived too slowly: check the network",
        "KmsServiceNotEnabled" => "enable KMS for the account, or use another encryption",
        "InDebt" | "InDebtOverdue" | "UserDisable" | "BucketDisable" => "check the account's state with Alibaba Cloud",
        _ => return None,
    })
}

/// What a policy must allow (OSS: RAM policies).
fn permission(operation: Operation) -> &'static str {
    match operation {
        Operation::PutObject
        | Operation::InitiateMultipartUpload
        | Operation::UploadPart
        | Operation::CompleteMultipartUpload => "oss:PutObject",
        Operation::AbortMultipartUpload => "oss:AbortMultipartUpload",
        Operation::ListParts => "oss:ListParts",
        Operation::HeadObject => "oss:GetObject",
        Operation::ListMultipartUploads => "oss:ListMultipartUploads",
        Operation::ListObjectsV2 => "oss:ListObjects",
    }
}

fn error_body(response: &Response) -> Option<ErrorBody> {
    let from_header = || {
        let xml = STANDARD.decode(response.header("x-oss-err")?).ok()?;
        from_xml(&xml)
    };
    let body = from_xml(&response.body).or_else(|| from_json(&response.body)).or_else(from_header)?;
    body.code.as_deref().is_some_and(|code| !code.trim().is_empty()).then_some(body)
}

fn from_xml(body: &[u8]) -> Option<ErrorBody> {
    match xml::parse(body) {
        Some(Document::Error(error)) => Some(error),
        _ => None,
    }
}

/// Gateways answer in JSON with the same names, in one case or another, sometimes below `Error`.
fn from_json(body: &[u8]) -> Option<ErrorBody> {
    let root: Value = serde_json::from_slice(body).ok()?;
    let error = field(&root, "Error").filter(|error| error.is_object()).unwrap_or(&root);
    let text = |name| field(error, name).and_then(Value::as_str).map(str::to_owned);
    Some(ErrorBody {
        code: text("Code"),
        message: text("Message"),
        request_id: text("RequestId"),
        ec: text("EC"),
        endpoint: text("Endpoint"),
        server_time: text("ServerTime"),
    })
}

fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = object.as_object()?;
    fields.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.header(name).map(str::to_owned)
}

/// A text of the server on one line and not too long; `None` when it is blank.
fn word(text: Option<String>, max_chars: usize) -> Option<String> {
    let text = text?;
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line: String = line.collect::<Vec<_>>().join(" ").chars().take(max_chars).collect();
    (!line.is_empty()).then_some(line)
}

/// The beginning of a body that nobody understands.
fn snippet(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(SNIPPET_BYTES)]);
    if repeats_the_signature(&String::from_utf8_lossy(body)) {
        return "(its text is withheld)".to_owned();
    }
    start.replace('\u{fffd}', "")
}

/// Whether a text may repeat the request's token or signature, as a debugging proxy's does: logs must not have it.
fn repeats_the_signature(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let signs = ["security-token", "hmac-sha256", "authorization:", "stringtosign", "canonicalrequest", "signature="];
    signs.iter().any(|sign| text.contains(sign))
}

/// It becomes part of an advice, so it must look like what it should be.
fn is_host(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
}

/// The pause that the server asks for: OSS's own header, or HTTP's (RFC 9110, Retry-After).
fn delay(response: &Response, server_date: Option<SystemTime>) -> Option<Duration> {
    let throttle = response.header("x-oss-qos-delay-time").and_then(amount).map(Duration::from_millis);
    let retry_after = response.header("retry-after").and_then(|text| match amount(text) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        // Both dates are by the server's clock, so a wrong local one does not matter.
        None => date::parse_http_date(text)?.duration_since(server_date?).ok(),
    });
    throttle.max(retry_after).map(|delay| delay.min(MAX_DELAY))
}

/// A number without a sign. One that is too large for its type is as large as it can be.
fn amount(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;
    use crate::http::Headers;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    const SKEWED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n<Code>\nRequestTimeTooSkewed </Code>
        <Message>The difference between the request time and the current time is too large.</Message>
        <RequestId>5C3D</RequestId><HostId>h</HostId><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>
        <RequestTime>2023-12-16T14:20:57.000Z</RequestTime><ServerTime>2023-12-16T16:20:57.000Z</ServerTime>
        <EC>0002-00000504</EC></Error>";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn of_code(status: u16, code: &str) -> ServiceError {
        ServiceError::parse(&response(status, &[], &format!("<Error><Code>{code}</Code></Error>")))
    }

    #[test]
    fn xml_is_read() {
        let error = ServiceError::parse(&response(403, &[("x-oss-request-id", "other")], SKEWED));
        assert_eq!((error.code.as_str(), error.ec.as_str()), ("RequestTimeTooSkewed", "0002-00000504"));
        assert_eq!(error.request_id, "5C3D");
        assert_eq!(error.server_time, Some(at(1_702_743_657)));
        let error = error.into_error(Operation::UploadPart);
        assert_eq!(
            error.message(),
            "UploadPart: the server returned 403 RequestTimeTooSkewed: The difference between the request time and the \
             current time is too large; set this machine's clock"
        );
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::Service, 403));
        assert_eq!((error.ec(), error.request_id()), ("0002-00000504", "5C3D"));
        assert!(error.is_retryable());
    }

    #[test]
    fn the_header_of_a_head_response_is_read() {
        let xml = STANDARD.encode("<Error><Code>NoSuchKey</Code><Message>m</Message></Error>");
        let headers = [("x-oss-err", xml.as_str()), ("x-oss-ec", "0026-00000001"), ("x-oss-request-id", "R")];
        let error = ServiceError::parse(&response(404, &headers, ""));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("NoSuchKey", "m"));
        assert_eq!((error.ec.as_str(), error.request_id.as_str()), ("0026-00000001", "R"));
    }

    #[test]
    fn json_is_read() {
        for body in [
            r#"{"Code":"AccessDenied","Message":"m","RequestId":"R"}"#,
            r#"{"error":{"code":"AccessDenied","message":"m","requestId":"R"}}"#,
        ] {
            let error = ServiceError::parse(&response(403, &[], body));
            assert_eq!((error.code.as_str(), error.message.as_str()), ("AccessDenied", "m"), "{body}");
            assert_eq!(error.request_id, "R");
        }
    }

    #[test]
    fn a_proxys_page_is_shown_in_part() {
        let page = format!("<html>\r\n<h1>502 Bad\tGateway</h1>{}</html>", "目".repeat(300));
        let error = ServiceError::parse(&response(502, &[("date", "Sat, 16 Dec 2023 16:20:57 GMT")], &page));
        assert_eq!(error.code, "BadErrorResponse");
        assert!(error.message.starts_with("<html> <h1>502 Bad Gateway</h1>目") && error.message.len() <= 256);
        assert_eq!(error.server_time, Some(at(1_702_743_657)));
        let error = error.into_error(Operation::PutObject);
        assert!(error.is_retryable());
        assert!(error.message().ends_with("whether a proxy is in between"), "{error}");
    }

    #[test]
    fn an_empty_response_is_read() {
        let error = ServiceError::parse(&response(500, &[], ""));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("BadErrorResponse", ""));
        assert!(error.is_retryable());
    }

    #[test]
    fn nothing_that_repeats_the_request_is_shown() {
        let xml = "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><OSSAccessKeyId>ak</OSSAccessKeyId>\
            <StringToSign>x-oss-security-token:TOKEN</StringToSign><CanonicalRequest>TOKEN</CanonicalRequest></Error>";
        let broken = &xml[..xml.len() - 3];
        let late = format!("<html>{}x-oss-security-token: TOKEN", " ".repeat(220));
        for body in [xml, broken, "<html>X-Oss-Security-Token: TOKEN", "Authorization: TOKEN", &late] {
            let error = ServiceError::parse(&response(403, &[], body));
            assert!(!format!("{error:?}").contains("TOKEN"), "{error:?}");
            assert!(!error.into_error(Operation::PutObject).message().contains("TOKEN"));
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let xml = format!("<Error><Code>{0}</Code><Message>{0}</Message></Error>", "x ".repeat(5000));
        let error = ServiceError::parse(&response(400, &[], &xml)).into_error(Operation::PutObject);
        assert!(error.message().len() < 640, "{}", error.message().len());
    }

    #[test]
    fn a_server_that_knows_no_v4_is_recognised() {
        let said = |status, code: &str, message: &str, signed_v4| {
            let xml = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            let error = ServiceError { signed_v4, ..ServiceError::parse(&response(status, &[], &xml)) };
            error.into_error(Operation::PutObject).message().contains("signature_version")
        };
        for (status, code, message) in [
            (400, "InvalidArgument", "Authorization header is invalid."),
            (400, "InvalidArgument", "Unsupported Authorization Type"),
            (400, "InvalidRequest", "The authorization mechanism you have provided is not supported."),
            (400, "AuthorizationHeaderMalformed", "x"),
            (403, "AccessDenied", "OSS authentication requires a valid Date."),
            (501, "NotImplemented", "The signature version is not supported"),
            (401, "Unauthorized", "authentication failed"),
        ] {
            assert!(said(status, code, message, true), "{code} {message}");
            assert!(!said(status, code, message, false), "{code} {message}");
        }
        for (status, code, message) in [
            (403, "AccessDenied", "The authorization policy forbids it."),
            (
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the Authorization header.",
            ),
            (400, "InvalidArgument", "The storage class is not valid."),
            (500, "InternalError", "authentication backend"),
        ] {
            assert!(!said(status, code, message, true), "{code} {message}");
        }
        let text = ServiceError {
            signed_v4: true,
            ..ServiceError::parse(&response(400, &[], "Authorization header is invalid"))
        };
        assert!(text.into_error(Operation::PutObject).message().contains("signature_version"));
    }

    #[test]
    fn a_proxy_that_may_have_answered_is_named() {
        let said = |response: &Response| {
            let error = ServiceError { proxy: Some("proxy:3128".into()), ..ServiceError::parse(response) };
            error.into_error(Operation::PutObject).message().contains("proxy:3128")
        };
        for status in [403, 502, 503, 504] {
            assert!(said(&response(status, &[], "<html>squid</html>")), "{status}");
            assert!(!said(&response(status, &[("x-oss-request-id", "5C3D")], "")), "{status}");
            assert!(!said(&response(status, &[], "<Error><Code>X</Code></Error>")), "{status}");
        }
        let error = ServiceError::parse(&response(407, &[], "")).into_error(Operation::PutObject);
        assert!(error.message().contains("user:password@host:port"), "{error}");
    }

    #[test]
    fn a_wrong_endpoint_is_named() {
        let xml = "<Error><Code>AccessDenied</Code><Message>The bucket you are attempting to access must be addressed \
            using the specified endpoint. </Message><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
        let error = ServiceError::parse(&response(403, &[], xml)).into_error(Operation::PutObject);
        assert!(error.message().ends_with("endpoint; use the endpoint oss-cn-beijing.aliyuncs.com"), "{error}");
        let odd = xml.replace("oss-cn-beijing.aliyuncs.com", "run rm -rf /");
        assert_eq!(ServiceError::parse(&response(403, &[], &odd)).endpoint, None);
    }

    #[test]
    fn each_operation_names_its_permission() {
        let error = of_code(403, "AccessDenied").into_error(Operation::ListParts);
        assert!(error.message().contains("oss:ListParts"), "{error}");
        assert!(!error.is_retryable());
    }

    #[test]
    fn what_may_succeed_later_is_tried_again() {
        for (status, code) in [
            (400, "RequestTimeout"),
            (400, "BadRequest"),
            (400, "InvalidDigest"),
            (403, "RequestTimeTooSkewed"),
            (408, "X"),
            (409, "OperationAborted"),
            (429, "X"),
            (500, "InternalError"),
            (503, "UploadTrafficRateLimitExceeded"),
        ] {
            assert!(of_code(status, code).is_retryable(), "{status} {code}");
        }
        for (status, code) in [
            (203, "CallbackFailed"),
            (304, "NotModified"),
            (400, "InvalidArgument"),
            (401, "X"),
            (403, "AccessDenied"),
            (403, "SignatureDoesNotMatch"),
            (404, "NoSuchUpload"),
            (409, "FileAlreadyExists"),
            (411, "MissingContentLength"),
            (501, "NotImplemented"),
            (501, "X"),
        ] {
            assert!(!of_code(status, code).is_retryable(), "{status} {code}");
        }
    }

    #[test]
    fn the_servers_pause_is_read_and_capped() {
        let delay_of = |headers: &[(&str, &str)]| ServiceError::parse(&response(503, headers, "")).delay;
        let date = ("date", "Sat, 16 Dec 2023 16:20:57 GMT");
        assert_eq!(delay_of(&[]), None);
        assert_eq!(delay_of(&[("x-oss-qos-delay-time", "1500")]), Some(Duration::from_millis(1500)));
        assert_eq!(delay_of(&[("retry-after", "7"), ("x-oss-qos-delay-time", "1")]), Some(Duration::from_secs(7)));
        assert_eq!(delay_of(&[("retry-after", "Sat, 16 Dec 2023 16:21:07 GMT"), date]), Some(Duration::from_secs(10)));
        assert_eq!(delay_of(&[("retry-after", "Sat, 16 Dec 2023 16:20:07 GMT"), date]), None);
        assert_eq!(delay_of(&[("retry-after", "Sat, 16 Dec 2023 16:21:07 GMT")]), None);
        assert_eq!(delay_of(&[("retry-after", "999999999")]), Some(MAX_DELAY));
        assert_eq!(delay_of(&[("retry-after", "99999999999999999999999")]), Some(MAX_DELAY));
        assert_eq!(delay_of(&[("x-oss-qos-delay-time", "99999999999999999999999")]), Some(MAX_DELAY));
        for senseless in ["soon", "", "-1", "+1", "1.5", "1e9"] {
            assert_eq!(delay_of(&[("retry-after", senseless), ("x-oss-qos-delay-time", senseless)]), None);
        }
    }

    proptest! {
        #[test]
        fn no_response_makes_it_panic(
            status in 100u16..600,
            body in prop::collection::vec(any::<u8>(), 0..400),
            header in any::<String>(),
            text in "(<Error><Code>)?[<>/A-Za-z&;!\\[\\]{}:\"目 -]{0,80}",
        ) {
            let names = ["x-oss-err", "retry-after", "date", "x-oss-request-id", "x-oss-ec", "x-oss-qos-delay-time"];
            let mut headers = Headers::default();
            names.into_iter().for_each(|name| headers.push(name, &header));
            for body in [body.clone(), text.clone().into_bytes()] {
                let error = ServiceError::parse(&Response { status, headers: headers.clone(), body: body.into() });
                prop_assert!(!error.code.is_empty());
                prop_assert!(error.message.chars().count() <= MAX_MESSAGE_CHARS);
                prop_assert!(!error.into_error(Operation::PutObject).message().contains('\n'));
            }
        }
    }
}
