//! What Alibaba Cloud's own SDKs were seen to get wrong, one test for each observation: here it is right.
//!
//! The rows have the numbers of the experiments.

mod common;

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use common::fixture::*;
use common::*;
use oss_server::{EtagMode, Storage};
use oss_upload::{Checkpoint, ErrorKind, PartSize, UploadOptions};

#[test]
#[ignore = "a child of the tests below"]
fn child_uploads() {
    children::upload();
}

/// Keeps these parts from being sent, until the faults are cleared.
fn stall(fixture: &Fixture, parts: &str) {
    let script = r#"[{"match":{"operation":"UploadPart","part":PARTS},"action":{"type":"stall","at":"before_body"}}]"#;
    faults(&fixture.server, &script.replace("PARTS", parts));
}

fn from(first: u32, last: u32) -> String {
    format!("[{}]", (first..=last).map(|n| n.to_string()).collect::<Vec<_>>().join(","))
}

/// An upload by another process is killed when the server has `count` parts.
fn kill_at(fixture: &Fixture, routines: u32, count: usize) {
    let child = children::uploading(fixture, routines);
    wait_until("the parts are there", || {
        fixture.server.uploads(BUCKET).iter().any(|upload| upload.parts.len() >= count)
    });
    children::kill(child);
}

/// The parts that the server has stored, in order, each as often as it was sent. What a dead process had begun to send
/// does not count.
fn stored(fixture: &Fixture) -> Vec<u32> {
    let stored = requests(&fixture.server, "UploadPart").into_iter().filter(|part| part.stored);
    let mut numbers: Vec<u32> = stored.filter_map(|part| part.part_number).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn row_1_a_killed_upload_sends_no_part_again() {
    let fixture = Fixture::new(100);
    stall(&fixture, &from(41, 100));
    kill_at(&fixture, 4, 40);
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert_eq!(stored(&fixture), (41..=100).collect::<Vec<_>>());
    fixture.assert_done();
}

#[test]
fn row_1b_a_stuck_part_does_not_cost_the_others() {
    let fixture = Fixture::new(100);
    stall(&fixture, &format!("[3,{}", &from(42, 100)[1..]));
    kill_at(&fixture, 4, 40);
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert_eq!(stored(&fixture), [vec![3], (42..=100).collect()].concat());
    fixture.assert_done();
}

#[test]
fn row_2_a_checkpoint_halved_starts_over_and_one_that_is_emptied_or_random_is_refused() {
    let halved = |whole: Vec<u8>| whole[..whole.len() / 2].to_vec();
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] =
        [halved, |_| Vec::new(), |whole| content(whole.len(), 5), |_| b"[]".to_vec()];
    for (index, damage) in damages.into_iter().enumerate() {
        let fixture = Fixture::new(5);
        fixture.stop_at(4);
        let damaged = damage(fs::read(fixture.checkpoint()).unwrap());
        fs::write(fixture.checkpoint(), &damaged).unwrap();
        if index > 0 {
            // Nothing shows that it is not a file of the user.
            assert_eq!(fixture.run().unwrap_err().kind(), ErrorKind::Checkpoint);
            assert!(fs::read(fixture.checkpoint()).unwrap() == damaged);
            fs::remove_file(fixture.checkpoint()).unwrap();
        }
        fixture.run().unwrap();
        assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes());
        assert!(!fixture.checkpoint().exists());
    }
}

#[test]
fn row_2b_one_character_of_the_upload_id_starts_over() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let id = fixture.upload_id();
    let other = format!("{}{}", if id.starts_with('0') { '1' } else { '0' }, &id[1..]);
    let text = fs::read_to_string(fixture.checkpoint()).unwrap();
    assert!(text.contains(&id));
    fs::write(fixture.checkpoint(), text.replace(&id, &other)).unwrap();
    let result = fixture.run().unwrap();
    assert!(result.restart_reason.starts_with("checkpoint-damaged: "), "{}", result.restart_reason);
    assert_eq!(fixture.sent(), [1, 2, 3, 4, 5]);
    assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes());
}

