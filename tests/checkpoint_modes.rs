//! Where the checkpoint is, who may hold it, and what happens when it cannot be kept.

mod common;

use std::fs;
#[cfg(unix)]
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::id;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::time::Duration;

use common::fixture::*;
use common::*;
use md5::{Digest, Md5};
use oss_server::Policy;
use oss_upload::{Checkpoint, ErrorKind, PartSize, UploadOptions};
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn off_writes_nothing_anywhere() {
    let fixture = Fixture::new(5);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start_with(|o| o.checkpoint = Checkpoint::Off);
    gate.reached();
    assert_eq!(names(fixture.scratch.dir.path()), ["source.bin"]);
    gate.release();
    finish(&upload).unwrap();
    assert_eq!(names(fixture.scratch.dir.path()), ["source.bin"]);
    fixture.assert_done();
}

#[test]
fn a_failure_without_a_checkpoint_leaves_nothing_on_the_server() {
    let fixture = Fixture::new(5);
    fixture.stop_at_with(4, |o| o.checkpoint = Checkpoint::Off);
    fixture.assert_nothing_left();
    assert_eq!(fixture.count("AbortMultipartUpload"), 0, "the log was cleared after it");
}

#[test]
fn what_cannot_be_aborted_is_told() {
    let fixture = Fixture::with(5, |config| config.policy = Policy::PutOnly, |_| ());
    let error = fixture.stop_at_with(4, |o| o.checkpoint = Checkpoint::Off);
    assert!(error.message().contains(&fixture.upload_id()), "{error}");
}

#[test]
fn beside_the_file() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    assert_eq!(names(fixture.scratch.dir.path()), ["source.bin", "source.bin.cp"]);
    system::assert_private(&fixture.checkpoint());
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [4, 5]);
    fixture.assert_done();
}

#[test]
fn in_a_given_file() {
    let fixture = Fixture::new(5);
    let path = fixture.scratch.path("any name");
    let given = |o: &mut UploadOptions| o.checkpoint = Checkpoint::File(path.clone());
    fixture.stop_at_with(4, given);
    assert_eq!(names(fixture.scratch.dir.path()), ["any name", "source.bin"]);
    fixture.run_with(given).unwrap();
    assert_eq!(fixture.sent(), [4, 5]);
    assert!(!path.exists());
    fixture.assert_done();
}

#[test]
fn in_a_directory_each_upload_has_its_own() {
    let fixture = Fixture::new(5);
    let directory = fixture.scratch.path("checkpoints");
    fs::create_dir(&directory).unwrap();
    let other = fixture.scratch.path("other.bin");
    fs::write(&other, fixture.scratch.bytes()).unwrap();
    let cases = [("key", &fixture.scratch.file), ("other", &fixture.scratch.file), ("key", &other)];
    let options = |o: &mut UploadOptions, key: &str, file: &Path| {
        o.checkpoint = Checkpoint::Directory(directory.clone());
        o.object_key = key.into();
        o.file_path = file.into();
    };
    let md5 = |text: &str| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut expected = Vec::new();
    for (key, file) in cases {
        fixture.stop_at_with(4, |o| options(o, key, file));
        expected.push(format!("{}-{}.cp", md5(file.to_str().unwrap()), md5(&format!("oss://{BUCKET}/{key}"))));
    }
    expected.sort();
    assert_eq!(names(&directory), expected);
    for (key, file) in cases {
        fixture.server.clear_log();
        fixture.run_with(|o| options(o, key, file)).unwrap();
        assert_eq!(fixture.sent(), [4, 5], "{key} {file:?}");
    }
    assert_eq!(names(&directory), Vec::<String>::new());
}

#[test]
fn a_file_that_goes_in_one_piece_leaves_no_checkpoint() {
    let fixture = Fixture::new(1);
    let gate = fixture.relay.hold_request("PutObject");
    let upload = fixture.start();
    gate.reached();
    gate.release();
    finish(&upload).unwrap();
    fixture.assert_done();
}

