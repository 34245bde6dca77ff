//! The default chain: one source after the other. The first that is configured is the one that signs, or fails.

use std::sync::Arc;
use std::sync::OnceLock;

use super::ecs_role::EcsRole;
use super::env::Environment;
use super::oidc::Oidc;
use super::profile::Profile;
use super::uri::CredentialsUri;
use super::{Fetched, Issued, Provider, ProviderContext, Unavailable, not_configured};
use crate::sync::atomic::AtomicBool;

/// The sources in their order. `docs/credentials.md` explains them; the tests of the documentation compare what other
/// pages say.
const ORDER: [(&str, Make); 5] = [
    ("env", |context| Ok(Box::new(Environment::new(&context.variables)))),
    ("oidc", |context| Ok(Box::new(Oidc::from_environment(context)?))),
    ("profile", |context| Ok(Box::new(Profile::new(context.clone(), None)))),
    ("ecs-role", |context| Ok(Box::new(EcsRole::new(context.clone(), None)?))),
    ("uri", |context| Ok(Box::new(CredentialsUri::from_environment(context)?))),
];

type Make = fn(&Arc<ProviderContext>) -> Fetched<Box<dyn Provider>>;

pub(super) struct Chain {
    links: Vec<Link>,
    /// The link that had credentials: from then on no other is asked, so that an upload does not change sides.
    found: OnceLock<usize>,
}

struct Link {
    name: &'static str,
    provider: Fetched<Box<dyn Provider>>,
}

impl Link {
    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        match &self.provider {
            Ok(provider) => provider.fetch(stop),
            Err(why) => Err(why.clone()),
        }
    }
}

impl Chain {
    pub(super) fn new(context: &Arc<ProviderContext>) -> Self {
        let links = ORDER.iter().map(|(name, make)| Link { name, provider: make(context) });
        Chain { links: links.collect(), found: OnceLock::new() }
    }
}

impl Provider for Chain {
    fn name(&self) -> String {
        self.found.get().map_or("the default chain", |at| self.links[*at].name).into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        if let Some(at) = self.found.get() {
            return self.links[*at].fetch(stop);
        }
        let mut reasons = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            match link.fetch(stop) {
                Ok(issued) => {
                    // Another thread cannot have been faster: the cache asks one at a time.
                    let _ = self.found.set(at);
                    return Ok(issued);
                }
                Err(Unavailable::NotConfigured(why)) => reasons.push(format!("{}: {why}", link.name)),
                // Who comes after it may be somebody else.
                Err(Unavailable::Failed(error)) => {
                    let hint = "it is configured, so no other source is tried: repair it or remove it";
                    return Err(error.context(link.name).hint(hint).into());
                }
            }
        }
        // Not to be tried again at once: where there is no metadata service today, there is none in a second.
        Err(not_configured(reasons.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, context};
    use super::*;
    use crate::error::Error;
    use crate::os::path::HOME;

    const KEY: &str = r#"{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t","Code":"Success"}"#;

    fn fetch(chain: &Chain) -> Result<String, Error> {
        let issued = chain.fetch(&Arc::default()).map_err(Unavailable::into_error)?;
        Ok(issued.credentials.access_key_id().to_owned())
    }

    #[test]
    fn every_reason_is_told() {
        let script = Script::new([(0, "no route to 100.100.100.200"), (0, "no route to 100.100.100.200")]);
        let error = fetch(&Chain::new(&context(&[(HOME, "/nowhere")], &script))).unwrap_err();
        for reason in [
            "env: OSS_ACCESS_KEY_ID is not set; oidc: ALIBABA_CLOUD_ROLE_ARN is not set; ",
            "profile: none of these files exists: /nowhere/.aliyun/config.json",
            "ecs-role: no route to 100.100.100.200; uri: ALIBABA_CLOUD_CREDENTIALS_URI is not set",
        ] {
            assert!(error.message().contains(reason), "{error}");
        }
        assert!(!error.is_retryable(), "{error}");
    }

    /// Each is configured and broken, and somebody else's credentials URI is behind it.
    #[test]
    fn a_broken_source_ends_the_chain() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aliyun")).unwrap();
        std::fs::write(home.path().join(".aliyun/config.json"), "{").unwrap();
        let broken_home = home.path().to_str().unwrap();
        let uri = "ALIBABA_CLOUD_CREDENTIALS_URI";
        for (given, expected) in [
            (("OSS_ACCESS_KEY_ID", "i"), "env: OSS_ACCESS_KEY_SECRET is not set"),
            (("ALIBABA_CLOUD_SECURITY_TOKEN", "t"), "env: ALIBABA_CLOUD_ACCESS_KEY_ID is not set"),
            (("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"), "oidc: ALIBABA_CLOUD_ROLE_ARN is not set"),
            (("ALIBABA_CLOUD_PROFILE", "prod"), "profile: ALIBABA_CLOUD_PROFILE names the profile prod"),
            ((HOME, broken_home), "profile: cannot read "),
            (("ALIBABA_CLOUD_ECS_METADATA", "a/b"), "ecs-role: the name of the ECS RAM role"),
        ] {
            let chain = Chain::new(&context(&[given, (uri, "http://127.0.0.1:1")], &Script::new([])));
            let error = fetch(&chain).unwrap_err();
            assert!(error.message().starts_with(expected), "{error}");
            assert!(error.message().ends_with("no other source is tried: repair it or remove it"), "{error}");
        }
        let given = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"), (uri, "http://127.0.0.1:1")];
        let error = fetch(&Chain::new(&context(&given, &Script::new([(500, "")])))).unwrap_err();
        assert!(error.message().starts_with("uri: http://127.0.0.1:1 returned 500; it is configured"), "{error}");
        assert!(error.is_retryable());
        let given = [("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"), (uri, "ftp://secret")];
        let error = fetch(&Chain::new(&context(&given, &Script::new([])))).unwrap_err();
        assert!(error.message().starts_with("uri: ALIBABA_CLOUD_CREDENTIALS_URI: "), "{error}");
    }

    #[test]
    fn who_had_credentials_is_asked_from_then_on() {
        let script = Script::new([(200, "t"), (200, "role"), (200, KEY), (200, "t"), (500, "")]);
        let chain = Chain::new(&context(&[], &script));
        assert_eq!(chain.name(), "the default chain");
        assert_eq!(fetch(&chain).unwrap(), "STS.x");
        let error = fetch(&chain).unwrap_err();
        assert!(error.message().starts_with("the metadata service") && error.is_retryable(), "{error}");
        assert_eq!(chain.name(), "ecs-role");
    }
}
