//! `~/.ossutilconfig`: version 1 has one key, in `[Credentials]`; version 2 has profiles.

use super::ini::{Ini, Section};
use super::recipe::{Book, Recipe, USUAL};

struct Config(Ini);

pub(super) fn read(bytes: &[u8]) -> Result<Box<dyn Book>, String> {
    Ok(Box::new(Config(Ini::parse(bytes)?)))
}

impl Book for Config {
    fn usual(&self) -> Option<String> {
        Some(USUAL.into())
    }

    fn recipe(&self, name: &str) -> Option<Recipe> {
        let own = || self.0.section(&format!("profile {name}")).map(Section::recipe);
        if name != USUAL {
            return own();
        }
        // The sections of this file have settings, too.
        let usual = self.0.section(USUAL).map(Section::recipe).or_else(own).filter(|recipe| !recipe.is_empty());
        usual.or_else(|| self.of_version_1())
    }
}

impl Config {
    fn of_version_1(&self) -> Option<Recipe> {
        let recipe = self.0.section("Credentials").map(Section::recipe).unwrap_or_default();
        if !recipe.is_empty() {
            return Some(recipe);
        }
        let uri = self.0.section("AkService").and_then(|_| self.0.first("AkService"))?.to_owned();
        Some(Recipe { mode: "uri".into(), uri, ..Recipe::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_has_a_key_or_an_address() {
        let book = read(
            b"[Credentials]\nlanguage=EN\nendpoint=oss-cn-hangzhou.aliyuncs.com\naccessKeyID=i\naccessKeySecret=s\n\
            stsToken=t\n[Bucket-Endpoint]\nb=oss-cn-beijing.aliyuncs.com\n",
        );
        let recipe = book.unwrap().recipe("default").unwrap();
        assert_eq!((recipe.mode.as_str(), recipe.access_key_id.as_str(), &*recipe.token), ("", "i", "t"));
        let book = read(b"[Credentials]\nlanguage=EN\n[AkService]\necsAk=http://100.100.100.200/x/role\n").unwrap();
        assert_eq!(book.recipe("default").unwrap().uri, "http://100.100.100.200/x/role");
        for nothing in [&b"[Credentials]\nlanguage=EN\n"[..], b"[default]\nregion=cn-hangzhou\n", b""] {
            assert!(read(nothing).unwrap().recipe("default").is_none());
        }
        assert!(read(b"[Credentials]\naccessKeySecret=s\n").unwrap().recipe("default").is_some());
    }

    #[test]
    fn version_2_has_profiles() {
        let book = read(
            b"[default]\naccessKeyID=i\naccessKeySecret=s\nregion=cn-hangzhou\n[profile x]\nmode=EcsRamRole\n\
            ecs-role-name=r\n[y]\nmode=AK\n",
        );
        let book = book.unwrap();
        assert_eq!(book.recipe("default").unwrap().access_key_id, "i");
        assert_eq!(book.recipe("x").unwrap().role_name, "r");
        assert!(book.recipe("y").is_none());
    }
}
