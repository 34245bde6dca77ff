//! The usual places, when nobody is named.

use super::run::Case;
use super::vendor::*;

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
fn who_was_tried_and_why_each_failed_is_told() {
    let case = Case::new().with_oidc().with("OSS_ACCESS_KEY_ID", "half-a-key");
    case.write("token", "");
    case.write(
        ".aliyun/config.json",
        &format!(r#"{{"profiles":[{{"name":"default","mode":"OAuth","x":"{TOKEN}"}}]}}"#),
    );
    let error = case.upload(None).unwrap_err();
    assert_eq!((error.kind.as_str(), error.retryable), ("Credentials", false));
    let home = case.scratch.path("home");
    for reason in [
        "no credentials from the usual places: env: OSS_ACCESS_KEY_SECRET is not set; oidc: cannot read the token file ",
        "it holds no token; profile: default in ",
        &format!("{}/.aliyun/config.json: the mode OAuth needs a login", home.display()),
        "; ecs-role: ",
        "127.0.0.1:1",
    ] {
        assert!(error.message.contains(reason), "{reason}: {error:?}");
    }
    assert!(error.message.len() < 768, "the C API cuts it: {}", error.message.len());
}
