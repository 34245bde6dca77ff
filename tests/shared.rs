//! One object from several hosts: what each step promises, and what happens when a host fails.
#![cfg(target_os = "linux")]

mod common;

use std::env;
use std::fs;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::children::kill;
use common::fixture::Fixture;
use common::{BUCKET, PART, assert_stored, client_with, content, requests, upload_options, wait_until};
use oss_server::Policy;
use oss_upload::{
    Checkpoint, Client, ClientOptions, Credentials, CredentialsSource, Error, ErrorKind, Outcome, Result, Routines,
    Upload, UploadOptions, UploadResult, VerifyResume, shared_upload_part_count,
};

/// A file of five parts, the last of which is short, and its shared upload.
struct Shared {
    fixture: Fixture,
    token: String,
}

fn end(step: Result<Upload>) -> Result<UploadResult> {
    let Outcome { result, error, .. } = step?.wait(Duration::from_secs(30)).expect("an end");
    error.map_or(Ok(result), Err)
}

impl Shared {
    fn begin() -> Shared {
        let fixture = Fixture::new(5);
        let begun = end(fixture.client.begin_shared_upload(options(&fixture))).unwrap();
        assert_eq!((begun.parts, begun.size), (5, 5 * PART - 1000));
        assert!(begun.fragment.is_empty());
        let token = begun.token.to_string();
        assert_eq!(shared_upload_part_count(&token).unwrap(), 5);
        Shared { fixture, token }
    }

    /// As another host would: with a client of its own.
    fn send_with(&self, parts: RangeInclusive<u32>, edit: impl FnOnce(&mut UploadOptions)) -> Result<UploadResult> {
        let mut options = options(&self.fixture);
        edit(&mut options);
        end(client_with(&self.fixture.server, |_| ()).send_parts(options, &self.token, parts))
    }

    fn send(&self, parts: RangeInclusive<u32>) -> String {
        self.send_with(parts, |_| ()).unwrap().fragment.to_string()
    }

    fn finish_with(&self, fragments: &[String], edit: impl FnOnce(&mut UploadOptions)) -> Result<UploadResult> {
        let mut options = options(&self.fixture);
        options.file_path = Default::default();
        edit(&mut options);
        end(self.fixture.client.finish_shared_upload(options, &self.token, fragments))
    }

    fn finish(&self, fragments: &[String]) -> Result<UploadResult> {
        self.finish_with(fragments, |_| ())
    }

    fn assert_stored(&self) {
        assert_stored(&self.fixture.server, "key", &self.fixture.scratch.file);
    }

    /// The object is not there, and the shared upload still is.
    fn assert_open(&self) {
        assert!(self.fixture.server.object(BUCKET, "key").is_none());
        assert_eq!(self.fixture.server.uploads(BUCKET).len(), 1);
    }
}

fn options(fixture: &Fixture) -> UploadOptions {
    upload_options("key", &fixture.scratch.file)
}

