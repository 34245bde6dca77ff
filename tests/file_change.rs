//! The file changes under the upload: the object is the file as it is at the end, or there is no object.

mod common;
#[cfg(target_os = "linux")]
#[path = "common/fuse.rs"]
mod fuse;

use std::env::set_current_dir;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use common::fixture::*;
use common::*;
use oss_upload::{Checkpoint, Error, ErrorKind, OnFileChange, PartSize, Result, UploadOptions, UploadResult};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// A byte of part 2 is another.
    Rewritten,
    /// The same, and the modification time is put back.
    RewrittenUnseen,
    Appended,
    Truncated,
    Replaced,
    /// The modification time is another.
    Touched,
    /// Only the change time is another.
    Chmod,
    Removed,
}

use Change::*;

const CHANGES: &[Change] = &[Rewritten, RewrittenUnseen, Appended, Truncated, Touched, Chmod, Replaced, Removed];
/// Wine, unlike Windows, lets nobody take the name of an open file.
const OF_NAMES: [Change; 2] = [Replaced, Removed];

fn changes() -> impl Iterator<Item = Change> {
    CHANGES.iter().copied().filter(|change| cfg!(unix) || !OF_NAMES.contains(change))
}

impl Change {
    fn act(self, file: &Path) {
        let open = || OpenOptions::new().write(true).open(file).unwrap();
        let metadata = fs::metadata(file).unwrap();
        match self {
            Rewritten => system::write_all_at(&open(), b"changed", PART + 5).unwrap(),
            RewrittenUnseen => {
                let file = open();
                system::write_all_at(&file, b"changed", PART + 5).unwrap();
                file.set_modified(metadata.modified().unwrap()).unwrap();
            }
            Appended => {
                let mut file = OpenOptions::new().append(true).open(file).unwrap();
                file.write_all(&content(PART as usize, 3)).unwrap();
            }
            Truncated => open().set_len(metadata.len() / 2).unwrap(),
            Replaced => {
                let new = file.with_extension("new");
                fs::write(&new, content(metadata.len() as usize, 4)).unwrap();
                File::options().write(true).open(&new).unwrap().set_modified(metadata.modified().unwrap()).unwrap();
                fs::rename(new, file).unwrap();
            }
            Touched => open().set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap(),
            Chmod => system::touch_change_time(file),
            Removed => fs::remove_file(file).unwrap(),
        }
    }
}

/// When it happens to an upload in parts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Nobody is at work: parts 1 to 4 of 8 are on the server.
    BetweenTwoRuns,
    /// The second run has looked at the file and at the checkpoint, and sends nothing yet.
    BeforeTheResume,
    /// Parts 1 to 4 are on the server, part 5 is on its way.
    DuringTheUpload,
}

use Moment::*;

/// A multipart upload to which `change` happens; what its last run came to.
fn change_at(fixture: &Fixture, moment: Moment, change: Change, mode: OnFileChange) -> Result<UploadResult> {
    let file = &fixture.scratch.file;
    let options = |o: &mut UploadOptions| o.on_file_change = mode;
    let gate = match moment {
        BetweenTwoRuns => {
            fixture.stop_at_with(5, options);
            change.act(file);
            return fixture.run_with(options);
        }
        BeforeTheResume => {
            fixture.stop_at_with(5, options);
            fixture.relay.hold_response("ListParts")
        }
        DuringTheUpload => fixture.relay.hold_request("UploadPart 5"),
    };
    let upload = fixture.start_with(options);
    gate.reached();
    change.act(file);
    gate.release();
    finish(&upload)
}

fn assert_ends_right(fixture: &Fixture, moment: Moment, change: Change, mode: OnFileChange) {
    let what = format!("{change:?} {moment:?}, {mode:?}");
    let ended = change_at(fixture, moment, change, mode);
    let kind = ended.as_ref().err().map(Error::kind);
    match (change, mode) {
        (Chmod, _) => {
            let result = ended.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(result.restart_reason, "", "{what}: it is no change");
            fixture.assert_done();
        }
        (Removed, _) => {
            // What is not there cannot be sent again; a run that begins without the file does not know that it was there.
            let expected = if mode == OnFileChange::Fail && moment != BetweenTwoRuns {
                ErrorKind::FileChanged
            } else {
                ErrorKind::Io
            };
            assert_eq!(kind, Some(expected), "{what}: {ended:?}");
            assert_eq!(fixture.server.objects(BUCKET), Vec::<String>::new(), "{what}");
        }
        (_, OnFileChange::Restart) => {
            let result = ended.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(result.restart_reason.starts_with("file-changed: "), "{what}: {:?}", result.restart_reason);
            assert_eq!((result.parts_resumed, result.bytes_resumed), (0, 0), "{what}: all parts go again");
            fixture.assert_done();
        }
        (_, OnFileChange::Fail) => {
            assert_eq!(kind, Some(ErrorKind::FileChanged), "{what}: {ended:?}");
            fixture.assert_nothing_left();
            // It does not fail for ever: the next call is about the file as it is now.
            fixture.run_with(|o| o.on_file_change = mode).unwrap_or_else(|error| panic!("{what}, again: {error}"));
            fixture.assert_done();
        }
    }
}

