//! What providers see of the world: variables of the environment, HTTP, and the clock. The client makes it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Surroundings {
    pub variables: Variables,
    pub http: Box<dyn Http>,
    pub clock: Clock,
}

/// One small HTTP request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub method: &'static str,
    pub url: &'a str,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: &'a [u8],
    /// To open a connection.
    pub connect: Duration,
    /// From the end of the request to the end of the answer.
    pub answer: Duration,
}

/// Its answer, of whatever status.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    pub body: Zeroizing<Vec<u8>>,
}

/// Speaks HTTP for providers: without redirects, and with answers of a limited size. What is not encrypted goes through
/// no proxy.
pub(crate) trait Http: Send + Sync {
    fn ask(&self, ask: &Ask<'_>, stop: &Arc<AtomicBool>) -> Result<HttpAnswer>;
}

impl Surroundings {
    /// [`Http::ask`], with what fails told as a failure of credentials.
    pub(super) fn ask(&self, ask: &Ask<'_>, stop: &Arc<AtomicBool>) -> Result<HttpAnswer> {
        self.http.ask(ask, stop).map_err(|error| {
            Error::new(ErrorKind::Credentials, error.message())
                .with_errno(error.os_errno())
                .with_retryable(error.is_retryable())
        })
    }
}

/// The variables of the environment that matter here, as they were when the client was made: reading them later would
/// race with a program that sets them.
#[derive(Debug)]
pub(crate) struct Variables(BTreeMap<&'static str, Secret>);

/// All that are ever looked at.
const KNOWN: &[&str] = &[
    "OSS_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_SECRET",
    "OSS_SESSION_TOKEN",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_STS_ENDPOINT",
    "ALIBABA_CLOUD_STS_REGION",
    "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_CONFIG_FILE",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
    "OSSUTIL_CONFIG_FILE",
    "OSSUTIL_PROFILE",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "ALIBABA_CLOUD_ECS_METADATA_ENDPOINT",
    "ALIBABA_CLOUD_IMDSV1_DISABLED",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "HOME",
];

impl Variables {
    /// Looks all of them up with `variable`.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let known = KNOWN.iter().filter_map(|name| Some((*name, variable(name)?.into())));
        Variables(known.filter(|(_, value): &(_, Secret)| !value.is_empty()).collect())
    }

    /// The value of a variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(KNOWN.contains(&name), "{name} is not among the known variables");
        self.0.get(name).map(|value| &**value)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    /// The file that `variable` names, else `path` in the home directory.
    pub(super) fn file(&self, variable: &str, path: &str) -> Option<PathBuf> {
        let home = || Some(PathBuf::from(self.get("HOME")?).join(path));
        self.get(variable).map(PathBuf::from).or_else(home)
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("variables", &self.variables).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_are_as_good_as_none() {
        let variables = Variables::read(|name| match name {
            "HOME" => Some("/home/me".into()),
            "ALIBABA_CLOUD_IMDSV1_DISABLED" => Some("TRUE".into()),
            "OSS_ACCESS_KEY_ID" => Some(String::new()),
            _ => None,
        });
        assert_eq!(variables.get("OSS_ACCESS_KEY_ID"), None);
        assert!(variables.is_true("ALIBABA_CLOUD_IMDSV1_DISABLED"));
        assert!(!variables.is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
        let file = variables.file("ALIBABA_CLOUD_CONFIG_FILE", ".aliyun/config.json");
        assert_eq!(file.unwrap(), PathBuf::from("/home/me/.aliyun/config.json"));
        assert!(!format!("{variables:?}").contains("/home/me"));
    }
}
