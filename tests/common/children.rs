//! Tests that need a process of their own run their program again, with one ignored test only.

use std::env::{current_exe, var};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oss_upload::{
    Checkpoint, Client, ClientOptions, Credentials, CredentialsSource, PartSize, Routines, UploadOptions,
};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::fixture::{Fixture, KEY};
use super::{ID, PART, SECRET, upload_options};

const ENDPOINT: &str = "TEST_ENDPOINT";
const FILE: &str = "TEST_FILE";
const ROUTINES: &str = "TEST_ROUTINES";
const ALONE: &str = "TEST_ALONE";

/// A process that uploads the file of `fixture` with a checkpoint beside it. Its test program has an ignored test
/// `child_uploads`, which calls [`upload`].
pub fn uploading(fixture: &Fixture, routines: u32) -> Child {
    upload_command(fixture, routines, "child_uploads").stdout(Stdio::null()).spawn().expect("the child starts")
}

/// Runs the ignored test `name`, which calls [`upload`].
pub fn upload_command(fixture: &Fixture, routines: u32, name: &str) -> Command {
    let mut command = Command::new(current_exe().expect("this program"));
    command.args(["--exact", "--ignored", "--nocapture", name]).stderr(Stdio::null());
    command
        .env(ENDPOINT, fixture.relay.endpoint())
        .env(FILE, &fixture.scratch.file)
        .env(ROUTINES, routines.to_string());
    command
}

/// What the child of [`uploading`] does; nothing when somebody else runs the ignored tests.
pub fn upload() {
    let (Ok(endpoint), Ok(file), Ok(routines)) = (var(ENDPOINT), var(FILE), var(ROUTINES)) else { return };
    let client = ClientOptions {
        endpoint: Some(endpoint),
        region: Some("cn-hangzhou".into()),
        credentials: CredentialsSource::Given(Credentials::new(ID, SECRET, None)),
        ..ClientOptions::default()
    };
    let options = UploadOptions {
        checkpoint: Checkpoint::BesideFile,
        part_size: PartSize::Bytes(PART),
        routines: Routines::Count(routines.parse().expect("a number of routines")),
        ..upload_options(KEY, Path::new(&file))
    };
    Client::new(client).and_then(|client| client.upload_file(options, |_, _| ())).expect("the upload succeeds");
}

pub fn kill(mut child: Child) {
    child.kill().expect("the child is killed");
    child.wait().expect("the child is gone");
}

/// Runs the ignored test `name` of this program in a process of its own, in which a write beyond the limit of a file's
/// size is an error.
pub fn alone(name: &str) {
    let this = current_exe().expect("this program");
    let mut command = if cfg!(unix) { Command::new("sh") } else { Command::new(&this) };
    if cfg!(unix) {
        command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(this);
    }
    command.args(["--exact", "--ignored", "--nocapture", name]).env(ALONE, "1");
    let output = command.output().expect("the child starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// Whether this is the process that [`alone`] has started.
pub fn is_alone() -> bool {
    var(ALONE).is_ok()
}

/// From now on no file of this process grows beyond `limit`, as on a full disk.
#[cfg(unix)]
pub fn allow(limit: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: limit.or(maximum), maximum }).expect("the limit is set");
}