/// The short form has fewer parts and kills; `OSS_KILLS`, set to anything, asks for the row's own numbers.
#[test]
fn row_3_many_kills_lose_no_part_of_thousands() {
    let (parts, kills) = if env::var_os("OSS_KILLS").is_some() { (9_990, 50) } else { (1_500, 8) };
    let light = |config: &mut oss_server::Config| {
        (config.storage, config.etag) = (Storage::Discard, EtagMode::Crc);
    };
    let fixture = Fixture::of_size(0, light, |_| ());
    File::options().write(true).open(&fixture.scratch.file).unwrap().set_len(parts * PART).unwrap();
    for kill in 1..=kills {
        kill_at(&fixture, 4, (parts / (kills + 1) * kill) as usize);
        quiet(&fixture.server);
    }
    let before = fixture.parts_on_server().len();
    let result = fixture.run().unwrap();
    assert_eq!(result.parts_resumed as usize, before);
    assert_eq!(fixture.count("InitiateMultipartUpload"), 1);
    let stored = requests(&fixture.server, "UploadPart").iter().filter(|part| part.stored).count();
    assert_eq!(stored as u64, parts, "each part was stored once");
    let object = fixture.server.object(BUCKET, KEY).unwrap();
    assert_eq!((object.size, object.crc64), (parts * PART, result.crc64));
}

#[test]
fn row_4a_a_change_within_the_same_second_is_seen() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
    let since = modified.duration_since(UNIX_EPOCH).unwrap();
    let other = if since.subsec_nanos() > 500_000_000 { 1 } else { 999_999_999 };
    let file = File::options().write(true).open(&fixture.scratch.file).unwrap();
    system::write_all_at(&file, b"changed", 5).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::new(since.as_secs(), other)).unwrap();
    fixture.run().unwrap();
    fixture.assert_done();
}

fn change_and_put_the_time_back(file: &Path) {
    let modified = fs::metadata(file).unwrap().modified().unwrap();
    let file = File::options().write(true).open(file).unwrap();
    system::write_all_at(&file, b"changed", 5).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn row_4b_a_change_with_the_time_put_back_is_seen() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    change_and_put_the_time_back(&fixture.scratch.file);
    fixture.run().unwrap();
    fixture.assert_done();
}

/// The file is changed when part 3 of 5 is on its way.
fn change_on_the_way(change: impl FnOnce(&Path)) -> Fixture {
    let fixture = Fixture::new(5);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start();
    gate.reached();
    change(&fixture.scratch.file);
    gate.release();
    finish(&upload).unwrap();
    fixture
}

#[test]
fn row_4c_a_sent_part_that_changes_is_sent_again() {
    change_on_the_way(change_and_put_the_time_back).assert_done();
}

#[test]
fn row_4d_a_file_that_shrinks_neither_hangs_nor_makes_short_parts() {
    let shrink = |file: &Path| File::options().write(true).open(file).unwrap().set_len(3 * PART + 10).unwrap();
    let fixture = change_on_the_way(shrink);
    fixture.assert_done();
    assert_eq!(fixture.server.object(BUCKET, KEY).unwrap().size, 3 * PART + 10);
}

#[test]
fn row_4e_a_file_that_grows_is_sent_as_it_is_in_the_end() {
    let grow = |file: &Path| OpenOptions::new().append(true).open(file).unwrap().write_all(b"more").unwrap();
    let fixture = change_on_the_way(grow);
    fixture.assert_done();
    assert_eq!(fixture.server.object(BUCKET, KEY).unwrap().size, 5 * PART - 1000 + 4);
}

#[test]
fn row_5a_the_same_checkpoint_for_another_key() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    fixture.run_with(|o| o.object_key = "other".into()).unwrap();
    assert_eq!(fixture.server.objects(BUCKET), ["other"]);
    assert_stored(&fixture.server, "other", &fixture.scratch.file);
    assert!(!fixture.checkpoint().exists());
}

#[test]
fn row_5b_the_same_checkpoint_for_another_key_when_only_complete_is_missing() {
    let fixture = Fixture::new(5);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"status","status":403}}]"#,
    );
    fixture.run().unwrap_err();
    fixture.server.clear_faults();
    assert_eq!(fixture.parts_on_server(), [1, 2, 3, 4, 5]);
    fixture.run_with(|o| o.object_key = "other".into()).unwrap();
    assert_eq!(fixture.server.objects(BUCKET), ["other"], "the old key is not written");
    assert_stored(&fixture.server, "other", &fixture.scratch.file);
}

#[test]
fn row_5d_the_same_checkpoint_for_another_file_of_the_same_size_and_time() {
    let fixture = Fixture::new(5);
    let checkpoint = Checkpoint::File(fixture.scratch.path("shared.cp"));
    fixture.stop_at_with(4, |o| o.checkpoint = checkpoint.clone());
    let other = fixture.scratch.path("other.bin");
    fs::write(&other, content(fixture.scratch.bytes().len(), 2)).unwrap();
    let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
    File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
    let options = |o: &mut UploadOptions| {
        o.checkpoint = checkpoint.clone();
        o.file_path.clone_from(&other);
    };
    fixture.run_with(options).unwrap();
    assert_stored(&fixture.server, KEY, &other);
}

