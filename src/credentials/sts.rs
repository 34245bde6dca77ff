//! Calls of the Security Token Service, which gives temporary credentials for a role.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::key_response::{KeyResponse, from_json, sentence, word};
use super::{Credentials, Issued, ProviderContext, Secret, failed};
use crate::error::{Error, Result};
use crate::http::{Limits, Method, Request, Response};
use crate::sync::atomic::AtomicBool;
use crate::text::date;
use crate::text::percent::UNRESERVED;

const PATIENCE: Duration = Duration::from_secs(10);
/// How long the credentials of a role live when nothing else is asked for; STS gives none for less than the second.
const USUAL_SECONDS: u32 = 3600;
const LEAST_SECONDS: u32 = 900;
const USUAL_SESSION: &str = "oss-upload";

/// The role to take on, and where to ask for it.
pub(super) struct Role {
    context: Arc<ProviderContext>,
    server: String,
    arn: String,
    session: String,
    seconds: u32,
    policy: Option<String>,
    external_id: Option<String>,
}

/// What a profile says of a role. What is `None` has a usual value.
#[derive(Debug, Default)]
pub(super) struct RoleOptions<'a> {
    pub arn: &'a str,
    pub session: Option<&'a str>,
    pub seconds: Option<u32>,
    pub policy: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub region: Option<&'a str>,
    pub vpc: bool,
}