/// The upload is refused because of the checkpoint, and the server hears nothing of it.
fn assert_refused(fixture: &Fixture, checkpoint: Checkpoint, errnos: &[i32]) {
    for part_size in [PartSize::Bytes(PART), PartSize::Auto] {
        let error = fixture
            .run_with(|o| {
                o.checkpoint = checkpoint.clone();
                o.part_size = part_size;
            })
            .unwrap_err();
        let what = format!("{checkpoint:?}, {part_size:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::Checkpoint, "{what}");
        assert!(errnos.contains(&error.os_errno()), "{what}: {}", error.os_errno());
        assert_eq!(fixture.server.log().len(), 0, "{what}: something was sent");
        fixture.assert_nothing_left();
    }
}

#[test]
fn a_missing_directory_is_an_error_before_anything_is_sent() {
    let fixture = Fixture::new(3);
    assert_refused(
        &fixture,
        Checkpoint::File(fixture.scratch.path("missing/x.cp")),
        &[system::MISSING, system::NO_DIRECTORY],
    );
    assert_refused(
        &fixture,
        Checkpoint::Directory(fixture.scratch.path("missing")),
        &[system::MISSING, system::NO_DIRECTORY],
    );
    assert_refused(&fixture, Checkpoint::File(fixture.scratch.file.join("x.cp")), &[system::NO_DIRECTORY]);
    assert!(!fixture.scratch.path("missing").exists());
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let fixture = Fixture::new(3);
    // Nobody makes files there, not even root.
    let refusals = [libc::EACCES, libc::EPERM, libc::EROFS];
    assert_refused(&fixture, Checkpoint::File("/sys/x.cp".into()), &refusals);
    assert_refused(&fixture, Checkpoint::Directory("/sys".into()), &refusals);
    let long = fixture.scratch.path(&"x".repeat(300));
    assert_refused(&fixture, Checkpoint::File(long), &[system::NAME_TOO_LONG]);
}

#[test]
fn what_is_no_file_of_its_own_is_an_error_before_anything_is_sent() {
    let fixture = Fixture::new(3);
    let directory = fixture.scratch.path("directory.cp");
    fs::create_dir(&directory).unwrap();
    assert_refused(&fixture, Checkpoint::File(directory), &[system::IS_DIRECTORY]);

    let target = fixture.scratch.path("target");
    fs::write(&target, "precious").unwrap();
    let link = fixture.scratch.path("link.cp");
    system::symlink(&target, &link).unwrap();
    assert_refused(&fixture, Checkpoint::File(link.clone()), &[system::IS_LINK]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(link.is_symlink());

    assert_refused(&fixture, Checkpoint::File(system::DEVICE.into()), &[system::NOT_REGULAR]);
}

#[test]
fn the_file_to_upload_is_never_taken_for_its_checkpoint() {
    let fixture = Fixture::new(3);
    let before = fixture.scratch.bytes();
    assert_refused(&fixture, Checkpoint::File(fixture.scratch.file.clone()), &[0]);
    assert!(fixture.scratch.bytes() == before);
    // Also under another name that looks like that of a checkpoint.
    let twin = fixture.scratch.path("twin.cp");
    fs::hard_link(&fixture.scratch.file, &twin).unwrap();
    let error = fixture.run_with(|o| o.checkpoint = Checkpoint::File(twin.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checkpoint, "{error}");
    assert!(fixture.scratch.bytes() == before);
    assert_nothing_on(&fixture.server);
}

#[test]
fn a_foreign_file_is_left_alone() {
    let fixture = Fixture::new(3);
    let path = fixture.scratch.path("notes.txt");
    let notes = "notes that nobody wants to lose, and that are longer than a first line of a journal\n";
    for content in [notes, "oss-upload source.bin oss://test-bucket/key --resume --checkpoint source.bin.cp\n", ""] {
        fs::write(&path, content).unwrap();
        assert_refused(&fixture, Checkpoint::File(path.clone()), &[0]);
        assert_eq!(fs::read_to_string(&path).unwrap(), content);

        let beside = fixture.checkpoint();
        fs::write(&beside, content).unwrap();
        let error = fixture.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Checkpoint, "{error}");
        assert!(error.message().contains("choose another checkpoint path, or remove it"), "{error}");
        assert_eq!(fs::read_to_string(&beside).unwrap(), content);
        fs::remove_file(&beside).unwrap();
        assert_nothing_on(&fixture.server);
    }
}

#[test]
fn a_checkpoint_of_a_newer_version_is_left_alone() {
    let fixture = Fixture::new(3);
    let versioned = "oss-upload checkpoint 0002";
    let first = format!("{versioned} {:016x} pid 0000000001\n", oss_server::crc64(versioned.as_bytes()));
    let path = fixture.scratch.path("newer.cp");
    fs::write(&path, &first).unwrap();
    assert_refused(&fixture, Checkpoint::File(path.clone()), &[0]);
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
}

fn assert_busy(error: &oss_upload::Error, pid: u32) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::CheckpointBusy, true), "{error}");
    assert!(error.message().contains(&pid.to_string()), "{error}");
}