fn matrix_row(moment: Moment, mode: OnFileChange) {
    for change in changes() {
        assert_ends_right(&Fixture::new(8), moment, change, mode);
    }
}

#[test]
fn changed_between_two_runs_starts_over() {
    matrix_row(BetweenTwoRuns, OnFileChange::Restart);
}

#[test]
fn changed_between_two_runs_fails_when_told_so() {
    matrix_row(BetweenTwoRuns, OnFileChange::Fail);
}

#[test]
fn changed_just_before_the_resume_starts_over() {
    matrix_row(BeforeTheResume, OnFileChange::Restart);
}

#[test]
fn changed_just_before_the_resume_fails_when_told_so() {
    matrix_row(BeforeTheResume, OnFileChange::Fail);
}

#[test]
fn changed_during_the_upload_starts_over() {
    matrix_row(DuringTheUpload, OnFileChange::Restart);
}

#[test]
fn changed_during_the_upload_fails_when_told_so() {
    matrix_row(DuringTheUpload, OnFileChange::Fail);
}

#[test]
fn a_chmod_costs_no_part() {
    for moment in [BetweenTwoRuns, BeforeTheResume, DuringTheUpload] {
        let fixture = Fixture::new(8);
        change_at(&fixture, moment, Chmod, OnFileChange::Fail).unwrap();
        let expected: Vec<u32> = if moment == DuringTheUpload { (1..=8).collect() } else { (5..=8).collect() };
        assert_eq!(fixture.sent(), expected, "{moment:?}");
        fixture.assert_done();
    }
}

#[test]
fn without_a_checkpoint_a_change_fails_and_leaves_nothing() {
    for change in changes().filter(|change| *change != Chmod) {
        let fixture = Fixture::new(8);
        let gate = fixture.relay.hold_request("UploadPart 5");
        let upload = fixture.start_with(|o| {
            o.on_file_change = OnFileChange::Fail;
            o.checkpoint = oss_upload::Checkpoint::Off;
        });
        gate.reached();
        change.act(&fixture.scratch.file);
        gate.release();
        assert_eq!(finish(&upload).unwrap_err().kind(), ErrorKind::FileChanged, "{change:?}");
        fixture.assert_nothing_left();
    }
}

/// Larger than what the connection takes in ahead.
const LARGE: usize = 6 << 20;

/// One PutObject, to which `change` happens when its head has arrived and its body is on its way.
fn change_during_put(fixture: &Fixture, change: Change, mode: OnFileChange) -> Result<UploadResult> {
    let gate = fixture.relay.hold_request("PutObject");
    let upload = fixture.start_with(|o| {
        o.part_size = PartSize::Bytes(2 * LARGE as u64);
        o.on_file_change = mode;
    });
    gate.reached();
    wait_until("the beginning is read", || upload.progress().sent_bytes > 2 * PART);
    change.act(&fixture.scratch.file);
    gate.release();
    finish(&upload)
}

fn put_rig() -> Fixture {
    Fixture::of_size(LARGE, |_| (), |_| ())
}

/// Its MD5 has been computed, and nothing but the bytes tells that they are others now.
#[test]
fn a_small_file_changed_before_it_is_read_again_to_be_sent_is_noticed() {
    for mode in [OnFileChange::Restart, OnFileChange::Fail] {
        let fixture = Fixture::of_size(2 * PART as usize, |_| (), |_| ());
        // The first attempt is refused for its time, and the file changes before the second.
        fixture.server.set_clock_offset(-3600);
        let gate = fixture.relay.hold_response("PutObject");
        let upload = fixture.start_with(|o| {
            o.part_size = PartSize::Bytes(4 * PART);
            o.on_file_change = mode;
        });
        gate.reached();
        RewrittenUnseen.act(&fixture.scratch.file);
        gate.release();
        match (finish(&upload), mode) {
            (Ok(result), OnFileChange::Restart) => {
                assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
                fixture.assert_done();
            }
            (Err(error), OnFileChange::Fail) => {
                assert_eq!(error.kind(), ErrorKind::FileChanged, "{error}");
                fixture.assert_nothing_left();
            }
            (ended, _) => panic!("{mode:?}: {ended:?}"),
        }
    }
}

