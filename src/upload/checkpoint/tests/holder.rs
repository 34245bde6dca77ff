//! One upload at a time holds a checkpoint, and nothing of it stays when that ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;

use super::*;
use crate::error::ErrorKind;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

fn assert_busy(path: &Path, pid: u32) {
    let error = refusal(path);
    assert_eq!(error.kind(), ErrorKind::CheckpointBusy, "{error}");
    assert!(error.message().contains(&pid.to_string()), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn a_second_upload_of_this_process_is_refused() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let journal = begun(&path, &header(2), 1);
    thread::scope(|scope| scope.spawn(|| assert_busy(&path, std::process::id())).join().unwrap());
    drop(journal);
    assert_eq!(usable(&path), saved(&header(2), 1));
}

/// Starts a process that holds the checkpoint at `path`.
fn holder(path: &Path) -> Child {
    let mut command = child::command(module_path!(), "child_holds_the_checkpoint", path);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("holding")));
    child
}

#[test]
#[ignore = "a child of the tests below"]
fn child_holds_the_checkpoint() {
    let Some(path) = child::path() else { return };
    let _journal = begun(&path, &header(2), 1);
    println!("holding");
    // Until the parent kills this process, or ends.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn another_process_is_named_and_its_lock_dies_with_it() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let mut child = holder(&path);
    assert_busy(&path, child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    let (_journal, found) = open(&path);
    assert_eq!(found, Found::Usable(saved(&header(2), 1)));
    assert_busy(&path, std::process::id());
}

#[test]
fn a_forked_process_does_not_keep_the_lock() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let journal = begun(&path, &header(2), 1);
    let _inherited = journal.inherited();
    drop(journal);
    assert_eq!(usable(&path), saved(&header(2), 1));
}

#[test]
fn nobody_holds_a_file_that_its_last_holder_deleted() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let held = AtomicBool::new(false);
    let turns = AtomicU32::new(0);
    let take_turns = || {
        while turns.load(Ordering::SeqCst) < 300 {
            let Ok((journal, found)) = try_open(&path) else { continue };
            assert!(!held.swap(true, Ordering::SeqCst), "two uploads hold one checkpoint");
            assert_eq!(found, Found::Nothing, "the last holder deleted it");
            assert!(path.exists());
            turns.fetch_add(1, Ordering::SeqCst);
            thread::yield_now();
            // From here on others may make it anew, while this one still has the old one locked.
            held.store(false, Ordering::SeqCst);
            journal.remove().unwrap();
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take_turns)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert!(!path.exists());
}

#[test]
fn removing_leaves_nothing() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let journal = begun(&path, &header(2), 2);
    journal.remove().unwrap();
    assert!(!path.exists());
    journal.remove().unwrap();
    drop(journal);
    assert!(!path.exists());
}

#[test]
fn removing_spares_a_file_that_took_its_place() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let journal = begun(&path, &header(2), 2);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another").unwrap();
    journal.remove().unwrap();
    drop(journal);
    assert_eq!(fs::read_to_string(&path).unwrap(), "another");
}

#[test]
fn an_upload_that_never_began_leaves_nothing() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(open(&path));
    assert!(!path.exists());

    drop(begun(&path, &header(2), 1));
    drop(open(&path));
    assert_eq!(usable(&path), saved(&header(2), 1), "what was there before stays");
}

#[test]
fn a_beginning_needs_the_file_at_its_path() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let (journal, _) = open(&path);
    fs::remove_file(&path).unwrap();
    let error = journal.begin(&header(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checkpoint);
    assert!(error.message().contains("was deleted or replaced"), "{error}");
}
