//! Who sends a request, and whether the signature proves it.

use time::{Duration, OffsetDateTime};

use crate::clock;
use crate::config::AccessKey;
use crate::error::{OssError, Result};
use crate::keys::Keys;
use crate::sign::{self, v1, v4};

const MAX_SKEW: Duration = Duration::minutes(15);
const LONGEST_PRESIGN: i64 = 604_800;

/// What a request says about its signer, not yet proven.
#[derive(Debug)]
pub(crate) enum Claim {
    Anonymous,
    V1 { id: String, signature: String },
    V1Url { id: String, signature: String, expires: String },
    V4(V4Claim),
    V4Url { claim: V4Claim, date: String, expires: String },
    Malformed(OssError),
}

#[derive(Debug)]
pub(crate) struct V4Claim {
    id: String,
    scope: v4::Scope,
    additional: Vec<String>,
    signature: String,
}

/// What the server checks a claim against.
pub(crate) struct Authority<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) region: &'a str,
    pub(crate) now: OffsetDateTime,
    pub(crate) allow_anonymous: bool,
}

impl Claim {
    pub(crate) fn of(request: &sign::Request) -> Self {
        let header = String::from_utf8_lossy(request.header("authorization")).into_owned();
        let result = if let Some(rest) = header.strip_prefix(v4::ALGORITHM) {
            v4_header(rest).map(Claim::V4)
        } else if let Some(rest) = header.strip_prefix("OSS ") {
            v1_header(rest)
        } else if !header.is_empty() {
            Err(malformed("0002-00000203", "Authorization header is invalid.", &header))
        } else if request.query("x-oss-signature-version").is_some() {
            v4_url(request)
        } else if request.query("Signature").is_some() || request.query("OSSAccessKeyId").is_some() {
            v1_url(request)
        } else {
            Ok(Claim::Anonymous)
        };
        result.unwrap_or_else(Claim::Malformed)
    }