#[test]
fn a_small_file_changed_while_it_is_sent_is_sent_again() {
    for change in changes() {
        let fixture = put_rig();
        let ended = change_during_put(&fixture, change, OnFileChange::Restart);
        match change {
            Removed => {
                assert_eq!(ended.unwrap_err().kind(), ErrorKind::Io);
                fixture.assert_nothing_left();
            }
            _ => {
                let result = ended.unwrap_or_else(|error| panic!("{change:?}: {error}"));
                assert_eq!(result.restart_reason.starts_with("file-changed: "), change != Chmod, "{change:?}");
                fixture.assert_done();
            }
        }
    }
}

#[test]
fn a_small_file_changed_while_it_is_sent_fails_when_told_so() {
    for change in changes() {
        let fixture = put_rig();
        let ended = change_during_put(&fixture, change, OnFileChange::Fail);
        if change == Chmod {
            ended.unwrap();
            fixture.assert_done();
        } else {
            assert_eq!(ended.unwrap_err().kind(), ErrorKind::FileChanged, "{change:?}");
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_small_file_changed_between_two_runs_is_sent_as_it_is_now() {
    for mode in [OnFileChange::Restart, OnFileChange::Fail] {
        for change in changes() {
            let fixture = Fixture::new(2);
            let options = |o: &mut UploadOptions| {
                o.part_size = PartSize::Auto;
                o.on_file_change = mode;
            };
            faults(
                &fixture.server,
                r#"[{"match":{"operation":"PutObject","times":1},"action":{"type":"status","status":403}}]"#,
            );
            fixture.run_with(options).unwrap_err();
            fixture.assert_nothing_left();
            change.act(&fixture.scratch.file);
            match fixture.run_with(options) {
                Ok(_) => fixture.assert_done(),
                Err(error) => assert_eq!((change, error.kind()), (Removed, ErrorKind::Io), "{error}"),
            }
        }
    }
}

#[test]
fn a_file_that_shrinks_to_one_part_between_two_runs_is_put_in_one_piece() {
    let fixture = Fixture::new(8);
    fixture.stop_at(5);
    File::options().write(true).open(&fixture.scratch.file).unwrap().set_len(1000).unwrap();
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
    assert_eq!((result.parts, fixture.count("PutObject")), (1, 1));
    fixture.assert_done();
}

#[test]
fn a_file_truncated_within_the_part_that_is_read_ends_at_once() {
    for mode in [OnFileChange::Restart, OnFileChange::Fail] {
        let fixture = Fixture::of_size(2 * LARGE, |_| (), |_| ());
        let gate = fixture.relay.hold_request("UploadPart 2");
        let upload = fixture.start_with(|o| {
            o.part_size = PartSize::Bytes(LARGE as u64);
            o.on_file_change = mode;
        });
        gate.reached();
        wait_until("its beginning is read", || upload.progress().sent_bytes > (LARGE as u64) + 2 * PART);
        File::options().write(true).open(&fixture.scratch.file).unwrap().set_len(LARGE as u64 + 100).unwrap();
        let changed = Instant::now();
        gate.release();
        let ended = finish(&upload);
        assert!(changed.elapsed() < Duration::from_secs(5), "{:?}", changed.elapsed());
        match mode {
            OnFileChange::Restart => {
                let reason = ended.unwrap().restart_reason;
                assert!(reason.contains("it ends at byte"), "{reason}");
                fixture.assert_done();
            }
            OnFileChange::Fail => {
                let error = ended.unwrap_err();
                assert_eq!((error.kind(), error.part_number()), (ErrorKind::FileChanged, 2), "{error}");
                fixture.assert_nothing_left();
            }
        }
        let short =
            requests(&fixture.server, "UploadPart").into_iter().filter(|part| part.stored && part.body_bytes == 100);
        assert_eq!(
            short.count(),
            usize::from(mode == OnFileChange::Restart),
            "a short part only as the last of a new upload"
        );
    }
}

#[test]
fn a_file_that_never_rests_ends_with_an_error() {
    let fixture = Fixture::new(6);
    let mut gate = fixture.relay.hold_request("UploadPart 4");
    let upload = fixture.start();
    for _ in 0..3 {
        gate.reached();
        Appended.act(&fixture.scratch.file);
        let next = fixture.relay.hold_request("UploadPart 4");
        gate.release();
        gate = next;
    }
    gate.reached();
    Appended.act(&fixture.scratch.file);
    gate.release();
    assert_eq!(finish(&upload).unwrap_err().kind(), ErrorKind::FileChanged);
    fixture.assert_nothing_left();
}

#[test]
fn a_change_while_sent_parts_are_read_again_is_seen() {
    let fixture = Fixture::new(8);
    fixture.stop_at(8);
    Chmod.act(&fixture.scratch.file);
    // The last part is held until the first byte has changed: the reading that the chmod asks for comes after it.
    let gate = fixture.relay.hold_response("UploadPart 8");
    let upload = fixture.start_with(|o| o.on_file_change = OnFileChange::Fail);
    gate.reached();
    RewrittenUnseen.act(&fixture.scratch.file);
    gate.release();
    let error = finish(&upload).unwrap_err();
    assert_eq!((error.kind(), error.part_number()), (ErrorKind::FileChanged, 2), "{error}");
    fixture.assert_nothing_left();
}

#[test]
fn a_path_means_what_it_meant_when_the_call_was_made() {
    children::alone("child_goes_elsewhere");
}

/// In the other directory there are files of the same names.
#[test]
#[ignore = "a child of the test above"]
fn child_goes_elsewhere() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(5);
    let here = fixture.scratch.dir.path();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("source.bin"), content(5 * PART as usize, 9)).unwrap();
    for directory in [here, elsewhere.path()] {
        fs::create_dir(directory.join("cps")).unwrap();
    }
    let checkpoints = [
        Checkpoint::Off,
        Checkpoint::BesideFile,
        Checkpoint::File("given.cp".into()),
        Checkpoint::Directory("cps".into()),
    ];
    for checkpoint in checkpoints {
        set_current_dir(here).unwrap();
        let gate = fixture.relay.hold_request("UploadPart 3");
        let upload = fixture.start_with(|o| {
            o.file_path = "source.bin".into();
            o.checkpoint = checkpoint.clone();
        });
        set_current_dir(elsewhere.path()).unwrap();
        gate.reached();
        let kept = [here.join("source.bin.cp"), here.join("given.cp")].iter().filter(|path| path.exists()).count()
            + fs::read_dir(here.join("cps")).unwrap().count();
        assert_eq!(kept, usize::from(checkpoint != Checkpoint::Off), "{checkpoint:?}");
        // It is opened once more.
        Touched.act(&fixture.scratch.file);
        gate.release();
        let result = finish(&upload).unwrap_or_else(|error| panic!("{checkpoint:?}: {error}"));
        assert!(result.restart_reason.starts_with("file-changed: "), "{checkpoint:?}: {:?}", result.restart_reason);
        fixture.assert_done();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 2, "{checkpoint:?}");
        assert_eq!(fs::read_dir(elsewhere.path().join("cps")).unwrap().count(), 0, "{checkpoint:?}");
    }
}