#[test]
fn row_6_of_two_processes_one_is_told_and_the_traffic_is_that_of_one() {
    let fixture = Fixture::new(10);
    let gate = fixture.relay.hold_request("UploadPart 5");
    let mut child = children::uploading(&fixture, 1);
    gate.reached();
    let error = fixture.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckpointBusy);
    assert!(error.message().contains(&child.id().to_string()), "{error}");
    gate.release();
    assert!(child.wait().unwrap().success());
    assert_eq!(fixture.sent(), (1..=10).collect::<Vec<_>>());
    fixture.assert_done();
}

#[test]
fn row_7_more_than_10000_parts_raise_the_part_size() {
    let fixture = Fixture::new(1);
    File::options().write(true).open(&fixture.scratch.file).unwrap().set_len(10_000 * PART + 1).unwrap();
    let gate = fixture.relay.hold_request("UploadPart 2");
    let upload = fixture.start();
    gate.reached();
    upload.cancel();
    let result = outcome(&upload).result;
    assert_eq!((result.part_size, result.part_size_raised, result.parts), (131_072, true, 7_813));
}

#[test]
fn row_8a_a_missing_checkpoint_directory_is_an_error_before_anything_is_sent() {
    let fixture = Fixture::new(5);
    for missing in
        [Checkpoint::Directory(fixture.scratch.path("missing")), Checkpoint::File(fixture.scratch.path("missing/x.cp"))]
    {
        let error = fixture.run_with(|o| o.checkpoint = missing).unwrap_err();
        assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Checkpoint, system::MISSING_DIRECTORY));
    }
    assert_eq!(fixture.server.log().len(), 0);
}

#[cfg(unix)]
#[test]
fn row_8b_a_full_disk_loses_no_progress_silently() {
    children::alone("child_row_8b");
}

#[cfg(unix)]
#[test]
#[ignore = "a child of the test above"]
fn child_row_8b() {
    if !children::is_alone() {
        return;
    }
    let fixture = Fixture::new(8);
    refuse_part(&fixture.server, 7);
    let gate = fixture.relay.hold_request("UploadPart 3");
    let upload = fixture.start();
    gate.reached();
    children::allow(Some(fs::metadata(fixture.checkpoint()).unwrap().len()));
    gate.release();
    let error = finish(&upload).unwrap_err();
    // Four parts, and the rate when there was time enough to tell it.
    let is_told = ["records missing: 4", "records missing: 5"].iter().any(|told| error.message().contains(told));
    assert!(is_told, "it is told: {error}");
    children::allow(None);
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [7, 8], "the server's list gives it back");
    fixture.assert_done();
}

#[test]
fn row_9_errors_and_resets_on_a_part_are_tried_again() {
    for action in [
        r#"{"type":"status","status":500}"#,
        r#"{"type":"status","status":503}"#,
        r#"{"type":"status","status":502,"body":"html"}"#,
        r#"{"type":"reset","after_body_bytes":5000}"#,
    ] {
        let fixture = Fixture::new(4);
        let script = r#"[{"match":{"operation":"UploadPart","part":2,"times":3},"action":ACTION}]"#;
        faults(&fixture.server, &script.replace("ACTION", action));
        fixture.run().unwrap_or_else(|error| panic!("{action}: {error}"));
        assert_eq!(fixture.sent(), [1, 2, 2, 2, 2, 3, 4], "{action}");
        fixture.assert_done();
    }
}

#[test]
fn row_9_a_wrong_checksum_of_a_part_is_tried_again() {
    for action in [r#"{"type":"wrong_crc"}"#, r#"{"type":"corrupt_body","offset":70000}"#] {
        let fixture = Fixture::new(4);
        let script = r#"[{"match":{"operation":"UploadPart","part":2,"times":2},"action":ACTION}]"#;
        faults(&fixture.server, &script.replace("ACTION", action));
        fixture.run().unwrap();
        assert_eq!(fixture.sent(), [1, 2, 2, 2, 3, 4], "{action}");
        fixture.assert_done();
    }
}

