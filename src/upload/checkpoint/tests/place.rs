//! Which files are taken, which are refused, and that those are left as they were.

use std::env::current_exe;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::geteuid;

use super::*;
use crate::crc64::checksum;
use crate::error::ErrorKind;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::upload::checkpoint::line::{ChecksumChain, FIRST_LINE, MAX_FILE, MAX_LINE, first_line};

fn assert_refused(path: &Path, errno: i32, advice: &str) {
    let error = refusal(path);
    assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Checkpoint, errno), "{error}");
    assert!(error.message().contains(advice), "{error}");
    assert!(error.message().contains(&path.display().to_string()), "{error}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_the_owner_may_read_it() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(begun(&path, &header(2), 1));
    assert_eq!(mode(&path), 0o600);
    set_mode(&path, 0o664);
    assert_eq!(usable(&path), saved(&header(2), 1));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let directory = directory();
    let (target, link) = (directory.path().join("target.cp"), directory.path().join("link.cp"));
    symlink(&target, &link).unwrap();
    assert_refused(&link, libc::ELOOP, "symbolic links are not followed");
    assert!(!target.exists());
    drop(begun(&target, &header(2), 1));
    assert_refused(&link, libc::ELOOP, "symbolic links are not followed");
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let directory = directory();
    assert_refused(directory.path(), libc::EISDIR, "it is a directory");
    let pipe = directory.path().join("pipe.cp");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    assert_refused(&pipe, libc::EINVAL, "it is not a regular file");
    assert_refused(Path::new("/dev/null"), libc::EINVAL, "it is not a regular file");
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let directory = directory();
    let missing = directory.path().join("missing");
    assert_refused(&missing.join("x.cp"), libc::ENOENT, &format!("the directory {} does not exist", missing.display()));
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(&file.join("x.cp"), libc::ENOTDIR, "a part of its path is a file");
    assert_refused(&directory.path().join("x".repeat(300)), libc::ENAMETOOLONG, "its name is too long");
}

/// Not even root can create a file in sysfs, or write to a read-only one.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_refused() {
    if !Path::new("/sys/kernel/uevent_seqnum").exists() {
        return;
    }
    for path in ["/sys/kernel/x.cp", "/sys/kernel/uevent_seqnum"] {
        let error = refusal(Path::new(path));
        assert_eq!(error.kind(), ErrorKind::Checkpoint, "{error}");
        assert!([libc::EACCES, libc::EPERM, libc::EROFS].contains(&error.os_errno()), "{error}");
        assert!(error.message().contains("choose"), "{error}");
    }
}

/// Only root can act as several users, and they may not reach a program in root's home.
#[test]
fn another_user_s_file_is_refused() {
    const USER: u32 = 65_534;
    const OTHER: u32 = 65_533;
    let can_start = || Command::new(current_exe().unwrap()).arg("--help").uid(USER).output().is_ok();
    if !geteuid().is_root() || !can_start() {
        return;
    }
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(begun(&path, &header(2), 1));
    set_mode(&path, 0o666);
    set_mode(directory.path(), 0o755);
    chown(&path, Some(OTHER), None).unwrap();
    chown(directory.path(), Some(USER), None).unwrap();
    let mut command = child::command(module_path!(), "child_is_refused_as_another_user", &path);
    child::passes({
        command.uid(USER).gid(USER);
        command
    });
    assert_eq!(mode(&path), 0o666, "it was left untouched");
}

#[test]
#[ignore = "a child of the test above"]
fn child_is_refused_as_another_user() {
    let Some(path) = child::path() else { return };
    assert_refused(&path, libc::EPERM, "the user 65534 must own it");
}

/// Asserts that the file at `path` is refused with a message that contains `text`, and not changed in any way.
fn assert_left_alone(path: &Path, text: &str) {
    set_mode(path, 0o644);
    let look = || (fs::read(path).unwrap(), fs::metadata(path).map(|m| (m.mode(), m.modified().unwrap())).unwrap());
    let before = look();
    let error = refusal(path);
    assert_eq!(error.kind(), ErrorKind::Checkpoint);
    assert!(error.message().contains(text), "{error}");
    assert_eq!(look(), before);
}

#[test]
fn a_newer_version_is_left_alone() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let versioned = "oss-upload checkpoint 0002";
    let check = checksum(versioned.as_bytes());
    fs::write(&path, format!("{versioned} {check:016x} pid 0000000001\nwhatever it says")).unwrap();
    assert_left_alone(&path, "version 2 of the format");
}