#[test]
fn a_relative_path_needs_a_current_directory() {
    children::alone("child_has_no_current_directory");
}

#[test]
#[ignore = "a child of the test above"]
fn child_has_no_current_directory() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(2);
    let gone = fixture.scratch.path("gone");
    fs::create_dir(&gone).unwrap();
    set_current_dir(&gone).unwrap();
    fs::remove_dir(&gone).unwrap();
    let refusal = |edit: fn(&mut UploadOptions)| {
        let mut options = fixture.options();
        edit(&mut options);
        let error = fixture.client.start(options).unwrap_err();
        assert_eq!(error.os_errno(), system::MISSING, "{error}");
        assert!(error.message().contains("current directory cannot be found"), "{error}");
        error.kind()
    };
    assert_eq!(refusal(|o| o.file_path = "source.bin".into()), ErrorKind::Io);
    assert_eq!(refusal(|o| o.checkpoint = Checkpoint::File("x.cp".into())), ErrorKind::Checkpoint);
    assert_eq!(refusal(|o| o.checkpoint = Checkpoint::Directory("cps".into())), ErrorKind::Checkpoint);
    fixture.run().unwrap();
    fixture.assert_done();
}

#[test]
fn a_path_that_is_too_long_in_full_is_refused() {
    children::alone("child_works_deep_down");
}

