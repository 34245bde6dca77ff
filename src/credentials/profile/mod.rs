//! Credentials as other tools of the vendor have them in their files: a profile may hold a key, or say how to get one.

mod cli;
mod ini;
mod ossutil;
mod recipe;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Issued, Provider, Surroundings, failed, read_file};
use crate::error::{Error, ErrorKind, Result};
use recipe::Recipe;

const USUAL: &str = "default";

/// A profile of the first file that has it. Read anew each time: tools rewrite their files.
pub(super) struct Profile {
    surroundings: Arc<Surroundings>,
    name: Option<String>,
}

/// The profiles of one file, as its tool understands it.
trait Book {
    /// The profile that is used when none is named.
    fn usual(&self) -> Option<String>;

    fn recipe(&self, name: &str) -> Option<Recipe>;
}

/// Reads a file, or says what is wrong with it.
type Reader = fn(&[u8]) -> std::result::Result<Box<dyn Book>, String>;

/// A file, and how it is read.
struct Place {
    path: PathBuf,
    read: Reader,
    /// The variable that names the profile when the caller does not.
    named_by: &'static str,
}

impl Profile {
    pub(super) fn new(surroundings: Arc<Surroundings>, name: Option<&str>) -> Self {
        Profile { surroundings, name: name.map(str::to_owned) }
    }

    fn places(&self) -> Vec<Place> {
        let variables = &self.surroundings.variables;
        let mut places = Vec::new();
        let mut add = |variable, path, read: Reader, named_by| {
            places.extend(variables.file(variable, path).map(|path| Place { path, read, named_by }));
        };
        const NAME: &str = "ALIBABA_CLOUD_PROFILE";
        if !variables.is_true("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
            add("ALIBABA_CLOUD_CONFIG_FILE", ".aliyun/config.json", cli::read, NAME);
        }
        add("ALIBABA_CLOUD_CREDENTIALS_FILE", ".alibabacloud/credentials", ini::read, NAME);
        add("OSSUTIL_CONFIG_FILE", ".ossutilconfig", ossutil::read, "OSSUTIL_PROFILE");
        places
    }

    /// The provider that the profile describes.
    fn resolve(&self) -> Result<Box<dyn Provider>> {
        let places = self.places();
        let mut have = Vec::new();
        for place in &places {
            let path = place.path.display();
            let Some(book) = open(place)? else { continue };
            let wanted = self.name.as_deref().or_else(|| self.surroundings.variables.get(place.named_by));
            let name = wanted.map(str::to_owned).or_else(|| book.usual()).unwrap_or_else(|| USUAL.into());
            match book.recipe(&name) {
                Some(recipe) => {
                    let provider = recipe.provider(&self.surroundings, &*book);
                    return provider.map_err(|error| error.context(format_args!("{name} in {path}")));
                }
                None => have.push(format!("{path} has no profile {name}")),
            }
        }
        if !have.is_empty() {
            return Err(failed(have.join(", ")));
        }
        let paths: Vec<_> = places.iter().map(|place| place.path.display().to_string()).collect();
        Err(match paths.is_empty() {
            true => failed("the home directory is not known: HOME is not set"),
            false => failed(format!("there is none of the files {}", paths.join(", "))),
        })
    }
}