#[test]
fn a_second_thread_is_told_that_the_checkpoint_is_in_use() {
    let fixture = Fixture::new(5);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start();
    gate.reached();
    let before = fixture.server.log().len();
    assert_busy(&fixture.run().unwrap_err(), id());
    assert_busy(&fixture.run_with(|o| o.object_key = "other".into()).unwrap_err(), id());
    assert_eq!(fixture.server.log().len(), before, "nothing was sent");
    gate.release();
    finish(&upload).unwrap();
    assert_eq!(fixture.sent(), [1, 2, 3, 4, 5], "the first one is not disturbed");
    fixture.assert_done();
}

#[test]
#[ignore = "a child of the test below"]
fn child_uploads() {
    children::upload();
}

#[test]
fn another_process_is_named_and_when_it_dies_its_upload_goes_on() {
    let fixture = Fixture::new(5);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":3},"action":{"type":"stall","at":"before_body"}}]"#,
    );
    let child = children::uploading(&fixture, 1);
    wait_until("two parts are written down", || {
        fixture.checkpoint().exists() && part_lines(&fixture.checkpoint()) == 2
    });
    let before = fixture.server.log().len();
    assert_busy(&fixture.run().unwrap_err(), child.id());
    assert_eq!(fixture.server.log().len(), before, "nothing was sent");
    children::kill(child);
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert!(fixture.sent().ends_with(&[3, 4, 5]), "{:?}", fixture.sent());
    fixture.assert_done();
}

#[cfg(unix)]
fn length(path: &PathBuf) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_from_the_start_is_an_error_before_anything_is_sent() {
    children::alone("child_begins_on_a_full_disk");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_begins_on_a_full_disk() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(5);
    children::allow(Some(100));
    let error = fixture.run().unwrap_err();
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Checkpoint, libc::EFBIG), "{error}");
    assert_eq!(fixture.server.log().len(), 0);
    fixture.assert_nothing_left();
}

