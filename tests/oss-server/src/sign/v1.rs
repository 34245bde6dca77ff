//! Signature version 1: HMAC-SHA1 over a few headers, the date and the resource.

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Request;

/// Query parameters that are part of the signed resource, besides every `x-oss-*`.
const SUB_RESOURCES: &[&str] = &[
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "callback",
    "callback-var",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectInfo",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "requesterQosInfo",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "responseHeader",
    "restore",
    "rtc",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "udf",
    "udfApplication",
    "udfApplicationLog",
    "udfId",
    "udfImage",
    "udfImageDesc",
    "udfName",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "withHashContext",
    "worm",
    "wormExtend",
    "wormId",
];

/// The text that is signed. `date` is the request's date, or the expiry of a presigned URL in Unix seconds.
#[must_use]
pub fn string_to_sign(request: &Request, date: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let head =
        [request.method.as_bytes(), request.header("content-md5"), request.header("content-type"), date.as_bytes()];
    for line in head {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend(request.header_lines(|name| name.starts_with("x-oss-")));
    text.extend(canonical_resource(request).into_bytes());
    text
}

/// The base64 signature of a text.
#[must_use]
pub fn signature(secret: &str, string_to_sign: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(string_to_sign);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

fn canonical_resource(request: &Request) -> String {
    let mut signed: Vec<&(String, String)> =
        request.query.iter().filter(|(name, _)| name.starts_with("x-oss-") || is_sub_resource(name)).collect();
    signed.sort();
    let pairs: Vec<String> = signed
        .iter()
        .map(|(name, value)| if value.is_empty() { name.clone() } else { format!("{name}={value}") })
        .collect();
    let resource = request.resource();
    if pairs.is_empty() { resource } else { format!("{resource}?{}", pairs.join("&")) }
}

fn is_sub_resource(name: &str) -> bool {
    SUB_RESOURCES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_binary_search() {
        assert!(SUB_RESOURCES.is_sorted());
    }
}
