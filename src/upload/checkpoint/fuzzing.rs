//! Any bytes as a checkpoint.

use super::line::{ChecksumChain, first_line};
use super::read::{Reading, read};
use super::record::Record;

/// The input is a file, or, after the byte `+`, records without their checksums, which would keep most inputs from being
/// read. What is believed can be gone on with.
pub fn checkpoint(input: &[u8]) {
    let file = match input.split_first() {
        Some((b'+', records)) => with_checksums(records),
        _ => input.to_vec(),
    };
    let Ok(reading) = read(file.as_slice(), file.len() as u64) else { panic!("memory cannot be read") };
    let Reading::Journal(good) = reading else { return };
    assert!(good.length <= file.len() as u64);
    let saved = &good.saved;
    assert!(saved.parts.is_sorted_by(|a, b| a.part.number < b.part.number));
    assert!(saved.parts.iter().all(|record| saved.header.check_part(&record.part).is_ok()));
    assert!(saved.upload_id.is_some() || (saved.parts.is_empty() && !saved.completing));
    let next = match saved.upload_id {
        Some(_) => Record::Completing,
        None => Record::Upload { upload_id: "next".to_owned() },
    };
    let line = good.chain.line(&serde_json::to_string(&next).expect("a record is JSON"));
    let more = [&file[..good.length as usize], line.as_bytes()].concat();
    match read(more.as_slice(), more.len() as u64) {
        Ok(Reading::Journal(again)) => assert_eq!(again.saved.parts, saved.parts),
        _ => panic!("it cannot be gone on with"),
    }
}

fn with_checksums(records: &[u8]) -> Vec<u8> {
    let mut file = first_line(1).into_bytes();
    let mut chain = ChecksumChain::new();
    for record in records.split(|byte| *byte == b'\n') {
        let line = chain.line(&String::from_utf8_lossy(record));
        chain.advance(line.as_bytes());
        file.extend_from_slice(line.as_bytes());
    }
    file
}
