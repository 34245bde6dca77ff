//! What providers see of the world: variables of the environment, the working directory, HTTP, and the clock. The client
//! makes it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{Secret, Unavailable, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{NoResponse, Request, Response};
use crate::os::path::HOME;
use crate::sync::atomic::AtomicBool;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct ProviderContext {
    pub variables: Variables,
    /// The working directory when the client was made, if it was known: paths mean what they meant then.
    pub directory: Option<PathBuf>,
    pub http: Box<dyn Http>,
    pub clock: Clock,
}

/// Speaks HTTP for providers: without redirects, and with responses of a limited size. What is not encrypted goes through
/// no proxy.
pub(crate) trait Http: Send + Sync {
    fn send(&self, request: &Request<'_>, stop: &Arc<AtomicBool>) -> std::result::Result<Response, NoResponse>;
}

impl From<NoResponse> for Unavailable {
    fn from(failure: NoResponse) -> Self {
        failure.error.into()
    }
}

impl ProviderContext {
    /// [`Http::send`], with what fails told as a failure of credentials.
    pub(super) fn send(
        &self,
        request: &Request<'_>,
        stop: &Arc<AtomicBool>,
    ) -> std::result::Result<Response, NoResponse> {
        self.http.send(request, stop).map_err(|NoResponse { error, reached }| {
            let (errno, retryable) = (error.os_errno(), error.is_retryable());
            let error = Error::new(ErrorKind::Credentials, error.message());
            NoResponse { error: error.with_errno(errno).with_retryable(retryable), reached }
        })
    }

    /// What `path` meant when the client was made.
    pub(super) fn absolute(&self, path: &Path) -> Result<PathBuf> {
        match &self.directory {
            _ if path.is_absolute() => Ok(path.to_owned()),
            Some(directory) => Ok(directory.join(path)),
            None => Err(failed(format!(
                "the path {} is relative, and there was no working directory when the client was created",
                path.display()
            ))),
        }
    }

    /// The file that `variable` names.
    pub(super) fn file_of(&self, variable: &'static str) -> Result<Option<PathBuf>> {
        self.variables.path(variable).map(|path| self.absolute(path)).transpose()
    }
}

/// The variables of the environment that matter here, as they were when the client was made: reading them later would
/// race with a program that sets them.
#[derive(Debug)]
pub(crate) struct Variables(BTreeMap<&'static str, Value>);

#[derive(Debug)]
enum Value {
    Text(Secret),
    /// A path may be so; nothing else.
    NotUtf8(NotUtf8),
}

/// Shown by no formatter: it may be a secret.
struct NotUtf8(OsString);

impl fmt::Debug for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

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
    HOME,
];

impl Variables {
    /// Looks all of them up with `variable`.
    ///
    /// An empty variable is the same as none, as in Alibaba Cloud's SDKs.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |text: OsString| match text.into_string() {
            Ok(text) => Value::Text(text.into()),
            Err(text) => Value::NotUtf8(NotUtf8(text)),
        };
        let given = |name| variable(name).filter(|text| !text.is_empty());
        Variables(KNOWN.iter().filter_map(|name| Some((*name, value(given(name)?)))).collect())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value of a variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::NotUtf8(_)) => Err(failed(format!("{name} is not UTF-8"))),
        }
    }

    pub(super) fn path(&self, name: &str) -> Option<&Path> {
        Some(match self.value(name)? {
            Value::Text(text) => Path::new(&**text),
            Value::NotUtf8(NotUtf8(bytes)) => Path::new(bytes),
        })
    }

    pub(super) fn is_true(&self, name: &str) -> Result<bool> {
        Ok(self.get(name)?.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true")))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        debug_assert!(KNOWN.contains(&name), "{name} is not among the known variables");
        self.0.get(name)
    }
}

impl fmt::Debug for ProviderContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderContext").field("variables", &self.variables).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, context};
    use super::*;
    use crate::os::testing::not_unicode;

    fn variables() -> Variables {
        Variables::read(|name| match name {
            HOME => Some(not_unicode("/home/m")),
            "ALIBABA_CLOUD_IMDSV1_DISABLED" => Some("TRUE".into()),
            "OSS_ACCESS_KEY_ID" => Some(OsString::new()),
            _ => None,
        })
    }

    #[test]
    fn empty_variables_are_as_good_as_none() {
        let variables = variables();
        assert_eq!(variables.get("OSS_ACCESS_KEY_ID").unwrap(), None);
        assert!(variables.is_true("ALIBABA_CLOUD_IMDSV1_DISABLED").unwrap());
        assert!(!variables.is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED").unwrap());
    }

    #[test]
    fn bytes_that_are_no_text_are_a_path_and_no_value() {
        let variables = variables();
        assert!(variables.path(HOME).is_some_and(|path| path.starts_with("/home")));
        assert_eq!(variables.get(HOME).unwrap_err().message(), format!("{HOME} is not UTF-8"));
        assert!(variables.is_set(HOME) && variables.is_true(HOME).is_err());
        assert!(!format!("{variables:?}").contains("home"));
    }

    #[test]
    fn relative_paths_mean_what_they_meant() {
        let context = context(&[("ALIBABA_CLOUD_CONFIG_FILE", "x/y")], &Script::new([]));
        let given = context.file_of("ALIBABA_CLOUD_CONFIG_FILE").unwrap();
        assert_eq!(given.unwrap(), PathBuf::from("/where/the/client/was/made/x/y"));
        assert_eq!(context.absolute(Path::new("/z")).unwrap(), PathBuf::from("/z"));
        let nowhere = ProviderContext {
            variables: Variables::read(|_| None),
            directory: None,
            http: Box::new(Script::new([])),
            clock: Arc::new(SystemTime::now),
        };
        assert!(nowhere.absolute(Path::new("z")).unwrap_err().message().contains("the path z is relative"));
        assert!(nowhere.absolute(Path::new("/z")).is_ok());
    }
}