#[test]
fn row_9_a_wrong_checksum_of_the_whole_is_looked_into() {
    let fixture = Fixture::new(4);
    faults(&fixture.server, r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"wrong_crc"}}]"#);
    fixture.run().unwrap();
    assert_eq!(fixture.count("HeadObject"), 1);
    fixture.assert_done();

    let fixture = Fixture::new(4);
    let both = r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"]},"action":{"type":"wrong_crc"}}]"#;
    faults(&fixture.server, both);
    assert_eq!(fixture.run().unwrap_err().kind(), ErrorKind::ChecksumMismatch, "and an error when it is wrong");
}

#[test]
fn row_9c_complete_responses_500_and_the_rerun_sends_nothing() {
    let fixture = Fixture::new(5);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"status","status":500}}]"#,
    );
    assert_eq!(fixture.run().unwrap_err().http_status(), 500);
    assert!(fixture.checkpoint().exists());
    fixture.server.clear_faults();
    fixture.server.clear_log();
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), result.parts_resumed), (vec![], 5));
    fixture.assert_done();
}

#[test]
fn row_9d_complete_done_and_its_response_lost_is_a_success() {
    let fixture = Fixture::new(5);
    let lost =
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"close","at":"before_response"}}]"#;
    faults(&fixture.server, lost);
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), result.restart_reason.as_str()), (vec![1, 2, 3, 4, 5], ""));
    fixture.assert_done();
}

#[test]
fn row_10_an_upload_id_that_is_gone_is_recovered_from() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    faults(&fixture.server, r#"[{"match":{"operation":"ListParts","times":1},"action":{"type":"drop_upload"}}]"#);
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [1, 2, 3, 4, 5]);
    fixture.assert_done();
}

#[test]
fn row_11_an_empty_file() {
    let fixture = Fixture::of_size(0, |_| (), |_| ());
    fixture.run().unwrap();
    assert_eq!(fixture.server.object(BUCKET, KEY).unwrap().size, 0);
    fixture.assert_done();
}

#[test]
fn row_11_a_file_name_that_is_not_utf_8_resumes() {
    let fixture = Fixture::new(5);
    let file = fixture.scratch.dir.path().join(system::not_unicode());
    fs::rename(&fixture.scratch.file, &file).unwrap();
    fixture.stop_at_with(4, |o| o.file_path.clone_from(&file));
    fixture.run_with(|o| o.file_path.clone_from(&file)).unwrap();
    assert_eq!(fixture.sent(), [4, 5]);
    assert_stored(&fixture.server, KEY, &file);
}

#[test]
fn row_11_a_key_with_dots_is_that_key() {
    for parts in [1, 3] {
        let fixture = Fixture::new(parts);
        fixture.run_with(|o| o.object_key = "a/../b".into()).unwrap();
        assert_eq!(fixture.server.objects(BUCKET), ["a/../b"]);
    }
}

#[test]
fn row_12_a_clock_that_is_20_minutes_off_is_corrected() {
    for offset in [-1200, 1200] {
        let fixture = Fixture::with(4, |config| config.clock_offset = offset, |_| ());
        fixture.run().unwrap();
        fixture.assert_done();
    }
}

#[test]
fn row_13_without_a_path_the_checkpoint_is_beside_the_file() {
    let fixture = Fixture::new(5);
    fixture.stop_at_with(4, |o| o.checkpoint = Checkpoint::BesideFile);
    assert!(fixture.scratch.path("source.bin.cp").is_file());
}

#[test]
fn go_v1_bound_neither_bucket_nor_part_size_to_the_checkpoint() {
    let fixture = Fixture::with(6, |config| config.buckets.push("bucket-two".into()), |_| ());
    fixture.stop_at(4);
    fixture.run_with(|o| o.part_size = PartSize::Bytes(2 * PART)).unwrap();
    assert_eq!(fixture.sent(), [4, 5, 6], "another part size goes on with that of the checkpoint");
    fixture.assert_done();
    fixture.stop_at_with(4, |_| ());
    fixture.run_with(|o| o.bucket = "bucket-two".into()).unwrap();
    assert!(fixture.server.object("bucket-two", KEY).unwrap().bytes == fixture.scratch.bytes());
    assert!(fixture.server.uploads(BUCKET).is_empty() && fixture.server.uploads("bucket-two").is_empty());
}

#[test]
fn go_v1_was_lost_when_killed_while_it_wrote_the_checkpoint() {
    let fixture = Fixture::new(8);
    fixture.stop_at(6);
    let whole = fs::read(fixture.checkpoint()).unwrap();
    let last = whole.len() - lines(&fixture.checkpoint()).last().unwrap().len();
    // Cut at every kind of place within the last record.
    for length in [last + 1, last + 20, whole.len() - 1] {
        fs::write(fixture.checkpoint(), &whole[..length]).unwrap();
        refuse_part(&fixture.server, 6);
        fixture.server.clear_log();
        let error = fixture.run().unwrap_err();
        assert_eq!((error.part_number(), fixture.sent()), (6, vec![6]), "{length} bytes");
    }
}

