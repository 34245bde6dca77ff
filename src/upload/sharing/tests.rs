//! The texts byte by byte, and whatever may happen to them.

use proptest::prelude::*;

use super::step::{SharedStep, part_names};
use super::{FileTimes, Fragment, Token};
use crate::crc64::checksum;
use crate::error::ErrorKind;
use crate::transfer::Plan;
use crate::upload::checkpoint::PartRecord;

/// As in docs/shared-upload-format.md.
const TOKEN: &str = r#"oss-upload token 0001 3b5bb0cafdfc0a63 {"bucket":"examplebucket","key":"目录/big.bin","upload_id":"0004B9894A22E5B1888A1E29F8236E2D","options":"5f70bf18a0860070","size":307199,"part_size":102400}"#;
const FRAGMENT: &str = r#"oss-upload fragment 0001 4391c103465575ea {"token":"3b5bb0cafdfc0a63","modified_ns":"1750000000123456789","changed_ns":"1750000001987654321","parts":[{"number":2,"etag":"0000000000000000FFFFFFFFFFFFF82F","crc64":"18446744073709549615"},{"number":3,"etag":"0000000000000000FFFFFFFFFFFFF447","crc64":"18446744073709548615"}]}"#;

const TIMES: FileTimes = FileTimes { modified_ns: 1_750_000_000_123_456_789, changed_ns: 1_750_000_001_987_654_321 };

fn plan(size: u64) -> Plan {
    Plan { size, part_size: 102_400, raised: false }
}

fn token_for(upload_id: &str, size: u64) -> (String, Token) {
    let text = Token::text("examplebucket", "目录/big.bin", upload_id, "5f70bf18a0860070".into(), &plan(size)).unwrap();
    let token = Token::parse(&text).unwrap();
    (text, token)
}

fn record(number: u32) -> PartRecord {
    let value = u64::MAX - u64::from(number) * 1000;
    PartRecord { part: plan(100 * 102_400).part(number), etag: format!("{value:032X}"), crc64: value }
}

fn fragment(token: &Token, numbers: impl IntoIterator<Item = u32>) -> String {
    let records: Vec<PartRecord> = numbers.into_iter().map(record).collect();
    Fragment::text(token, TIMES, records.iter()).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: crate::error::Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    error.message().to_owned()
}

/// Whoever edits a text can compute its checksum, too.
fn sealed(text: &str) -> String {
    let words: Vec<&str> = text.splitn(5, ' ').collect();
    let begin = format!("{} {} {} ", words[0], words[1], words[2]);
    format!("{begin}{:016x} {}", checksum([&begin, words[4]].concat().as_bytes()), words[4])
}

#[test]
fn the_texts_are_those_of_the_documentation() {
    let (text, token) = token_for("0004B9894A22E5B1888A1E29F8236E2D", 307_199);
    assert_eq!(text, TOKEN);
    assert_eq!(fragment(&token, [2, 3]), FRAGMENT);
    let page = include_str!("../../../docs/shared-upload-format.md");
    assert!(page.contains(TOKEN) && page.contains(FRAGMENT));
    let read = Fragment::parse(&format!("\n{FRAGMENT}\r\n"), &token).unwrap();
    let parts = [2, 3].map(|number| PartRecord { part: token.plan.part(number), ..record(number) });
    assert_eq!((read.times, read.parts), (TIMES, parts.to_vec()));
}

