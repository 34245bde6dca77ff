//! Which file has the profile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recipe::{Book, USUAL};
use super::{cli, ini, ossutil};
use crate::credentials::{
    Fetched, Issued, Provider, ProviderContext, Unavailable, failed, not_configured, read_file, unreadable,
};
use crate::error::Result;
use crate::os::path::HOME;
use crate::sync::atomic::AtomicBool;

/// A profile of the first file that has it. Read anew each time: tools rewrite their files.
pub(crate) struct Profile {
    context: Arc<ProviderContext>,
    name: Option<String>,
}

/// Reads a file, or says what is wrong with it.
type Reader = fn(&[u8]) -> std::result::Result<Box<dyn Book>, String>;

/// The files of tools that have one variable for the name of the profile.
struct Group {
    /// Names the profile when the caller does not.
    named_by: &'static str,
    files: &'static [File],
}

/// A file, and how it is read.
struct File {
    /// Names the file.
    variable: &'static str,
    /// Else it is here, below the home directory.
    usual: &'static str,
    /// Has it left out.
    disabled_by: Option<&'static str>,
    read: Reader,
}

const GROUPS: [Group; 2] = [
    Group {
        named_by: "ALIBABA_CLOUD_PROFILE",
        files: &[
            File {
                variable: "ALIBABA_CLOUD_CONFIG_FILE",
                usual: ".aliyun/config.json",
                disabled_by: Some("ALIBABA_CLOUD_CLI_PROFILE_DISABLED"),
                read: cli::read,
            },
            File {
                variable: "ALIBABA_CLOUD_CREDENTIALS_FILE",
                usual: ".alibabacloud/credentials",
                disabled_by: None,
                read: ini::read,
            },
        ],
    },
    Group {
        named_by: "OSSUTIL_PROFILE",
        files: &[File {
            variable: "OSSUTIL_CONFIG_FILE",
            usual: ".ossutilconfig",
            disabled_by: None,
            read: ossutil::read,
        }],
    },
];

/// A profile, and who gives its credentials.
struct FoundProfile {
    provider: Box<dyn Provider>,
    /// `default in /home/me/.aliyun/config.json`.
    place: String,
}

/// What was looked at in vain.
#[derive(Default)]
struct Tried {
    missing: Vec<String>,
    /// Files without the profile.
    without: Vec<String>,
}

impl Tried {
    fn tell(&self) -> String {
        match (self.without.is_empty(), self.missing.is_empty()) {
            (false, _) => self.without.join(", "),
            (true, false) => format!("none of these files exists: {}", self.missing.join(", ")),
            (true, true) => format!("the home directory is not known: {HOME} is not set"),
        }
    }
}

impl Profile {
    pub(crate) fn new(context: Arc<ProviderContext>, name: Option<&str>) -> Self {
        Profile { context, name: name.map(str::to_owned) }
    }

    /// The provider that the profile describes. Whoever names a profile or a file gets that one, or an error: the next
    /// file may be somebody else's.
    fn resolve(&self) -> Fetched<FoundProfile> {
        let mut tried = Tried::default();
        for group in &GROUPS {
            let by_variable = self.context.variables.get(group.named_by)?.filter(|_| self.name.is_none());
            let wanted = self.name.as_deref().or(by_variable);
            for file in group.files {
                if let Some(found) = self.look(file, wanted, &mut tried)? {
                    return Ok(found);
                }
            }
            if let Some(name) = by_variable {
                let why = format!("{} names the profile {name}, and {}", group.named_by, tried.tell());
                return Err(failed(why).into());
            }
        }
        match self.name {
            Some(_) => Err(failed(tried.tell()).into()),
            None => Err(not_configured(tried.tell())),
        }
    }