type Parameters = Vec<(&'static str, Secret)>;

impl Role {
    pub(super) fn new(context: Arc<ProviderContext>, options: &RoleOptions<'_>) -> Result<Self> {
        if options.arn.is_empty() {
            return Err(failed("the ARN of the role is missing"));
        }
        let variables = &context.variables;
        let session = options.session.or(variables.get("ALIBABA_CLOUD_ROLE_SESSION_NAME")?);
        let server = match variables.get("ALIBABA_CLOUD_STS_ENDPOINT")? {
            Some(given) if given.contains("://") => given.trim_end_matches('/').to_owned(),
            Some(given) => format!("https://{given}"),
            None => {
                let region = options.region.or(variables.get("ALIBABA_CLOUD_STS_REGION")?);
                let vpc = options.vpc || variables.is_true("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED")?;
                server_of(region, vpc)?
            }
        };
        Ok(Role {
            server,
            arn: options.arn.into(),
            session: session.unwrap_or(USUAL_SESSION).into(),
            seconds: options.seconds.filter(|seconds| *seconds > 0).unwrap_or(USUAL_SECONDS).max(LEAST_SECONDS),
            policy: options.policy.map(str::to_owned),
            external_id: options.external_id.map(str::to_owned),
            context,
        })
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// Calls AssumeRole, signed with `credentials`.
    pub(super) fn assume(&self, credentials: &Credentials, stop: &Arc<AtomicBool>) -> Result<Issued> {
        let mut form = self.form();
        if let Some(id) = &self.external_id {
            form.push(("ExternalId", id.as_str().into()));
        }
        self.call("AssumeRole", form, Some(credentials), stop)
    }

    /// Calls AssumeRoleWithOIDC, which is not signed.
    pub(super) fn assume_with_oidc(&self, provider_arn: &str, token: Secret, stop: &Arc<AtomicBool>) -> Result<Issued> {
        let mut form = self.form();
        form.extend([("OIDCProviderArn", provider_arn.into()), ("OIDCToken", token)]);
        self.call("AssumeRoleWithOIDC", form, None, stop)
    }

    fn form(&self) -> Parameters {
        let mut form = vec![
            ("RoleArn", self.arn.as_str().into()),
            ("RoleSessionName", self.session.as_str().into()),
            ("DurationSeconds", self.seconds.to_string().into()),
        ];
        if let Some(policy) = &self.policy {
            form.push(("Policy", policy.as_str().into()));
        }
        form
    }

    fn call(
        &self,
        action: &str,
        form: Parameters,
        signer: Option<&Credentials>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Issued> {
        let mut response = self.attempt(action, &form, signer, (self.context.clock)(), stop)?;
        if response.status != 200
            && let Some(time) = complains_about_the_time(&response)
        {
            // Our clock is wrong, and theirs is in the response.
            response = self.attempt(action, &form, signer, time, stop)?;
        }
        if response.status != 200 {
            return Err(refusal(action, &response));
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Body {
            credentials: KeyResponse,
        }
        let body = from_json::<Body>(&response.body);
        let issued = body.and_then(|body| body.credentials.into_issued());
        issued.map_err(|why| failed(format!("the response of STS to {action} {why}")))
    }

    fn attempt(
        &self,
        action: &str,
        form: &Parameters,
        signer: Option<&Credentials>,
        time: SystemTime,
        stop: &Arc<AtomicBool>,
    ) -> Result<Response> {
        let mut query: Parameters = vec![
            ("Action", action.into()),
            ("Format", "JSON".into()),
            ("Version", "2015-04-01".into()),
            ("Timestamp", date::iso_extended(time).into()),
        ];
        if let Some(signer) = signer {
            let nonce = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
            query.extend([
                ("SignatureMethod", "HMAC-SHA1".into()),
                ("SignatureVersion", "1.0".into()),
                ("SignatureNonce", nonce.into()),
                ("AccessKeyId", signer.access_key_id().into()),
            ]);
            query.extend(signer.security_token().map(|token| ("SecurityToken", token.into())));
            let signature = signature("POST", query.iter().chain(form), signer.access_key_secret());
            query.push(("Signature", signature.into()));
        }
        let url = Zeroizing::new(format!("{}/?{}", self.server, *encoded(query.iter())));
        let body = encoded(form.iter());
        let request = Request {
            method: Method::Post,
            url: &url,
            headers: vec![("content-type", "application/x-www-form-urlencoded")],
            body: body.as_bytes(),
            limits: Limits::all(PATIENCE),
        };
        Ok(self.context.send(&request, stop)?)
    }
}

/// The public host of a region, or the one inside its private networks.
fn server_of(region: Option<&str>, vpc: bool) -> Result<String> {
    match region {
        None if vpc => Err(failed("the STS endpoint of a VPC needs a region: set ALIBABA_CLOUD_STS_REGION")),
        None => Ok("https://sts.aliyuncs.com".into()),
        Some(region) if region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            Ok(format!("https://sts{}.{region}.aliyuncs.com", if vpc { "-vpc" } else { "" }))
        }
        Some(_) => Err(failed("the STS region may contain only letters, digits and '-'")),
    }
}

/// The signature of an RPC call (OSS: AssumeRole): over all parameters, those of the form too, sorted by name.
fn signature<'a>(method: &str, parameters: impl Iterator<Item = &'a (&'static str, Secret)>, secret: &str) -> String {
    let mut sorted: Vec<_> = parameters.collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let canonical = encoded(sorted.into_iter());
    let text = Zeroizing::new(format!("{method}&%2F&{}", utf8_percent_encode(&canonical, UNRESERVED)));
    let key = Zeroizing::new(format!("{secret}&"));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn encoded<'a>(parameters: impl Iterator<Item = &'a (&'static str, Secret)>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, UNRESERVED));
    }
    text
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StsRefusal {
    code: String,
    message: String,
    request_id: String,
}

fn read_refusal(response: &Response) -> StsRefusal {
    from_json(&response.body).unwrap_or_default()
}

fn complains_about_the_time(response: &Response) -> Option<SystemTime> {
    let refusal = read_refusal(response);
    refusal.code.starts_with("InvalidTimeStamp").then(|| date::parse_http_date(response.header("date")?)).flatten()
}

fn refusal(action: &str, response: &Response) -> Error {
    let StsRefusal { code, message, request_id } = read_refusal(response);
    let mut text = format!("STS returned {} for {action}", response.status);
    if !code.is_empty() {
        text = format!("{text}: {}", word(&code));
        // It repeats what was to be signed, with the token in it.
        if !code.starts_with("Signature") && !message.is_empty() {
            text = format!("{text}: {}", sentence(&message));
        }
    }
    if !request_id.is_empty() {
        text = format!("{text} (request id {})", word(&request_id));
    }
    let retryable = matches!(response.status, 408 | 429 | 500..) || code.starts_with("Throttling");
    failed(text).with_retryable(retryable)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, context};
    use super::*;

    const KEY: &str = r#"{"RequestId":"R","Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"s",
        "SecurityToken":"t","Expiration":"2023-12-16T17:20:57Z"}}"#;

    fn source() -> Credentials {
        Credentials::new("source-id", "source-secret-that-nobody-sees", Some("source-token/+=".into()))
    }

    fn role(variables: &[(&str, &str)], script: &Script, options: &RoleOptions<'_>) -> Role {
        Role::new(context(variables, script), options).unwrap()
    }

    fn assume(script: &Script) -> Result<Issued> {
        role(&[], script, &RoleOptions { arn: "acs:ram::1:role/x", ..RoleOptions::default() })
            .assume(&source(), &Arc::default())
    }

    /// The example of Alibaba Cloud's documentation of RPC signatures.
    #[test]
    fn the_vendors_example_is_signed_as_the_vendor_does() {
        let parameters: Parameters = [
            ("Timestamp", "2016-02-23T12:46:24Z"),
            ("Format", "XML"),
            ("AccessKeyId", "testid"),
            ("Action", "DescribeRegions"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("Version", "2014-05-26"),
            ("SignatureVersion", "1.0"),
        ]
        .map(|(name, value)| (name, value.into()))
        .into();
        assert_eq!(signature("GET", parameters.iter(), "testsecret"), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
    }

    #[test]
    fn all_parameters_are_sent_and_signed() {
        let script = Script::new([(200, KEY)]);
        let options = RoleOptions {
            arn: "acs:ram::1:role/x",
            session: Some("me"),
            seconds: Some(1000),
            policy: Some("{\"a\": 1}"),
            external_id: Some("e"),
            region: Some("cn-hangzhou"),
            vpc: true,
        };
        let issued = role(&[], &script, &options).assume(&source(), &Arc::default()).unwrap();
        assert_eq!(issued.credentials, Credentials::new("STS.x", "s", Some("t".into())));
        let asked = &script.asked()[0];
        let (server, query) = asked.line.split_once("/?").unwrap();
        assert_eq!(server, "POST https://sts-vpc.cn-hangzhou.aliyuncs.com");
        for expected in [
            "Action=AssumeRole&Format=JSON&Version=2015-04-01&Timestamp=2023-12-16T16%3A20%3A57Z&",
            "&AccessKeyId=source-id&SecurityToken=source-token%2F%2B%3D&Signature=",
        ] {
            assert!(query.contains(expected), "{query}");
        }
        assert_eq!(
            asked.body,
            "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fx&RoleSessionName=me&DurationSeconds=1000&Policy=%7B%22a%22%3A%201%7D&\
             ExternalId=e"
        );
        assert!(!asked.line.contains("source-secret"));
    }

    #[test]
    fn a_call_with_oidc_is_not_signed() {
        let script = Script::new([(200, KEY)]);
        let role = role(
            &[("ALIBABA_CLOUD_STS_ENDPOINT", "http://127.0.0.1:1/")],
            &script,
            &RoleOptions { arn: "r", ..RoleOptions::default() },
        );
        role.assume_with_oidc("p", "a.b".into(), &Arc::default()).unwrap();
        let asked = &script.asked()[0];
        assert!(asked.line.starts_with("POST http://127.0.0.1:1/?Action=AssumeRoleWithOIDC&"), "{asked:?}");
        assert!(!asked.line.contains("Signature") && !asked.line.contains("AccessKeyId"), "{asked:?}");
        assert!(
            asked.body.ends_with("RoleSessionName=oss-upload&DurationSeconds=3600&OIDCProviderArn=p&OIDCToken=a.b")
        );
    }

    #[test]
    fn the_host_follows_from_the_region() {
        let server = |variables: &[(&str, &str)], region, vpc| {
            let options = RoleOptions { arn: "r", region, vpc, ..RoleOptions::default() };
            Role::new(context(variables, &Script::new([])), &options).map(|role| role.server)
        };
        let in_region = ("ALIBABA_CLOUD_STS_REGION", "cn-beijing");
        let in_vpc = ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true");
        assert_eq!(server(&[], None, false).unwrap(), "https://sts.aliyuncs.com");
        assert_eq!(server(&[in_region], None, false).unwrap(), "https://sts.cn-beijing.aliyuncs.com");
        assert_eq!(server(&[in_region], Some("cn-x"), false).unwrap(), "https://sts.cn-x.aliyuncs.com");
        assert_eq!(server(&[in_region, in_vpc], None, false).unwrap(), "https://sts-vpc.cn-beijing.aliyuncs.com");
        assert_eq!(server(&[("ALIBABA_CLOUD_STS_ENDPOINT", "sts.x")], None, true).unwrap(), "https://sts.x");
        assert!(server(&[in_vpc], None, false).is_err());
        assert!(server(&[], Some("x.evil/"), false).is_err());
    }

    #[test]
    fn a_wrong_clock_is_put_right() {
        let script = Script::new([(400, r#"{"Code":"InvalidTimeStamp.Expired"}"#), (200, KEY)]);
        assume(&script).unwrap();
        let asked = script.asked();
        assert!(asked[1].line.contains("Timestamp=2023-12-16T17%3A20%3A57Z"), "{asked:?}");
        let complaint = (400, r#"{"Code":"InvalidTimeStamp.Expired"}"#);
        assert!(assume(&Script::new([complaint, complaint])).is_err());
    }

    #[test]
    fn refusals_are_told_without_what_they_repeat() {
        for (status, body, retryable, expected) in [
            (
                403,
                r#"{"RequestId":"4C5A","HostId":"h","Code":"NoPermission","Message":"Not authorized by RAM."}"#,
                false,
                "STS returned 403 for AssumeRole: NoPermission: Not authorized by RAM (request id 4C5A)",
            ),
            (
                400,
                r#"{"Code":"SignatureDoesNotMatch","Message":"to sign is:POST&SecurityToken%3Dsource-token"}"#,
                false,
                "STS returned 400 for AssumeRole: SignatureDoesNotMatch",
            ),
            (400, r#"{"Code":"Throttling.User"}"#, true, "STS returned 400 for AssumeRole: Throttling.User"),
            (503, "<html>source-token", true, "STS returned 503 for AssumeRole"),
            (200, "source-token", false, "the response of STS to AssumeRole is not the expected JSON"),
            (200, "{}", false, "the response of STS to AssumeRole lacks AccessKeyId or AccessKeySecret"),
        ] {
            let error = assume(&Script::new([(status, body)])).unwrap_err();
            assert_eq!(error.message(), expected);
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
    }
}