#[test]
fn a_newer_type_of_record_is_left_alone() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(begun(&path, &header(2), 1));
    append_record(&path, r#"{"type":"encryption","key_id":"x"}"#);
    assert_left_alone(&path, "a record of the type \"encryption\"");
}

/// Appends a record with a good checksum.
fn append_record(path: &Path, json: &str) {
    let mut text = fs::read_to_string(path).unwrap();
    let mut chain = ChecksumChain::new();
    chain.advance(&text.as_bytes()[FIRST_LINE..]);
    text += &chain.line(json);
    fs::write(path, text).unwrap();
}

#[test]
fn a_new_field_is_ignored() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(begun(&path, &header(2), 0));
    let mut json = serde_json::to_value(part(&header(2), 1, 0)).unwrap();
    json["type"] = "part".into();
    json["md5"] = "x".into();
    append_record(&path, &json.to_string());
    assert_eq!(usable(&path), saved(&header(2), 1));
}

#[test]
fn somebody_else_s_file_is_left_alone() {
    let directory = directory();
    for name in ["diary", "big.bin.cp"] {
        let path = directory.path().join(name);
        for content in [
            b"".as_slice(),
            b"x",
            b"oss-upload",
            b"oss-upload big.bin oss://examplebucket/big.bin --resume --checkpoint-dir /var/cp --quiet\n",
            b"Dear diary, today I uploaded a big file, and the day after that too.\n",
            br#"{"Magic":"FE8BB4EA-B593-4FAC-AD7A-2459A36E2E62"}"#,
            &[0; 59],
            &[0; 4096],
            &[0xA5; 100_000],
            &[[0; 40_000].as_slice(), b"CD001"].concat(),
        ] {
            fs::write(&path, content).unwrap();
            assert_left_alone(&path, "is not a checkpoint");
            assert_left_alone(&path, "choose another checkpoint path, or remove it");
        }
    }
}

/// Not even what a lock would write into it.
#[test]
fn the_file_to_upload_is_not_touched_though_it_is_a_checkpoint() {
    let directory = directory();
    let path = directory.path().join("backup.cp");
    fs::write(&path, first_line(4242)).unwrap();
    let source = Identity::of(&crate::os::identity::Status::at(&path).unwrap());
    let error = Journal::open(&path, Some(&source), &LeaseWait::NONE).map(|_| ()).unwrap_err();
    assert!(error.message().contains("is the file to upload"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), first_line(4242));
}

/// A first line is there before the name is, and in each moment later: whoever is killed leaves a file that is known.
#[test]
fn at_no_moment_it_is_empty() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let (journal, _) = open(&path);
    assert_eq!(fs::read_to_string(&path).unwrap(), first_line(std::process::id()));
    let (done, shortest) = (AtomicBool::new(false), AtomicU64::new(u64::MAX));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                shortest.fetch_min(fs::metadata(&path).unwrap().len(), Ordering::Relaxed);
            }
        });
        // Until the watcher has seen the moment in question: on a busy machine it looks seldom.
        let mut rounds = 0;
        while rounds < 200 || (rounds < 100_000 && shortest.load(Ordering::Relaxed) > FIRST_LINE as u64) {
            journal.begin(&header(2)).unwrap();
            rounds += 1;
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(shortest.into_inner(), FIRST_LINE as u64);
}

