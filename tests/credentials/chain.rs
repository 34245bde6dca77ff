//! The default chain, when no source is named.

use super::run::Case;
use super::vendor::*;
use crate::common::system::not_unicode;

#[test]
fn the_first_that_has_some_is_used() {
    let case = Case::new().on_ecs();
    assert_eq!(case.upload(None).unwrap(), "STS.1");

    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    let key = format!("[default]\naccessKeyID={SOURCE_ID}\naccessKeySecret={SOURCE_SECRET}\n");
    case.write(".ossutilconfig", &key);
    assert_eq!(case.upload(None).unwrap(), SOURCE_ID);

    let case = case.with_oidc();
    assert_eq!(case.upload(None).unwrap(), "STS.2");
    assert_eq!(case.vendor.asked().last().unwrap(), "POST / AssumeRoleWithOIDC");

    case.oss.add_access_key(oss_server::AccessKey::new("an-id", format!("{SECRET}0")));
    let case = case.with("OSS_ACCESS_KEY_ID", "an-id").with("OSS_ACCESS_KEY_SECRET", format!("{SECRET}0"));
    assert_eq!(case.upload(None).unwrap(), "an-id");

    let case = Case::new();
    let url = format!("{}/key", case.vendor.url());
    assert_eq!(case.with("ALIBABA_CLOUD_CREDENTIALS_URI", url).upload(None).unwrap(), "STS.1");
}

