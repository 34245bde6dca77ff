//! What was sent is not sent again, and what cannot be gone on with is started over.

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::fixture::*;
use common::*;
use oss_server::Policy;
use oss_upload::{Checkpoint, ErrorKind, OnFileChange, PartSize, Phase, Routines, UploadOptions, VerifyResume};

#[test]
fn a_failed_upload_goes_on_where_it_stopped() {
    let fixture = Fixture::new(8);
    fixture.stop_at(5);
    let result = fixture.run().unwrap();
    assert_eq!(fixture.sent(), [5, 6, 7, 8]);
    assert_eq!((result.parts, result.parts_resumed, result.bytes_resumed), (8, 4, 4 * PART));
    assert_eq!(result.bytes_sent, result.size - 4 * PART);
    assert_eq!(result.restart_reason, "");
    fixture.assert_done();
}

#[test]
fn many_failures_send_each_part_once() {
    let fixture = Fixture::new(9);
    let mut sent = Vec::new();
    for part in [2, 3, 6, 9] {
        refuse_part(&fixture.server, part);
        fixture.run().unwrap_err();
        fixture.server.clear_faults();
        sent.extend(fixture.sent().into_iter().filter(|number| *number != part));
        fixture.server.clear_log();
    }
    fixture.run().unwrap();
    sent.extend(fixture.sent());
    assert_eq!(sent, (1..=9).collect::<Vec<_>>());
    assert_eq!(fixture.count("InitiateMultipartUpload"), 0);
    fixture.assert_done();
}

#[test]
fn parts_sent_side_by_side_are_all_kept_although_one_fails() {
    let fixture = Fixture::new(12);
    // Part 2 is refused only after the others have gone past it.
    let gate = fixture.relay.hold_request("UploadPart 2");
    refuse_part(&fixture.server, 2);
    let upload = fixture.start_with(|o| o.routines = Routines::Count(4));
    gate.reached();
    wait_until("the other parts are there", || fixture.parts_on_server().len() == 11);
    gate.release();
    finish(&upload).unwrap_err();
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run_with(|o| o.routines = Routines::Count(4)).unwrap();
    assert_eq!(fixture.sent(), [2]);
    fixture.assert_done();
}

#[test]
fn parts_whose_acknowledgement_was_lost_are_adopted() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    forget_parts(&fixture.checkpoint(), 3);
    let result = fixture.run().unwrap();
    assert_eq!(fixture.sent(), [5, 6]);
    assert_eq!(result.parts_resumed, 4);
    fixture.assert_done();
}

#[test]
fn adopted_parts_are_written_into_the_journal() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    forget_parts(&fixture.checkpoint(), 4);
    fixture.stop_at_with(6, |_| ());
    fixture.server.set_policy(Policy::PutOnly);
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [6], "without the server's list, the journal knows");
    fixture.assert_done();
}

#[test]
fn a_torn_record_costs_no_more_than_its_part() {
    let fixture = Fixture::with(6, |config| config.policy = Policy::PutOnly, |_| ());
    fixture.stop_at(5);
    forget_parts(&fixture.checkpoint(), 0);
    let length = fs::metadata(fixture.checkpoint()).unwrap().len();
    File::options().write(true).open(fixture.checkpoint()).unwrap().set_len(length - 3).unwrap();
    let result = fixture.run().unwrap();
    assert_eq!(fixture.sent(), [4, 5, 6]);
    assert_eq!(result.restart_reason, "");
    fixture.assert_done();
}

#[test]
fn a_part_on_the_server_that_is_not_the_files_is_not_adopted() {
    let fixture = Fixture::new(6);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":2},"action":{"type":"replace_part"}},
            {"match":{"operation":"UploadPart","part":5},"action":{"type":"status","status":403,"before_body":false}}]"#,
    );
    fixture.run().unwrap_err();
    fixture.server.clear_faults();
    fixture.server.clear_log();
    forget_parts(&fixture.checkpoint(), 4);
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [2, 5, 6]);
    fixture.assert_done();
}

#[test]
fn put_object_permission_is_enough() {
    let fixture = Fixture::with(8, |config| config.policy = Policy::PutOnly, |_| ());
    fixture.stop_at(5);
    let result = fixture.run().unwrap();
    assert_eq!(fixture.sent(), [5, 6, 7, 8]);
    assert_eq!(result.parts_resumed, 4);
    fixture.assert_done();
}