#[test]
fn the_file_to_upload_is_never_the_checkpoint() {
    let directory = directory();
    let path = directory.path().join("model.cp");
    for content in ["weights", ""] {
        fs::write(&path, content).unwrap();
        let source = Identity::of(&crate::os::identity::Status::at(&path).unwrap());
        let error = Journal::open(&path, Some(&source), &LeaseWait::NONE).map(|_| ()).unwrap_err();
        assert!(error.message().contains("is the file to upload"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_beginning_that_was_cut_short_is_fresh() {
    let directory = directory();
    let path = directory.path().join("x");
    let torn = &first_line(7)[..30];
    let header_cut_short = format!("{}0123456789abcdef {{\"type\":\"hea", first_line(7));
    for content in [&first_line(7), torn, &header_cut_short] {
        fs::write(&path, content).unwrap();
        assert_eq!(found(&path), Found::Nothing);
        drop(begun(&path, &header(2), 1));
        assert_eq!(usable(&path), saved(&header(2), 1));
    }
}

#[test]
fn a_file_beyond_all_bounds_is_void() {
    let directory = directory();
    let path = directory.path().join("x");
    drop(begun(&path, &header(2), 1));
    File::options().write(true).open(&path).unwrap().set_len(MAX_FILE + 1).unwrap();
    let (reason, remains) = void(&path);
    assert!(reason.contains("67108865 bytes"), "{reason}");
    assert_eq!(remains, Some(saved(&header(2), 0)), "the old upload can be aborted");
}

#[test]
fn a_full_file_takes_no_more() {
    let directory = directory();
    let path = directory.path().join("x");
    let journal = begun(&path, &header(2), 1);
    journal.pretend_length(MAX_FILE - 10);
    journal.part(&part(&header(2), 2, 0));
    assert!(journal.trouble().unwrap().contains("File too large"));
}

#[test]
fn a_record_beyond_all_bounds_is_void() {
    let directory = directory();
    let path = directory.path().join("x");
    drop(begun(&path, &header(2), 0));
    append_record(&path, &format!(r#"{{"type":"part","etag":"{}"}}"#, "x".repeat(MAX_LINE)));
    append_record(&path, r#"{"type":"completing"}"#);
    assert_eq!(void(&path), ("record 3 of the checkpoint is damaged".to_owned(), Some(saved(&header(2), 0))));
    fs::write(&path, [first_line(1).as_bytes(), &[0xA5; 1_000_000], b"\n", &[0xA5; 1_000_000]].concat()).unwrap();
    assert_eq!(void(&path), ("the checkpoint contains no header, but other data".to_owned(), None));
}

/// The checksum is no secret: whoever edits a record can make it right.
#[test]
fn a_record_that_cannot_be_is_void() {
    let header = header(3);
    let json = |part: PartRecord| serde_json::to_string(&part).unwrap().replacen('{', r#"{"type":"part","#, 1);
    let good = part(&header, 1, 0);
    let placed = |part| PartRecord { part, ..good.clone() };
    let cases = [
        (json(placed(Part { number: 0, ..good.part })), "part 0 of 3 parts"),
        (json(placed(Part { number: 4, offset: 3 * PART_SIZE, size: 1 })), "part 4 of 3 parts"),
        (json(placed(Part { number: u32::MAX, ..good.part })), "part 4294967295 of 3 parts"),
        (json(placed(Part { offset: 1, ..good.part })), "part 1 has a wrong offset or size"),
        (json(placed(Part { size: PART_SIZE - 1, ..good.part })), "part 1 has a wrong offset or size"),
        (json(placed(Part { size: u64::MAX, ..good.part })), "part 1 has a wrong offset or size"),
        (json(good.clone()).replace(&format!("\"{}\"", good.crc64), "\"18446744073709551616\""), "too large"),
        (json(good.clone()).replace("\"number\":1", "\"number\":-1"), "invalid value"),
        (json(good.clone()).replace("\"number\":1", "\"number\":1,\"number\":2"), "duplicate field"),
        (r#"{"type":"part"}"#.to_owned(), "missing field"),
        (r#"{"type":"upload","upload_id":"x"}"#.to_owned(), "it is out of order"),
        (r#"{"kind":"part"}"#.to_owned(), "missing field `type`"),
        ("{".to_owned(), "EOF"),
    ];
    for (record, reason) in cases {
        let directory = directory();
        let path = directory.path().join("x");
        drop(begun(&path, &header, 1));
        append_record(&path, &record);
        let (why, remains) = void(&path);
        assert!(why.starts_with("record 4 of the checkpoint: ") && why.contains(reason), "{record}: {why}");
        assert_eq!(remains, Some(saved(&header, 0)));
    }
}

#[test]
fn records_out_of_order_are_void() {
    let records = [r#"{"type":"completing"}"#, r#"{"type":"upload","upload_id":"x"}"#];
    for record in records {
        let directory = directory();
        let path = directory.path().join("x");
        fs::write(&path, first_line(1)).unwrap();
        append_record(&path, record);
        assert_eq!(void(&path), ("record 1 of the checkpoint: it is out of order".to_owned(), None));
    }
}

#[test]
fn an_empty_file_has_one_part() {
    let directory = directory();
    let path = directory.path().join("x");
    let mut header = header(1);
    file_of(&mut header).identity.size = 0;
    drop(begun(&path, &header, 1));
    assert_eq!(
        usable(&path).parts,
        [PartRecord { part: Part { number: 1, offset: 0, size: 0 }, ..part(&header, 1, 0) }]
    );
}
