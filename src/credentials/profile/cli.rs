//! `~/.aliyun/config.json` of Alibaba Cloud's command line.

use serde::Deserialize;

use super::recipe::{Book, Recipe};
use crate::credentials::Secret;
use crate::credentials::key_response::from_json;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    current: String,
    profiles: Vec<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    name: String,
    mode: String,
    access_key_id: String,
    access_key_secret: Secret,
    sts_token: Secret,
    sts_region: String,
    ram_role_name: String,
    ram_role_arn: String,
    ram_session_name: String,
    external_id: String,
    source_profile: String,
    expired_seconds: u32,
    policy: String,
    enable_vpc: bool,
    process_command: Secret,
    credentials_uri: String,
    oidc_provider_arn: String,
    oidc_token_file: String,
}

pub(super) fn read(json: &[u8]) -> Result<Box<dyn Book>, String> {
    let config: Config = from_json(json).map_err(|why| format!("it {why}"))?;
    Ok(Box::new(config))
}

impl Book for Config {
    fn usual(&self) -> Option<String> {
        Some(self.current.clone()).filter(|name| !name.is_empty())
    }

    fn must_have_usual(&self) -> bool {
        !self.current.is_empty()
    }

    fn recipe(&self, name: &str) -> Option<Recipe> {
        let entry = self.profiles.iter().find(|entry| entry.name == name)?;
        Some(Recipe {
            mode: entry.mode.clone(),
            access_key_id: entry.access_key_id.clone(),
            access_key_secret: entry.access_key_secret.clone(),
            token: entry.sts_token.clone(),
            role_name: entry.ram_role_name.clone(),
            role_arn: entry.ram_role_arn.clone(),
            session: entry.ram_session_name.clone(),
            seconds: entry.expired_seconds,
            policy: entry.policy.clone(),
            external_id: entry.external_id.clone(),
            sts_region: entry.sts_region.clone(),
            vpc: entry.enable_vpc,
            source: entry.source_profile.clone(),
            command: entry.process_command.clone(),
            uri: entry.credentials_uri.clone(),
            oidc_provider_arn: entry.oidc_provider_arn.clone(),
            oidc_token_file: entry.oidc_token_file.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_name() {
        let book = read(
            br#"{"current":"b","meta_path":"","profiles":[
            {"name":"a","mode":"AK","access_key_id":"1","retry_timeout":10},
            {"name":"b","mode":"StsToken","access_key_id":"2","sts_token":"t","enable_vpc":true,"expired_seconds":900}]}"#,
        );
        let book = book.unwrap();
        assert_eq!(book.usual().as_deref(), Some("b"));
        let recipe = book.recipe("b").unwrap();
        assert_eq!((recipe.mode.as_str(), recipe.access_key_id.as_str(), recipe.seconds), ("StsToken", "2", 900));
        assert!(recipe.vpc && &*recipe.token == "t");
        assert!(book.recipe("c").is_none());
        assert_eq!(read(b"{}").unwrap().usual(), None);
        assert_eq!(read(b"\xef\xbb\xbf{\"current\":\"c\"}").unwrap().usual().as_deref(), Some("c"));
        assert!(read(b"[]").is_err() && read(b"").is_err());
        assert!(read(b"\"secret\"").is_err_and(|why| !why.contains("secret")));
    }
}