    pub(crate) fn version(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::V1 { .. } => "v1",
            Self::V1Url { .. } => "v1-presigned",
            Self::V4(_) => "v4",
            Self::V4Url { .. } => "v4-presigned",
            Self::Malformed(_) => "malformed",
        }
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::V1 { id, .. } | Self::V1Url { id, .. } => Some(id),
            Self::V4(claim) | Self::V4Url { claim, .. } => Some(&claim.id),
            Self::Anonymous | Self::Malformed(_) => None,
        }
    }

    /// The names of the headers that the signature covers.
    pub(crate) fn signed_headers(&self, request: &sign::Request) -> Vec<String> {
        let additional: &[String] = match self {
            Self::V4(claim) | Self::V4Url { claim, .. } => &claim.additional,
            Self::Anonymous | Self::Malformed(_) => return Vec::new(),
            Self::V1 { .. } | Self::V1Url { .. } => &[],
        };
        let v1 = matches!(self, Self::V1 { .. });
        let signed = |name: &str| {
            v4::is_default_signed(name) || (v1 && name == "date") || additional.iter().any(|more| more == name)
        };
        let mut names: Vec<_> =
            request.headers.iter().map(|(name, _)| name.clone()).filter(|name| signed(name)).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Authority<'_> {
    /// Checks everything about a claim.
    pub(crate) fn check(&self, claim: &Claim, request: &sign::Request) -> Result<()> {
        match claim {
            Claim::Malformed(error) => Err(error.clone()),
            Claim::Anonymous if self.allow_anonymous => Ok(()),
            Claim::Anonymous => Err(OssError::access_denied("Anonymous access is forbidden for this operation.")),
            Claim::V1 { id, signature } => self.check_v1(request, id, signature),
            Claim::V1Url { id, signature, expires } => self.check_v1_url(request, id, signature, expires),
            Claim::V4(claim) => self.check_v4(request, claim),
            Claim::V4Url { claim, date, expires } => self.check_v4_url(request, claim, date, expires),
        }
    }

    fn check_v1(&self, request: &sign::Request, id: &str, signature: &str) -> Result<()> {
        let key = self.key(id, request.header("x-oss-security-token"))?;
        let oss_date = String::from_utf8_lossy(request.header("x-oss-date")).into_owned();
        let date = String::from_utf8_lossy(request.header("date")).into_owned();
        let dates: Vec<&str> = [oss_date.as_str(), &date].into_iter().filter(|date| !date.is_empty()).collect();
        let time = dates.first().and_then(|date| clock::parse_rfc1123(date).or_else(|| clock::parse_compact(date)));
        let time = time.ok_or_else(|| OssError::access_denied("OSS authentication requires a valid Date."))?;
        self.check_skew(time)?;
        // Official SDKs disagree on which of the two dates is signed; OSS takes either.
        let texts: Vec<_> = dates.iter().map(|date| v1::string_to_sign(request, date)).collect();
        if texts.iter().any(|text| sign::same(&v1::signature(&key.secret, text), signature)) {
            return Ok(());
        }
        Err(v1_mismatch(id, signature, &texts[0]))
    }

    fn check_v1_url(&self, request: &sign::Request, id: &str, signature: &str, expires: &str) -> Result<()> {
        let key = self.key(id, request.query("security-token").unwrap_or("").as_bytes())?;
        let end: i64 = expires.parse().map_err(|_| {
            OssError::invalid_argument("0002-00000227", "Expires must be an integer.", "Expires", expires)
        })?;
        let text = v1::string_to_sign(request, expires);
        if !sign::same(&v1::signature(&key.secret, &text), signature) {
            return Err(v1_mismatch(id, signature, &text));
        }
        self.check_end(OffsetDateTime::from_unix_timestamp(end).unwrap_or(self.now))
    }

    fn check_v4(&self, request: &sign::Request, claim: &V4Claim) -> Result<()> {
        self.check_scope(&claim.scope)?;
        let payload = String::from_utf8_lossy(request.header("x-oss-content-sha256")).into_owned();
        if payload != v4::UNSIGNED_PAYLOAD {
            let message = "Invalid x-oss-content-sha256: only UNSIGNED-PAYLOAD is supported.";
            return Err(OssError::invalid_argument("0002-00000223", message, "x-oss-content-sha256", &payload));
        }
        // Alibaba Cloud's first Go SDK knows no x-oss-date: it signs Date, in the form that Date has.
        let names = ["x-oss-date", "date"];
        let date = names.iter().map(|name| request.header(name)).find(|date| !date.is_empty()).unwrap_or(b"");
        let date = String::from_utf8_lossy(date).into_owned();
        let time = v4_time(&date, &claim.scope)?;
        let key = self.key(&claim.id, request.header("x-oss-security-token"))?;
        self.check_skew(time)?;
        check_v4_signature(request, claim, &key, &date)
    }

    fn check_v4_url(&self, request: &sign::Request, claim: &V4Claim, date: &str, expires: &str) -> Result<()> {
        self.check_scope(&claim.scope)?;
        let time = v4_time(date, &claim.scope)?;
        let seconds = expires.parse().ok().filter(|seconds| (1..=LONGEST_PRESIGN).contains(seconds));
        let seconds = seconds.ok_or_else(|| {
            let message = "x-oss-expires must be an integer between 1 and 604800.";
            OssError::invalid_argument("0002-00000227", message, "x-oss-expires", expires)
        })?;
        let key = self.key(&claim.id, request.query("x-oss-security-token").unwrap_or("").as_bytes())?;
        if time - self.now > MAX_SKEW {
            return Err(self.skewed(time));
        }
        check_v4_signature(request, claim, &key, date)?;
        self.check_end(time + Duration::seconds(seconds))
    }

    fn check_scope(&self, scope: &v4::Scope) -> Result<()> {
        if scope.region != self.region {
            let message = format!(
                "Invalid signing region in Authorization header: {}. The bucket is in {}.",
                scope.region, self.region
            );
            return Err(OssError::invalid_argument("0002-00000206", &message, "region", &scope.region)
                .with("Region", self.region));
        }
        let product = if self.region.starts_with("cb-") { "oss-cloudbox" } else { "oss" };
        if scope.product != product {
            let message = format!("Invalid signing product in Authorization header: {}.", scope.product);
            return Err(OssError::invalid_argument("0002-00000208", &message, "product", &scope.product));
        }
        Ok(())
    }

    fn key(&self, id: &str, token: &[u8]) -> Result<AccessKey> {
        let unknown =
            |message| OssError::new(403, "InvalidAccessKeyId", "0002-00000902", message).with("OSSAccessKeyId", id);
        let missing = "The OSS Access Key Id you provided does not exist in our records.";
        let key = self.keys.get(id).ok_or_else(|| unknown(missing))?;
        let token = String::from_utf8_lossy(token);
        match key.token.as_deref() {
            Some(_) if token.is_empty() => Err(unknown(missing)),
            wanted if !sign::same(wanted.unwrap_or(""), &token) => {
                let message = "The security token you provided is invalid.";
                Err(OssError::new(403, "InvalidSecurityToken", "0002-00000901", message))
            }
            _ if key.expired => {
                let message = "The security token you provided has expired.";
                Err(OssError::new(403, "SecurityTokenExpired", "0002-00000007", message))
            }
            _ => Ok(key),
        }
    }

    fn check_skew(&self, time: OffsetDateTime) -> Result<()> {
        if (time - self.now).abs() > MAX_SKEW { Err(self.skewed(time)) } else { Ok(()) }
    }

    fn skewed(&self, time: OffsetDateTime) -> OssError {
        let message = "The difference between the request time and the current time is too large.";
        OssError::new(403, "RequestTimeTooSkewed", "0002-00000504", message)
            .with("MaxAllowedSkewMilliseconds", MAX_SKEW.whole_milliseconds().to_string())
            .with("RequestTime", clock::iso(time))
            .with("ServerTime", clock::iso(self.now))
    }

    fn check_end(&self, end: OffsetDateTime) -> Result<()> {
        if self.now <= end {
            return Ok(());
        }
        Err(OssError::new(403, "AccessDenied", "0002-00000069", "Request has expired.")
            .with("Expires", clock::iso(end))
            .with("ServerTime", clock::iso(self.now)))
    }
}

