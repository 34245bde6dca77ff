//! The table: each fault, and how an upload ends that meets it again and again.

use oss_upload::ErrorKind;

/// The requests of an upload without a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    PutObject,
    InitiateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
}

pub const REQUESTS: [Request; 4] =
    [Request::PutObject, Request::InitiateMultipartUpload, Request::UploadPart, Request::CompleteMultipartUpload];

/// How an upload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Stored,
    /// Without a response of the server.
    Fails(ErrorKind),
    /// With this status and code of the server.
    Refused(u16, &'static str),
    /// The fault makes no sense for this request.
    Unused,
}

pub struct Fault {
    pub name: &'static str,
    pub action: &'static str,
    /// What trying again is good for.
    pub cure: Cure,
    /// When it is there for ever: PutObject, Initiate, UploadPart, Complete.
    pub for_ever: [End; 4],
    /// Peers that keep a client waiting are left after this, instead of the usual two seconds.
    pub stall_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// It is gone when the fault is.
    Retry,
    /// The server has said no: asking again is pointless, and is not done.
    None,
}

impl Fault {
    const fn new(name: &'static str, action: &'static str, cure: Cure, for_ever: [End; 4]) -> Fault {
        Fault { name, action, cure, for_ever, stall_ms: None }
    }

    const fn with_stall(mut self, ms: u64) -> Fault {
        self.stall_ms = Some(ms);
        self
    }
}

use Cure::{None as Pointless, Retry};
use End::{Fails, Refused, Stored, Unused};

const NETWORK: End = Fails(ErrorKind::Network);
const TIMEOUT: End = Fails(ErrorKind::Timeout);
const MISMATCH: End = Fails(ErrorKind::ChecksumMismatch);