#[test]
fn another_part_size_in_the_call_keeps_that_of_the_checkpoint() {
    let fixture = Fixture::new(8);
    fixture.stop_at(5);
    let result = fixture.run_with(|o| o.part_size = PartSize::Bytes(3 * PART)).unwrap();
    assert_eq!((result.part_size, result.parts), (PART, 8));
    assert_eq!(fixture.sent(), [5, 6, 7, 8]);
    fixture.assert_done();
}

#[test]
fn a_part_size_that_fits_the_file_keeps_that_of_the_checkpoint_too() {
    let fixture = Fixture::new(4);
    fixture.stop_at(3);
    let result = fixture.run_with(|o| o.part_size = PartSize::Auto).unwrap();
    assert_eq!((result.part_size, result.parts), (PART, 4));
    assert_eq!((fixture.sent(), fixture.count("PutObject")), (vec![3, 4], 0));
    fixture.assert_done();
}

#[test]
fn an_upload_that_is_gone_starts_over() {
    // Without permission to list the parts, the first part to be sent tells.
    for (policy, operation) in [(Policy::All, "ListParts"), (Policy::PutOnly, "UploadPart")] {
        let fixture = Fixture::with(5, |config| config.policy = policy, |_| ());
        fixture.stop_at(4);
        let script = r#"[{"match":{"operation":"OPERATION","times":1},"action":{"type":"drop_upload"}}]"#;
        faults(&fixture.server, &script.replace("OPERATION", operation));
        let result = fixture.run().unwrap();
        assert!(result.restart_reason.starts_with("upload-gone: "), "{policy:?}: {}", result.restart_reason);
        assert_eq!((result.parts_resumed, result.bytes_resumed), (0, 0));
        fixture.assert_done();
    }
}

#[test]
fn an_upload_that_goes_in_the_middle_starts_over() {
    let fixture = Fixture::new(5);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":3,"times":1},"action":{"type":"drop_upload"}}]"#,
    );
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("upload-gone: "), "{}", result.restart_reason);
    assert_eq!(fixture.sent(), [1, 1, 2, 2, 3, 3, 4, 5]);
    fixture.assert_done();
}

#[test]
fn other_headers_start_over() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let before = fixture.upload_id();
    let header = ("x-oss-meta-who".to_owned(), "me".to_owned());
    let result = fixture.run_with(|o| o.headers = vec![header]).unwrap();
    assert!(result.restart_reason.starts_with("headers-changed: "), "{}", result.restart_reason);
    assert_ne!(result.upload_id, before);
    assert_eq!(fixture.sent(), [1, 2, 3, 4, 5]);
    assert_eq!(fixture.server.object(BUCKET, KEY).unwrap().headers["x-oss-meta-who"], "me");
    fixture.assert_done();
}

#[test]
fn another_key_never_continues_and_the_old_upload_is_aborted() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let result = fixture.run_with(|o| o.object_key = "other".into()).unwrap();
    assert!(result.restart_reason.starts_with("other-object: "), "{}", result.restart_reason);
    assert_eq!(fixture.server.objects(BUCKET), ["other"]);
    assert_stored(&fixture.server, "other", &fixture.scratch.file);
}

#[test]
fn an_old_upload_that_cannot_be_removed_is_named() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let id = fixture.upload_id();
    fixture.server.set_policy(Policy::PutOnly);
    let result = fixture.run_with(|o| o.object_key = "other".into()).unwrap();
    let named = format!("; its parts are still on the server, as upload {id} (AbortMultipartUpload: ");
    assert!(result.restart_reason.contains(&named), "{}", result.restart_reason);
}

#[test]
fn another_bucket_never_continues_and_the_old_upload_is_aborted() {
    let fixture = Fixture::with(5, |config| config.buckets.push("bucket-two".into()), |_| ());
    fixture.stop_at(4);
    let result = fixture.run_with(|o| o.bucket = "bucket-two".into()).unwrap();
    assert!(result.restart_reason.starts_with("other-object: "), "{}", result.restart_reason);
    assert_nothing_on(&fixture.server);
    assert!(fixture.server.object("bucket-two", KEY).unwrap().bytes == fixture.scratch.bytes());
}