#[test]
fn go_v1_did_not_ask_the_server_what_it_has() {
    let fixture = Fixture::new(6);
    fixture.stop_at(5);
    forget_parts(&fixture.checkpoint(), 2);
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [5, 6]);
    fixture.assert_done();
}

#[test]
fn go_v1_threw_the_checkpoint_away_when_the_callback_was_the_same() {
    let callback = "eyJjYWxsYmFja1VybCI6Imh0dHA6Ly8xMjcuMC4wLjE6MS8iLCJjYWxsYmFja0JvZHkiOiJhIn0=";
    let fixture = Fixture::new(6);
    let options = |o: &mut UploadOptions| o.headers = vec![("x-oss-callback".into(), callback.into())];
    fixture.stop_at_with(5, options);
    assert_eq!(fixture.run_with(options).unwrap_err().kind(), ErrorKind::CallbackFailed, "nobody listens there");
    assert_eq!(fixture.sent(), [5, 6]);
    fixture.assert_done();
}

#[test]
fn go_v1_did_not_check_the_whole_object() {
    let fixture = Fixture::new(4);
    let both = r#"[{"match":{"operation":["CompleteMultipartUpload","HeadObject"]},"action":{"type":"wrong_crc"}}]"#;
    faults(&fixture.server, both);
    assert_eq!(fixture.run().unwrap_err().kind(), ErrorKind::ChecksumMismatch);
}

#[test]
fn go_v1_let_others_read_the_checkpoint() {
    let fixture = Fixture::new(4);
    fixture.stop_at(3);
    system::assert_private(&fixture.checkpoint());
}

#[test]
fn go_v2_reused_only_a_run_of_parts_without_a_gap() {
    let fixture = Fixture::new(6);
    fixture.stop_at(6);
    // Parts 1 and 3 are replaced by another program: those between and behind them still count.
    let replace = r#"[{"match":{"operation":"UploadPart","part":[1,3],"times":2},"action":{"type":"replace_part"}},
        {"match":{"operation":"UploadPart","part":6},"action":{"type":"status","status":403,"before_body":false}}]"#;
    fs::remove_file(fixture.checkpoint()).unwrap();
    faults(&fixture.server, replace);
    fixture.run().unwrap_err();
    fixture.server.clear_faults();
    fixture.server.clear_log();
    fixture.run().unwrap();
    assert_eq!(fixture.sent(), [1, 3, 6]);
    assert!(fixture.server.object(BUCKET, KEY).unwrap().bytes == fixture.scratch.bytes());
}

#[test]
fn go_v2_took_the_parent_of_a_directory_without_a_slash() {
    for slash in ["", "/"] {
        let fixture = Fixture::new(4);
        let directory = fixture.scratch.path("checkpoints");
        fs::create_dir(&directory).unwrap();
        let given = format!("{}{slash}", directory.display());
        fixture.stop_at_with(3, |o| o.checkpoint = Checkpoint::Directory(given.into()));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "{slash:?}");
        assert_eq!(fs::read_dir(fixture.scratch.dir.path()).unwrap().count(), 2, "{slash:?}");
    }
}

#[test]
fn go_v2_found_an_object_inconsistent_when_all_its_parts_were_there_already() {
    let fixture = Fixture::new(4);
    faults(
        &fixture.server,
        r#"[{"match":{"operation":"CompleteMultipartUpload"},"action":{"type":"status","status":403}}]"#,
    );
    fixture.run().unwrap_err();
    fixture.server.clear_faults();
    fixture.server.clear_log();
    let result = fixture.run().unwrap();
    assert_eq!((fixture.sent(), result.crc64), (vec![], fixture.server.object(BUCKET, KEY).unwrap().crc64));
    fixture.assert_done();
}

#[test]
fn go_v2_knew_the_source_by_size_and_time_only() {
    let fixture = Fixture::new(5);
    fixture.stop_at(4);
    let modified = fs::metadata(&fixture.scratch.file).unwrap().modified().unwrap();
    let new = fixture.scratch.path("new");
    fs::write(&new, content(fixture.scratch.bytes().len(), 7)).unwrap();
    File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
    fs::rename(new, &fixture.scratch.file).unwrap();
    fixture.run().unwrap();
    fixture.assert_done();
}