#[test]
fn who_was_tried_and_why_each_had_nothing_is_told() {
    let case = Case::new();
    case.write(".aliyun/config.json", &format!(r#"{{"profiles":[{{"name":"other","mode":"OAuth","x":"{TOKEN}"}}]}}"#));
    let error = case.upload(None).unwrap_err();
    assert_eq!((error.kind.as_str(), error.retryable), ("Credentials", false));
    let home = case.scratch.path("home");
    for reason in [
        "no credentials from the default chain: env: OSS_ACCESS_KEY_ID is not set; oidc: ALIBABA_CLOUD_ROLE_ARN is not set; ",
        &format!("profile: {} has no profile default; ecs-role: ", home.join(".aliyun/config.json").display()),
        "127.0.0.1:1",
        "; uri: ALIBABA_CLOUD_CREDENTIALS_URI is not set",
    ] {
        assert!(error.message.contains(reason), "{reason}: {error:?}");
    }
    assert!(error.message.len() < 768, "the C API cuts it: {}", error.message.len());
}

#[test]
fn the_source_that_signs_is_told() {
    let case = Case::new().on_ecs();
    assert_eq!(case.upload_and_tell(None).unwrap(), format!("access key id STS.1, from ecs-role {ROLE}"));
    let case = case.with_oidc();
    assert_eq!(case.upload_and_tell(None).unwrap(), format!("access key id STS.2, from oidc, role {ROLE_ARN}"));
    let case = with_somebody_else(Case::new());
    let path = case.scratch.path("home").join(".ossutilconfig");
    let expected = format!("access key id {SOURCE_ID}, from profile default in {}", path.display());
    assert_eq!(case.upload_and_tell(None).unwrap(), expected);
    let case = Case::new();
    let expected = format!("access key id STS.1, from uri {}", case.vendor.url());
    assert_eq!(case.upload_and_tell(Some(&case.vendor.uri())).unwrap(), expected);
}

/// A whole key of another identity, in the last file that is looked at.
fn with_somebody_else(case: Case) -> Case {
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    let key = format!("[default]\naccessKeyID={SOURCE_ID}\naccessKeySecret={SOURCE_SECRET}\n");
    case.write(".ossutilconfig", &key);
    assert_eq!(case.upload(None).unwrap(), SOURCE_ID);
    case
}

/// The upload fails for this reason, and nobody signs.
fn assert_ends(case: &Case, reason: &str, retryable: bool) {
    let before = case.oss.log().len();
    let error = case.upload(None).expect_err(reason);
    assert!(error.message.contains(&format!("no credentials from the default chain: {reason}")), "{reason}: {error:?}");
    assert!(
        error.message.ends_with("it is configured, so no other source is tried: repair it or remove it"),
        "{error:?}"
    );
    assert_eq!((error.retryable, case.oss.log().len()), (retryable, before), "{error:?}");
}

#[test]
fn broken_variables_let_nobody_else_sign() {
    const ID: &str = "OSS_ACCESS_KEY_ID";
    let broken = "it".to_owned() + SECRET;
    for (given, reason) in [
        (vec![(ID, "an-id")], "env: OSS_ACCESS_KEY_SECRET is not set"),
        (vec![(ID, "an-id"), ("OSS_ACCESS_KEY_SECRET", "")], "env: OSS_ACCESS_KEY_SECRET is not set"),
        (vec![("OSS_ACCESS_KEY_SECRET", &broken)], "env: OSS_ACCESS_KEY_ID is not set"),
        (vec![("ALIBABA_CLOUD_ACCESS_KEY_ID", "i")], "env: ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set"),
        (vec![(ID, "an-id"), ("OSS_ACCESS_KEY_SECRET", "a\n")], "env: OSS_ACCESS_KEY_SECRET contains something other"),
        (
            vec![(ID, "an-id"), ("OSS_ACCESS_KEY_SECRET", "a"), ("OSS_SESSION_TOKEN", " ")],
            "env: OSS_SESSION_TOKEN contains",
        ),
        (vec![("ALIBABA_CLOUD_ROLE_ARN", ROLE_ARN)], "oidc: ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not set"),
        (
            vec![("ALIBABA_CLOUD_PROFILE", "prod")],
            "profile: ALIBABA_CLOUD_PROFILE names the profile prod, and none of these",
        ),
    ] {
        let case = with_somebody_else(Case::new());
        let case = given.into_iter().fold(case, |case, (name, value)| case.with(name, value));
        assert_ends(&case, reason, false);
    }
    let case = with_somebody_else(Case::new()).with_bytes(ID, not_unicode());
    assert_ends(&case, "env: OSS_ACCESS_KEY_ID is not UTF-8", false);
    let case = with_somebody_else(Case::new()).with("ALIBABA_CLOUD_CONFIG_FILE", "none.json");
    let path = case.scratch.path("home").join("none.json");
    assert_ends(&case, &format!("profile: cannot read {}", path.display()), false);
}

#[test]
fn broken_files_and_services_let_nobody_else_sign() {
    let case = with_somebody_else(Case::new()).with_oidc();
    let token = case.write("token", " \n");
    let reason = format!("oidc: cannot read the token file {}", token.display());
    assert_ends(&case, &reason, false);
    std::fs::remove_file(&token).unwrap();
    assert_ends(&case, &reason, false);
    case.write("token", OIDC_TOKEN);
    case.vendor.set(|ways| ways.refusal = Some((503, String::new())));
    assert_ends(&case, "oidc: STS returned 503", true);

    for (path, text) in [
        (".aliyun/config.json", "{"),
        (".aliyun/config.json", r#"{"profiles":[{"name":"default","mode":"OAuth"}]}"#),
        (".aliyun/config.json", r#"{"profiles":[{"name":"default","mode":"AK","access_key_id":"an-id"}]}"#),
        (".aliyun/config.json/is-a-folder", ""),
        (".alibabacloud/credentials", "[default\n"),
    ] {
        let case = with_somebody_else(Case::new());
        case.write(path, text);
        let before = case.oss.log().len();
        let error = case.upload(None).unwrap_err();
        assert!(error.message.contains("no credentials from the default chain: profile: "), "{error:?}");
        assert_eq!(case.oss.log().len(), before);
    }

    let uri = |case: Case| {
        let url = format!("{}/key", case.vendor.url());
        case.with("ALIBABA_CLOUD_CREDENTIALS_URI", url)
    };
    let case = uri(Case::new().with("ALIBABA_CLOUD_ECS_METADATA", "named"));
    assert_ends(&case, "ecs-role: 127.0.0.1:1", true);
    let case = uri(Case::new().on_ecs());
    case.vendor.set(|ways| ways.silent = true);
    assert_ends(&case, "ecs-role: 127.0.0.1:", true);
    case.vendor.set(|ways| *ways = Ways { refusal: Some((500, String::new())), ..Ways::default() });
    assert_ends(&case, "ecs-role: the metadata service returned 500", true);
    let case = case.with("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    assert_ends(&case, "uri: http://127.0.0.1:", true);
    case.vendor.set(|ways| *ways = Ways::default());
    assert_eq!(case.upload(None).unwrap(), "STS.1");
}
