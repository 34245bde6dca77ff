//! Where credentials come from, as the caller chooses, and the texts for it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::chain::Chain;
use super::ecs_role::EcsRole;
use super::env::Environment;
use super::oidc::Oidc;
use super::process::Process;
use super::profile::Profile;
use super::uri::CredentialsUri;
use super::{Credentials, Provider, ProviderContext, Unavailable};
use crate::error::{Error, Result};

/// Where credentials come from. `docs/credentials.md` has the details of each source.
///
/// C, Python and Go name a source by a text, which [`str::parse`] reads here too: `env`, `profile[:NAME]`,
/// `process:COMMAND`, `ecs-role[:NAME]`, `oidc`, `uri[:URL]` or `anonymous`; an empty text is the default chain.
#[derive(Clone, Default)]
pub enum CredentialsSource {
    /// The default chain: `env`, `oidc`, `profile`, `ecs-role`, `uri`. The first of these that is configured is used; when
    /// it does not work, no other is asked. Looked for when the first request is made.
    #[default]
    DefaultChain,
    /// `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`, else `ALIBABA_CLOUD_ACCESS_KEY_ID`,
    /// `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and `ALIBABA_CLOUD_SECURITY_TOKEN`, read when the client is made.
    Environment,
    /// The profile of this name in `~/.aliyun/config.json`, `~/.alibabacloud/credentials` or `~/.ossutilconfig`; `None`:
    /// the current one.
    Profile(Option<String>),
    /// What this command prints, which a shell runs.
    Process(String),
    /// The RAM role of this ECS instance, from the metadata service; `None`: the one that it has.
    EcsRole(Option<String>),
    /// A RAM role for a Kubernetes service account (RRSA).
    Oidc,
    /// What a GET of this URL answers; `None`: of the one in `ALIBABA_CLOUD_CREDENTIALS_URI`.
    Uri(Option<String>),
    /// These.
    Given(Credentials),
    /// Requests are not signed.
    Anonymous,
}

const NAMES: &str = "env, profile[:NAME], process:COMMAND, ecs-role[:NAME], oidc, uri[:URL] and anonymous";

/// Reads the text by which C, Python and Go name a source. An error shows nothing that may be a secret.
impl FromStr for CredentialsSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        if argument.is_some_and(is_blank) {
            return Err(Error::invalid(format!(
                "credentials: nothing follows the colon; the known values are {NAMES}"
            )));
        }
        let owned = argument.map(str::to_owned);
        match (name, argument) {
            ("", None) => Ok(CredentialsSource::DefaultChain),
            ("anonymous", None) => Ok(CredentialsSource::Anonymous),
            ("env", None) => Ok(CredentialsSource::Environment),
            ("oidc", None) => Ok(CredentialsSource::Oidc),
            ("profile", _) => Ok(CredentialsSource::Profile(owned)),
            ("ecs-role", _) => Ok(CredentialsSource::EcsRole(owned)),
            ("process", Some(command)) => Ok(CredentialsSource::Process(command.to_owned())),
            ("uri", _) => Ok(CredentialsSource::Uri(owned)),
            _ => Err(Error::invalid(format!("credentials{} is not known; the known values are {NAMES}", shown(name)))),
        }
    }
}

/// Shows no key, command or URL: they may hold secrets.
impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialsSource::DefaultChain => f.write_str("DefaultChain"),
            CredentialsSource::Environment => f.write_str("Environment"),
            CredentialsSource::Profile(name) => f.debug_tuple("Profile").field(name).finish(),
            CredentialsSource::Process(_) => f.write_str("Process(..)"),
            CredentialsSource::EcsRole(name) => f.debug_tuple("EcsRole").field(name).finish(),
            CredentialsSource::Oidc => f.write_str("Oidc"),
            CredentialsSource::Uri(Some(_)) => f.write_str("Uri(..)"),
            CredentialsSource::Uri(None) => f.write_str("Uri(None)"),
            CredentialsSource::Given(credentials) => f.debug_tuple("Given").field(credentials).finish(),
            CredentialsSource::Anonymous => f.write_str("Anonymous"),
        }
    }
}

impl CredentialsSource {
    /// The provider of this source. `None`: there is nobody to ask, since a key is given or requests are not signed. What
    /// can be told to be wrong without asking anybody is told.
    pub(crate) fn provider(&self, context: &Arc<ProviderContext>) -> Result<Option<Box<dyn Provider>>> {
        self.check()?;
        let given = context.clone();
        let provider: Box<dyn Provider> = match self {
            CredentialsSource::Given(_) | CredentialsSource::Anonymous => return Ok(None),
            CredentialsSource::DefaultChain => Box::new(Chain::new(context)),
            CredentialsSource::Environment => Box::new(Environment::new(&context.variables)),
            CredentialsSource::Oidc => {
                Box::new(Oidc::from_environment(context).map_err(|why| why.into_error().context("oidc"))?)
            }
            CredentialsSource::Profile(name) => Box::new(Profile::new(given, name.as_deref())),
            CredentialsSource::EcsRole(role) => Box::new(EcsRole::new(given, role.as_deref())?),
            CredentialsSource::Process(command) => Box::new(Process::of_sdk(command, context.directory.clone())),
            CredentialsSource::Uri(Some(url)) => Box::new(CredentialsUri::new(given, url)?),
            CredentialsSource::Uri(None) => Box::new(uri_of_environment(context)?),
        };
        provider.check().map_err(|why| why.into_error().context(provider.name()))?;
        Ok(Some(provider))
    }

