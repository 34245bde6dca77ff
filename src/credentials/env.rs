//! Credentials from environment variables.

use std::sync::Arc;

use super::{Credentials, Fetched, Issued, Provider, Variables, failed, not_configured};
use crate::sync::atomic::AtomicBool;

/// Those of Alibaba Cloud's OSS SDKs, then those of its other SDKs. They are not mixed.
const SETS: [[&str; 3]; 2] = [
    ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"],
    ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"],
];

/// The keys in the environment, as it was when the client was made.
pub(super) struct Environment(Fetched<Issued>);

impl Environment {
    pub(super) fn new(variables: &Variables) -> Self {
        Environment(read(variables))
    }
}

impl Provider for Environment {
    fn name(&self) -> String {
        "env".into()
    }

    fn check(&self) -> Fetched<()> {
        self.0.clone().map(drop)
    }

    fn fetch(&self, _: &Arc<AtomicBool>) -> Fetched<Issued> {
        self.0.clone()
    }
}

/// The first set of which anything is there; it must be whole.
fn read(variables: &Variables) -> Fetched<Issued> {
    let used = SETS.iter().find(|set| set.iter().any(|name| variables.is_set(name)));
    let Some([id, secret, token]) = used else { return Err(not_configured(format!("{} is not set", SETS[0][0]))) };
    let half = |missing| failed(format!("{missing} is not set"));
    let required = |name| Ok::<_, super::Unavailable>(variables.get(name)?.ok_or_else(|| half(name))?);
    let (id_text, secret_text, token_text) = (required(id)?, required(secret)?, variables.get(token)?);
    for (name, text) in [(id, id_text), (secret, secret_text), (token, token_text.unwrap_or_default())] {
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            let why = format!("{name} contains something other than visible ASCII, such as a space or a line break");
            return Err(failed(why).into());
        }
    }
    let credentials = Credentials::of(id_text.into(), secret_text.into(), token_text.map(Into::into));
    Ok(Issued::new(credentials, None).from(format!("env {id}")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::variables;
    use super::super::{Unavailable, Variables};
    use super::*;
    use crate::error::ErrorKind;
    use crate::os::testing::not_unicode;

    fn credentials(given: &[(&str, &str)]) -> Credentials {
        read(&variables(given)).unwrap().credentials
    }

    #[test]
    fn the_variables_of_all_sdks_are_read() {
        for [id, secret, token] in SETS {
            let found = credentials(&[(id, "i"), (secret, "s"), (token, "t")]);
            assert_eq!(found, Credentials::new("i", "s", Some("t".into())));
        }
    }

    #[test]
    fn the_two_sets_are_not_mixed() {
        let both = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "other"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "other"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "other"),
            ("OSS_ACCESS_KEY_ID", "i"),
            ("OSS_ACCESS_KEY_SECRET", "s"),
            ("OSS_SESSION_TOKEN", ""),
        ];
        assert_eq!(credentials(&both), Credentials::new("i", "s", None));
    }

    #[test]
    fn nothing_is_configured_when_all_are_unset_or_empty() {
        for given in [&[][..], &[("OSS_ACCESS_KEY_ID", ""), ("OSS_ACCESS_KEY_SECRET", ""), ("OSS_SESSION_TOKEN", "")]] {
            let why = read(&variables(given)).unwrap_err();
            assert!(matches!(&why, Unavailable::NotConfigured(_)), "{why:?}");
            assert_eq!(why.to_string(), "OSS_ACCESS_KEY_ID is not set");
        }
    }

    #[test]
    fn half_a_key_is_a_failure() {
        for (given, missing) in [
            (&[("OSS_ACCESS_KEY_ID", "i")][..], "OSS_ACCESS_KEY_SECRET"),
            (&[("OSS_ACCESS_KEY_ID", "i"), ("OSS_ACCESS_KEY_SECRET", "")], "OSS_ACCESS_KEY_SECRET"),
            (&[("OSS_SESSION_TOKEN", "t")], "OSS_ACCESS_KEY_ID"),
            (&[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")], "ALIBABA_CLOUD_ACCESS_KEY_ID"),
            (&[("ALIBABA_CLOUD_SECURITY_TOKEN", "s")], "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ] {
            let Err(Unavailable::Failed(error)) = read(&variables(given)) else { panic!("{given:?}") };
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert_eq!(error.message(), format!("{missing} is not set"));
        }
    }

    #[test]
    fn what_cannot_be_sent_is_a_failure() {
        for set in SETS {
            for broken in 0..3 {
                for bad in ["secret\n", "sec ret", " ", "\u{feff}secret", "secr\u{e9}t", "secret\0"] {
                    let mut given = set.map(|name| (name, "x"));
                    given[broken].1 = bad;
                    let Err(Unavailable::Failed(error)) = read(&variables(&given)) else { panic!("{given:?}") };
                    assert!(error.message().starts_with(&format!("{} contains", set[broken])), "{error}");
                    assert!(!error.message().contains("sec"), "{error}");
                }
                let bytes = |name: &str| match name == set[broken] {
                    true => not_unicode("s"),
                    false => "x".into(),
                };
                let variables = Variables::read(|name| set.contains(&name).then(|| bytes(name)));
                let Err(Unavailable::Failed(error)) = read(&variables) else { panic!("{}", set[broken]) };
                assert_eq!(error.message(), format!("{} is not UTF-8", set[broken]));
            }
        }
    }
}