#[test]
fn another_file_never_continues_even_when_size_and_time_are_the_same() {
    let fixture = Fixture::new(5);
    let checkpoint = fixture.scratch.path("shared.cp");
    fixture.stop_at_with(4, |o| o.checkpoint = Checkpoint::File(checkpoint.clone()));
    let other = fixture.scratch.path("other.bin");
    fs::write(&other, content(fixture.scratch.bytes().len(), 2)).unwrap();
    let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
    File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
    let options = |o: &mut oss_upload::UploadOptions| {
        o.checkpoint = Checkpoint::File(checkpoint.clone());
        o.file_path.clone_from(&other);
    };
    let result = fixture.run_with(options).unwrap();
    assert!(result.restart_reason.starts_with("other-file: "), "{}", result.restart_reason);
    assert_stored(&fixture.server, KEY, &other);
    assert!(!checkpoint.exists());
}

#[test]
fn another_endpoint_never_continues() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let elsewhere = Fixture::new(1);
    let result = elsewhere.run_with(|o| o.file_path.clone_from(&fixture.scratch.file)).unwrap();
    assert!(result.restart_reason.starts_with("other-endpoint: "), "{}", result.restart_reason);
    assert!(result.restart_reason.ends_with(&fixture.upload_id()), "{}", result.restart_reason);
    assert_stored(&elsewhere.server, KEY, &fixture.scratch.file);
    assert_eq!(fixture.parts_on_server(), [1, 2, 3], "another server is not told");
}

/// What becomes of a checkpoint before the second run.
type Damage = (&'static str, fn(&Path));

fn damages() -> Vec<Damage> {
    vec![
        ("one character of the upload id", |path| {
            let text = fs::read_to_string(path).unwrap();
            let at = text.find("\"upload_id\":\"").unwrap() + 13;
            let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
            fs::write(path, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        }),
        ("a record in the middle is gone", |path| {
            let mut lines = lines(path);
            lines.remove(4);
            fs::write(path, lines.concat()).unwrap();
        }),
        ("a checksum is edited", |path| {
            let mut lines = lines(path);
            lines[3].replace_range(..4, "beef");
            fs::write(path, lines.concat()).unwrap();
        }),
        ("halved", |path| fs::write(path, &fs::read(path).unwrap()[..120]).unwrap()),
    ]
}

#[test]
fn a_damaged_checkpoint_starts_over_and_says_so() {
    for (damage, act) in damages() {
        let fixture = Fixture::new(6);
        fixture.stop_at(5);
        act(&fixture.checkpoint());
        let result = fixture.run().unwrap_or_else(|error| panic!("{damage}: {error}"));
        assert_eq!(fixture.sent(), [1, 2, 3, 4, 5, 6], "{damage}");
        let silent = damage == "halved";
        assert_eq!(result.restart_reason.starts_with("checkpoint-damaged: "), !silent, "{damage}: {result:?}");
        assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes(), "{damage}");
        assert!(!fixture.checkpoint().exists(), "{damage}");
    }
}

#[test]
fn a_checkpoint_damaged_after_its_upload_id_aborts_the_old_upload() {
    for line in [3, 4, 5] {
        let fixture = Fixture::new(6);
        fixture.stop_at(5);
        let mut lines = lines(&fixture.checkpoint());
        let end = lines[line].len() - 6;
        lines[line].replace_range(end..end + 1, "#");
        fs::write(fixture.checkpoint(), lines.concat()).unwrap();
        fixture.run().unwrap();
        assert_eq!(fixture.sent(), [1, 2, 3, 4, 5, 6]);
        fixture.assert_done();
    }
}

/// A file that was changed longer ago is not read again for that alone.
const NOT_YOUNG: Duration = Duration::from_millis(50);

/// Changes one byte, and puts the modification time back.
fn change_unseen(file: &Path, offset: u64) {
    let metadata = fs::metadata(file).unwrap();
    let modified = metadata.modified().unwrap();
    let mut bytes = fs::read(file).unwrap();
    bytes[offset as usize] ^= 1;
    std::thread::sleep(NOT_YOUNG);
    let handle = File::options().write(true).open(file).unwrap();
    system::write_all_at(&handle, &bytes, 0).unwrap();
    handle.set_modified(modified).unwrap();
    assert_eq!(fs::metadata(file).unwrap().modified().unwrap(), modified);
}

#[test]
fn in_doubt_sent_parts_are_read_again() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    change_unseen(&fixture.scratch.file, 2 * PART + 7);
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
    assert!(result.restart_reason.contains("part 3"), "{}", result.restart_reason);
    fixture.assert_done();
}

