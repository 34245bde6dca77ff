//! A suspended machine: the process is stopped for longer than any timeout, and goes on by itself.

use std::env;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use oss_upload::{Client, ClientOptions, Credentials, CredentialsSource};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::*;

const ENDPOINT: &str = "TEST_SUSPENDED_ENDPOINT";
const FILE: &str = "TEST_SUSPENDED_FILE";
/// The child gives a peer up after this time.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);

#[test]
fn a_suspended_upload_goes_on_without_blaming_the_server() {
    let server = server();
    let scratch = Scratch::new(20 * PART as usize);
    // Slow enough to be stopped in the middle of a part.
    faults(
        &server,
        r#"[{"match":{"operation":"UploadPart"},"action":{"type":"slow_read","bytes_per_second":400000}}]"#,
    );
    let mut child = start_child(&server.endpoint(), &scratch);
    let is_half_way = || server.uploads(BUCKET).iter().any(|upload| upload.parts.len() >= 3);
    wait_until("some parts are there", is_half_way);

    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    // Time itself is what is tested: well beyond the stall timeout.
    thread::sleep(3 * STALL_TIMEOUT);
    kill_process(pid, Signal::CONT).unwrap();

    assert!(child.wait().unwrap().success(), "the upload did not go on");
    assert_stored(&server, "key", &scratch.file);
    let tries = requests(&server, "UploadPart").len();
    assert_eq!(tries, 20, "the wait was taken for the server's");
}

fn start_child(endpoint: &str, scratch: &Scratch) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "suspended::child_uploads"]).env(ENDPOINT, endpoint).env(FILE, &scratch.file);
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
#[ignore = "run by a_suspended_upload_goes_on_without_blaming_the_server"]
fn child_uploads() {
    let (Ok(endpoint), Ok(file)) = (env::var(ENDPOINT), env::var(FILE)) else { return };
    let client = Client::new(ClientOptions {
        endpoint: Some(endpoint),
        region: Some("cn-hangzhou".into()),
        credentials: CredentialsSource::Given(Credentials::new(ID, SECRET, None)),
        stall_timeout: STALL_TIMEOUT,
        ..ClientOptions::default()
    });
    client.and_then(|client| client.upload_file(upload_options("key", file.as_ref()), |_, _| ())).unwrap();
}
