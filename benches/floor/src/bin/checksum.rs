//! The floor of a comparison by content: reads each file of a tree, as tree.c makes it, and computes its CRC-64. It knows
//! the names, and keeps no result.
//!
//! usage: checksum FOLDER FILES IN_EACH THREADS

use std::fs::File;
use std::io::{Read, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

use crc_fast::{CrcAlgorithm, Digest};

/// As much as the library reads at a time.
const BUFFER: usize = 64 * 1024;

fn checksum(path: &str, buffer: &mut [u8]) -> Result<u64> {
    let mut file = File::open(path)?;
    let mut crc = Digest::new(CrcAlgorithm::Crc64Xz);
    loop {
        match file.read(buffer)? {
            0 => return Ok(crc.finalize()),
            count => crc.update(&buffer[..count]),
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, numbers @ ..] = arguments.as_slice() else { panic!("usage: checksum FOLDER FILES IN_EACH THREADS") };
    let numbers: Vec<usize> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
    let [files, in_each, threads] = numbers[..] else { panic!("usage: checksum FOLDER FILES IN_EACH THREADS") };
    let (next, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = vec![0; BUFFER];
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= files {
                        break;
                    }
                    let path = format!("{folder}/{:04}/{number:07}", number / in_each);
                    let crc = checksum(&path, &mut buffer).unwrap_or_else(|error| panic!("{path}: {error}"));
                    sum.fetch_xor(crc as usize, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{:x}", sum.into_inner());
}
