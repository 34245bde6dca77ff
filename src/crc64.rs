//! CRC-64/XZ, by which OSS and this library agree on what was stored, and how the CRCs of parts combine.

use crc_fast::{CrcAlgorithm, Digest};

/// A running CRC-64/XZ.
#[derive(Clone)]
pub(crate) struct Crc64(Digest);

impl Crc64 {
    pub(crate) fn new() -> Self {
        Crc64(Digest::new(CrcAlgorithm::Crc64Xz))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.finalize()
    }
}

/// The CRC of `bytes`.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Xz, bytes)
}

/// Appends data of one fixed length to a CRC, given the data's CRC only.
///
/// Appending means advancing the first CRC over `length` zero bytes, which is a linear map over GF(2). Building the map
/// costs 64 steps of squaring; applying it costs one table look-up per bit, so it is built once per part size.
pub(crate) struct Combiner {
    /// What each bit of a CRC becomes after `length` zero bytes.
    columns: [u64; 64],
}

/// The polynomial ECMA-182, reflected.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

impl Combiner {
    pub(crate) fn new(length: u64) -> Self {
        let mut result = identity();
        let mut power = one_zero_byte();
        let mut left = length;
        while left != 0 {
            if left & 1 == 1 {
                result = compose(&power, &result);
            }
            power = compose(&power, &power);
            left >>= 1;
        }
        Combiner { columns: result }
    }

    /// The CRC of A followed by B, where B has this combiner's length.
    pub(crate) fn combine(&self, a: u64, b: u64) -> u64 {
        apply(&self.columns, a) ^ b
    }
}

fn identity() -> [u64; 64] {
    std::array::from_fn(|bit| 1 << bit)
}

fn one_zero_byte() -> [u64; 64] {
    std::array::from_fn(|bit| (0..8).fold(1 << bit, |crc: u64, _| (crc >> 1) ^ (POLYNOMIAL * (crc & 1))))
}

fn apply(columns: &[u64; 64], crc: u64) -> u64 {
    columns.iter().enumerate().fold(0, |sum, (bit, column)| sum ^ (column * ((crc >> bit) & 1)))
}

fn compose(outer: &[u64; 64], inner: &[u64; 64]) -> [u64; 64] {
    inner.map(|column| apply(outer, column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn combine(a: u64, b: u64, length: u64) -> u64 {
        Combiner::new(length).combine(a, b)
    }

    #[test]
    fn known_values() {
        let vectors: [(&[u8], u64); 9] = [
            (b"", 0),
            (b"a", 3675645893302102789),
            (b"123456789", 11051210869376104954),
            (b"hello world", 5981764153023615706),
            (b"This is a test of the emergency broadcast system.", 2871916124362751090),
            ("空山新雨后".as_bytes(), 8415109908503003068),
            (&[0], 2282658103124508505),
            (&[0xFF; 8], u64::MAX),
            (&[0; 102400], 15337097285471591505),
        ];
        for (data, crc) in vectors {
            assert_eq!(checksum(data), crc);
        }
        assert_eq!(checksum(&vec![0; 1 << 20]), 6947770692288575170);
    }

    #[test]
    fn known_combinations() {
        assert_eq!(combine(6748440630437108969, 6285347597771850461, 5), 12811388247244714686);
        assert_eq!(combine(11051210869376104954, 2871916124362751090, 49), 7672622622872733320);
        let data: Vec<u8> = (0..250_000u32).map(|i| (i % 251) as u8).collect();
        let parts: Vec<u64> = data.chunks(102_400).map(checksum).collect();
        assert_eq!(parts, [5409316634556368277, 8193091521729089674, 9540303853744812896]);
        let whole = combine(combine(parts[0], parts[1], 102_400), parts[2], 45_200);
        assert_eq!(whole, 211854289135609509);
    }

    #[test]
    fn lengths_above_32_bits() {
        let mut crc = checksum(&[0]);
        for power in 0..32 {
            crc = combine(crc, crc, 1 << power);
        }
        assert_eq!(crc, 18055121689221485927, "4 GiB of zeros");
    }

    proptest! {
        #[test]
        fn combining_equals_reading_on(a in prop::collection::vec(any::<u8>(), 0..300), b in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = [&a[..], &b[..]].concat();
            prop_assert_eq!(combine(checksum(&a), checksum(&b), b.len() as u64), checksum(&whole));
            let mut running = Crc64::new();
            running.update(&a);
            running.update(&b);
            prop_assert_eq!(running.value(), checksum(&whole));
        }
    }
}
