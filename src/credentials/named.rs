//! From the option's text to the provider.

use std::sync::Arc;

use super::chain::Chain;
use super::ecs_role::EcsRole;
use super::env::Environment;
use super::oidc::Oidc;
use super::process::Process;
use super::profile::Profile;
use super::uri::CredentialsUri;
use super::{Provider, ProviderContext, Unavailable};
use crate::error::{Error, Result};

const NAMES: &str = "env, profile[:NAME], process:COMMAND, ecs-role[:NAME], oidc, uri[:URL] and anonymous";

/// The provider that `text` names, or the default chain. `None`: requests are not signed. What can be told to be wrong
/// without asking anybody is told.
pub(crate) fn provider(text: Option<&str>, context: &Arc<ProviderContext>) -> Result<Option<Box<dyn Provider>>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Some(Box::new(Chain::new(context)))) };
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    if argument.is_some_and(|argument| argument.trim().is_empty()) {
        return Err(Error::invalid(format!("credentials: nothing follows the colon; the known values are {NAMES}")));
    }
    let given = context.clone();
    let provider: Box<dyn Provider> = match (name, argument) {
        ("anonymous", None) => return Ok(None),
        ("env", None) => Box::new(Environment::new(&context.variables)),
        ("oidc", None) => Box::new(Oidc::from_environment(context).map_err(|why| why.into_error().context("oidc"))?),
        ("profile", name) => Box::new(Profile::new(given, name)),
        ("ecs-role", role) => Box::new(EcsRole::new(given, role)?),
        ("process", Some(command)) => Box::new(Process::of_sdk(command, context.directory.clone())),
        ("uri", Some(url)) => Box::new(CredentialsUri::new(given, url)?),
        ("uri", None) => Box::new(CredentialsUri::from_environment(context).map_err(|why| match why {
            Unavailable::NotConfigured(_) => {
                Error::invalid("credentials: uri needs a URL, as in uri:http://127.0.0.1/key")
            }
            Unavailable::Failed(error) => error.context("uri"),
        })?),
        _ => {
            return Err(Error::invalid(format!(
                "credentials{} is not known; the known values are {NAMES}",
                shown(name)
            )));
        }
    };
    provider.check().map_err(|why| why.into_error().context(provider.name()))?;
    Ok(Some(provider))
}

/// A name that is only mistyped may be shown; a key in its place may not.
fn shown(name: &str) -> String {
    let plain = name.len() <= 16 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if plain { format!(" \"{name}\"") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, context};
    use super::*;
    use crate::error::ErrorKind;

    fn named(text: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<String>> {
        let found = provider(text, &context(variables, &Script::new([])))?;
        Ok(found.map(|provider| provider.name()))
    }

    #[test]
    fn each_name_has_its_provider() {
        let key = [("OSS_ACCESS_KEY_ID", "i"), ("OSS_ACCESS_KEY_SECRET", "s")];
        for (text, expected) in [
            (None, "the default chain"),
            (Some(""), "the default chain"),
            (Some("env"), "env"),
            (Some("ecs-role"), "ecs-role"),
            (Some("ecs-role:r"), "ecs-role"),
            (Some("process:a b:c"), "process"),
            (Some("uri:http://127.0.0.1:1/x"), "uri"),
        ] {
            assert_eq!(named(text, &key).unwrap().as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(named(Some("anonymous"), &[]).unwrap(), None);
        let uri = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://x");
        assert_eq!(named(Some("uri"), &[uri]).unwrap().as_deref(), Some("uri"));
    }

    #[test]
    fn what_is_wrong_with_a_name_is_told() {
        for (text, kind, expected) in [
            ("ecs", ErrorKind::InvalidArgument, "\"ecs\" is not known"),
            ("LTAI5tKeyOfSomebody", ErrorKind::InvalidArgument, "credentials is not known"),
            ("proces:secret", ErrorKind::InvalidArgument, "\"proces\""),
            ("env:x", ErrorKind::InvalidArgument, "\"env\" is not known"),
            ("anonymous:", ErrorKind::InvalidArgument, "nothing follows"),
            ("process", ErrorKind::InvalidArgument, "process:COMMAND"),
            ("process: ", ErrorKind::InvalidArgument, "nothing follows"),
            ("profile:", ErrorKind::InvalidArgument, "nothing follows"),
            ("uri", ErrorKind::InvalidArgument, "needs a URL"),
            ("uri:secret", ErrorKind::InvalidArgument, "http[s]://"),
            ("ecs-role:a/b", ErrorKind::InvalidArgument, "ECS RAM role"),
            ("env", ErrorKind::Credentials, "env: OSS_ACCESS_KEY_ID is not set"),
            ("oidc", ErrorKind::Credentials, "oidc: ALIBABA_CLOUD_ROLE_ARN is not set"),
            ("profile:x", ErrorKind::Credentials, "profile: "),
        ] {
            let error = named(Some(text), &[]).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains(expected), "{error}");
            assert!(!error.message().contains("secret") && !error.message().contains("LTAI"), "{error}");
        }
    }
}
