//! Files of sections with keys, and `~/.alibabacloud/credentials` of the vendor's SDKs, which is one.

use super::recipe::Recipe;
use super::{Book, USUAL};
use crate::credentials::Secret;

/// A file of sections. Names of keys are the same in all their spellings: `accessKeyId`, `access_key_id`.
#[derive(Default)]
pub(super) struct Ini(Vec<(String, Section)>);

#[derive(Default)]
pub(super) struct Section(Vec<(String, Secret)>);

impl Ini {
    /// Reads what can be read: other lines are passed over, as the tools do.
    pub(super) fn parse(bytes: &[u8]) -> Result<Ini, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut ini = Ini::default();
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                ini.0.push((name.trim().to_owned(), Section::default()));
            } else if let (Some((_, section)), Some((key, value))) = (ini.0.last_mut(), line.split_once('=')) {
                section.0.push((plain(key), value.trim().into()));
            }
        }
        Ok(ini)
    }

    /// The section of this name, in whatever case.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, section)| section)
    }

    /// The first key of the section.
    pub(super) fn first(&self, section: &str) -> Option<&str> {
        self.section(section)?.0.first().map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }
}

impl Section {
    /// The value of the first of these keys that has one.
    fn get(&self, names: &[&str]) -> Secret {
        let value = |name: &&str| self.0.iter().find(|(have, value)| have == name && !value.is_empty());
        names.iter().find_map(value).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The profile that this section is, in the words of any of the tools.
    pub(super) fn recipe(&self) -> Recipe {
        let text = |names: &[&str]| self.get(names).to_string();
        Recipe {
            mode: text(&["mode", "type"]),
            access_key_id: text(&["accesskeyid"]),
            access_key_secret: self.get(&["accesskeysecret"]),
            token: self.get(&["ststoken", "securitytoken"]),
            role_name: text(&["ecsrolename", "ramrolename", "rolename"]),
            role_arn: text(&["ramrolearn", "rolearn"]),
            session: text(&["rolesessionname", "ramsessionname"]),
            seconds: text(&["expiredseconds", "durationseconds", "roledurationseconds"]).parse().unwrap_or(0),
            policy: text(&["policy"]),
            external_id: text(&["externalid"]),
            sts_region: text(&["stsregion"]),
            vpc: text(&["enablevpc"]).eq_ignore_ascii_case("true"),
            source: text(&["sourceprofile"]),
            command: self.get(&["credentialprocess", "processcommand", "process"]),
            uri: text(&["credentialsuri", "credentialuri", "uri"]),
            oidc_provider_arn: text(&["oidcproviderarn"]),
            oidc_token_file: text(&["oidctokenfilepath", "oidctokenfile"]),
        }
    }
}

fn plain(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace(['_', '-'], "")
}

/// A section is a profile.
struct Credentials(Ini);

pub(super) fn read(bytes: &[u8]) -> Result<Box<dyn Book>, String> {
    Ok(Box::new(Credentials(Ini::parse(bytes)?)))
}

impl Book for Credentials {
    fn usual(&self) -> Option<String> {
        Some(USUAL.into())
    }

    fn recipe(&self, name: &str) -> Option<Recipe> {
        self.0.section(name).map(Section::recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_many_spellings() {
        for key in ["accessKeyID", "access_key_id", "access-key-id", "ACCESSKEYID"] {
            let ini = Ini::parse(format!("\u{feff}# c\n; c\nlost = 1\n[ A ]\n{key}\t=  i = 1 \nnonsense\n").as_bytes());
            assert_eq!(ini.unwrap().section("a").unwrap().recipe().access_key_id, "i = 1");
        }
        assert!(Ini::parse(b"\xff").is_err());
    }

    #[test]
    fn a_role_is_read() {
        let text = "[r]\ntype = ram_role_arn\naccess_key_id = i\naccess_key_secret = s\nrole_arn = a\n\
            role_session_name = n\npolicy = {\"Version\": \"1\"}\n[e]\ntype=ecs_ram_role\nrole_name=x\n";
        let book = read(text.as_bytes()).unwrap();
        let recipe = book.recipe("r").unwrap();
        assert_eq!(
            (recipe.mode.as_str(), recipe.role_arn.as_str(), recipe.session.as_str()),
            ("ram_role_arn", "a", "n")
        );
        assert_eq!(recipe.policy, "{\"Version\": \"1\"}");
        assert_eq!(book.recipe("e").unwrap().role_name, "x");
    }
}