#[test]
fn verify_never_takes_the_users_word() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    change_unseen(&fixture.scratch.file, 2 * PART + 7);
    let result = fixture.run_with(|o| o.verify_resume = VerifyResume::Never).unwrap();
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![5, 6], 4));
    let object = fixture.server.object(BUCKET, KEY).unwrap();
    assert!(object.bytes != fixture.scratch.bytes(), "this is what the option costs");
}

#[test]
fn verify_always_reads_again_what_is_in_no_doubt() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    let hides = |path: PathBuf| {
        // As a file system would that keeps no change time at all: the header says that nothing has happened since.
        change_unseen(&fixture.scratch.file, 2 * PART + 7);
        forge_change_time(&path, &fixture.scratch.file);
    };
    hides(fixture.checkpoint());
    let result = fixture.run_with(|o| o.verify_resume = VerifyResume::Always).unwrap();
    assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
    fixture.assert_done();
}

#[test]
fn in_no_doubt_nothing_is_read_again() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    change_unseen(&fixture.scratch.file, 2 * PART + 7);
    forge_change_time(&fixture.checkpoint(), &fixture.scratch.file);
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [5, 6], "a file without a trace of change is not read as a whole");
}

/// Rewrites a checkpoint as if the file had had its present change time all along, and had been looked at much later.
fn forge_change_time(checkpoint: &Path, file: &Path) {
    let changed = system::change_time(file);
    forge(checkpoint, &[("changed_ns", changed), ("observed_ns", changed + 3_600_000_000_000)]);
}

/// Gives fields of a checkpoint's header other values, with checksums that are right.
fn forge(checkpoint: &Path, fields: &[(&str, i128)]) {
    let mut forged = String::new();
    let mut chained = String::new();
    for (index, line) in lines(checkpoint).into_iter().enumerate() {
        if index == 0 {
            forged.push_str(&line);
            continue;
        }
        let mut json = line[17..line.len() - 1].to_owned();
        if index == 1 {
            json = fields.iter().fold(json, |json, (name, value)| with_field(&json, name, *value));
        }
        let crc64 = oss_server::crc64(format!("{chained}{json}").as_bytes());
        let line = format!("{crc64:016x} {json}\n");
        chained.push_str(&line);
        forged.push_str(&line);
    }
    fs::write(checkpoint, forged).unwrap();
}

fn with_field(json: &str, name: &str, value: i128) -> String {
    let start = json.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
    let end = start + json[start..].find('"').unwrap();
    format!("{}{value}{}", &json[..start], &json[end..])
}

/// As after a restart of a container, a reboot or a new mount: the file has other numbers, and nothing else is another.
const OTHER_NUMBERS: [&[(&str, i128)]; 3] = [&[("device", 7)], &[("inode", 7)], &[("device", 7), ("inode", 7)]];

#[test]
fn other_device_and_inode_numbers_are_doubt_and_no_change() {
    for numbers in OTHER_NUMBERS {
        let fixture = Fixture::new(6);
        fixture.stop_at(5);
        forge(&fixture.checkpoint(), numbers);
        let result = fixture.run_with(|o| o.on_file_change = OnFileChange::Fail).unwrap();
        assert_eq!((fixture.sent(), result.parts_resumed), (vec![5, 6], 4), "{numbers:?}");
        assert_eq!(result.restart_reason, "", "{numbers:?}");
        fixture.assert_done();
    }
}

#[test]
fn other_numbers_and_another_content_start_over() {
    for numbers in OTHER_NUMBERS {
        let fixture = Fixture::new(6);
        fixture.stop_at(5);
        change_unseen(&fixture.scratch.file, 2 * PART + 7);
        forge_change_time(&fixture.checkpoint(), &fixture.scratch.file);
        forge(&fixture.checkpoint(), numbers);
        let result = fixture.run().unwrap();
        assert!(result.restart_reason.starts_with("file-changed: "), "{}", result.restart_reason);
        assert!(result.restart_reason.contains("part 3"), "{}", result.restart_reason);
        fixture.assert_done();
    }
}

/// Two file systems take turns at one mount point: the first file comes back, and parts of the second were sent meanwhile.
#[test]
fn a_file_that_was_another_meanwhile_is_read_again() {
    let fixture = Fixture::new(6);
    fixture.stop_at(3);
    forge(&fixture.checkpoint(), &[("device", 7)]);
    fixture.stop_at_with(5, |_| ());
    assert_eq!(fixture.parts_on_server(), [1, 2, 3, 4]);
    // The file of the first run: the one that parts 3 and 4 were read from was another.
    change_unseen(&fixture.scratch.file, 3 * PART + 7);
    let device = system::device(&fixture.scratch.file);
    forge_change_time(&fixture.checkpoint(), &fixture.scratch.file);
    forge(&fixture.checkpoint(), &[("device", device.into())]);
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.contains("part 4 differs from what was sent"), "{}", result.restart_reason);
    fixture.assert_done();
}

