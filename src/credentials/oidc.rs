//! Credentials of a role that is taken on with a token of an OpenID Connect provider, as Kubernetes puts it into a file
//! (RAM roles for service accounts, RRSA).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::sts::{Role, RoleOptions};
use super::{Issued, Provider, Secret, Surroundings, failed, read_file};
use crate::error::{Error, ErrorKind, Result};

const VARIABLES: [&str; 3] =
    ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];

pub(super) struct Oidc {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
}

impl Oidc {
    pub(super) fn new(role: Role, provider_arn: &str, token_file: &str) -> Self {
        Oidc { role, provider_arn: provider_arn.into(), token_file: token_file.into() }
    }

    /// As its variables say.
    pub(super) fn from_environment(surroundings: &Arc<Surroundings>) -> Result<Self> {
        let required =
            |name| surroundings.variables.get(name).ok_or_else(|| failed(format!("{name} is not set")).context("oidc"));
        let [arn, provider_arn, token_file] = VARIABLES;
        let options = RoleOptions { arn: required(arn)?, ..RoleOptions::default() };
        let role = Role::new(surroundings.clone(), &options).map_err(|error| error.context("oidc"))?;
        Ok(Self::new(role, required(provider_arn)?, required(token_file)?))
    }
}

impl Provider for Oidc {
    fn name(&self) -> String {
        "oidc".into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Result<Issued> {
        // Anew each time: it is replaced before it ends.
        let what = format!("cannot read the token file {}", self.token_file.display());
        let bytes = read_file(&self.token_file).map_err(|error| Error::os(ErrorKind::Credentials, &what, &error))?;
        let text = std::str::from_utf8(&bytes).map(str::trim).ok();
        let token = text.filter(|text| !text.is_empty()).ok_or_else(|| failed(format!("{what}: it holds no token")))?;
        self.role.assume_with_oidc(&self.provider_arn, Secret::from(token), stop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, surroundings};
    use super::*;

    const KEY: &str = r#"{"Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t"}}"#;

    fn provider(script: &Script, file: &str) -> Oidc {
        let [arn, provider, token] = VARIABLES;
        Oidc::from_environment(&surroundings(&[(arn, "a"), (provider, "p"), (token, file)], script)).unwrap()
    }

    #[test]
    fn the_token_is_read_anew_each_time() {
        let script = Script::new([(200, KEY), (200, KEY)]);
        let file = tempfile::NamedTempFile::new().unwrap();
        let provider = provider(&script, file.path().to_str().unwrap());
        for token in ["first", "second"] {
            std::fs::write(file.path(), format!("{token}\n")).unwrap();
            provider.fetch(&Arc::default()).unwrap();
            assert!(script.asked().last().unwrap().body.ends_with(&format!("&OIDCToken={token}")));
        }
    }

    #[test]
    fn a_missing_or_empty_file_is_named() {
        let script = Script::new([]);
        let error = provider(&script, "/nowhere/token").fetch(&Arc::default()).unwrap_err();
        assert!(error.message().starts_with("cannot read the token file /nowhere/token: No such file"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = provider(&script, file.path().to_str().unwrap()).fetch(&Arc::default()).unwrap_err();
        assert!(error.message().ends_with("it holds no token"), "{error}");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = Oidc::from_environment(&surroundings(&[(VARIABLES[0], "a")], &Script::new([]))).err().unwrap();
        assert_eq!(error.message(), "oidc: ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not set");
    }
}
