//! Each provider by its name.

use serde_json::json;

use super::run::{Case, HOME};
use super::vendor::*;

#[test]
fn env() {
    for names in [
        ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"],
        ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"],
    ] {
        let case = Case::new();
        case.oss.add_access_key(oss_server::AccessKey::with_token("an-id", format!("{SECRET}0"), format!("{TOKEN}0")));
        let [id, secret, token] = names;
        let case = case.with(id, "an-id").with(secret, format!("{SECRET}0")).with(token, format!("{TOKEN}0"));
        assert_eq!(case.upload(Some("env")).unwrap(), "an-id");
    }
    let error = Case::new().with("OSS_ACCESS_KEY_ID", "an-id").upload(Some("env")).unwrap_err();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("Credentials", "env: OSS_ACCESS_KEY_SECRET is not set"));
}

#[test]
fn ecs_role() {
    let roles = "GET /latest/meta-data/ram/security-credentials/";
    let token = "PUT /latest/api/token".to_owned();
    let case = Case::new().on_ecs();
    assert_eq!(case.upload(Some("ecs-role")).unwrap(), "STS.1");
    assert_eq!(case.vendor.asked(), [token.clone(), roles.into(), format!("{roles}{ROLE}")]);

    let case = Case::new().on_ecs();
    assert_eq!(case.upload(Some(&format!("ecs-role:{ROLE}"))).unwrap(), "STS.1");
    assert_eq!(case.vendor.asked(), [token, format!("{roles}{ROLE}")]);

    let case = Case::new().on_ecs();
    case.vendor.set(|ways| ways.plain_only = true);
    assert_eq!(case.upload(Some("ecs-role")).unwrap(), "STS.1");
    let case = Case::new().on_ecs().with("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    case.vendor.set(|ways| ways.plain_only = true);
    let error = case.upload(Some("ecs-role")).unwrap_err();
    assert!(error.message.contains("ecs-role: the metadata service returned 404 when asked for a token"), "{error:?}");
    assert!(error.message.contains("ALIBABA_CLOUD_IMDSV1_DISABLED"), "{error:?}");

    let error = Case::new().on_ecs().upload(Some("ecs-role:another")).unwrap_err();
    assert!(error.message.contains("the instance has no RAM role another") && !error.retryable, "{error:?}");
    let error = Case::new().upload(Some("ecs-role")).unwrap_err();
    assert!(error.message.contains("127.0.0.1:1") && error.retryable, "{error:?}");
    let case = Case::new().on_ecs().with("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    assert!(case.upload(Some("ecs-role")).unwrap_err().message.contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
}

#[test]
fn oidc() {
    let case = Case::new().with_oidc();
    assert_eq!(case.upload(Some("oidc")).unwrap(), "STS.1");
    assert_eq!(case.vendor.asked(), ["POST / AssumeRoleWithOIDC"]);
    let token = case.write("token", "another-token");
    let error = case.upload(Some("oidc")).unwrap_err();
    let expected = "no credentials from oidc: STS returned 400 for AssumeRoleWithOIDC: \
        AuthenticationFail.OIDCToken.Invalid: No *** *** (request id R-1)";
    assert!(error.message.contains(expected), "{error:?}");
    std::fs::remove_file(&token).unwrap();
    let error = case.upload(Some("oidc")).unwrap_err();
    assert!(error.message.contains(&format!("cannot read the token file {}", token.display())), "{error:?}");
    let error = Case::new().upload(Some("oidc")).unwrap_err();
    assert_eq!(error.message, "oidc: ALIBABA_CLOUD_ROLE_ARN is not set");
}

#[test]
fn uri() {
    let case = Case::new();
    assert_eq!(case.upload(Some(&case.vendor.uri())).unwrap(), "STS.1");
    let url = format!("{}/key", case.vendor.url());
    assert_eq!(
        Case::new().with("ALIBABA_CLOUD_CREDENTIALS_URI", &url).upload(Some("uri")).unwrap_err().kind,
        "Service"
    );
    let error = case.upload(Some(&format!("uri:{}/{SECRET}?{TOKEN}", case.vendor.url()))).unwrap_err();
    assert!(
        error.message.ends_with(&format!("no credentials from uri: {} returned 404", case.vendor.url())),
        "{error:?}"
    );
    // Too large for a key, whatever it says.
    case.vendor.set(|ways| ways.refusal = Some((200, SECRET.repeat(5000))));
    let error = case.upload(Some(&case.vendor.uri())).unwrap_err();
    assert!(error.message.contains("no credentials from uri: 127.0.0.1:"), "{error:?}");
    assert!(error.message.contains("65536"), "{error:?}");
    // Redirects lead anywhere.
    case.vendor.set(|ways| ways.refusal = Some((302, String::new())));
    assert!(case.upload(Some(&case.vendor.uri())).unwrap_err().message.ends_with("returned 302"));
}

#[test]
fn process() {
    let case = Case::new();
    case.oss.add_access_key(oss_server::AccessKey::with_token("an-id", format!("{SECRET}0"), format!("{TOKEN}0")));
    let key =
        json!({"AccessKeyId": "an-id", "AccessKeySecret": format!("{SECRET}0"), "SecurityToken": format!("{TOKEN}0")});
    let file = case.write("key.json", &key.to_string());
    assert_eq!(case.upload(Some(&format!("process:cat '{}' # {SECRET}", file.display()))).unwrap(), "an-id");
    let error = case.upload(Some(&format!("process:echo {TOKEN} >&2; echo {SECRET}; exit 7"))).unwrap_err();
    assert!(error.message.ends_with("no credentials from process: the command ended with status 7"), "{error:?}");
}

/// In a program that ignores SIGCHLD, or reaps all children by itself, nobody knows how the command ended.
#[test]
#[cfg(unix)]
fn process_of_a_host_that_takes_the_status() {
    for children in ["ignored", "reaped"] {
        let case = Case::new().with_children(children);
        case.oss.add_access_key(oss_server::AccessKey::new("an-id", format!("{SECRET}0")));
        let key = json!({"AccessKeyId": "an-id", "AccessKeySecret": format!("{SECRET}0")});
        let file = case.write("key.json", &key.to_string());
        for _ in 0..4 {
            // A shell that waits for its own child needs SIGCHLD itself.
            let command = format!("process:cat '{}' || exit 1; exit 0", file.display());
            assert_eq!(case.upload(Some(&command)).unwrap(), "an-id", "{children}");
        }
    }
    let case = Case::new().with_children("ignored");
    let error = case.upload(Some("process:exit 3")).unwrap_err();
    assert!(error.message.contains("the command's output is not the expected JSON; the exit status of the command"));
    assert!(error.message.ends_with("ignores SIGCHLD or reaps all its children") && error.retryable, "{error:?}");
}

#[test]
fn relative_paths_mean_what_they_meant_when_the_client_was_made() {
    let case = Case::new().with_sts().going_to("/");
    config(&case);
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    let config = std::fs::read_to_string(case.scratch.path("home/.aliyun/config.json")).unwrap();
    let token = case.scratch.path("home/token");
    case.write("here/config.json", &config.replace(token.to_str().unwrap(), "token").replace("cat /", "../bin/cat /"));
    std::fs::create_dir_all(case.scratch.path("bin")).unwrap();
    crate::common::system::symlink("/bin/cat", case.scratch.path("bin/cat")).unwrap();
    std::fs::remove_file(case.scratch.path("home/.aliyun/config.json")).unwrap();
    let case = case.with("ALIBABA_CLOUD_CONFIG_FILE", "here/config.json");
    assert_eq!(case.upload(Some("profile:ak")).unwrap(), SOURCE_ID);
    assert_eq!(case.upload(Some("profile:oidc")).unwrap(), "STS.1");
    assert_eq!(case.upload(Some("profile:external")).unwrap(), "an-id");
    let key =
        json!({"AccessKeyId": "an-id", "AccessKeySecret": format!("{SECRET}0"), "SecurityToken": format!("{TOKEN}0")});
    case.write("key.json", &key.to_string());
    assert_eq!(case.upload(Some("process:../bin/cat key.json")).unwrap(), "an-id");

    let case = Case::new().going_to("/").with(HOME, ".");
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    case.write(".ossutilconfig", &format!("[default]\naccessKeyID={SOURCE_ID}\naccessKeySecret={SOURCE_SECRET}\n"));
    assert_eq!(case.upload(None).unwrap(), SOURCE_ID);
    let case = Case::new().going_to("/").with_oidc().with("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "token");
    assert_eq!(case.upload(Some("oidc")).unwrap(), "STS.1");
}

#[test]
fn a_byte_order_mark_is_accepted_wherever_text_comes_from() {
    let case = Case::new().with_oidc();
    config(&case);
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    for path in [".aliyun/config.json", "token", "printed.json"] {
        let text = std::fs::read_to_string(case.scratch.path("home").join(path)).unwrap();
        case.write(path, &format!("\u{feff}{text}"));
    }
    assert_eq!(case.upload(Some("profile:ak")).unwrap(), SOURCE_ID);
    assert_eq!(case.upload(Some("profile:external")).unwrap(), "an-id");
    assert_eq!(case.upload(Some("oidc")).unwrap(), "STS.1");
    let file = case.write("wide.json", "");
    std::fs::write(&file, b"\xff\xfe{\0").unwrap();
    let error = case.upload(Some(&format!("process:cat '{}'", file.display()))).unwrap_err();
    assert!(error.message.ends_with("the command's output is UTF-16 text; save it as UTF-8"), "{error:?}");
}

#[test]
fn anonymous() {
    let error = Case::new().upload(Some("anonymous")).unwrap_err();
    assert!(error.message.contains("AccessDenied"), "{error:?}");
}

#[test]
fn unknown() {
    let error = Case::new().upload(Some("vault")).unwrap_err();
    assert_eq!(error.kind, "InvalidArgument");
    assert!(error.message.contains("\"vault\" is not known; the known values are env, profile[:NAME]"), "{error:?}");
}

fn config(case: &Case) {
    let printed = json!({"mode": "StsToken", "access_key_id": "an-id", "access_key_secret": format!("{SECRET}0"),
        "sts_token": format!("{TOKEN}0")});
    case.oss.add_access_key(oss_server::AccessKey::with_token("an-id", format!("{SECRET}0"), format!("{TOKEN}0")));
    let printed = case.write("printed.json", &printed.to_string());
    let token = case.write("token", OIDC_TOKEN);
    let profiles = json!({"current": "role", "profiles": [
        {"name": "ak", "mode": "AK", "access_key_id": SOURCE_ID, "access_key_secret": SOURCE_SECRET},
        {"name": "sts", "mode": "StsToken", "access_key_id": "an-id", "access_key_secret": format!("{SECRET}0"),
         "sts_token": format!("{TOKEN}0")},
        {"name": "role", "mode": "RamRoleArn", "access_key_id": SOURCE_ID, "access_key_secret": SOURCE_SECRET,
         "ram_role_arn": ROLE_ARN, "ram_session_name": "a session", "external_id": "e+1", "policy": "{\"a\": \"*\"}"},
        {"name": "ecs", "mode": "EcsRamRole", "ram_role_name": ROLE},
        {"name": "oidc", "mode": "OIDC", "oidc_provider_arn": OIDC_PROVIDER, "oidc_token_file": token,
         "ram_role_arn": ROLE_ARN, "ram_session_name": "s"},
        {"name": "chain", "mode": "ChainableRamRoleArn", "source_profile": "ak", "ram_role_arn": ROLE_ARN},
        {"name": "external", "mode": "External", "process_command": format!("cat {}", printed.display())},
        {"name": "uri", "mode": "CredentialsURI", "credentials_uri": format!("{}/key", case.vendor.url())},
        {"name": "wrong", "mode": "RamRoleArn", "access_key_id": SOURCE_ID, "access_key_secret": SECRET,
         "ram_role_arn": ROLE_ARN, "ram_session_name": "s"},
        {"name": "sso", "mode": "CloudSSO", "access_token": TOKEN},
    ]});
    case.write(".aliyun/config.json", &profiles.to_string());
}

#[test]
fn profiles_of_the_command_line() {
    let case = Case::new().on_ecs().with_sts();
    config(&case);
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    for (credentials, id) in [
        ("profile:ak", SOURCE_ID),
        ("profile:sts", "an-id"),
        ("profile:role", "STS.1"),
        ("profile", "STS.2"),
        ("profile:ecs", "STS.3"),
        ("profile:oidc", "STS.4"),
        ("profile:chain", "STS.5"),
        ("profile:external", "an-id"),
        ("profile:uri", "STS.6"),
    ] {
        assert_eq!(case.upload(Some(credentials)).expect(credentials), id, "{credentials}");
    }
    let error = case.upload(Some("profile:wrong")).unwrap_err();
    assert!(error.message.contains("profile: assume-role: STS returned 400 for AssumeRole: SignatureDoesNotMatch ("));
    let error = case.upload(Some("profile:sso")).unwrap_err();
    assert_eq!(error.kind, "Unsupported");
    assert!(error.message.contains("the mode CloudSSO requires a login"), "{error:?}");
    let error = case.upload(Some("profile:nobody")).unwrap_err();
    assert!(error.message.contains("config.json has no profile nobody"), "{error:?}");
}

#[test]
fn profiles_of_the_sdks() {
    let case = Case::new().on_ecs().with_sts();
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    let key = format!("access_key_id = {SOURCE_ID}\naccess_key_secret = {SOURCE_SECRET}\n");
    case.write(
        ".alibabacloud/credentials",
        &format!(
            "[default]\ntype = access_key\n{key}[r]\ntype = ram_role_arn\n{key}role_arn = {ROLE_ARN}\n\
             role_session_name = s\n[e]\ntype = ecs_ram_role\nrole_name = {ROLE}\n"
        ),
    );
    for (credentials, id) in [("profile", SOURCE_ID), ("profile:r", "STS.1"), ("profile:e", "STS.2")] {
        assert_eq!(case.upload(Some(credentials)).expect(credentials), id, "{credentials}");
    }
}

#[test]
fn profiles_of_ossutil() {
    let case = Case::new().on_ecs();
    case.oss.add_access_key(oss_server::AccessKey::new(SOURCE_ID, SOURCE_SECRET));
    case.write(
        ".ossutilconfig",
        &format!(
            "[Credentials]\nlanguage=EN\nendpoint = x\naccessKeyID={SOURCE_ID}\naccessKeySecret={SOURCE_SECRET}\n"
        ),
    );
    assert_eq!(case.upload(Some("profile")).unwrap(), SOURCE_ID);
    case.write(".ossutilconfig", &format!("[AkService]\necsAk={}/key\n", case.vendor.url()));
    assert_eq!(case.upload(Some("profile")).unwrap(), "STS.1");
    case.write(
        ".ossutilconfig",
        &format!(
            "[default]\naccess-key-id={SOURCE_ID}\naccess-key-secret={SOURCE_SECRET}\nregion=cn-hangzhou\n\
             [profile e]\nmode=EcsRamRole\n"
        ),
    );
    assert_eq!(case.upload(Some("profile")).unwrap(), SOURCE_ID);
    assert_eq!(case.upload(Some("profile:e")).unwrap(), "STS.2");
}