/// Other ways to name the file `source.bin` of a scratch directory.
fn spellings(fixture: &Fixture) -> Vec<PathBuf> {
    let path = |name: &str| fixture.scratch.path(name);
    fs::create_dir_all(path("folder/inner")).unwrap();
    system::symlink(path(""), path("folder/inner/up")).unwrap();
    system::symlink("source.bin", path("link.bin")).unwrap();
    ["folder/../source.bin", "./source.bin", "folder//inner/../../source.bin", "folder/inner/up/source.bin", "link.bin"]
        .map(path)
        .to_vec()
}

#[test]
fn another_spelling_of_the_path_is_the_same_file() {
    let places: [fn(&Fixture) -> Checkpoint; 2] = [
        |fixture| Checkpoint::File(fixture.scratch.path("source.bin.cp")),
        |fixture| Checkpoint::Directory(fixture.scratch.dir.path().to_owned()),
    ];
    for place in places {
        for at in 0..5 {
            // Also when a new mount gave it other numbers: then only the path tells.
            for has_other_numbers in [false, true] {
                let fixture = Fixture::new(6);
                let spelling = spellings(&fixture)[at].clone();
                fixture.stop_at_with(5, |o| o.checkpoint = place(&fixture));
                let checkpoints = || -> Vec<PathBuf> {
                    let files = fs::read_dir(fixture.scratch.dir.path()).unwrap().map(|entry| entry.unwrap().path());
                    files.filter(|path| path.extension().is_some_and(|extension| extension == "cp")).collect()
                };
                if has_other_numbers {
                    forge(&checkpoints()[0], &[("device", 7), ("inode", 7)]);
                }
                let options = |o: &mut UploadOptions| {
                    o.checkpoint = place(&fixture);
                    o.file_path.clone_from(&spelling);
                };
                let result = fixture.run_with(options).unwrap();
                assert_eq!((result.restart_reason.as_str(), result.parts_resumed), ("", 4), "{spelling:?}");
                assert_eq!(fixture.sent(), [5, 6], "{spelling:?}");
                assert_eq!(checkpoints(), Vec::<PathBuf>::new(), "{spelling:?}");
                fixture.assert_done();
            }
        }
    }
}

#[test]
fn the_checkpoint_beside_the_file_is_found_through_a_link_to_its_folder() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    let spelling = spellings(&fixture)[3].clone();
    let result = fixture.run_with(|o| o.file_path = spelling).unwrap();
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![5, 6], 4));
    fixture.assert_done();
}

#[test]
fn a_hard_link_and_a_new_name_are_the_same_file() {
    let acts: [fn(&Path, &Path); 2] =
        [|from, to| fs::hard_link(from, to).unwrap(), |from, to| fs::rename(from, to).unwrap()];
    for act in acts {
        let fixture = Fixture::new(6);
        fixture.stop_at(5);
        let other = fixture.scratch.path("other.bin");
        act(&fixture.scratch.file, &other);
        let options = |o: &mut UploadOptions| {
            o.checkpoint = Checkpoint::File(fixture.checkpoint());
            o.file_path.clone_from(&other);
        };
        let result = fixture.run_with(options).unwrap();
        assert_eq!((fixture.sent(), result.restart_reason.as_str()), (vec![5, 6], ""));
        assert_stored(&fixture.server, KEY, &other);
    }
}

#[test]
fn lists_come_in_pages() {
    let fixture = Fixture::with(12, |config| config.list_page = Some(2), |_| ());
    fixture.stop_at(10);
    forget_parts(&fixture.checkpoint(), 5);
    let result = fixture.run().unwrap();
    assert_eq!(fixture.count("ListParts"), 5);
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![10, 11, 12], 9));
    fixture.assert_done();
}

#[test]
fn lists_without_checksums_confirm_the_journal_but_adopt_nothing() {
    let fixture = Fixture::with(8, |config| config.quirks.no_part_crc = true, |_| ());
    fixture.stop_at(6);
    forget_parts(&fixture.checkpoint(), 2);
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![4, 5, 6, 7, 8], 3));
    fixture.assert_done();
}

