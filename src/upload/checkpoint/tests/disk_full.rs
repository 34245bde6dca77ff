//! A full disk costs records, for as long as it is full, and nothing else.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::error::ErrorKind;

/// From now on no file of this process grows beyond `limit`: a write reaches it and is cut short, the next one fails.
fn allow(limit: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: limit.or(maximum), maximum }).unwrap();
}

fn run(name: &str) {
    let directory = directory();
    child::passes(child::command_without_sigxfsz(module_path!(), name, &directory.path().join("x.cp")));
}

#[test]
fn records_wait_until_there_is_space() {
    run("child_appends_to_a_full_disk");
}

#[test]
#[ignore = "a child of the test above"]
fn child_appends_to_a_full_disk() {
    let Some(path) = child::path() else { return };
    let header = header(20);
    let journal = begun(&path, &header, 4);
    let before = fs::metadata(&path).unwrap().len();
    journal.part(&part(&header, 5, 0));
    let record = fs::metadata(&path).unwrap().len() - before;

    allow(Some(before + record + record * 3 / 2));
    journal.part(&part(&header, 6, 0));
    assert_eq!(journal.trouble(), None, "there is space for one more");
    let whole = fs::read(&path).unwrap();
    for number in 7..=9 {
        journal.part(&part(&header, number, 0));
        let trouble = journal.trouble().unwrap();
        assert!(trouble.contains(&format!("(records missing: {}): File too large", number - 6)), "{trouble}");
        assert_eq!(fs::read(&path).unwrap(), whole, "the file ends with its last whole record");
    }
    journal.completing();
    journal.flush();
    assert!(journal.trouble().unwrap().contains("(records missing: 4)"), "{:?}", journal.trouble());

    allow(None);
    journal.part(&part(&header, 10, 0));
    assert_eq!(journal.trouble(), None);
    drop(journal);
    assert_eq!(usable(&path), Saved { completing: true, ..saved(&header, 10) });
}

#[test]
fn an_upload_id_that_cannot_be_recorded_is_an_error() {
    run("child_opens_on_a_full_disk");
}

#[test]
#[ignore = "a child of the test above"]
fn child_opens_on_a_full_disk() {
    let Some(path) = child::path() else { return };
    let (journal, _) = open(&path);
    journal.begin(&header(3)).unwrap();
    allow(Some(fs::metadata(&path).unwrap().len() + 10));
    let error = journal.opened(UPLOAD_ID).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checkpoint);
    assert!(error.message().contains("File too large"), "{error}");

    allow(None);
    journal.part(&part(&header(3), 1, 0));
    drop(journal);
    assert_eq!(usable(&path), saved(&header(3), 1), "the upload id came before the part");
}

#[test]
fn a_beginning_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    run("child_begins_on_a_full_disk");
}

#[test]
#[ignore = "a child of the test above"]
fn child_begins_on_a_full_disk() {
    let Some(path) = child::path() else { return };
    for limit in [0, 10, 59, 100] {
        allow(Some(limit));
        let error = try_open(&path).and_then(|(journal, _)| journal.begin(&header(3))).unwrap_err();
        assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Checkpoint, libc::EFBIG), "{error}");
        assert!(error.message().contains("raise its limit (RLIMIT_FSIZE"), "{error}");
        assert!(!path.exists());
    }
    allow(None);
    drop(begun(&path, &header(3), 2));
    let (journal, _) = open(&path);
    allow(Some(100));
    journal.begin(&header(3)).unwrap_err();
    drop(journal);
    allow(None);
    assert_eq!(found(&path), Found::Nothing, "what was there before is gone");
}
