//! What is written comes back, at a known price, and the format is what its document says.

use std::fs;
use std::time::SystemTime;

use super::*;
use crate::os::path::from_bytes;
use crate::upload::checkpoint::line::{ChecksumChain, first_line};
use crate::upload::checkpoint::read::{Reading, read};
use crate::upload::checkpoint::record::Record;

#[test]
fn everything_comes_back() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let mut header = header(3);
    file_of(&mut header).path = from_bytes([ROOT, b"data/\xff %41\n\xe7\x9b\xae"].concat());
    header.key = "\u{1}/\"文件\"\\\u{10FFFF}".to_owned();
    file_of(&mut header).identity.modified_ns = -1;
    file_of(&mut header).identity.changed_ns = i128::from(i64::MAX) * 1_000_000_000 + 999_999_999;
    header.observed = UNIX_EPOCH - Duration::from_nanos(1_500_000_000);
    let parts = vec![PartRecord { crc64: u64::MAX, ..part(&header, 1, 0) }, part(&header, 3, 0)];
    {
        let (journal, nothing) = open(&path);
        assert_eq!(nothing, Found::Nothing);
        journal.begin(&header).unwrap();
        journal.opened(UPLOAD_ID).unwrap();
        journal.part(&parts[1]);
        journal.part(&parts[0]);
        assert_eq!(journal.trouble(), None);
    }
    let mut saved = Saved { parts, ..saved(&header, 0) };
    {
        let (journal, found) = open(&path);
        assert_eq!(found, Found::Usable(saved.clone()));
        journal.completing();
        journal.doubted();
        for rate in [0, 1000, 1250, 1251, 1600, 0] {
            journal.rate(rate);
        }
    }
    (saved.completing, saved.doubted) = (true, true);
    saved.rate = Some(1600);
    assert_eq!(usable(&path), saved);
}

#[test]
fn a_header_without_an_upload_id_is_recognised() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    open(&path).0.begin(&header(3)).unwrap();
    assert_eq!(usable(&path), Saved { upload_id: None, ..saved(&header(3), 0) });
}

#[test]
fn the_longest_names_fit() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let mut long = header(1);
    long.key = "\u{1}".repeat(1023);
    file_of(&mut long).path = from_bytes([ROOT, &[0xFF; 4095]].concat());
    let journal = begun(&path, &long, 1);
    drop(journal);
    assert_eq!(usable(&path), saved(&long, 1));
}

#[test]
fn what_no_reader_would_take_is_not_written() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let (journal, _) = open(&path);
    let with = |edit: fn(&mut FileOrigin)| {
        let mut header = header(1);
        edit(file_of(&mut header));
        header
    };
    for wrong in [
        with(|file| file.path = "data/x".into()),
        with(|file| file.part_size = 0),
        header(10_001),
        Header { endpoint: "x".repeat(40_000), ..header(1) },
    ] {
        journal.begin(&wrong).unwrap_err();
    }
    journal.begin(&header(2)).unwrap();
    journal.opened(&"x".repeat(40_000)).unwrap_err();
    journal.opened(UPLOAD_ID).unwrap();
    journal.part(&PartRecord { etag: "x".repeat(40_000), ..part(&header(2), 1, 0) });
    journal.part(&part(&header(2), 2, 0));
    assert!(journal.trouble().unwrap().ends_with("(records missing: 1): they are too long"), "{:?}", journal.trouble());
    drop(journal);
    assert_eq!(usable(&path).parts, [part(&header(2), 2, 0)]);
}

#[test]
fn each_of_10_000_parts_costs_one_short_write() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    child::passes(child::command(module_path!(), "child_counts_its_writes", &path));
    assert_eq!(usable(&path), saved(&header(10_000), 10_000));
}

#[test]
#[ignore = "a child of the test above"]
fn child_counts_its_writes() {
    let Some(path) = child::path() else { return };
    let counters = || {
        let text = fs::read_to_string("/proc/self/io").unwrap();
        let value = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().parse().unwrap()
        };
        (value("wchar:"), value("syscw:"))
    };
    let header = header(10_000);
    let journal = begun(&path, &header, 0);
    let before = counters();
    for number in 1..=10_000 {
        journal.part(&part(&header, number, 0));
    }
    let after = counters();
    assert_eq!(after.1 - before.1, 10_000, "writes");
    assert!(after.0 - before.0 < 3_000_000, "{} bytes", after.0 - before.0);
    assert_eq!(journal.trouble(), None);
}

#[test]
fn syncs_at_most_once_a_second() {
    let directory = directory();
    let journal = begun(&directory.path().join("x.cp"), &header(3), 0);
    let now = std::time::Instant::now();
    let unsynced_after = |number: u32, at: Duration| {
        journal.part(&part(&header(3), number, 0));
        journal.sync_if_due(now + at);
        journal.has_unsynced_records()
    };
    assert!(!unsynced_after(1, Duration::ZERO));
    assert!(unsynced_after(2, Duration::from_millis(999)));
    assert!(!unsynced_after(3, Duration::from_millis(1000)));
    assert!(unsynced_after(3, Duration::from_millis(1999)));
    journal.flush();
    assert!(!journal.has_unsynced_records());
}