#[cfg(unix)]
#[test]
fn a_disk_too_full_for_the_upload_id_is_an_error_that_leaves_nothing() {
    children::alone("child_opens_on_a_full_disk");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_opens_on_a_full_disk() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(5);
    let gate = fixture.relay.hold_response("InitiateMultipartUpload");
    let upload = fixture.start();
    gate.reached();
    children::allow(Some(length(&fixture.checkpoint()) + 10));
    gate.release();
    let error = finish(&upload).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checkpoint, "{error}");
    assert_eq!(fixture.sent(), Vec::<u32>::new());
    fixture.assert_nothing_left();
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_does_not_stop_the_upload() {
    children::alone("child_goes_on_on_a_full_disk");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_goes_on_on_a_full_disk() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(8);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start();
    gate.reached();
    children::allow(Some(length(&fixture.checkpoint()) + 10));
    gate.release();
    finish(&upload).unwrap();
    assert_eq!(fixture.sent(), (1..=8).collect::<Vec<_>>());
    fixture.assert_done();
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_a_checkpoint_that_is_whole() {
    children::alone("child_fails_on_a_full_disk");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_fails_on_a_full_disk() {
    if !children::is_alone() {
        return;
    }
    for (policy, resumed) in [(Policy::All, 6), (Policy::PutOnly, 2)] {
        children::allow(None);
        let fixture = Fixture::with(8, |config| config.policy = policy, |_| ());
        refuse_part(&fixture.server, 7);
        let gate = fixture.relay.hold_request("UploadPart 3");
        let upload = fixture.start();
        gate.reached();
        children::allow(Some(length(&fixture.checkpoint()) + 10));
        gate.release();
        let error = finish(&upload).unwrap_err();
        // Four parts; and the rate, when the machine was so slow that there is one.
        let missing = ["records missing: 4)", "records missing: 5)"];
        assert!(missing.iter().any(|missing| error.message().contains(missing)), "{error}");
        children::allow(None);
        fixture.server.clear_faults();
        fixture.server.clear_log();
        let result = fixture.run().unwrap();
        assert_eq!((result.parts_resumed, result.restart_reason.as_str()), (resumed, ""), "{policy:?}");
        assert_eq!(fixture.sent(), (resumed + 1..=8).collect::<Vec<_>>(), "{policy:?}");
        fixture.assert_done();
    }
}

#[test]
fn a_missing_file_touches_no_checkpoint() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let before = fs::read(fixture.checkpoint()).unwrap();
    let away = fixture.scratch.path("away");
    fs::rename(&fixture.scratch.file, &away).unwrap();
    let error = fixture.run().unwrap_err();
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Io, system::MISSING));
    assert_eq!((fs::read(fixture.checkpoint()).unwrap(), fixture.server.log().len()), (before, 0));
    // A rename is a change of the inode's change time only: what was sent is read again, and kept.
    fs::rename(&away, &fixture.scratch.file).unwrap();
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [4, 5]);
    fixture.assert_done();
}

/// Uploads, and forks once the first part is on the server. The new process does nothing, but has the checkpoint open.
#[cfg(unix)]
#[test]
#[ignore = "a child of the test below"]
#[allow(unsafe_code, reason = "only the system can fork")]
fn child_uploads_and_forks() {
    if !children::is_alone() {
        return;
    }
    std::thread::spawn(|| {
        let checkpoint = std::env::var("TEST_FILE").unwrap() + ".cp";
        wait_until("a part is written down", || {
            Path::new(&checkpoint).exists() && part_lines(Path::new(&checkpoint)) == 1
        });
        // SAFETY: the new process only makes system calls.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            loop {
                // SAFETY: as above. It ends by itself when the test does not end it.
                unsafe { libc::alarm(60) };
                unsafe { libc::pause() };
            }
        }
        println!("forked {forked}");
    });
    children::upload();
}

#[cfg(unix)]
#[test]
fn a_lock_that_a_forked_process_has_kept_is_told() {
    let fixture = Fixture::new(4);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":2},"action":{"type":"stall","at":"before_body"}}]"#,
    );
    let mut command = children::upload_command(&fixture, 1, "child_uploads_and_forks");
    let mut child = command.env("TEST_ALONE", "1").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("forked ")).expect("it forks");
    let forked: u32 = line.rsplit_once("forked ").unwrap().1.trim().parse().unwrap();
    let ended = child.id();
    let error = fixture.run().unwrap_err();
    assert!(error.message().contains(&format!("in use by process {ended}; wait")), "{error}");
    children::kill(child);
    let error = fixture.run().unwrap_err();
    assert_busy(&error, ended);
    assert!(error.message().contains(&format!("process {forked}, which was forked by process {ended}")), "{error}");
    assert!(error.message().contains("has ended; end the process that holds it"), "{error}");

    kill_process(Pid::from_raw(forked as i32).unwrap(), Signal::KILL).unwrap();
    fixture.server.clear_faults();
    let mut result = fixture.run();
    wait_until("its end is known", || {
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::CheckpointBusy) {
            result = fixture.run();
        }
        result.is_ok()
    });
    fixture.assert_done();
}