fn check_v4_signature(request: &sign::Request, claim: &V4Claim, key: &AccessKey, date: &str) -> Result<()> {
    let canonical = v4::canonical_request(request, &claim.additional);
    let text = v4::string_to_sign(&canonical, date, &claim.scope);
    if sign::same(&v4::signature(&key.secret, &claim.scope, &text), &claim.signature) {
        return Ok(());
    }
    Err(mismatch(&claim.id, &claim.signature, text.as_bytes())
        .with("CanonicalRequest", String::from_utf8_lossy(&canonical)))
}

fn v1_mismatch(id: &str, signature: &str, text: &[u8]) -> OssError {
    mismatch(id, signature, text)
}

fn mismatch(id: &str, signature: &str, text: &[u8]) -> OssError {
    let message = "The request signature we calculated does not match the signature you provided. Check your key and \
                   signing method.";
    let bytes: Vec<_> = text.iter().map(|byte| format!("{byte:02X}")).collect();
    OssError::new(403, "SignatureDoesNotMatch", "0002-00000040", message)
        .with("OSSAccessKeyId", id)
        .with("SignatureProvided", signature)
        .with("StringToSign", String::from_utf8_lossy(text))
        .with("StringToSignBytes", bytes.join(" "))
}

fn malformed(ec: &'static str, message: &str, value: &str) -> OssError {
    OssError::invalid_argument(ec, message, "Authorization", value)
}

fn v1_header(rest: &str) -> Result<Claim> {
    match rest.trim().rsplit_once(':') {
        Some((id, signature)) if !id.is_empty() && !signature.is_empty() => {
            Ok(Claim::V1 { id: id.to_owned(), signature: signature.to_owned() })
        }
        _ => Err(malformed("0002-00000203", "Authorization header is invalid.", rest)),
    }
}

fn v1_url(request: &sign::Request) -> Result<Claim> {
    let take = |name| {
        let found = request.query(name).filter(|value| !value.is_empty()).map(str::to_owned);
        found.ok_or_else(|| {
            let message = "A presigned URL needs OSSAccessKeyId, Expires and Signature.";
            OssError::invalid_argument("0002-00000207", message, name, "")
        })
    };
    Ok(Claim::V1Url { id: take("OSSAccessKeyId")?, signature: take("Signature")?, expires: take("Expires")? })
}

fn v4_header(rest: &str) -> Result<V4Claim> {
    let bad = || malformed("0002-00000207", "Authorization header is malformed.", rest);
    let (mut credential, mut additional, mut signature) = (None, "", None);
    for item in rest.split(',') {
        match item.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("AdditionalHeaders", value)) => additional = value,
            Some(("Signature", value)) => signature = Some(value),
            _ => return Err(bad()),
        }
    }
    let (id, scope) = parse_credential(credential.ok_or_else(bad)?).ok_or_else(bad)?;
    let signature = signature.ok_or_else(bad)?.to_owned();
    Ok(V4Claim { id, scope, additional: additional_names(additional), signature })
}

fn v4_url(request: &sign::Request) -> Result<Claim> {
    let take = |name| {
        let found = request.query(name).filter(|value| !value.is_empty());
        found.ok_or_else(|| OssError::invalid_argument("0002-00000207", "The presigned URL is incomplete.", name, ""))
    };
    let version = take("x-oss-signature-version")?;
    if version != v4::ALGORITHM {
        let message = "Invalid x-oss-signature-version.";
        return Err(OssError::invalid_argument("0002-00000210", message, "x-oss-signature-version", version));
    }
    let credential = take("x-oss-credential")?;
    let (id, scope) = parse_credential(credential).ok_or_else(|| {
        OssError::invalid_argument("0002-00000207", "Invalid credential.", "x-oss-credential", credential)
    })?;
    let additional = additional_names(request.query("x-oss-additional-headers").unwrap_or(""));
    let claim = V4Claim { id, scope, additional, signature: take("x-oss-signature")?.to_owned() };
    Ok(Claim::V4Url { claim, date: take("x-oss-date")?.to_owned(), expires: take("x-oss-expires")?.to_owned() })
}

fn additional_names(list: &str) -> Vec<String> {
    list.split(';').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect()
}

fn parse_credential(credential: &str) -> Option<(String, v4::Scope)> {
    let items: Vec<&str> = credential.split('/').collect();
    match items.as_slice() {
        [id, day, region, product, v4::TERMINATOR] if !id.is_empty() => Some((
            (*id).to_owned(),
            v4::Scope { day: (*day).to_owned(), region: (*region).to_owned(), product: (*product).to_owned() },
        )),
        _ => None,
    }
}

/// The time of a version 4 request, whose day must be that of the scope.
fn v4_time(date: &str, scope: &v4::Scope) -> Result<OffsetDateTime> {
    let time = clock::parse_compact(date).or_else(|| clock::parse_rfc1123(date));
    time.filter(|time| clock::compact(*time).starts_with(&scope.day)).ok_or_else(|| {
        let message = "x-oss-date must have the form YYYYMMDDTHHMMSSZ and be of the scope's day.";
        OssError::invalid_argument("0002-00000224", message, "x-oss-date", date)
    })
}
