//! What a profile says, whichever file it stands in, and the provider that follows from it.

use std::path::Path;
use std::sync::Arc;

use crate::credentials::assume_role::AssumeRole;
use crate::credentials::ecs_role::EcsRole;
use crate::credentials::oidc::Oidc;
use crate::credentials::process::Process;
use crate::credentials::sts::{Role, RoleOptions};
use crate::credentials::uri::CredentialsUri;
use crate::credentials::{Credentials, Fetched, Issued, Provider, ProviderContext, Secret, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::atomic::AtomicBool;

/// The profile that is used when nothing else is said.
pub(super) const USUAL: &str = "default";

/// The profiles of one file, as its tool understands it.
pub(super) trait Book {
    /// The profile that is used when none is named.
    fn usual(&self) -> Option<String>;

    /// The file says so itself, so that it must have that profile.
    fn must_have_usual(&self) -> bool {
        false
    }

    fn recipe(&self, name: &str) -> Option<Recipe>;
}

/// Longer rows of profiles that name each other are taken for circles.
const MOST_SOURCES: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Recipe {
    pub mode: String,
    pub access_key_id: String,
    pub access_key_secret: Secret,
    pub token: Secret,
    /// Of an ECS instance.
    pub role_name: String,
    pub role_arn: String,
    pub session: String,
    pub seconds: u32,
    pub policy: String,
    pub external_id: String,
    pub sts_region: String,
    pub vpc: bool,
    pub source: String,
    pub command: Secret,
    pub uri: String,
    pub oidc_provider_arn: String,
    pub oidc_token_file: String,
}

/// Keys that stand in the profile itself.
struct Fixed(Credentials);

impl Provider for Fixed {
    fn name(&self) -> String {
        "key".into()
    }

    fn check(&self) -> Fetched<()> {
        // It is not the caller's argument that is wrong.
        Ok(self.0.check().map_err(|error| failed(error.message()))?)
    }

    fn fetch(&self, _: &Arc<AtomicBool>) -> Fetched<Issued> {
        self.check()?;
        Ok(Issued::new(self.0.clone(), None))
    }
}

impl Recipe {
    /// The provider; profiles that this one names are looked for in `book`.
    pub(super) fn provider(&self, context: &Arc<ProviderContext>, book: &dyn Book) -> Result<Box<dyn Provider>> {
        self.provider_within(context, book, MOST_SOURCES)
    }

    fn provider_within(
        &self,
        context: &Arc<ProviderContext>,
        book: &dyn Book,
        sources: u32,
    ) -> Result<Box<dyn Provider>> {
        let role = || Role::new(context.clone(), &self.role_options());
        let given = |name: &str, value: &str| match value.is_empty() {
            true => Err(failed(format!("mode {} needs {name}", self.mode))),
            false => Ok(()),
        };
        let mode = self.mode();
        Ok(match mode.as_str() {
            "ak" => self.key(false),
            "ststoken" => {
                given("a security token", &self.token)?;
                self.key(true)
            }
            "ramrolearn" => Box::new(AssumeRole::new(self.key(true), role()?)),
            "ecsramrole" => Box::new(self.ecs_role(context)?),
            "ramrolearnwithrolename" | "ramrolearnwithecs" => {
                Box::new(AssumeRole::new(Box::new(self.ecs_role(context)?), role()?))
            }
            "chainableramrolearn" => {
                given("source_profile", &self.source)?;
                let deeper = sources.checked_sub(1).ok_or_else(|| failed("the source profiles form a cycle"))?;
                let source = book.recipe(&self.source);
                let source = source.ok_or_else(|| failed(format!("there is no source profile {}", self.source)))?;
                let source = source.provider_within(context, book, deeper)?;
                Box::new(AssumeRole::new(source, role()?))
            }
            "oidc" => {
                given("oidc_provider_arn", &self.oidc_provider_arn)?;
                given("oidc_token_file", &self.oidc_token_file)?;
                let token_file = context.absolute(Path::new(&self.oidc_token_file))?;
                Box::new(Oidc::new(role()?, &self.oidc_provider_arn, token_file))
            }
            "external" => {
                given("process_command", self.command.trim())?;
                Box::new(Process::of_cli(&self.command, context.directory.clone()))
            }
            "process" => {
                given("a command", self.command.trim())?;
                Box::new(Process::of_sdk(&self.command, context.directory.clone()))
            }
            "uri" => Box::new(CredentialsUri::new(context.clone(), &self.uri)?),
            "" => return Err(failed("the profile has neither a mode nor a key")),
            _ => return Err(self.refuse(&mode)),
        })
    }

    /// Says nothing of credentials: in a file that has settings too, that is no damage.
    pub(super) fn is_empty(&self) -> bool {
        let said = [
            &*self.mode,
            &*self.access_key_id,
            &*self.access_key_secret,
            &*self.token,
            &*self.role_name,
            &*self.role_arn,
            &*self.source,
            &*self.command,
            &*self.uri,
            &*self.oidc_provider_arn,
            &*self.oidc_token_file,
        ];
        said.iter().all(|text| text.is_empty())
    }

    /// In lower case, with the names of all files made one. Old profiles have none: it follows from what they hold.
    fn mode(&self) -> String {
        let plain = self.mode.to_ascii_lowercase().replace(['_', '-'], "");
        match plain.as_str() {
            "accesskey" => "ak".into(),
            "sts" => "ststoken".into(),
            "oidcrolearn" => "oidc".into(),
            "credentialsuri" | "credentialuri" => "uri".into(),
            "" if !self.role_arn.is_empty() && !self.access_key_id.is_empty() => "ramrolearn".into(),
            "" if !self.token.is_empty() => "ststoken".into(),
            "" if !self.access_key_id.is_empty() => "ak".into(),
            "" if !self.uri.is_empty() => "uri".into(),
            "" if !self.role_name.is_empty() => "ecsramrole".into(),
            _ => plain,
        }
    }

    fn key(&self, with_token: bool) -> Box<dyn Provider> {
        let token = with_token.then(|| self.token.clone());
        Box::new(Fixed(Credentials::of(self.access_key_id.clone(), self.access_key_secret.clone(), token)))
    }

    fn ecs_role(&self, context: &Arc<ProviderContext>) -> Result<EcsRole> {
        EcsRole::new(context.clone(), some(&self.role_name))
    }

    fn role_options(&self) -> RoleOptions<'_> {
        RoleOptions {
            arn: &self.role_arn,
            session: some(&self.session),
            seconds: Some(self.seconds),
            policy: some(&self.policy),
            external_id: some(&self.external_id),
            region: some(&self.sts_region),
            vpc: self.vpc,
        }
    }

    fn refuse(&self, mode: &str) -> Error {
        let name: String = self.mode.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        let why = match mode {
            "cloudsso" | "oauth" => {
                "requires a login, which this library does not support: use its keys, or a process that provides them"
            }
            "anonymous" => "has no credentials: set the option credentials to \"anonymous\"",
            _ => "is not known to this library",
        };
        Error::new(ErrorKind::Unsupported, format!("the mode {name} {why}"))
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::cli;
    use super::*;
    use crate::credentials::Unavailable;
    use crate::credentials::testing::{Script, context};

    fn provider(profile: &str) -> Result<Box<dyn Provider>> {
        let json = format!(r#"{{"profiles":[{{"name":"p",{profile}}}]}}"#);
        let book = cli::read(json.as_bytes()).unwrap();
        let provider = book.recipe("p").unwrap().provider(&context(&[], &Script::new([])), &*book)?;
        provider.check().map_err(Unavailable::into_error)?;
        Ok(provider)
    }

    #[test]
    fn each_mode_has_its_provider() {
        let key = r#""access_key_id":"i","access_key_secret":"s""#;
        let role = r#""ram_role_arn":"r""#;
        for (profile, expected) in [
            (format!(r#""mode":"AK",{key}"#), "key"),
            (format!(r#""mode":"ak",{key},"sts_token":"left over""#), "key"),
            (format!(r#""mode":"StsToken",{key},"sts_token":"t""#), "key"),
            (format!(r#""mode":"",{key}"#), "key"),
            (format!(r#""mode":"",{key},{role}"#), "assume-role"),
            (format!(r#""mode":"RamRoleArn",{key},{role}"#), "assume-role"),
            (format!(r#""mode":"RamRoleArnWithRoleName","ram_role_name":"n",{role}"#), "assume-role"),
            (r#""mode":"EcsRamRole""#.into(), "ecs-role"),
            (format!(r#""mode":"OIDC",{role},"oidc_provider_arn":"p","oidc_token_file":"f""#), "oidc"),
            (r#""mode":"External","process_command":"x""#.into(), "process"),
            (r#""mode":"CredentialsURI","credentials_uri":"http://x""#.into(), "uri"),
        ] {
            assert_eq!(provider(&profile).unwrap().name(), expected, "{profile}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        for (profile, expected) in [
            (r#""mode":"AK","access_key_id":"i""#, "access_key_secret is empty"),
            (
                r#""mode":"StsToken","access_key_id":"i","access_key_secret":"s""#,
                "mode StsToken needs a security token",
            ),
            (r#""mode":"RamRoleArn","access_key_id":"i","access_key_secret":"s""#, "the ARN of the role is missing"),
            (r#""mode":"OIDC","ram_role_arn":"r""#, "mode OIDC needs oidc_provider_arn"),
            (r#""mode":"ChainableRamRoleArn","ram_role_arn":"r""#, "mode ChainableRamRoleArn needs source_profile"),
            (r#""mode":"ChainableRamRoleArn","ram_role_arn":"r","source_profile":"x""#, "there is no source profile x"),
            (r#""mode":"ChainableRamRoleArn","ram_role_arn":"r","source_profile":"p""#, "form a cycle"),
            (r#""mode":"External","process_command":" ""#, "mode External needs process_command"),
            (r#""mode":"""#, "neither a mode nor a key"),
        ] {
            let error = provider(profile).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn modes_that_need_a_login_are_refused() {
        for mode in ["CloudSSO", "OAuth", "RsaKeyPair", "BearerToken"] {
            let error = provider(&format!(r#""mode":"{mode}","access_token":"secret""#)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().contains(mode) && !error.message().contains("secret"), "{error}");
        }
    }
}