#[test]
fn a_part_replaced_between_two_runs_is_sent_again() {
    for policy in [Policy::All, Policy::PutOnly] {
        let fixture = Fixture::with(6, |config| config.policy = policy, |_| ());
        faults(
            &fixture.server,
            r#"[{"match":{"operation":"UploadPart","part":2,"times":1},"action":{"type":"replace_part"}},
                {"match":{"operation":"UploadPart","part":5},"action":{"type":"status","status":403,"before_body":false}}]"#,
        );
        fixture.run().unwrap_err();
        fixture.server.clear_faults();
        fixture.server.clear_log();
        fixture.run().unwrap();
        match policy {
            Policy::All => assert_eq!(fixture.sent(), [2, 5, 6]),
            // Only Complete tells, and not which part: all go again.
            Policy::PutOnly => assert_eq!(fixture.sent(), [1, 2, 3, 4, 5, 5, 6, 6]),
        }
        assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes());
        assert!(!fixture.checkpoint().exists());
    }
}

#[test]
fn a_part_replaced_during_the_upload_is_repaired() {
    let fixture = Fixture::new(6);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":2,"times":1},"action":{"type":"replace_part"}}]"#,
    );
    let upload = fixture.start();
    let result = finish(&upload).unwrap();
    assert_eq!(fixture.sent(), [1, 2, 2, 3, 4, 5, 6]);
    assert_eq!(result.restart_reason, "");
    let progress = upload.progress();
    assert_eq!((progress.parts_done, progress.parts_total), (6, 6));
    assert_eq!(progress.done_bytes, progress.total_bytes);
    fixture.assert_done();
}

#[test]
fn progress_counts_resumed_bytes_apart() {
    let fixture = Fixture::new(8);
    fixture.stop_at(5);
    let gate = fixture.relay.hold_request("UploadPart 6");
    let upload = fixture.start();
    gate.reached();
    let progress = upload.progress();
    assert_eq!((progress.phase, progress.resumed_bytes), (Phase::Uploading, 4 * PART));
    assert_eq!((progress.parts_done, progress.parts_total), (5, 8));
    assert!(progress.done_bytes >= 5 * PART && progress.done_bytes <= 6 * PART, "{progress:?}");
    assert!(progress.sent_bytes >= PART && progress.sent_bytes <= 2 * PART, "{progress:?}");
    gate.release();
    let result = finish(&upload).unwrap();
    let progress = upload.progress();
    assert_eq!((progress.done_bytes, progress.total_bytes), (result.size, result.size));
    assert_eq!((progress.resumed_bytes, progress.sent_bytes), (4 * PART, result.size - 4 * PART));
}

/// How long a pause or cancel may take.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_resumed_upload_begins_with_the_rate_of_the_earlier_call() {
    let fixture = Fixture::with(6, |_| (), |options| options.max_bytes_per_second = 400_000);
    fixture.stop_at(5);
    let lines = lines(&fixture.checkpoint());
    let mut records = lines.iter().filter_map(|line| line.split_once(r#""bytes_per_second":"#));
    let rate: u64 = records.next_back().expect("a rate is recorded").1.trim_end_matches("}\n").parse().unwrap();
    assert!((100_000..2_000_000).contains(&rate), "{rate}");

    let upload = fixture.start();
    let mut progress = upload.progress();
    while progress.resumed_bytes == 0 {
        progress = upload.progress();
    }
    assert!((rate / 2..rate * 2).contains(&progress.bytes_per_second), "{progress:?}, but before {rate}");
    assert!(progress.eta.is_some());
    finish(&upload).unwrap();
    fixture.assert_done();
}

#[test]
fn a_pause_stops_within_a_second_and_keeps_what_was_sent() {
    let fixture = Fixture::new(8);
    let gate = fixture.relay.hold_request("UploadPart 4");
    let upload = fixture.start();
    gate.reached();
    let asked = Instant::now();
    upload.pause();
    let outcome = outcome(&upload);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    let error = outcome.error.unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Paused, true));
    assert!(error.message().contains(fixture.checkpoint().to_str().unwrap()), "{error}");
    gate.cut();
    assert_eq!(fixture.parts_on_server(), [1, 2, 3]);
    assert!(fixture.checkpoint().exists());
    fixture.server.clear_log();
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![4, 5, 6, 7, 8], 3));
    fixture.assert_done();
}

