//! Uploads by a process of its own, whose environment a test can set.

use std::env::{current_exe, set_current_dir, var};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use oss_server::Server;
use oss_upload::{Client, ClientOptions, CredentialsSource, Error, EventKind, PartSize, UploadOptions};
use serde_json::{Value, json};

use super::vendor::Vendor;
use crate::common::*;

/// The variable that names the home directory.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
const ENDPOINT: &str = "TEST_ENDPOINT";
const FILE: &str = "TEST_FILE";
const NAME: &str = "TEST_CREDENTIALS";
/// The process goes there after it has made its client.
const GO_TO: &str = "TEST_GO_TO";
/// What the process does about its children: `ignored` or `reaped`.
const CHILDREN: &str = "TEST_CHILDREN";

/// The local OSS, Alibaba Cloud, and a home directory.
pub struct Case {
    pub oss: Arc<Server>,
    pub vendor: Vendor,
    pub scratch: Scratch,
    variables: Vec<(String, OsString)>,
}

impl Case {
    /// A machine on which nothing is set, outside Alibaba Cloud's network.
    pub fn new() -> Case {
        let oss = Arc::new(server_with(|config| config.access_keys = Vec::new()));
        let vendor = Vendor::start(&oss);
        Case { oss, vendor, scratch: Scratch::new(250_000), variables: Vec::new() }
    }

    pub fn with(self, name: &str, value: impl AsRef<str>) -> Case {
        self.with_bytes(name, value.as_ref().into())
    }

    pub fn with_bytes(mut self, name: &str, value: OsString) -> Case {
        self.variables.push((name.into(), value));
        self
    }

    /// The process changes its working directory after it has made its client.
    pub fn going_to(self, folder: &str) -> Case {
        self.with(GO_TO, folder)
    }

    /// The process ignores SIGCHLD (`ignored`), or has a thread that waits for all children (`reaped`).
    #[cfg(unix)]
    pub fn with_children(self, are: &str) -> Case {
        self.with(CHILDREN, are)
    }

    /// An ECS instance: it has Alibaba Cloud's metadata service.
    pub fn on_ecs(self) -> Case {
        let url = self.vendor.url();
        self.with("ALIBABA_CLOUD_ECS_METADATA_ENDPOINT", url)
    }

    pub fn with_sts(self) -> Case {
        let url = self.vendor.url();
        self.with("ALIBABA_CLOUD_STS_ENDPOINT", url)
    }

    /// A Kubernetes pod whose service account has a role.
    pub fn with_oidc(self) -> Case {
        let file = self.write("token", super::vendor::OIDC_TOKEN);
        self.with_sts()
            .with("ALIBABA_CLOUD_ROLE_ARN", super::vendor::ROLE_ARN)
            .with("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", super::vendor::OIDC_PROVIDER)
            .with("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap())
    }

    /// Writes a file below the home directory.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.scratch.path("home").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Uploads with these credentials; the access key id that was used, or the error.
    pub fn upload(&self, credentials: Option<&str>) -> Result<String, Failed> {
        self.upload_and_tell(credentials)?;
        Ok(self.oss.log().last().unwrap().access_key_id.clone().unwrap_or_default())
    }

    /// The same, and what the event says of the source.
    pub fn upload_and_tell(&self, credentials: Option<&str>) -> Result<String, Failed> {
        let mut command = Command::new(current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture", "run::child_uploads"]).env_clear();
        command.env("OSS_UPLOAD_LOG", "info");
        command.env(ENDPOINT, self.oss.endpoint()).env(FILE, &self.scratch.file);
        fs::create_dir_all(self.scratch.path("home")).unwrap();
        command
            .current_dir(self.scratch.path("home"))
            .env(HOME, self.scratch.path("home"))
            .env("PATH", var("PATH").unwrap_or_default());
        // Nobody answers there.
        command.env("ALIBABA_CLOUD_ECS_METADATA_ENDPOINT", "http://127.0.0.1:1");
        // Without it, Windows has no sockets.
        command.envs(var("SYSTEMROOT").map(|folder| ("SYSTEMROOT", folder)));
        command.envs(self.variables.iter().cloned());
        if let Some(name) = credentials {
            command.env(NAME, name);
        }
        let output = command.output().expect("the child starts");
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        super::secrets::assert_clean("what the process prints", &format!("{text}{errors}"));
        let told = text.lines().find_map(|line| line.split_once("outcome: ")).map(|(_, json)| json);
        let told: Value = serde_json::from_str(told.unwrap_or_else(|| panic!("{text}\n{errors}"))).unwrap();
        if told["message"].is_string() {
            return Err(Failed {
                kind: told["kind"].as_str().unwrap().into(),
                message: told["message"].as_str().unwrap().into(),
                retryable: told["retryable"].as_bool().unwrap(),
            });
        }
        assert_stored(&self.oss, "key", &self.scratch.file);
        let text = told["source"].as_str().unwrap_or_default();
        // The log has what the event has.
        assert!(text.is_empty() || errors.contains(&format!("CredentialsChanged: {text}")), "{errors}");
        Ok(text.into())
    }
}

/// An error of the other process.
#[derive(Debug)]
pub struct Failed {
    pub kind: String,
    pub message: String,
    pub retryable: bool,
}

/// What the process does: it uploads the file and prints what came of it.
#[test]
#[ignore = "a child of other tests"]
fn child_uploads() {
    let (Ok(endpoint), Ok(file)) = (var(ENDPOINT), var(FILE)) else { return };
    let client = |credentials: CredentialsSource| {
        let options = ClientOptions {
            endpoint: Some(endpoint),
            region: Some("cn-hangzhou".into()),
            credentials,
            max_attempts: 1,
            ..ClientOptions::default()
        };
        println!("{options:?}");
        Client::new(options)
    };
    live_with_children(&var(CHILDREN).unwrap_or_default());
    let tell = |error: Error| {
        println!("{error:?}");
        let kind = format!("{:?}", error.kind());
        json!({"kind": kind, "message": error.message(), "retryable": error.is_retryable()})
    };
    let upload = |client: Client| {
        println!("{client:?}");
        client.next_event();
        if let Ok(folder) = var(GO_TO) {
            set_current_dir(folder).expect("the folder is there");
        }
        let options = UploadOptions { part_size: PartSize::Bytes(PART), ..upload_options("key", Path::new(&file)) };
        client.upload_file(options, |_, _| ())?;
        let mut events = std::iter::from_fn(|| client.next_event());
        Ok(events.find(|event| event.kind == EventKind::CredentialsChanged).map(|event| event.message))
    };
    let source = var(NAME).unwrap_or_default().parse();
    let outcome = source.and_then(client).and_then(upload).map_or_else(tell, |source| json!({"source": source}));
    println!("outcome: {outcome}");
}

#[cfg(windows)]
fn live_with_children(_: &str) {}

/// Hosts do so for reasons of their own, before the library starts a child.
#[cfg(unix)]
fn live_with_children(are: &str) {
    match are {
        // SAFETY: the disposition of a signal of this process, which the test owns.
        "ignored" => assert_ne!(unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) }, libc::SIG_ERR),
        "reaped" => drop(std::thread::spawn(|| {
            loop {
                // SAFETY: no status is asked for.
                if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                    std::thread::yield_now();
                }
            }
        })),
        _ => {}
    }
}
