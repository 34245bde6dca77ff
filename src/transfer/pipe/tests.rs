use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use proptest::prelude::*;

use super::*;
use crate::options::MIN_PART_SIZE;
use crate::source::Source;

const PART: usize = MIN_PART_SIZE as usize;

fn fixed(parts: u64, spool: Option<Spool>) -> (PipeWriter, Arc<Pipe>, Receiver<Block>) {
    let max_memory = parts * MIN_PART_SIZE;
    // Parts of one size: half of the memory would be larger.
    pipe(max_memory, 100, spool)
}

fn pipe(max_memory: u64, in_flight: u32, spool: Option<Spool>) -> (PipeWriter, Arc<Pipe>, Receiver<Block>) {
    let growth = Growth::new(Some(MIN_PART_SIZE), 2 * MIN_PART_SIZE).unwrap();
    let (sender, blocks) = unbounded();
    let deliver = move |block: Option<Block>| {
        block.map(|block| sender.send(block));
    };
    let writer = PipeWriter::new(growth, max_memory, in_flight, spool, deliver);
    let pipe = writer.pipe().clone();
    (writer, pipe, blocks)
}

fn now() -> Option<Instant> {
    Some(Instant::now())
}

fn content(block: &Block) -> Vec<u8> {
    let Part { offset, size, .. } = block.part();
    let mut bytes = vec![0; size as usize];
    let mut done = 0;
    while done < bytes.len() {
        done += block.read_at(&mut bytes[done..], offset + done as u64).unwrap();
    }
    bytes
}

#[test]
fn a_full_block_waits_for_what_comes_next() {
    let (mut writer, _pipe, blocks) = fixed(4, None);
    assert_eq!(writer.write(&vec![1; PART], None).unwrap(), Written::All);
    assert!(blocks.try_recv().is_err(), "perhaps it is the last");
    assert_eq!(writer.write(&[2], None).unwrap(), Written::All);
    let first = blocks.try_recv().unwrap();
    assert_eq!((first.part().number, first.is_last(), content(&first)), (1, false, vec![1; PART]));
    writer.finish();
    let last = blocks.try_recv().unwrap();
    assert_eq!((last.part(), last.is_last()), (Part { number: 2, offset: PART as u64, size: 1 }, true));
    assert!(writer.write(&[3], None).unwrap_err().message().contains("finished"));
}

#[test]
fn no_bytes_are_an_empty_last_block() {
    let (mut writer, pipe, blocks) = fixed(2, None);
    assert_eq!(writer.write(&[], None).unwrap(), Written::All);
    assert!(!pipe.is_finished());
    writer.finish();
    let only = blocks.recv().unwrap();
    assert_eq!((only.part(), only.is_last()), (Part { number: 1, offset: 0, size: 0 }, true));
    assert!(pipe.is_finished() && blocks.recv().is_err());
}

#[test]
fn the_writer_waits_for_memory_and_says_how_much_it_took() {
    let (mut writer, pipe, blocks) = fixed(2, None);
    assert_eq!(writer.write(&vec![0; 3 * PART], now()).unwrap(), Written::Some(2 * PART));
    assert_eq!(writer.write(&[0; 5], now()).unwrap(), Written::Some(0));
    drop(blocks.recv().unwrap());
    assert_eq!(writer.write(&[0; 5], now()).unwrap(), Written::All);
    let waiting = thread::spawn(move || writer.write(&vec![0; PART], None).unwrap());
    drop(blocks.recv().unwrap());
    assert_eq!(waiting.join().unwrap(), Written::All);
    assert!(pipe.lock().allocated <= 2 * MIN_PART_SIZE);
}

#[test]
fn no_more_blocks_are_in_memory_than_can_be_sent_and_one() {
    let (mut writer, pipe, blocks) = pipe(u64::MAX, 2, None);
    assert_eq!(writer.write(&vec![0; 9 * PART], now()).unwrap(), Written::Some(3 * PART));
    drop(blocks.recv().unwrap());
    assert_eq!(writer.write(&vec![0; 9 * PART], now()).unwrap(), Written::Some(PART));
    assert!(pipe.lock().allocated <= 3 * MIN_PART_SIZE);
}

#[test]
fn a_closed_pipe_wakes_its_writer() {
    let (mut writer, pipe, _blocks) = fixed(2, None);
    writer.write(&vec![0; 2 * PART], None).unwrap();
    let waiting = thread::spawn(move || writer.write(&[0], None).unwrap());
    pipe.close();
    assert_eq!(waiting.join().unwrap(), Written::Closed);
}

#[test]
fn a_paused_pipe_takes_nothing() {
    let (mut writer, pipe, _blocks) = fixed(2, None);
    pipe.pause();
    assert_eq!(writer.write(&[0], now()).unwrap(), Written::Some(0));
    assert_eq!(writer.write(&[0], Some(Instant::now() + Duration::from_millis(1))).unwrap(), Written::Some(0));
    let waiting = thread::spawn(move || writer.write(&[0], None).unwrap());
    pipe.resume();
    assert_eq!(waiting.join().unwrap(), Written::All);
}

#[test]
fn what_finds_no_memory_goes_to_the_spool_and_then_waits() {
    let directory = tempfile::tempdir().unwrap();
    let spool = Spool::create(directory.path(), 3 * MIN_PART_SIZE).unwrap();
    let (mut writer, pipe, blocks) = fixed(2, Some(spool));
    let bytes: Vec<u8> = (0..6 * PART).map(|at| (at % 251) as u8).collect();
    assert_eq!(writer.write(&bytes, now()).unwrap(), Written::Some(5 * PART), "two in memory, three in the file");
    assert!(pipe.lock().allocated <= 2 * MIN_PART_SIZE);
    let mut read = content(&blocks.recv().unwrap());
    assert_eq!(writer.write(&bytes[5 * PART..], now()).unwrap(), Written::All);
    writer.finish();
    read.extend(blocks.iter().flat_map(|block| content(&block)));
    assert_eq!(read, bytes);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is written in whatever pieces comes out whole and in order, within the memory that is allowed.
    #[test]
    fn nothing_is_lost(pieces in prop::collection::vec(0..3 * PART, 0..12), parts in 2..5_u64, spools in any::<bool>()) {
        let directory = tempfile::tempdir().unwrap();
        let spool = spools.then(|| Spool::create(directory.path(), 2 * MIN_PART_SIZE).unwrap());
        let (mut writer, pipe, blocks) = fixed(parts, spool);
        let reader = thread::spawn(move || blocks.iter().map(|block| content(&block)).collect::<Vec<_>>());
        let mut written = Vec::new();
        for (at, size) in pieces.into_iter().enumerate() {
            let piece = vec![at as u8; size];
            prop_assert_eq!(writer.write(&piece, None).unwrap(), Written::All);
            prop_assert!(pipe.lock().allocated <= parts * MIN_PART_SIZE);
            written.extend(piece);
        }
        writer.finish();
        let blocks = reader.join().unwrap();
        prop_assert!(blocks.iter().rev().skip(1).all(|block| block.len() == PART));
        prop_assert_eq!(blocks.concat(), written);
    }
}