pub static FAULTS: &[Fault] = &[
    // The server cannot, for the moment.
    Fault::new("500", r#"{"type":"status","status":500}"#, Retry, [Refused(500, "InternalError"); 4]),
    Fault::new(
        "500 once the body has arrived",
        r#"{"type":"status","status":500,"before_body":false}"#,
        Retry,
        [Refused(500, "InternalError"); 4],
    ),
    Fault::new(
        "500 without a body",
        r#"{"type":"status","status":500,"body":"empty"}"#,
        Retry,
        [Refused(500, "BadErrorResponse"); 4],
    ),
    Fault::new(
        "503 with a delay",
        r#"{"type":"status","status":503,"headers":{"x-oss-qos-delay-time":"30"}}"#,
        Retry,
        [Refused(503, "ServiceUnavailable"); 4],
    ),
    Fault::new(
        "503 to be tried again at once",
        r#"{"type":"status","status":503,"headers":{"Retry-After":"0"}}"#,
        Retry,
        [Refused(503, "ServiceUnavailable"); 4],
    ),
    Fault::new("429", r#"{"type":"status","status":429}"#, Retry, [Refused(429, "QpsLimitExceeded"); 4]),
    Fault::new(
        "400 that says too slow",
        r#"{"type":"status","status":400,"code":"RequestTimeout"}"#,
        Retry,
        [Refused(400, "RequestTimeout"); 4],
    ),
    // Somebody else answers.
    Fault::new(
        "502 of a proxy",
        r#"{"type":"status","status":502,"body":"html"}"#,
        Retry,
        [Refused(502, "BadErrorResponse"); 4],
    ),
    Fault::new(
        "503 of a gateway in JSON",
        r#"{"type":"status","status":503,"body":"json","code":"Overloaded"}"#,
        Retry,
        [Refused(503, "Overloaded"); 4],
    ),
    Fault::new("200 of a login page", r#"{"type":"status","status":200,"body":"html"}"#, Retry, [Refused(200, ""); 4]),
    // The server says no.
    Fault::new("403", r#"{"type":"status","status":403}"#, Pointless, [Refused(403, "AccessDenied"); 4]),
    Fault::new(
        "404",
        r#"{"type":"status","status":404,"code":"NoSuchBucket"}"#,
        Pointless,
        [Refused(404, "NoSuchBucket"); 4],
    ),
    Fault::new(
        "301",
        r#"{"type":"status","status":301,"code":"Moved","headers":{"Location":"http://127.0.0.1:1/"}}"#,
        Pointless,
        [Refused(301, "Moved"); 4],
    ),
    Fault::new(
        "501",
        r#"{"type":"status","status":501,"code":"NotImplemented"}"#,
        Pointless,
        [Refused(501, "NotImplemented"); 4],
    ),
    // The connection breaks.
    Fault::new("reset before the body", r#"{"type":"reset","at":"before_body"}"#, Retry, [NETWORK; 4]),
    Fault::new("close before the body", r#"{"type":"close","at":"before_body"}"#, Retry, [NETWORK; 4]),
    Fault::new(
        "reset in the body",
        r#"{"type":"reset","after_body_bytes":50}"#,
        Retry,
        [NETWORK, Unused, NETWORK, NETWORK],
    ),
    Fault::new(
        "close in the body",
        r#"{"type":"close","after_body_bytes":50}"#,
        Retry,
        [NETWORK, Unused, NETWORK, NETWORK],
    ),
    Fault::new("reset after the body", r#"{"type":"reset","at":"before_processing"}"#, Retry, [NETWORK; 4]),
    Fault::new("close after the body", r#"{"type":"close","at":"before_processing"}"#, Retry, [NETWORK; 4]),
    // What was asked for is done, but nobody hears of it. That of Complete is settled by a look at the object.
    Fault::new(
        "close without a response",
        r#"{"type":"close","at":"before_response"}"#,
        Retry,
        [NETWORK, NETWORK, NETWORK, Stored],
    ),
    Fault::new(
        "reset without a response",
        r#"{"type":"reset","at":"before_response"}"#,
        Retry,
        [NETWORK, NETWORK, NETWORK, Stored],
    ),
    Fault::new(
        "close in the response",
        r#"{"type":"close","at":"mid_response"}"#,
        Retry,
        [NETWORK, NETWORK, NETWORK, Stored],
    ),
    Fault::new(
        "reset in the response",
        r#"{"type":"reset","at":"mid_response","after_response_bytes":60}"#,
        Retry,
        [NETWORK, NETWORK, NETWORK, Stored],
    ),
    // The server keeps us waiting. Complete may take it minutes, and is given them.
    Fault::new(
        "silence before the body",
        r#"{"type":"stall","at":"before_body","ms":1500}"#,
        Retry,
        [TIMEOUT, TIMEOUT, TIMEOUT, Stored],
    )
    .with_stall(500),
    Fault::new(
        "silence in the body",
        r#"{"type":"stall","after_body_bytes":100,"ms":1500}"#,
        Retry,
        [TIMEOUT, Unused, TIMEOUT, Stored],
    )
    .with_stall(500),
    Fault::new(
        "silence before the response",
        r#"{"type":"stall","at":"before_response","ms":1500}"#,
        Retry,
        [TIMEOUT, TIMEOUT, TIMEOUT, Stored],
    )
    .with_stall(500),
    Fault::new("a response in small drops", r#"{"type":"drip","bytes":50,"ms":5}"#, Retry, [Stored; 4]),
    Fault::new("a body that is taken slowly", r#"{"type":"slow_read","bytes_per_second":1000000}"#, Retry, [Stored; 4]),
    Fault::new("a connection that closes behind the response", r#"{"type":"close_idle"}"#, Retry, [Stored; 4]),
    Fault::new(
        "a connection that is reset behind the response",
        r#"{"type":"close_idle","reset":true,"after_ms":2}"#,
        Retry,
        [Stored; 4],
    ),
    // What arrives is not what was sent.
    Fault::new("a wrong CRC-64", r#"{"type":"wrong_crc"}"#, Retry, [MISMATCH, Unused, MISMATCH, Stored]),
    Fault::new("no CRC-64", r#"{"type":"no_crc"}"#, Retry, [Stored; 4]),
    Fault::new(
        "a body that is damaged on its way",
        r#"{"type":"corrupt_body","offset":30}"#,
        Retry,
        [Refused(400, "InvalidDigest"), Unused, MISMATCH, Unused],
    ),
    Fault::new(
        "a wrong ETag",
        r#"{"type":"wrong_etag"}"#,
        Retry,
        [Stored, Unused, Refused(400, "InvalidPart"), Stored],
    ),
    Fault::new("a weak ETag", r#"{"type":"weak_etag"}"#, Retry, [Stored; 4]),
    Fault::new("a head of 60 KiB", r#"{"type":"long_head","bytes":61440,"headers":30}"#, Retry, [Stored; 4]),
    // Others interfere.
    Fault::new(
        "an upload that vanishes",
        r#"{"type":"drop_upload"}"#,
        Retry,
        [Unused, Unused, Refused(404, "NoSuchUpload"), Refused(404, "NoSuchUpload")],
    ),
    Fault::new(
        "a part that somebody else replaces",
        r#"{"type":"replace_part"}"#,
        Retry,
        [Unused, Unused, Refused(400, "InvalidPart"), Unused],
    ),
    Fault::new("an object that appears", r#"{"type":"object_appears","text":"theirs"}"#, Retry, [Stored; 4]),
    // The clocks differ.
    Fault::new("a clock that is ahead", r#"{"type":"clock","offset":1200}"#, Retry, [Stored; 4]),
    Fault::new("a clock that is a day behind", r#"{"type":"clock","offset":-86400}"#, Retry, [Stored; 4]),
];
