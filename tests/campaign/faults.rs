//! Faults that a client overcomes by itself.

use fastrand::Rng;

/// Each with the requests that it befalls.
const FAULTS: [(&str, &str); 16] = [
    (r#""UploadPart""#, r#"{"type":"status","status":500,"before_body":false}"#),
    (r#""UploadPart""#, r#"{"type":"reset","after_body_bytes":5000}"#),
    (r#"["UploadPart","PutObject"]"#, r#"{"type":"close","at":"before_response"}"#),
    (r#""UploadPart""#, r#"{"type":"close","at":"mid_response"}"#),
    (r#""UploadPart""#, r#"{"type":"wrong_crc"}"#),
    (r#"["UploadPart","PutObject"]"#, r#"{"type":"corrupt_body"}"#),
    (r#"["UploadPart","PutObject"]"#, r#"{"type":"status","status":503,"headers":{"Retry-After":"0"}}"#),
    (r#"["UploadPart","PutObject"]"#, r#"{"type":"stall","at":"before_response","ms":30}"#),
    (r#"["UploadPart","PutObject"]"#, r#"{"type":"drip","bytes":50,"ms":2}"#),
    (r#"["UploadPart","ListParts"]"#, r#"{"type":"close_idle"}"#),
    (r#"["ListParts","HeadObject","AbortMultipartUpload"]"#, r#"{"type":"status","status":503}"#),
    (r#"["InitiateMultipartUpload","CompleteMultipartUpload"]"#, r#"{"type":"reset","at":"before_processing"}"#),
    (r#""InitiateMultipartUpload""#, r#"{"type":"close","at":"before_response"}"#),
    (r#""CompleteMultipartUpload""#, r#"{"type":"close","at":"before_response"}"#),
    (r#""CompleteMultipartUpload""#, r#"{"type":"status","status":500,"before_body":false}"#),
    (r#"["UploadPart","CompleteMultipartUpload"]"#, r#"{"type":"weak_etag"}"#),
];

/// A fault script: at most four of them, each once or twice.
pub fn choose(rng: &mut Rng) -> String {
    let count = [0, 0, 0, 1, 1, 2, 4][rng.usize(..7)];
    let rule = |rng: &mut Rng| {
        let (operation, action) = FAULTS[rng.usize(..FAULTS.len())];
        let (from, times) = (rng.u32(..4), rng.u32(1..3));
        format!(r#"{{"match":{{"operation":{operation},"from":{from},"every":2,"times":{times}}},"action":{action}}}"#)
    };
    let rules: Vec<_> = (0..count).map(|_| rule(rng)).collect();
    format!("[{}]", rules.join(","))
}
