//! Credentials from environment variables.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Credentials, Issued, Provider, Variables, failed};
use crate::error::Result;

/// The vendor's own OSS SDKs' variables, then those of its other SDKs. They are not mixed.
const SETS: [[&str; 3]; 2] = [
    ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"],
    ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"],
];

/// The keys in the environment, as it was when the client was made.
pub(super) struct Environment(Result<Credentials>);

impl Environment {
    pub(super) fn new(variables: &Variables) -> Self {
        Environment(credentials(variables))
    }
}

impl Provider for Environment {
    fn name(&self) -> String {
        "env".into()
    }

    fn check(&self) -> Result<()> {
        self.0.clone().map(drop)
    }

    fn fetch(&self, _: &Arc<AtomicBool>) -> Result<Issued> {
        Ok(Issued { credentials: self.0.clone()?, expires: None })
    }
}

fn credentials(variables: &Variables) -> Result<Credentials> {
    let used = SETS.iter().find(|[id, secret, _]| variables.get(id).or(variables.get(secret)).is_some());
    let [id, secret, token] = used.unwrap_or(&SETS[0]);
    let required = |name| variables.get(name).ok_or_else(|| failed(format!("{name} is not set")));
    let credentials =
        Credentials::of(required(id)?.into(), required(secret)?.into(), variables.get(token).map(Into::into));
    credentials.check()?;
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::super::testing::variables;
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_vendors_variables_are_read() {
        for [id, secret, token] in SETS {
            let found = credentials(&variables(&[(id, "i"), (secret, "s"), (token, "t")])).unwrap();
            assert_eq!(found, Credentials::new("i", "s", Some("t".into())));
        }
    }

    #[test]
    fn the_two_sets_are_not_mixed() {
        let both = variables(&[
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "other"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "other"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "other"),
            ("OSS_ACCESS_KEY_ID", "i"),
            ("OSS_ACCESS_KEY_SECRET", "s"),
        ]);
        assert_eq!(credentials(&both).unwrap(), Credentials::new("i", "s", None));
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        for (given, missing) in [
            (&[("OSS_ACCESS_KEY_ID", "i")][..], "OSS_ACCESS_KEY_SECRET"),
            (&[("OSS_ACCESS_KEY_ID", "i"), ("OSS_ACCESS_KEY_SECRET", "")], "OSS_ACCESS_KEY_SECRET"),
            (&[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")], "ALIBABA_CLOUD_ACCESS_KEY_ID"),
            (&[], "OSS_ACCESS_KEY_ID"),
        ] {
            let error = Environment::new(&variables(given)).check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert_eq!(error.message(), format!("{missing} is not set"));
        }
    }
}