#[test]
fn a_rate_is_recorded_when_it_is_another() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let journal = begun(&path, &header(3), 1);
    let length = || fs::metadata(&path).unwrap().len();
    let grows = |rate| {
        let before = length();
        journal.rate(rate);
        length() > before
    };
    assert_eq!([0, 1000, 1250, 751, 1251, 1000, 0].map(grows), [false, true, false, false, true, false, false]);
    drop(journal);
    let (journal, _) = open(&path);
    journal.rate(1200);
    drop(journal);
    assert_eq!(usable(&path).rate, Some(1251), "the next process knows what was recorded");
}

/// The file in `docs/checkpoint-format.md`, built by this code, and read by it.
#[test]
fn the_documented_example_is_true() {
    let document = include_str!("../../../../docs/checkpoint-format.md");
    let example = document.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut header = header(3);
    file_of(&mut header).path = from_bytes(b"/data/100%/\xff.bin".to_vec());
    let parts = [part(&header, 2, 0), part(&header, 3, 0)];
    let created = UNIX_EPOCH + Duration::from_nanos(1_750_000_002_500_000_000);

    assert_eq!(example, render(&header, created, &parts), "docs/checkpoint-format.md");
    let Ok(Reading::Journal(good)) = read(example.as_bytes(), example.len() as u64) else { panic!() };
    let expected = Saved { parts: parts.to_vec(), completing: true, rate: Some(1_048_576), ..saved(&header, 0) };
    assert_eq!(good.saved, expected);
    assert_eq!(good.created, created);
}

fn render(header: &Header, created: SystemTime, parts: &[PartRecord]) -> String {
    let mut records = vec![Record::of_header(header, created), Record::Upload { upload_id: UPLOAD_ID.to_owned() }];
    records.extend(parts.iter().cloned().map(Record::Part));
    records.extend([Record::Rate { bytes_per_second: 1_048_576 }, Record::Completing]);
    let mut chain = ChecksumChain::new();
    records.iter().fold(first_line(4242), |text, record| {
        let line = chain.line(&serde_json::to_string(record).unwrap());
        chain.advance(line.as_bytes());
        text + &line
    })
}

#[test]
fn a_description_tells_people_all_but_secrets() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    drop(begun(&path, &header(3), 2));
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .map(|mut file| std::io::Write::write_all(&mut file, b"torn"))
        .unwrap()
        .unwrap();
    let text = crate::upload::checkpoint::describe(&path).unwrap();
    let begun = text.lines().find(|line| line.starts_with("begun ")).unwrap();
    let expected = format!(
        r#"checkpoint   {}
state        uploading
endpoint     https://oss-cn-hangzhou.aliyuncs.com
bucket       examplebucket
key          "目录/big.bin"
source       "/data/big.bin"
size         307199 bytes
modified     2025-06-15T15:06:40.123456789Z
upload id    {UPLOAD_ID}
part size    102400 bytes
options      5f70bf18a0860070
{begun}
parts done   2 of 3
bytes done   204800 of 307199
damage       the last 4 bytes are a torn record, which will be dropped
"#,
        path.display()
    );
    assert_eq!(text, expected);
    assert_eq!(fs::read(&path).unwrap().last(), Some(&b'n'), "describing repairs nothing");
}

#[test]
fn a_description_names_every_state() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let describe = || crate::upload::checkpoint::describe(&path).unwrap();
    let (journal, _) = open(&path);
    assert!(describe().contains("fresh: nothing was started"));
    journal.begin(&header(3)).unwrap();
    assert!(describe().contains("started, but no upload ID was recorded"));
    journal.opened(UPLOAD_ID).unwrap();
    journal.completing();
    assert!(describe().contains("completing: the last request may have been sent"));
    fs::write(&path, fs::read_to_string(&path).unwrap().replace(UPLOAD_ID, "0")).unwrap();
    assert!(describe().contains("void, all parts will be sent again: record 2 of the checkpoint is damaged"));
    fs::write(&path, "my diary").unwrap();
    assert!(crate::upload::checkpoint::describe(&path).unwrap_err().message().contains("is not a checkpoint"));
}

#[test]
fn a_stream_is_remembered_without_a_file() {
    let directory = directory();
    let path = directory.path().join("x");
    let header = stream_header();
    let short = PartRecord { part: Part { size: 1, ..part(&header, 2, 0).part }, ..part(&header, 2, 0) };
    let journal = begun(&path, &header, 1);
    journal.part(&short);
    drop(journal);
    let saved = usable(&path);
    assert_eq!((saved.header, saved.parts), (header.clone(), vec![part(&header, 1, 0), short.clone()]));
    let text = crate::describe_checkpoint(&path).unwrap();
    for line in
        ["source       a stream", "part size    102400 to 102400 bytes", "parts done   2\n", "bytes done   102401\n"]
    {
        assert!(text.contains(line), "{text}");
    }
    for wrong in
        [Part { offset: 1, ..short.part }, Part { size: 0, ..short.part }, Part { size: PART_SIZE + 1, ..short.part }]
    {
        begun(&path, &header, 1).part(&PartRecord { part: wrong, ..short.clone() });
        assert!(matches!(found(&path), Found::Void { .. }), "{wrong:?}");
    }
}