#[test]
fn three_hosts_make_one_object() {
    let shared = Shared::begin();
    let mut fragments: Vec<String> = [4..=5, 1..=2, 2..=4].map(|parts| shared.send(parts)).into();
    fragments.push(fragments[0].clone());
    let stored = shared.finish(&fragments).unwrap();
    shared.assert_stored();
    assert_eq!((stored.parts, stored.parts_resumed, stored.bytes_sent), (5, 5, 0));
    assert_eq!(stored.crc64, shared.fixture.server.object(BUCKET, "key").unwrap().crc64);
    // Parts 2 and 4 were there already.
    assert_eq!(shared.fixture.sent(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_sender_that_is_stopped_is_repeated_and_sends_only_what_is_missing() {
    let shared = Shared::begin();
    let gate = shared.fixture.relay.hold_request("UploadPart 3");
    let alone = UploadOptions { routines: Routines::Count(1), ..options(&shared.fixture) };
    let step = shared.fixture.client.send_parts(alone, &shared.token, 1..=5).unwrap();
    gate.reached();
    step.cancel();
    gate.cut();
    let error = end(Ok(step)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().contains("still on the server"), "{error}");
    assert_eq!(shared.fixture.parts_on_server(), [1, 2]);
    shared.fixture.server.clear_log();
    let again = shared.send_with(1..=5, |_| ()).unwrap();
    assert_eq!((again.parts_resumed, again.bytes_resumed, shared.fixture.sent()), (2, 2 * PART, vec![3, 4, 5]));
    shared.finish(&[again.fragment.to_string()]).unwrap();
    shared.assert_stored();
}

const ENDPOINT: &str = "TEST_ENDPOINT";
const FILE: &str = "TEST_FILE";
const TOKEN: &str = "TEST_TOKEN";

/// What another host does, which says its fragment; nothing when somebody else runs the ignored tests.
#[test]
#[ignore = "run by the other test in a process of its own"]
fn child_sends_parts() {
    let (Ok(endpoint), Ok(file), Ok(token)) = (env::var(ENDPOINT), env::var(FILE), env::var(TOKEN)) else { return };
    let client = Client::new(ClientOptions {
        endpoint: Some(endpoint),
        region: Some("cn-hangzhou".into()),
        credentials: CredentialsSource::Given(Credentials::new(common::ID, common::SECRET, None)),
        ..ClientOptions::default()
    });
    let options = UploadOptions { routines: Routines::Count(1), ..upload_options("key", file.as_ref()) };
    let sent = end(client.unwrap().send_parts(options, &token, 1..=5)).unwrap();
    println!("\n{}", sent.fragment);
}

fn host(shared: &Shared) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "--nocapture", "child_sends_parts"]).stdout(Stdio::piped());
    let fixture = &shared.fixture;
    command.env(ENDPOINT, fixture.relay.endpoint()).env(FILE, &fixture.scratch.file).env(TOKEN, &shared.token);
    command
}

#[test]
fn a_host_that_is_killed_is_replaced_by_another() {
    let shared = Shared::begin();
    let gate = shared.fixture.relay.hold_request("UploadPart 4");
    let killed = host(&shared).spawn().unwrap();
    gate.reached();
    kill(killed);
    gate.cut();
    assert_eq!(shared.fixture.parts_on_server(), [1, 2, 3]);
    shared.fixture.server.clear_log();
    let output = host(&shared).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let fragment = text.lines().find(|line| line.starts_with("oss-upload fragment ")).expect("a fragment");
    assert_eq!(shared.fixture.sent(), [4, 5]);
    shared.finish(&[fragment.to_owned()]).unwrap();
    shared.assert_stored();
}

#[test]
fn without_the_permission_to_list_all_is_sent() {
    let shared = Shared::begin();
    shared.send(1..=5);
    shared.fixture.server.set_policy(Policy::PutOnly);
    let again = shared.send_with(1..=5, |_| ()).unwrap();
    assert_eq!(again.parts_resumed, 0);
    shared.finish(&[again.fragment.to_string()]).unwrap();
    shared.assert_stored();
}

#[test]
fn finishing_twice_says_stored_and_aborting_then_harms_nothing() {
    let shared = Shared::begin();
    let all = [shared.send(1..=5)];
    let first = shared.finish(&all).unwrap();
    let second = shared.finish(&all).unwrap();
    assert_eq!((second.crc64, second.etag), (first.crc64, first.etag));
    let nothing = UploadOptions { file_path: Default::default(), ..options(&shared.fixture) };
    end(shared.fixture.client.abort_shared_upload(nothing, &shared.token)).unwrap();
    shared.assert_stored();
    let error = shared.send_with(1..=1, |_| ()).unwrap_err();
    assert!(error.message().contains("has been finished or aborted"), "{error}");
}