/// `None`: there is no such file.
fn open(place: &Place) -> Result<Option<Box<dyn Book>>> {
    let cannot = |error: io::Error| Error::os(ErrorKind::Credentials, cannot_read(&place.path), &error);
    let bytes = match read_file(&place.path) {
        // Its folder may be a file, or not ours.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        bytes => bytes.map_err(cannot)?,
    };
    let book = (place.read)(&bytes).map_err(|why| failed(format!("{}: {why}", cannot_read(&place.path))))?;
    Ok(Some(book))
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

impl Provider for Profile {
    fn name(&self) -> String {
        "profile".into()
    }

    fn check(&self) -> Result<()> {
        self.resolve()?.check()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Result<Issued> {
        let provider = self.resolve()?;
        provider.fetch(stop).map_err(|error| error.context(provider.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Script, surroundings};
    use super::*;
    use std::fs;

    const STS: &str = r#"{"Credentials":{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t"}}"#;
    const CONFIG: &str = r#"{"current":"chain","profiles":[
        {"name":"default","mode":"AK","access_key_id":"cli","access_key_secret":"cli-secret"},
        {"name":"sso","mode":"CloudSSO"},
        {"name":"role","mode":"RamRoleArn","access_key_id":"cli","access_key_secret":"cli-secret",
         "ram_role_arn":"acs:ram::1:role/x","ram_session_name":"session","expired_seconds":1200},
        {"name":"chain","mode":"ChainableRamRoleArn","source_profile":"role","ram_role_arn":"acs:ram::1:role/y"}]}"#;
    const INI: &str = "[default]\ntype = access_key\naccess_key_id = ini\naccess_key_secret = ini-secret\n\
        [other]\ntype=access_key\naccess_key_id=other\naccess_key_secret=x\n";
    const OSSUTIL: &str = "[Credentials]\naccessKeyID=tool\naccessKeySecret=tool-secret\n\
        [profile deep]\nmode=AK\naccess-key-id=deep\naccess_key_secret=x\n";

    struct Home(tempfile::TempDir);

    impl Home {
        fn new(files: &[(&str, &str)]) -> Home {
            let home = Home(tempfile::tempdir().unwrap());
            for (path, text) in files {
                let path = home.0.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            home
        }

        fn full() -> Home {
            Home::new(&[
                (".aliyun/config.json", CONFIG),
                (".alibabacloud/credentials", INI),
                (".ossutilconfig", OSSUTIL),
            ])
        }

        fn profile(&self, name: Option<&str>, variables: &[(&str, &str)], script: &Script) -> Profile {
            let mut given = vec![("HOME", self.0.path().to_str().unwrap())];
            given.extend(variables);
            Profile::new(surroundings(&given, script), name)
        }

        /// The access key id, without asking anybody.
        fn id(&self, name: Option<&str>, variables: &[(&str, &str)]) -> Result<String> {
            let issued = self.profile(name, variables, &Script::new([])).fetch(&Arc::default())?;
            Ok(issued.credentials.access_key_id().to_owned())
        }
    }

    #[test]
    fn the_first_file_that_has_the_profile_is_used() {
        let home = Home::full();
        assert_eq!(home.id(Some("default"), &[]).unwrap(), "cli");
        assert_eq!(home.id(Some("other"), &[]).unwrap(), "other");
        assert_eq!(home.id(Some("deep"), &[]).unwrap(), "deep");
        let without_cli = ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true");
        assert_eq!(home.id(None, &[without_cli]).unwrap(), "ini");
        assert_eq!(Home::new(&[(".ossutilconfig", OSSUTIL)]).id(None, &[]).unwrap(), "tool");
    }

    #[test]
    fn variables_name_files_and_profiles() {
        let home = Home::full();
        assert_eq!(home.id(None, &[("ALIBABA_CLOUD_PROFILE", "other")]).unwrap(), "other");
        let elsewhere = Home::new(&[("x", CONFIG), ("y", INI), ("z", OSSUTIL)]);
        let path = |name| elsewhere.0.path().join(name).to_str().unwrap().to_owned();
        let id = |variables: &[(&str, &str)]| Home::new(&[]).id(None, variables).unwrap();
        assert_eq!(id(&[("ALIBABA_CLOUD_CONFIG_FILE", &path("x")), ("ALIBABA_CLOUD_PROFILE", "default")]), "cli");
        assert_eq!(id(&[("ALIBABA_CLOUD_CREDENTIALS_FILE", &path("y"))]), "ini");
        assert_eq!(id(&[("OSSUTIL_CONFIG_FILE", &path("z")), ("OSSUTIL_PROFILE", "deep")]), "deep");
    }

    #[test]
    fn a_role_is_taken_on_with_the_role_of_another_profile() {
        let script = Script::new([(200, STS), (200, STS)]);
        let profile = Home::full().profile(None, &[], &script);
        // Its home is gone by now.
        assert!(profile.fetch(&Arc::default()).is_err());
        let home = Home::full();
        home.profile(None, &[], &script).fetch(&Arc::default()).unwrap();
        let asked = script.asked();
        assert!(
            asked[0].line.contains("AccessKeyId=cli&") && asked[1].line.contains("AccessKeyId=STS.x&"),
            "{asked:?}"
        );
        assert_eq!(asked[0].body, "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fx&RoleSessionName=session&DurationSeconds=1200");
        assert!(asked[1].body.starts_with("RoleArn=acs%3Aram%3A%3A1%3Arole%2Fy&RoleSessionName=oss-upload&"));
    }

    #[test]
    fn what_is_missing_is_told() {
        let error = Home::full().id(Some("nobody"), &[]).unwrap_err();
        for file in ["config.json", "credentials", ".ossutilconfig"] {
            assert!(error.message().contains(&format!("{file} has no profile nobody")), "{error}");
        }
        let error = Home::new(&[]).id(None, &[]).unwrap_err();
        assert!(error.message().starts_with("there is none of the files /"), "{error}");
        let error = Profile::new(surroundings(&[], &Script::new([])), None).check().unwrap_err();
        assert!(error.message().contains("HOME"), "{error}");
        let error = Home::new(&[(".aliyun/config.json", "secret")]).id(None, &[]).unwrap_err();
        assert!(error.message().contains("config.json: it is not") && !error.message().contains("secret"), "{error}");
        let error = Home::new(&[(".aliyun/config.json/x", "")]).id(None, &[]).unwrap_err();
        assert!(error.message().starts_with("cannot read /") && error.os_errno() != 0, "{error}");
    }

    #[test]
    fn a_login_is_not_possible() {
        let error = Home::full().profile(Some("sso"), &[], &Script::new([])).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("sso in /") && error.message().contains("CloudSSO"), "{error}");
    }
}
