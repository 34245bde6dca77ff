//! The usual places, one after the other.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use super::ecs_role::EcsRole;
use super::env::Environment;
use super::oidc::Oidc;
use super::profile::Profile;
use super::uri::CredentialsUri;
use super::{Issued, Provider, Surroundings, failed};
use crate::error::Result;

pub(super) struct Chain {
    links: Vec<Result<Box<dyn Provider>>>,
    /// The link that had credentials: from then on no other is asked, so that an upload does not change sides.
    found: OnceLock<usize>,
}

impl Chain {
    pub(super) fn new(surroundings: &Arc<Surroundings>) -> Self {
        let has = |name| surroundings.variables.get(name).is_some();
        let mut links: Vec<Result<Box<dyn Provider>>> = vec![Ok(Box::new(Environment::new(&surroundings.variables)))];
        if has("ALIBABA_CLOUD_OIDC_TOKEN_FILE") && has("ALIBABA_CLOUD_ROLE_ARN") {
            links.push(Oidc::from_environment(surroundings).map(boxed));
        }
        links.push(Ok(Box::new(Profile::new(surroundings.clone(), None))));
        links.push(EcsRole::new(surroundings.clone(), None).map(boxed));
        if let Some(url) = surroundings.variables.get("ALIBABA_CLOUD_CREDENTIALS_URI") {
            links.push(CredentialsUri::new(surroundings.clone(), url).map(boxed));
        }
        Chain { links, found: OnceLock::new() }
    }
}

fn boxed(provider: impl Provider + 'static) -> Box<dyn Provider> {
    Box::new(provider)
}

impl Provider for Chain {
    fn name(&self) -> String {
        match self.found.get().map(|at| &self.links[*at]) {
            Some(Ok(link)) => link.name(),
            _ => "the usual places".into(),
        }
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Result<Issued> {
        if let Some(Ok(link)) = self.found.get().map(|at| &self.links[*at]) {
            return link.fetch(stop);
        }
        let mut reasons = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            let tried = match link {
                Ok(link) => link.fetch(stop).map_err(|error| format!("{}: {error}", link.name())),
                Err(error) => Err(error.to_string()),
            };
            match tried {
                Ok(issued) => {
                    // Another thread cannot have been faster: the keyring asks one at a time.
                    let _ = self.found.set(at);
                    return Ok(issued);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        // Not to be tried again at once: where there is no metadata service today, there is none in a second.
        Err(failed(reasons.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, surroundings};
    use super::*;

    const KEY: &str = r#"{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t","Code":"Success"}"#;

    #[test]
    fn every_reason_is_told() {
        let script = Script::new([(0, "no route to 100.100.100.200"), (0, "no route to 100.100.100.200")]);
        let chain = Chain::new(&surroundings(&[("HOME", "/nowhere")], &script));
        let error = chain.fetch(&Arc::default()).unwrap_err();
        for reason in [
            "env: OSS_ACCESS_KEY_ID is not set; ",
            "profile: there is none of the files /nowhere/.aliyun/config.json",
            "ecs-role: no route to 100.100.100.200",
        ] {
            assert!(error.message().contains(reason), "{error}");
        }
        assert!(!error.message().contains("oidc") && !error.is_retryable(), "{error}");
    }

    #[test]
    fn links_whose_variables_are_set_are_tried_too() {
        let script = Script::new([(0, ""), (0, ""), (500, "")]);
        let given = [
            ("ALIBABA_CLOUD_ROLE_ARN", "r"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1"),
        ];
        let error = Chain::new(&surroundings(&given, &script)).fetch(&Arc::default()).unwrap_err();
        for reason in ["oidc: ALIBABA_CLOUD_OIDC_PROVIDER_ARN is not set", "uri: http://127.0.0.1:1 answered 500"] {
            assert!(error.message().contains(reason), "{error}");
        }
    }

    #[test]
    fn who_had_credentials_is_asked_from_then_on() {
        let script = Script::new([(200, "t"), (200, "role"), (200, KEY), (200, "t"), (500, "")]);
        let chain = Chain::new(&surroundings(&[], &script));
        assert_eq!(chain.fetch(&Arc::default()).unwrap().credentials.access_key_id(), "STS.x");
        let error = chain.fetch(&Arc::default()).unwrap_err();
        assert!(error.message().starts_with("the metadata service") && error.is_retryable(), "{error}");
        assert_eq!(chain.name(), "ecs-role");
    }
}
