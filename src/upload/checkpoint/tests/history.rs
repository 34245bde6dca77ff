//! Random lives of a checkpoint, compared with a model.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;

use super::*;

/// How many lives are tried.
const LIVES: u32 = 64;
/// The parts of the largest file in these tests.
const MOST_PARTS: u64 = 40;

#[derive(Clone, Debug)]
enum Event {
    Begin(Box<Header>),
    Opened(String),
    /// A part by its number, as far as the file has one, and its content.
    Part(u32, u64),
    Completing,
    Doubted,
    /// So many bytes per second were sent.
    Rate(u64),
    Flush,
    /// The process ends, perhaps in the middle of a record, and another one goes on.
    Reopen(Vec<u8>),
}

fn headers() -> impl Strategy<Value = Header> {
    let texts = (any::<String>(), any::<String>(), any::<String>(), any::<String>());
    let source = prop::collection::vec(1..=255_u8, 0..100);
    let times = (any::<i64>(), any::<i64>(), any::<i32>());
    let numbers = (any::<u64>(), any::<u64>(), 1..=MOST_PARTS * PART_SIZE);
    (texts, source, times, numbers).prop_map(|(texts, source, times, (device, inode, size))| Header {
        endpoint: texts.0,
        bucket: texts.1,
        key: texts.2,
        options: texts.3,
        observed: if times.2 < 0 {
            UNIX_EPOCH - Duration::from_nanos(times.2.unsigned_abs().into())
        } else {
            UNIX_EPOCH + Duration::new(times.2.unsigned_abs().into(), 999_999_999)
        },
        origin: Origin::File(FileOrigin {
            path: crate::os::path::from_bytes([ROOT, &source].concat()),
            identity: Identity {
                device,
                inode: inode.into(),
                size,
                modified_ns: times.0.into(),
                changed_ns: times.1.into(),
            },
            part_size: PART_SIZE,
        }),
    })
}

fn events() -> impl Strategy<Value = Event> {
    // Without a line break it is no whole record, whatever it is.
    let torn = prop::collection::vec(any::<u8>().prop_filter("no line break", |byte| *byte != b'\n'), 0..200);
    prop_oneof![
        1 => headers().prop_map(|header| Event::Begin(Box::new(header))),
        2 => any::<String>().prop_map(Event::Opened),
        20 => (1..=MOST_PARTS as u32, any::<u64>()).prop_map(|(number, content)| Event::Part(number, content)),
        1 => Just(Event::Completing),
        1 => Just(Event::Doubted),
        2 => (0..4_u64).prop_map(|step| Event::Rate(step * 1000)),
        2 => Just(Event::Flush),
        4 => torn.prop_map(Event::Reopen),
    ]
}

/// What should be remembered after `event`, and whether an upload could have made it happen.
fn remember(model: &mut Option<Saved>, event: &Event) -> bool {
    match (event, model) {
        (Event::Begin(header), model) => {
            let header = (**header).clone();
            *model = Some(Saved { upload_id: None, ..saved(&header, 0) });
        }
        (Event::Opened(id), Some(saved @ Saved { upload_id: None, .. })) => saved.upload_id = Some(id.clone()),
        (Event::Part(number, content), Some(saved @ Saved { upload_id: Some(_), .. })) => {
            if u64::from(*number) > saved.header.file().unwrap().identity.size.div_ceil(PART_SIZE) {
                return false;
            }
            saved.parts.retain(|record| record.part.number != *number);
            saved.parts.push(PartRecord { crc64: *content, ..part(&saved.header, *number, 0) });
            saved.parts.sort_by_key(|record| record.part.number);
        }
        (Event::Completing, Some(saved @ Saved { upload_id: Some(_), .. })) => saved.completing = true,
        (Event::Doubted, Some(saved @ Saved { upload_id: Some(_), .. })) => saved.doubted = true,
        (Event::Rate(rate), Some(saved @ Saved { upload_id: Some(_), .. })) => {
            saved.rate = Some(*rate).filter(|rate| *rate > 0).or(saved.rate);
        }
        (Event::Flush | Event::Reopen(_), _) => {}
        _ => return false,
    }
    true
}

fn happen(journal: &mut Option<Journal>, path: &Path, event: &Event) {
    let Some(current) = journal.as_ref() else { return };
    match event {
        Event::Begin(header) => current.begin(header).unwrap(),
        Event::Opened(id) => current.opened(id).unwrap(),
        Event::Part(number, content) => {
            let Found::Usable(Saved { header, .. }) = peek(path) else { panic!("a part without a header") };
            current.part(&PartRecord { crc64: *content, ..part(&header, *number, 0) });
        }
        Event::Completing => current.completing(),
        Event::Doubted => current.doubted(),
        Event::Rate(rate) => current.rate(*rate),
        Event::Flush => current.flush(),
        Event::Reopen(torn) => {
            *journal = None;
            if path.exists() {
                OpenOptions::new().append(true).open(path).unwrap().write_all(torn).unwrap();
            }
            *journal = Some(open(path).0);
        }
    }
}

/// What the file says now, without its lock.
fn peek(path: &Path) -> Found {
    use crate::upload::checkpoint::read::{Reading, read};
    let bytes = std::fs::read(path).unwrap();
    match read(bytes.as_slice(), bytes.len() as u64).unwrap() {
        Reading::Journal(good) => Found::Usable(good.saved),
        Reading::Fresh => Found::Nothing,
        _ => panic!("neither usable nor fresh"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: LIVES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_remembers_its_whole_life(first in headers(), events in prop::collection::vec(events(), 0..60)) {
        let directory = directory();
        let path = directory.path().join("x.cp");
        let mut journal = Some(open(&path).0);
        let mut model = None;
        for event in [Event::Begin(Box::new(first))].iter().chain(&events) {
            if remember(&mut model, event) {
                happen(&mut journal, &path, event);
                prop_assert_eq!(&peek(&path), &model.clone().map_or(Found::Nothing, Found::Usable));
            }
        }
        drop(journal);
        prop_assert_eq!(found(&path), model.map_or(Found::Nothing, Found::Usable));
    }
}