#[test]
#[ignore = "a child of the test above"]
fn child_works_deep_down() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(2);
    set_current_dir(fixture.scratch.dir.path()).unwrap();
    let name = "d".repeat(250);
    for _ in 0..17 {
        fs::create_dir(&name).unwrap();
        set_current_dir(&name).unwrap();
    }
    fs::write("source.bin", "x").unwrap();
    let options = UploadOptions { file_path: "source.bin".into(), ..fixture.options() };
    let error = fixture.client.start(options).unwrap_err();
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Io, system::NAME_TOO_LONG), "{error}");
    assert!(error.message().contains("use a shorter path"), "{error}");
}

/// Files whose size is not that of their content: 0, or that of a page.
#[test]
#[cfg(target_os = "linux")]
fn a_virtual_file_is_an_error_and_no_object() {
    let page = Path::new("/sys/kernel/mm/transparent_hugepage/enabled");
    let files = [Path::new("/proc/version"), Path::new("/proc/self/status"), page];
    for file in files.into_iter().filter(|file| file.exists()) {
        for checkpoint in [false, true] {
            let fixture = Fixture::new(1);
            let error = fixture
                .run_with(|o| {
                    o.file_path = file.into();
                    o.checkpoint = Checkpoint::Off;
                    if checkpoint {
                        o.checkpoint = Checkpoint::File(fixture.checkpoint());
                    }
                })
                .unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false), "{error}");
            assert!(error.message().contains("virtual file systems"), "{error}");
            assert!(error.message().contains("copy it to a regular file"), "{error}");
            assert!(fixture.count("PutObject") <= 1, "{file:?}: it is not tried again");
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_replaced_file_of_the_same_content_costs_no_part() {
    for moment in [BetweenTwoRuns, BeforeTheResume, DuringTheUpload] {
        let fixture = Fixture::new(8);
        // Another inode, the same content, size and modification time.
        let copy = fixture.scratch.path("copy");
        fs::copy(&fixture.scratch.file, &copy).unwrap();
        let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
        File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
        let replace = || fs::rename(&copy, &fixture.scratch.file).unwrap();
        let gate = match moment {
            BetweenTwoRuns => {
                fixture.stop_at(5);
                replace();
                None
            }
            BeforeTheResume => {
                fixture.stop_at(5);
                Some(fixture.relay.hold_response("ListParts"))
            }
            DuringTheUpload => Some(fixture.relay.hold_request("UploadPart 5")),
        };
        let upload = fixture.start_with(|o| o.on_file_change = OnFileChange::Fail);
        if let Some(gate) = gate {
            gate.reached();
            replace();
            gate.release();
        }
        let result = finish(&upload).unwrap_or_else(|error| panic!("{moment:?}: {error}"));
        assert_eq!(result.restart_reason, "", "{moment:?}");
        let expected: Vec<u32> = if moment == DuringTheUpload { (1..=8).collect() } else { (5..=8).collect() };
        assert_eq!(fixture.sent(), expected, "{moment:?}");
        fixture.assert_done();
    }
}

/// Files on a file system whose change time is only the modification time.
#[cfg(target_os = "linux")]
mod without_a_change_time {
    use oss_upload::{Checkpoint, VerifyResume};

    use super::fuse::{Mount, Numbers};
    use super::*;

    /// The uploads of the file in a mount.
    struct Place {
        mount: Mount,
        fixture: Fixture,
    }

    impl Place {
        fn new(size: usize, numbers: Numbers) -> Option<Place> {
            Some(Place { mount: Mount::new(content(size, 1), numbers)?, fixture: Fixture::new(1) })
        }

        fn edit(&self, o: &mut UploadOptions) {
            o.file_path = self.mount.file();
            o.checkpoint = Checkpoint::File(self.fixture.scratch.path("source.bin.cp"));
        }

        /// Parts 1 to 4 of 8 are sent when the second one changes and the time is put back.
        fn change_during_the_upload(&self, edit: impl FnOnce(&mut UploadOptions)) -> Result<UploadResult> {
            let gate = self.fixture.relay.hold_request("UploadPart 5");
            let upload = self.fixture.start_with(|o| {
                self.edit(o);
                edit(o);
            });
            gate.reached();
            RewrittenUnseen.act(&self.mount.file());
            gate.release();
            finish(&upload)
        }

        fn assert_done(&self) {
            assert_stored(&self.fixture.server, KEY, &self.mount.file());
            assert!(!self.fixture.checkpoint().exists(), "the checkpoint is left behind");
        }
    }

    const PARTS: usize = 8 * PART as usize - 1000;

    #[test]
    fn a_write_during_an_upload_in_parts_is_seen() {
        let Some(place) = Place::new(PARTS, Numbers::Firm) else { return };
        let result = place.change_during_the_upload(|_| ()).unwrap();
        assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
        assert!(result.restart_reason.contains("part 2 differs from what was sent"), "{}", result.restart_reason);
        place.assert_done();
    }

    #[test]
    fn a_write_during_an_upload_in_parts_fails_when_told_so() {
        let Some(place) = Place::new(PARTS, Numbers::Firm) else { return };
        let error = place.change_during_the_upload(|o| o.on_file_change = OnFileChange::Fail).unwrap_err();
        assert_eq!((error.kind(), error.part_number()), (ErrorKind::FileChanged, 2), "{error}");
        place.fixture.assert_nothing_left();
    }

    #[test]
    fn a_write_between_two_runs_is_seen() {
        let Some(place) = Place::new(PARTS, Numbers::Firm) else { return };
        place.fixture.stop_at_with(5, |o| place.edit(o));
        RewrittenUnseen.act(&place.mount.file());
        let result = place.fixture.run_with(|o| place.edit(o)).unwrap();
        assert!(result.restart_reason.contains("part 2 differs from what was sent"), "{}", result.restart_reason);
        place.assert_done();
    }

    #[test]
    fn a_write_during_a_single_request_is_seen() {
        for mode in [OnFileChange::Restart, OnFileChange::Fail] {
            let Some(place) = Place::new(LARGE, Numbers::Firm) else { return };
            let gate = place.fixture.relay.hold_request("PutObject");
            let upload = place.fixture.start_with(|o| {
                place.edit(o);
                o.part_size = PartSize::Bytes(2 * LARGE as u64);
                o.on_file_change = mode;
            });
            gate.reached();
            wait_until("the beginning is read", || upload.progress().sent_bytes > 2 * PART);
            RewrittenUnseen.act(&place.mount.file());
            gate.release();
            match (finish(&upload), mode) {
                (Ok(result), OnFileChange::Restart) => {
                    assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
                    place.assert_done();
                }
                (Err(error), OnFileChange::Fail) => {
                    assert_eq!(error.kind(), ErrorKind::FileChanged, "{error}");
                    place.fixture.assert_nothing_left();
                }
                (ended, _) => panic!("{mode:?}: {ended:?}"),
            }
        }
    }

    #[test]
    fn verify_never_takes_the_users_word() {
        let Some(place) = Place::new(PARTS, Numbers::Firm) else { return };
        let result = place.change_during_the_upload(|o| o.verify_resume = VerifyResume::Never).unwrap();
        assert_eq!(result.restart_reason, "");
        let object = place.fixture.server.object(BUCKET, KEY).unwrap();
        assert!(object.bytes != fs::read(place.mount.file()).unwrap(), "this is what the option costs");
    }

    #[test]
    fn numbers_that_are_others_at_each_look_hinder_nothing() {
        let Some(place) = Place::new(PARTS, Numbers::AnotherEachTime) else { return };
        let edit = |o: &mut UploadOptions| {
            place.edit(o);
            o.on_file_change = OnFileChange::Fail;
        };
        place.fixture.stop_at_with(5, edit);
        let result = place.fixture.run_with(edit).unwrap();
        assert_eq!((place.fixture.sent(), result.parts_resumed), (vec![5, 6, 7, 8], 4));
        place.assert_done();
        let whole = |o: &mut UploadOptions| {
            edit(o);
            o.part_size = PartSize::Auto;
        };
        assert_eq!(place.fixture.run_with(whole).unwrap().parts, 1);
        place.assert_done();
        let never = |o: &mut UploadOptions| {
            edit(o);
            o.verify_resume = VerifyResume::Never;
        };
        place.fixture.run_with(never).unwrap();
        place.assert_done();
    }

    #[test]
    fn a_write_is_seen_although_numbers_are_others_at_each_look() {
        let Some(place) = Place::new(PARTS, Numbers::AnotherEachTime) else { return };
        let result = place.change_during_the_upload(|_| ()).unwrap();
        assert!(result.restart_reason.contains("part 2 differs from what was sent"), "{}", result.restart_reason);
        place.assert_done();
    }
}
