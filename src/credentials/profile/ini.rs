//! Files of sections with keys, and `~/.alibabacloud/credentials` of Alibaba Cloud's SDKs, which is one.

use super::recipe::{Book, Recipe, USUAL};
use crate::credentials::Secret;
use crate::text;

/// A file of sections. Names of keys are the same in all their spellings: `accessKeyId`, `access_key_id`.
#[derive(Default)]
pub(super) struct Ini(Vec<(String, Section)>);

#[derive(Default)]
pub(super) struct Section(Vec<(String, Secret)>);

impl Ini {
    /// A line that is nothing of what may stand there makes the file a damaged one: passed over, it could be the profile
    /// that is looked for.
    pub(super) fn parse(bytes: &[u8]) -> Result<Ini, String> {
        let text = text::utf8(bytes).map_err(|why| format!("it {why}"))?;
        let mut ini = Ini::default();
        for (number, line) in text.lines().enumerate() {
            // A file that was joined of several may have a mark in the middle.
            let line = line.trim().trim_start_matches('\u{feff}').trim_start();
            ini.take_in(line).map_err(|why| format!("line {} {why}", number + 1))?;
        }
        Ok(ini)
    }

    fn take_in(&mut self, line: &str) -> Result<(), &'static str> {
        if line.is_empty() || is_comment(line) {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (name, rest) = rest.split_once(']').ok_or("begins a section whose name does not end with ]")?;
            if !rest.trim_start().is_empty() && !is_comment(rest.trim_start()) {
                return Err("has text after the name of a section");
            }
            self.0.push((name.trim().to_owned(), Section::default()));
            return Ok(());
        }
        let (key, value) = line.split_once(['=', ':']).ok_or("is neither a [section] nor key = value")?;
        let (_, section) = self.0.last_mut().ok_or("comes before the first [section]")?;
        section.0.push((plain(key), value.trim().into()));
        Ok(())
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

fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';'])
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
            let ini =
                Ini::parse(format!("\u{feff}# c\n; c\n\n[ A ] # c\n  {key}\t=  i = 1 \n\u{feff}[b]\n").as_bytes());
            assert_eq!(ini.unwrap().section("a").unwrap().recipe().access_key_id, "i = 1");
        }
        let ini = Ini::parse(b"[a]\naccess_key_id : i\nuri = http://x\n").unwrap();
        assert_eq!(ini.section("a").unwrap().recipe().access_key_id, "i");
        assert_eq!(ini.section("a").unwrap().recipe().uri, "http://x");
    }

    #[test]
    fn a_damaged_file_is_told_by_its_line() {
        for (text, expected) in [
            (&b"a = secret\n[a]\n"[..], "line 1 comes before the first [section]"),
            (b"[a]\nsecret\n", "line 2 is neither a [section] nor key = value"),
            (b"[secret\na = 1\n", "line 1 begins a section whose name does not end with ]"),
            (b"[a] secret\n", "line 1 has text after the name of a section"),
            (b"[a]\n\xff\n", "it is not UTF-8 text"),
            (b"\xff\xfe[\0", "it is UTF-16 text; save it as UTF-8"),
        ] {
            assert_eq!(Ini::parse(text).err().unwrap(), expected);
        }
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