    fn look(&self, file: &File, wanted: Option<&str>, tried: &mut Tried) -> Result<Option<FoundProfile>> {
        let Some(path) = self.path(file)? else { return Ok(None) };
        let Some(bytes) = self.read(file, &path)? else {
            tried.missing.push(path.display().to_string());
            return Ok(None);
        };
        let damaged = |why| failed(format!("cannot read {}: {why}", path.display()));
        let book = (file.read)(&bytes).map_err(damaged)?;
        let name = wanted.map(str::to_owned).or_else(|| book.usual()).unwrap_or_else(|| USUAL.into());
        let place = format!("{name} in {}", path.display());
        let without = format!("{} has no profile {name}", path.display());
        match book.recipe(&name) {
            Some(recipe) => {
                let provider = recipe.provider(&self.context, &*book).map_err(|error| error.context(&place))?;
                Ok(Some(FoundProfile { provider, place }))
            }
            None if wanted.is_none() && book.must_have_usual() => {
                Err(failed(without).hint("it names that profile as its current one"))
            }
            None => {
                tried.without.push(without);
                Ok(None)
            }
        }
    }

    /// `None`: it is left out, or there is no home directory.
    fn path(&self, file: &File) -> Result<Option<PathBuf>> {
        let variables = &self.context.variables;
        if let Some(disabled_by) = file.disabled_by
            && variables.is_true(disabled_by)?
        {
            return Ok(None);
        }
        if let Some(path) = self.context.file_of(file.variable)? {
            return Ok(Some(path));
        }
        Ok(self.context.file_of(HOME)?.map(|home| home.join(file.usual)))
    }

    /// `None`: there is no such file, and nobody says that there is.
    fn read(&self, file: &File, path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
        match read_file(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => {
                let is_named = self.context.variables.is_set(file.variable);
                if is_absent(&error, path) && !is_named {
                    return Ok(None);
                }
                let error = unreadable(format_args!("cannot read {}", path.display()), &error);
                Err(if is_named { error.hint(format_args!("{} names it", file.variable)) } else { error })
            }
        }
    }
}

/// There is nothing. A link that leads nowhere is something: a secret that is not mounted.
fn is_absent(error: &io::Error, path: &Path) -> bool {
    match error.kind() {
        // What should be its folder is a file, such as a home directory of /dev/null.
        io::ErrorKind::NotADirectory => true,
        io::ErrorKind::NotFound => {
            let first = path.ancestors().find_map(|part| part.symlink_metadata().ok().map(|found| (part, found)));
            first.is_none_or(|(part, found)| !found.is_symlink() || part.exists())
        }
        _ => false,
    }
}

/// It is configured here, whatever the source that it describes says of itself.
fn as_failure(why: Unavailable) -> Unavailable {
    Unavailable::Failed(why.into_error())
}

impl Provider for Profile {
    fn name(&self) -> String {
        "profile".into()
    }