#[test]
fn a_cancel_stops_within_a_second_and_leaves_nothing() {
    let fixture = Fixture::new(8);
    let gate = fixture.relay.hold_request("UploadPart 4");
    let upload = fixture.start();
    gate.reached();
    let asked = Instant::now();
    upload.cancel();
    let outcome = outcome(&upload);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Cancelled);
    fixture.assert_nothing_left();
}

#[test]
fn a_pause_in_the_middle_of_a_body_takes_effect_within_a_second() {
    let fixture = Fixture::of_size(16 << 20, |_| (), |_| ());
    let gate = fixture.relay.hold_request("UploadPart 2");
    let upload = fixture.start_with(|o| o.part_size = PartSize::Bytes(8 << 20));
    gate.reached();
    let asked = Instant::now();
    upload.pause();
    assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Paused);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert!(upload.progress().sent_bytes < 16 << 20, "part 2 was on its way");
    assert_eq!(fixture.parts_on_server(), [1]);
}

#[test]
fn a_pause_between_two_tries_takes_effect_within_a_second() {
    let fixture = Fixture::new(4);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"UploadPart","part":2},
            "action":{"type":"status","status":503,"headers":{"Retry-After":"60"},"before_body":false}}]"#,
    );
    let upload = fixture.start();
    wait_until("part 2 is refused", || fixture.sent().contains(&2));
    let asked = Instant::now();
    upload.pause();
    assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Paused);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

#[test]
fn a_pause_without_a_checkpoint_leaves_nothing() {
    let fixture = Fixture::new(4);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start_with(|o| o.checkpoint = Checkpoint::Off);
    gate.reached();
    upload.pause();
    assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Paused);
    fixture.assert_nothing_left();
}

#[test]
fn the_progress_callback_can_pause_and_the_next_call_goes_on() {
    let fixture = Fixture::new(8);
    let gate = fixture.relay.hold_request("UploadPart 4");
    let error = fixture
        .client
        .upload_file(fixture.options(), |upload, _| {
            if gate.is_reached() {
                upload.pause();
            }
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paused);
    gate.cut();
    fixture.server.clear_log();
    assert_eq!(fixture.run().unwrap().parts_resumed, 3);
    fixture.assert_done();
}

#[test]
fn the_progress_callback_can_cancel() {
    let fixture = Fixture::new(8);
    let gate = fixture.relay.hold_request("UploadPart 4");
    let error = fixture
        .client
        .upload_file(fixture.options(), |upload, _| {
            if gate.is_reached() {
                upload.cancel();
            }
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    fixture.assert_nothing_left();
}

#[test]
fn a_stop_while_the_upload_is_being_opened_leaves_no_empty_upload_for_ever() {
    type Stop = fn(&oss_upload::Upload);
    let stops: [(&str, Stop); 2] = [("pause", |upload| upload.pause()), ("cancel", |upload| upload.cancel())];
    for (name, stop) in stops {
        let fixture = Fixture::new(4);
        let gate = fixture.relay.hold_response("InitiateMultipartUpload");
        let upload = fixture.start();
        gate.reached();
        stop(&upload);
        outcome(&upload).error.unwrap();
        gate.cut();
        if name == "pause" {
            fixture.run().unwrap();
            fixture.assert_done();
        } else {
            fixture.assert_nothing_left();
        }
    }
}

#[test]
fn a_lost_response_to_initiate_leaves_no_empty_upload() {
    // Whatever the server's clock shows: it takes requests that are off by a quarter of an hour without a word.
    for server_clock in [0, -600, 600] {
        let fixture = Fixture::new(4);
        fixture.server.set_clock_offset(server_clock);
        faults(
            &fixture.server,
            r#"[{"match":{"operation":"InitiateMultipartUpload","times":1},"action":{"type":"close","at":"before_response"}}]"#,
        );
        fixture.run().unwrap();
        assert_eq!(fixture.count("InitiateMultipartUpload"), 2);
        fixture.assert_done();
    }
}

#[test]
fn an_upload_that_may_have_been_opened_is_told_when_nobody_may_look() {
    let fixture = Fixture::with(4, |config| config.policy = Policy::PutOnly, |_| ());
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"InitiateMultipartUpload","times":1},"action":{"type":"close","at":"before_response"}},
            {"match":{"operation":"InitiateMultipartUpload"},"action":{"type":"status","status":403}}]"#,
    );
    let error = fixture.run_with(|o| o.checkpoint = Checkpoint::Off).unwrap_err();
    assert!(error.message().contains("an upload without parts may be left on the server (ListM"), "{error}");
    assert_eq!(fixture.server.uploads(BUCKET).len(), 1);
}