#[test]
fn an_aborted_upload_leaves_nothing_and_its_token_is_of_no_use() {
    let shared = Shared::begin();
    let all = [shared.send(1..=5)];
    for _ in 0..2 {
        end(shared.fixture.client.abort_shared_upload(options(&shared.fixture), &shared.token)).unwrap();
        assert!(shared.fixture.server.uploads(BUCKET).is_empty());
    }
    let error = shared.finish(&all).unwrap_err();
    assert_eq!(error.service_code(), "NoSuchUpload");
    assert!(error.message().contains("begin anew"), "{error}");
    assert!(shared.fixture.server.object(BUCKET, "key").is_none());
}

#[test]
fn missing_parts_are_named_before_anything_is_sent() {
    let shared = Shared::begin();
    let two = [shared.send(2..=3)];
    shared.fixture.server.clear_log();
    let error = shared.finish(&two).unwrap_err();
    assert_eq!((error.kind(), error.part_number()), (ErrorKind::InvalidArgument, 1));
    assert!(error.message().contains("parts 1, 4 to 5"), "{error}");
    assert!(shared.fixture.server.log().is_empty());
    shared.assert_open();
}

#[test]
fn a_part_that_the_server_has_otherwise_is_named_and_can_be_sent_again() {
    let shared = Shared::begin();
    let before = shared.send(1..=5);
    // Another version of the file, sent by a host that came late.
    let copy = shared.fixture.scratch.path("copy.bin");
    fs::write(&copy, content(5 * PART as usize - 1000, 2)).unwrap();
    shared.send_with(3..=3, |options| options.file_path = copy.clone()).unwrap();
    let error = shared.finish(std::slice::from_ref(&before)).unwrap_err();
    assert_eq!((error.service_code(), error.part_number()), ("InvalidPart", 3));
    assert!(error.message().contains("does not have part 3 as sent"), "{error}");
    shared.assert_open();
    let again = shared.send(3..=3);
    shared.finish(&[before, again]).unwrap();
    shared.assert_stored();
}

#[test]
fn copies_with_other_times_need_a_promise_or_a_look_at_the_file() {
    let shared = Shared::begin();
    let copy = shared.fixture.scratch.path("copy.bin");
    fs::copy(&shared.fixture.scratch.file, &copy).unwrap();
    let theirs = shared.send_with(3..=5, |options| options.file_path = copy.clone()).unwrap();
    let fragments = [shared.send(1..=2), theirs.fragment.to_string()];
    let error = shared.finish(&fragments).unwrap_err();
    assert_eq!((error.kind(), error.part_number()), (ErrorKind::FileChanged, 3));
    assert!(error.message().contains("verify_resume to never"), "{error}");
    shared.assert_open();
    let file = shared.fixture.scratch.file.clone();
    shared.finish_with(&fragments, |options| options.file_path = file).unwrap();
    shared.assert_stored();
}

#[test]
fn without_the_file_a_promise_about_copies_is_enough() {
    let shared = Shared::begin();
    let copy = shared.fixture.scratch.path("copy.bin");
    fs::copy(&shared.fixture.scratch.file, &copy).unwrap();
    let theirs = shared.send_with(3..=5, |options| options.file_path = copy.clone()).unwrap();
    let fragments = [shared.send(1..=2), theirs.fragment.to_string()];
    shared.finish_with(&fragments, |options| options.verify_resume = VerifyResume::Never).unwrap();
    shared.assert_stored();
}

#[test]
fn a_file_that_changed_between_two_hosts_is_never_mixed() {
    let shared = Shared::begin();
    let before = shared.send(1..=2);
    let file = shared.fixture.scratch.file.clone();
    fs::write(&file, content(5 * PART as usize - 1000, 2)).unwrap();
    let fragments = [before, shared.send(3..=5)];
    assert_eq!(shared.finish(&fragments).unwrap_err().kind(), ErrorKind::FileChanged);
    let error = shared.finish_with(&fragments, |options| options.file_path = file.clone()).unwrap_err();
    assert_eq!((error.kind(), error.part_number()), (ErrorKind::FileChanged, 1));
    assert!(error.message().contains("send that part again"), "{error}");
    shared.assert_open();
    let again = [fragments[1].clone(), shared.send(1..=2)];
    shared.finish_with(&again, |options| options.file_path = file).unwrap();
    shared.assert_stored();
}

