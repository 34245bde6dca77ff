//! Credentials of a role that is taken on with a token of an OpenID Connect provider, as Kubernetes puts it into a file
//! (RAM roles for service accounts, RRSA).

use std::path::PathBuf;
use std::sync::Arc;

use super::sts::{Role, RoleOptions};
use super::{Fetched, Issued, Provider, ProviderContext, Secret, failed, not_configured, read_file, unreadable};
use crate::error::Result;
use crate::sync::atomic::AtomicBool;
use crate::text;

const VARIABLES: [&str; 3] =
    ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];

pub(super) struct Oidc {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
}

impl Oidc {
    /// `token_file` is absolute.
    pub(super) fn new(role: Role, provider_arn: &str, token_file: PathBuf) -> Self {
        Oidc { role, provider_arn: provider_arn.into(), token_file }
    }

    /// As its variables say, which are set all or none.
    pub(super) fn from_environment(context: &Arc<ProviderContext>) -> Fetched<Self> {
        let variables = &context.variables;
        let [arn, provider_arn, token_file] = VARIABLES;
        if !VARIABLES.iter().any(|name| variables.is_set(name)) {
            return Err(not_configured(format!("{arn} is not set")));
        }
        if let Some(missing) = VARIABLES.iter().find(|name| !variables.is_set(name)) {
            return Err(failed(format!("{missing} is not set")).into());
        }
        let options = RoleOptions { arn: variables.get(arn)?.unwrap_or_default(), ..RoleOptions::default() };
        let role = Role::new(context.clone(), &options)?;
        let token_file = context.file_of(token_file)?.unwrap_or_default();
        Ok(Self::new(role, variables.get(provider_arn)?.unwrap_or_default(), token_file))
    }

    /// Read anew each time: it is replaced before it ends.
    fn token(&self) -> Result<Secret> {
        let what = format!("cannot read the token file {}", self.token_file.display());
        let bytes = read_file(&self.token_file).map_err(|error| unreadable(&what, &error))?;
        let text = text::utf8(&bytes).map_err(|why| failed(format!("{what}: it {why}")))?.trim();
        if text.is_empty() { Err(failed(format!("{what}: it contains no token"))) } else { Ok(text.into()) }
    }
}

impl Provider for Oidc {
    fn name(&self) -> String {
        "oidc".into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        let issued = self.role.assume_with_oidc(&self.provider_arn, self.token()?, stop)?;
        Ok(issued.from(format!("oidc, role {}", self.role.arn())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unavailable;
    use super::super::testing::{Script, context};
    use super::*;
    use crate::error::Error;

    const KEY: &str = r#"{"Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t"}}"#;

    fn provider(script: &Script, file: &str) -> Oidc {
        let [arn, provider, token] = VARIABLES;
        Oidc::from_environment(&context(&[(arn, "a"), (provider, "p"), (token, file)], script)).ok().unwrap()
    }

    fn fetch(provider: &Oidc) -> std::result::Result<Issued, Error> {
        provider.fetch(&Arc::default()).map_err(Unavailable::into_error)
    }

    #[test]
    fn the_token_is_read_anew_each_time() {
        let script = Script::new([(200, KEY), (200, KEY)]);
        let file = tempfile::NamedTempFile::new().unwrap();
        let provider = provider(&script, file.path().to_str().unwrap());
        for (token, mark) in [("first", ""), ("second", "\u{feff}")] {
            std::fs::write(file.path(), format!("{mark}{token}\n")).unwrap();
            assert_eq!(fetch(&provider).unwrap().source, "oidc, role a");
            assert!(script.asked().last().unwrap().body.ends_with(&format!("&OIDCToken={token}")));
        }
    }

    #[test]
    fn a_missing_or_empty_file_is_named() {
        let script = Script::new([]);
        let error = fetch(&provider(&script, "/nowhere/token")).unwrap_err();
        assert!(error.message().starts_with("cannot read the token file /nowhere/token: No such file"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = fetch(&provider(&script, file.path().to_str().unwrap())).unwrap_err();
        assert!(error.message().ends_with("it contains no token"), "{error}");
        let error = fetch(&provider(&script, "token")).unwrap_err();
        assert!(error.message().contains("/where/the/client/was/made/token: "), "{error}");
        let error = fetch(&provider(&script, "/proc")).unwrap_err();
        assert!(error.message().contains("Is a directory") && !error.is_retryable(), "{error}");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let given = |given: &[(&str, &str)]| Oidc::from_environment(&context(given, &Script::new([]))).err().unwrap();
        let Unavailable::NotConfigured(error) = given(&[]) else { panic!("nothing is set") };
        assert_eq!(error.message(), "ALIBABA_CLOUD_ROLE_ARN is not set");
        for (set, missing) in [(0, 1), (1, 0), (2, 0)] {
            let Unavailable::Failed(error) = given(&[(VARIABLES[set], "a")]) else { panic!("{set} is set") };
            assert_eq!(error.message(), format!("{} is not set", VARIABLES[missing]));
        }
    }
}