#[test]
fn each_changed_or_missing_byte_is_noticed() {
    let (_, token) = token_for("0004B9894A22E5B1888A1E29F8236E2D", 307_199);
    for (text, is_token) in [(TOKEN, true), (FRAGMENT, false)] {
        let parse = |text: &str| match is_token {
            true => Token::parse(text).map(drop),
            false => Fragment::parse(text, &token).map(drop),
        };
        parse(text).unwrap();
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            refusal(parse(&text[..at]));
            let mut edited = text.as_bytes().to_vec();
            edited[at] ^= 1;
            if let Ok(edited) = std::str::from_utf8(&edited) {
                assert!(parse(edited).is_err(), "{edited}");
            }
        }
        let newer = sealed(&text.replace(" 0001 ", " 0002 "));
        assert_eq!(parse(&newer).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert!(refusal(Token::parse(FRAGMENT)).contains("oss_shared_upload_begin()"));
    assert!(refusal(Fragment::parse(TOKEN, &token)).contains("oss_shared_upload_send_parts()"));
    assert!(refusal(Token::parse(&"x".repeat(16 * 1024 + 1))).contains("at most"));
}

#[test]
fn what_there_cannot_be_is_refused_with_a_right_checksum_too() {
    let token = |from: &str, to: &str| refusal(Token::parse(&sealed(&TOKEN.replace(from, to))));
    for (from, to) in [
        ("\"size\":307199", "\"size\":0"),
        ("\"size\":307199", "\"size\":18446744073709551615"),
        ("\"part_size\":102400", "\"part_size\":0"),
        ("\"part_size\":102400", "\"part_size\":1"),
        ("0004B9894A22E5B1888A1E29F8236E2D", ""),
    ] {
        assert!(token(from, to).contains("describes no upload"), "{to}");
    }
    assert!(token("\"size\":307199", "\"size\":-1").contains("malformed"));
    let (_, ours) = token_for("0004B9894A22E5B1888A1E29F8236E2D", 307_199);
    for (from, to) in [("\"number\":3", "\"number\":4"), ("\"number\":3", "\"number\":0"), (&record(3).etag, "")] {
        refusal(Fragment::parse(&sealed(&FRAGMENT.replace(from, to)), &ours));
    }
}

#[test]
fn fragments_of_another_upload_are_refused() {
    let (_, other) = token_for("another", 307_199);
    let foreign = fragment(&other, [1]);
    let error = refusal(SharedStep::finish(TOKEN, [FRAGMENT, &foreign]));
    assert!(error.starts_with("fragments[1]: the fragment belongs to another token"), "{error}");
}

#[test]
fn a_token_is_for_one_object_with_its_headers() {
    let token = Token::parse(TOKEN).unwrap();
    token.check("examplebucket", "目录/big.bin", "5f70bf18a0860070").unwrap();
    assert!(refusal(token.check("other", "目录/big.bin", "5f70bf18a0860070")).contains("examplebucket"));
    assert!(refusal(token.check("examplebucket", "other", "5f70bf18a0860070")).contains("object_key"));
    assert!(refusal(token.check("examplebucket", "目录/big.bin", "other")).contains("headers"));
}

#[test]
fn ranges_are_within_the_file() {
    assert!(SharedStep::send(TOKEN, 1..=3).is_ok());
    #[expect(clippy::reversed_empty_ranges, reason = "it is what a program may ask for")]
    for range in [0..=1, 1..=4, 3..=2, 4..=4, 0..=u32::MAX] {
        assert!(refusal(SharedStep::send(TOKEN, range)).contains("from 1 to 3"));
    }
}

#[test]
fn missing_parts_are_named() {
    let (token_text, token) = token_for("id", 20 * 102_400);
    let given = [fragment(&token, [1]), fragment(&token, [3])];
    let error = SharedStep::finish(&token_text, &given).unwrap_err();
    assert_eq!((error.kind(), error.part_number()), (ErrorKind::InvalidArgument, 2));
    assert!(error.message().starts_with("the fragments lack parts 2, 4 to 20"), "{error}");
    assert_eq!(part_names(&[7]), "part 7");
    let odd: Vec<u32> = (0..10).map(|n| 2 * n + 1).collect();
    assert_eq!(part_names(&odd), "parts 1, 3, 5, 7, 9, 11, 13, 15 and others, 10 in all");
}

#[test]
fn the_last_fragment_of_a_part_counts() {
    let (text, token) = token_for("id", 307_199);
    let later = PartRecord { etag: "LATER".into(), ..record(2) };
    let again = Fragment::text(&token, TIMES, [&later].into_iter()).unwrap();
    let all = fragment(&token, [1, 2, 3]);
    let part_2 = |fragments: [&str; 2]| match SharedStep::finish(&text, fragments).unwrap() {
        SharedStep::Finish(_, collected) => collected.0[1].0.etag.clone(),
        step => panic!("{step:?}"),
    };
    assert_eq!(part_2([&all, &again]), "LATER");
    assert_eq!(part_2([&again, &all]), record(2).etag);
}

proptest! {
    /// However the parts are divided, repeated and shuffled, they are all there once, in their order.
    #[test]
    fn any_division_is_put_together(count in 1u32..60, cuts in prop::collection::vec((1u32..60, 0u32..20), 0..20), seed in any::<u64>()) {
        let (text, token) = token_for("id", u64::from(count) * 102_400);
        let ranges = cuts.into_iter().map(|(first, more)| (first.min(count), (first + more).min(count)));
        let mut fragments: Vec<String> = ranges.map(|(first, last)| fragment(&token, first..=last)).collect();
        fragments.push(fragment(&token, 1..=count));
        let turn = seed as usize % fragments.len();
        fragments.rotate_left(turn);
        let SharedStep::Finish(_, collected) = SharedStep::finish(&text, &fragments).unwrap() else { panic!() };
        let numbers: Vec<u32> = collected.0.iter().map(|(record, _)| record.part.number).collect();
        prop_assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
        prop_assert!(collected.0.iter().all(|(record, _)| record.part == token.plan.part(record.part.number)));
    }

    /// Nothing that comes in makes it panic.
    #[test]
    fn any_text_is_read_without_a_panic(json in ".{0,200}", kind in prop::sample::select(vec!["token", "fragment"])) {
        let (_, token) = token_for("id", 307_199);
        for text in [json.clone(), sealed(&format!("oss-upload {kind} 0001 x {json}"))] {
            let _ = Token::parse(&text);
            let _ = Fragment::parse(&text, &token);
        }
    }
}