    fn check(&self) -> Fetched<()> {
        self.resolve()?.provider.check().map_err(as_failure)
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        let FoundProfile { provider, place } = self.resolve()?;
        let issued = provider.fetch(stop).map_err(|why| why.into_error().context(provider.name()))?;
        Ok(issued.from(format!("profile {place}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::testing::{Script, context};
    use crate::error::{Error, ErrorKind};
    use crate::os::testing::symlink;
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
            let mut given = vec![(HOME, self.0.path().to_str().unwrap())];
            given.extend(variables);
            Profile::new(context(&given, script), name)
        }

        /// The access key id, without asking anybody.
        fn id(&self, name: Option<&str>, variables: &[(&str, &str)]) -> Result<String> {
            let issued = self.profile(name, variables, &Script::new([])).fetch(&Arc::default());
            Ok(issued.map_err(Unavailable::into_error)?.credentials.access_key_id().to_owned())
        }

        /// Why nothing comes when nobody is named, and whether something is configured.
        fn why(&self, variables: &[(&str, &str)]) -> (bool, Error) {
            match self.profile(None, variables, &Script::new([])).fetch(&Arc::default()).unwrap_err() {
                Unavailable::NotConfigured(error) => (false, error),
                Unavailable::Failed(error) => (true, error),
            }
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
        assert!(error.message().starts_with("none of these files exists: /"), "{error}");
        let why = Profile::new(context(&[], &Script::new([])), None).check().unwrap_err();
        assert!(matches!(&why, Unavailable::NotConfigured(_)) && why.to_string().contains(HOME), "{why}");
        let error = Home::new(&[(".aliyun/config.json", "secret")]).id(None, &[]).unwrap_err();
        assert!(error.message().contains("config.json: it is not") && !error.message().contains("secret"), "{error}");
        let error = Home::new(&[(".aliyun/config.json/x", "")]).id(None, &[]).unwrap_err();
        assert!(error.message().starts_with("cannot read /") && error.os_errno() != 0, "{error}");
    }

    #[test]
    fn nothing_is_configured_where_no_file_has_a_usual_profile() {
        for files in [
            &[][..],
            &[(".aliyun/config.json", "{}")],
            &[(".aliyun/config.json", "{\"profiles\":[]}"), (".alibabacloud/credentials", "[other]\n")],
            &[(".ossutilconfig", "[Credentials]\nlanguage=EN\n")],
        ] {
            let (configured, error) = Home::new(files).why(&[]);
            assert!(!configured, "{files:?}: {error}");
        }
        let home = Home::new(&[(".aliyun", "a file")]);
        assert!(!home.why(&[]).0 && !home.why(&[(HOME, "/dev/null")]).0);
    }

    /// A whole file of somebody else comes after each of them.
    #[test]
    fn what_is_named_or_there_and_does_not_work_is_a_failure() {
        const GOOD: (&str, &str) = (".ossutilconfig", OSSUTIL);
        for (path, text, variable, expected) in [
            (".aliyun/config.json", "", ("", ""), "config.json: it is not the expected JSON"),
            (".aliyun/config.json", "{", ("", ""), "config.json: it is not the expected JSON"),
            (".aliyun/config.json", "[]", ("", ""), "config.json: it is not the expected JSON"),
            (
                ".aliyun/config.json",
                r#"{"current":"x","profiles":[]}"#,
                ("", ""),
                "config.json has no profile x; it names",
            ),
            (".aliyun/config.json", r#"{"profiles":[{"name":"default"}]}"#, ("", ""), "neither a mode nor a key"),
            (".aliyun/config.json", r#"{"profiles":[{"name":"default","mode":"x"}]}"#, ("", ""), "the mode x is not"),
            (".aliyun/config.json/x", "", ("", ""), "config.json: Is a directory"),
            (".alibabacloud/credentials", "[default\n", ("", ""), "credentials: line 1 begins a section"),
            (".alibabacloud/credentials", "\u{0}[\u{0}d", ("", ""), "credentials: it is UTF-16 text"),
            (".alibabacloud/credentials", "[default]\n", ("", ""), "neither a mode nor a key"),
            (
                ".x",
                "",
                ("ALIBABA_CLOUD_PROFILE", "nobody"),
                "ALIBABA_CLOUD_PROFILE names the profile nobody, and none of these",
            ),
            (
                ".x",
                "",
                ("ALIBABA_CLOUD_CONFIG_FILE", "/nowhere"),
                "No such file or directory (os error 2); ALIBABA_CLOUD_CONF",
            ),
            (".x", "", ("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere"), "cannot read /nowhere: No such file"),
            (".x", "", ("OSSUTIL_CONFIG_FILE", "x"), "cannot read /where/the/client/was/made/x: "),
            (".x", "", ("OSSUTIL_PROFILE", "nobody"), "OSSUTIL_PROFILE names the profile nobody, and /"),
        ] {
            let (configured, error) = Home::new(&[(path, text), GOOD]).why(&[variable]);
            assert!(configured && error.message().contains(expected), "{text} {variable:?}: {error}");
            assert!(!error.is_retryable(), "{error}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_a_failure() {
        for link in [".aliyun", ".aliyun/config.json"] {
            let home = Home::new(&[("x/y", ""), (".ossutilconfig", OSSUTIL)]);
            let link = home.0.path().join(link);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink("/nowhere", link).unwrap();
            let (configured, error) = home.why(&[]);
            assert!(configured && error.message().contains("config.json: No such file"), "{error}");
        }
    }

    #[test]
    fn where_it_was_found_is_told() {
        let home = Home::full();
        let issued = home.profile(Some("default"), &[], &Script::new([])).fetch(&Arc::default()).unwrap();
        let expected = format!("profile default in {}", home.0.path().join(".aliyun/config.json").display());
        assert_eq!(issued.source, expected);
    }

    #[test]
    fn a_login_is_not_possible() {
        let home = Home::full();
        let error = home.profile(Some("sso"), &[], &Script::new([])).check().unwrap_err().into_error();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let place = format!("sso in {}", home.0.path().display());
        assert!(error.message().contains(&place) && error.message().contains("CloudSSO"), "{error}");
    }
}