    /// What is wrong with it by itself.
    pub(crate) fn check(&self) -> Result<()> {
        let (what, text) = match self {
            CredentialsSource::Given(credentials) => return credentials.check(),
            CredentialsSource::Profile(Some(name)) => ("the name of the profile", name),
            CredentialsSource::EcsRole(Some(name)) => ("the name of the ECS RAM role", name),
            CredentialsSource::Process(command) => ("the command", command),
            CredentialsSource::Uri(Some(url)) => ("the URL", url),
            _ => return Ok(()),
        };
        if is_blank(text) { Err(Error::invalid(format!("credentials: {what} is empty"))) } else { Ok(()) }
    }
}

fn uri_of_environment(context: &Arc<ProviderContext>) -> Result<CredentialsUri> {
    CredentialsUri::from_environment(context).map_err(|why| match why {
        Unavailable::NotConfigured(_) => Error::invalid("credentials: uri needs a URL, as in uri:http://127.0.0.1/key"),
        Unavailable::Failed(error) => error.context("uri"),
    })
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
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

    fn provider(source: &CredentialsSource, variables: &[(&str, &str)]) -> Result<Option<String>> {
        let found = source.provider(&context(variables, &Script::new([])))?;
        Ok(found.map(|provider| provider.name()))
    }

    fn named(text: &str, variables: &[(&str, &str)]) -> Result<Option<String>> {
        provider(&text.parse()?, variables)
    }

    #[test]
    fn each_name_has_its_provider() {
        let key = [("OSS_ACCESS_KEY_ID", "i"), ("OSS_ACCESS_KEY_SECRET", "s")];
        for (text, expected) in [
            ("", "the default chain"),
            ("env", "env"),
            ("ecs-role", "ecs-role"),
            ("ecs-role:r", "ecs-role"),
            ("process:a b:c", "process"),
            ("uri:http://127.0.0.1:1/x", "uri"),
        ] {
            assert_eq!(named(text, &key).unwrap().as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(named("anonymous", &[]).unwrap(), None);
        let uri = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://x");
        assert_eq!(named("uri", &[uri]).unwrap().as_deref(), Some("uri"));
    }

    #[test]
    fn a_text_is_read_with_its_argument_as_it_is() {
        for (text, expected) in [
            ("profile", "Profile(None)"),
            ("profile: a:b ", "Profile(Some(\" a:b \"))"),
            ("ecs-role:r", "EcsRole(Some(\"r\"))"),
        ] {
            assert_eq!(format!("{:?}", text.parse::<CredentialsSource>().unwrap()), expected);
        }
        let CredentialsSource::Process(command) = "process: a b:c ".parse().unwrap() else { panic!("a process") };
        assert_eq!(command, " a b:c ");
        let CredentialsSource::Uri(url) = "uri:http://x:1/y".parse().unwrap() else { panic!("a URL") };
        assert_eq!(url.as_deref(), Some("http://x:1/y"));
    }

    #[test]
    fn what_is_wrong_with_a_name_is_told() {
        for (text, kind, expected) in [
            ("ecs", ErrorKind::InvalidArgument, "\"ecs\" is not known"),
            ("LTAI5tKeyOfSomebody", ErrorKind::InvalidArgument, "credentials is not known"),
            ("proces:secret", ErrorKind::InvalidArgument, "\"proces\""),
            ("env:x", ErrorKind::InvalidArgument, "\"env\" is not known"),
            (":x", ErrorKind::InvalidArgument, "\"\" is not known"),
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
            let error = named(text, &[]).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains(expected), "{error}");
            assert!(!error.message().contains("secret") && !error.message().contains("LTAI"), "{error}");
        }
    }

    #[test]
    fn what_is_empty_is_told() {
        let blank = || Some(" ".to_owned());
        for (source, expected) in [
            (CredentialsSource::Profile(blank()), "credentials: the name of the profile is empty"),
            (CredentialsSource::EcsRole(blank()), "credentials: the name of the ECS RAM role is empty"),
            (CredentialsSource::Process(String::new()), "credentials: the command is empty"),
            (CredentialsSource::Uri(blank()), "credentials: the URL is empty"),
        ] {
            let error = provider(&source, &[]).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidArgument, expected));
        }
    }

    #[test]
    fn no_formatter_shows_a_secret() {
        for source in [
            CredentialsSource::Process("print secret".into()),
            CredentialsSource::Uri(Some("http://127.0.0.1/secret".into())),
            CredentialsSource::Given(Credentials::new("i", "secret", Some("secret".into()))),
        ] {
            assert!(!format!("{source:?} {source:#?}").contains("secret"));
        }
    }
}