/// A process that holds a lease on a file, as Samba does for its clients.
#[cfg(unix)]
struct LeaseHolder {
    process: Child,
    told: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

#[cfg(unix)]
const HOLD_A_LEASE: &str = r#"
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print("asked", flush=True))
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("holding", flush=True)
sys.stdin.readline()
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
os.close(fd)
sys.stdin.readline()
"#;

#[cfg(unix)]
impl LeaseHolder {
    fn new(file: &Path) -> LeaseHolder {
        let mut command = Command::new("python3");
        command.args(["-c", HOLD_A_LEASE]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3 is there");
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut holder = LeaseHolder { process, told };
        holder.hears("holding");
        holder
    }

    /// The process says so.
    fn hears(&mut self, word: &str) {
        assert_eq!(self.told.next().expect("the holder lives").unwrap(), word);
    }

    fn gives_it_back(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

#[cfg(unix)]
impl Drop for LeaseHolder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(unix)]
fn patient_rig() -> Fixture {
    Fixture::with(5, |_| (), |client| client.stall_timeout = Duration::from_secs(30))
}

#[cfg(unix)]
#[test]
fn a_lease_is_waited_for() {
    for part_size in [PartSize::Bytes(PART), PartSize::Auto] {
        let fixture = patient_rig();
        let mut holder = LeaseHolder::new(&fixture.scratch.file);
        let upload = fixture.start_with(|o| o.part_size = part_size);
        holder.hears("asked");
        assert!(upload.wait(Duration::ZERO).is_none());
        assert_eq!(fixture.server.log().len(), 0);
        holder.gives_it_back();
        finish(&upload).unwrap();
        fixture.assert_done();
    }
}

#[cfg(unix)]
#[test]
fn a_lease_on_the_checkpoint_is_waited_for() {
    let fixture = patient_rig();
    fixture.stop_at(4);
    let mut holder = LeaseHolder::new(&fixture.checkpoint());
    let upload = fixture.start();
    holder.hears("asked");
    assert!(upload.wait(Duration::ZERO).is_none());
    holder.gives_it_back();
    finish(&upload).unwrap();
    assert_eq!(fixture.sent(), [4, 5]);
    fixture.assert_done();
}

#[cfg(unix)]
#[test]
fn who_waits_for_a_lease_can_be_paused_and_cancelled() {
    let fixture = patient_rig();
    fixture.stop_at(4);
    let before = fs::read(fixture.checkpoint()).unwrap();
    let mut holder = LeaseHolder::new(&fixture.scratch.file);
    let upload = fixture.start();
    holder.hears("asked");
    upload.pause();
    let error = finish(&upload).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paused, "{error}");
    assert!(fs::read(fixture.checkpoint()).unwrap() == before);
    assert_eq!(fixture.parts_on_server(), [1, 2, 3]);

    let upload = fixture.start();
    upload.cancel();
    let error = finish(&upload).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    fixture.assert_nothing_left();
    drop(holder);
}

#[cfg(unix)]
#[test]
fn a_lease_that_is_not_given_back_is_an_error() {
    let fixture = Fixture::with(5, |_| (), |client| client.stall_timeout = Duration::from_millis(200));
    fixture.stop_at(4);
    for (file, kind) in [(fixture.scratch.file.clone(), ErrorKind::Io), (fixture.checkpoint(), ErrorKind::Checkpoint)] {
        let _holder = LeaseHolder::new(&file);
        let error = fixture.run().unwrap_err();
        assert_eq!((error.kind(), error.os_errno(), error.is_retryable()), (kind, libc::EAGAIN, true), "{error}");
        assert!(error.message().contains("another process holds a lease on it"), "{error}");
    }
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [4, 5], "what was kept is kept");
    fixture.assert_done();
}