/// The upload of an earlier call, before this one has said that it goes on with it.
#[test]
fn a_cancel_names_what_it_could_not_remove() {
    let fixture = Fixture::new(4);
    fixture.stop_at(3);
    let id = fixture.upload_id();
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"AbortMultipartUpload"},"action":{"type":"status","status":503}}]"#,
    );
    let gate = fixture.relay.hold_request("ListParts");
    let upload = fixture.start();
    gate.reached();
    upload.cancel();
    let outcome = outcome(&upload);
    gate.cut();
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().contains(&format!("its parts are still on the server, as upload {id} (")), "{error}");
    assert_eq!(outcome.result.upload_id, id);
}

#[test]
fn an_upload_freed_while_it_runs_is_paused() {
    let fixture = Fixture::new(6);
    let gate = fixture.relay.hold_request("UploadPart 4");
    let upload = fixture.start();
    gate.reached();
    drop(upload);
    gate.cut();
    wait_until("the checkpoint is released", || {
        fixture.server.clear_log();
        match fixture.run() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::CheckpointBusy, "{error}");
                false
            }
        }
    });
    assert!(!fixture.sent().contains(&1), "{:?}", fixture.sent());
    fixture.assert_done();
}

/// A checkpoint as a process leaves it that is killed between Initiate and the record of its response: the server has the
/// upload, which has no parts.
fn killed_while_opening(fixture: &Fixture) {
    refuse_part(&fixture.server, 1);
    fixture.run().unwrap_err();
    fixture.server.clear_faults();
    let header = lines(&fixture.checkpoint())[..2].concat();
    fs::write(fixture.checkpoint(), header).unwrap();
    fixture.server.clear_log();
}

#[test]
fn an_upload_whose_id_was_not_recorded_is_removed_when_the_file_has_changed() {
    // Also by a client that learns the server's time only then.
    for server_clock in [0, -3600] {
        let fixture = Fixture::new(4);
        fixture.server.set_clock_offset(server_clock);
        killed_while_opening(&fixture);
        fs::write(&fixture.scratch.file, content(4 * PART as usize, 2)).unwrap();
        let error = fixture.run_with(|options| options.on_file_change = OnFileChange::Fail).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileChanged);
        fixture.assert_nothing_left();
    }
}

#[test]
fn an_upload_whose_id_was_not_recorded_is_removed_when_other_headers_are_wanted() {
    let fixture = Fixture::new(4);
    killed_while_opening(&fixture);
    fixture.run_with(|options| options.headers = vec![("Content-Type".into(), "a/b".into())]).unwrap();
    fixture.assert_done();
}

/// As long as it could not be removed it is not forgotten, whether the upload goes on or is stopped.
#[test]
fn an_upload_whose_id_was_not_recorded_is_removed_later_when_that_fails_at_first() {
    for pauses in [false, true] {
        let fixture = Fixture::new(4);
        killed_while_opening(&fixture);
        let times = if pauses { 1 } else { 3 };
        let refusal =
            r#"{"match":{"operation":"AbortMultipartUpload","times":TIMES},"action":{"type":"status","status":503}}"#;
        faults(&fixture.server, &format!("[{}]", refusal.replace("TIMES", &times.to_string())));
        let gate = fixture.relay.hold_request("ListMultipartUploads");
        let upload = fixture.start();
        gate.reached();
        if pauses {
            upload.pause();
        }
        gate.release();
        let error = outcome(&upload).error;
        assert_eq!(error.map(|error| error.kind()), pauses.then_some(ErrorKind::Paused));
        assert_eq!(fixture.count("AbortMultipartUpload"), times + 1);
        assert!(fixture.server.uploads(BUCKET).is_empty());
        if pauses {
            fixture.run().unwrap();
        }
        fixture.assert_done();
    }
}

#[test]
fn a_cancel_does_not_keep_what_cannot_be_resumed_from_being_removed() {
    let fixture = Fixture::new(4);
    fixture.stop_at(3);
    fs::write(&fixture.scratch.file, content(4 * PART as usize, 2)).unwrap();
    let gate = fixture.relay.hold_request("AbortMultipartUpload");
    let upload = fixture.start();
    gate.reached();
    upload.cancel();
    gate.release();
    assert_eq!(outcome(&upload).error.unwrap().kind(), ErrorKind::Cancelled);
    fixture.assert_nothing_left();
}