#[test]
fn always_reads_the_file_and_needs_it() {
    let shared = Shared::begin();
    let all = [shared.send(1..=5)];
    let file = shared.fixture.scratch.file.clone();
    let always = |options: &mut UploadOptions| options.verify_resume = VerifyResume::Always;
    assert!(shared.finish_with(&all, always).unwrap_err().message().contains("file_path"));
    shared
        .finish_with(&all, |options| {
            always(options);
            options.file_path = file;
        })
        .unwrap();
    shared.assert_stored();
}

#[test]
fn a_file_that_changes_while_a_host_reads_it_is_an_error_there() {
    let shared = Shared::begin();
    let gate = shared.fixture.relay.hold_request("UploadPart 2");
    let alone = UploadOptions { routines: Routines::Count(1), ..options(&shared.fixture) };
    let step = shared.fixture.client.send_parts(alone, &shared.token, 1..=3).unwrap();
    gate.reached();
    fs::write(&shared.fixture.scratch.file, content(5 * PART as usize - 1000, 2)).unwrap();
    gate.release();
    let error = end(Ok(step)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileChanged, "{error}");
    shared.assert_open();
}

#[test]
fn another_file_another_object_and_other_headers_are_refused() {
    let shared = Shared::begin();
    let longer = shared.fixture.scratch.path("longer.bin");
    fs::write(&longer, content(5 * PART as usize, 1)).unwrap();
    let send = |edit: fn(&mut UploadOptions)| shared.send_with(1..=1, edit).unwrap_err();
    let error = shared.send_with(1..=1, |options| options.file_path = longer.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileChanged);
    assert!(error.message().contains("another file"), "{error}");
    let says = |error: Error, words: &str| {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(words), "{error}");
    };
    says(send(|options| options.object_key = "other".into()), "object_key");
    says(send(|options| options.bucket = "other-bucket".into()), "bucket");
    says(send(|options| options.headers = vec![("x-oss-meta-a".into(), "b".into())]), "headers");
    says(send(|options| options.checkpoint = Checkpoint::BesideFile), "checkpoint");
    says(send(|options| options.max_memory = 1 << 20), "max_memory");
    says(shared.send_with(5..=6, |_| ()).unwrap_err(), "from 1 to 5");
    fs::write(&longer, "").unwrap();
    let empty = UploadOptions { file_path: longer, ..options(&shared.fixture) };
    says(end(shared.fixture.client.begin_shared_upload(empty)).unwrap_err(), "empty");
    assert!(requests(&shared.fixture.server, "UploadPart").is_empty());
    shared.assert_open();
}

#[test]
fn a_lost_response_to_complete_is_settled() {
    let shared = Shared::begin();
    let all = [shared.send(1..=5)];
    let gate = shared.fixture.relay.hold_response("CompleteMultipartUpload");
    let fixture = &shared.fixture;
    let nothing = UploadOptions { file_path: Default::default(), ..options(fixture) };
    let step = fixture.client.finish_shared_upload(nothing, &shared.token, &all).unwrap();
    gate.reached();
    gate.cut();
    end(Ok(step)).unwrap();
    shared.assert_stored();
}

#[test]
fn a_begin_that_is_cancelled_leaves_nothing() {
    let fixture = Fixture::new(2);
    let gate = fixture.relay.hold_response("InitiateMultipartUpload");
    let step = fixture.client.begin_shared_upload(options(&fixture)).unwrap();
    gate.reached();
    step.cancel();
    gate.cut();
    assert_eq!(end(Ok(step)).unwrap_err().kind(), ErrorKind::Cancelled);
    wait_until("nothing is left", || fixture.server.uploads(BUCKET).is_empty());
}

#[test]
fn texts_hold_no_secret() {
    let shared = Shared::begin();
    for text in [shared.token.clone(), shared.send(1..=1)] {
        assert!(!text.contains(common::SECRET) && !text.contains(common::ID), "{text}");
        assert!(!text.contains('\n'));
    }
}
