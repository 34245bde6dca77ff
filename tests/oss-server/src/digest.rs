//! Checksums of what arrives: CRC-64/XZ always, MD5 when it is needed.

use base64::Engine;
use crc_fast::CrcAlgorithm::Crc64Xz;
use md5::{Digest as _, Md5};

use crate::etag::Etag;

/// The reflected generator polynomial of CRC-64/XZ.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// The CRC64 of a whole text.
#[must_use]
pub fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum(Crc64Xz, bytes)
}

/// Puts CRCs of consecutive pieces together. Pieces of one size share the costly step.
pub(crate) struct Combiner {
    length: u64,
    operator: u64,
}

impl Combiner {
    pub(crate) fn new() -> Self {
        Self { length: 0, operator: power_of_x(0) }
    }

    /// The CRC of A followed by B.
    pub(crate) fn combine(&mut self, crc_a: u64, crc_b: u64, length_b: u64) -> u64 {
        if length_b != self.length {
            self.length = length_b;
            self.operator = power_of_x(length_b);
        }
        multiply(self.operator, crc_a) ^ crc_b
    }
}

/// x to the power of 8 × `bytes`, modulo the polynomial: the effect of that many zero bytes.
fn power_of_x(mut bytes: u64) -> u64 {
    let mut result = 1 << 63;
    let mut square = 1 << 55;
    while bytes > 0 {
        if bytes & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        bytes >>= 1;
    }
    result
}

/// The product of two reflected polynomials; the highest bit stands for 1.
fn multiply(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    for bit in (0..64).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ POLYNOMIAL } else { b >> 1 };
    }
    product
}

/// Takes in a body piece by piece.
pub(crate) struct Digest {
    crc: crc_fast::Digest,
    md5: Option<Md5>,
    size: u64,
}

/// The checksums of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) size: u64,
    pub(crate) crc64: u64,
    pub(crate) md5: Option<[u8; 16]>,
}

impl Digest {
    pub(crate) fn new(with_md5: bool) -> Self {
        Self { crc: crc_fast::Digest::new(Crc64Xz), md5: with_md5.then(Md5::new), size: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    pub(crate) fn finish(self) -> Sums {
        Sums { size: self.size, crc64: self.crc.finalize(), md5: self.md5.map(|md5| md5.finalize().into()) }
    }
}

impl Sums {
    pub(crate) fn of(bytes: &[u8], with_md5: bool) -> Self {
        let mut digest = Digest::new(with_md5);
        digest.update(bytes);
        digest.finish()
    }

    /// The MD5 as OSS has it, or a stand-in made of CRC and size.
    pub(crate) fn etag(&self, md5_wanted: bool) -> Etag {
        let stand_in = u128::from(self.crc64) << 64 | u128::from(self.size);
        Etag::new(self.md5.filter(|_| md5_wanted).unwrap_or(stand_in.to_be_bytes()))
    }
}

/// The ETag of an object made of parts: not an MD5 of its content, and it says so by its suffix.
pub(crate) fn multipart_etag(etags: impl Iterator<Item = Etag>) -> Etag {
    let (mut md5, mut count) = (Md5::new(), 0);
    for etag in etags {
        md5.update(etag.to_string());
        count += 1;
    }
    Etag::of_parts(md5.finalize().into(), count)
}

pub(crate) fn base64_md5(md5: &[u8; 16]) -> String {
    base64::engine::general_purpose::STANDARD.encode(md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_matches_the_published_values() {
        assert_eq!(crc64(b""), 0);
        assert_eq!(crc64(b"a"), 3_675_645_893_302_102_789);
        assert_eq!(crc64(b"123456789"), 11_051_210_869_376_104_954);
        assert_eq!(crc64("空山新雨后".as_bytes()), 8_415_109_908_503_003_068);
        assert_eq!(crc64(&[0xFF; 8]), u64::MAX);
        assert_eq!(crc64(&[0; 102_400]), 15_337_097_285_471_591_505);
    }

    #[test]
    fn combining_equals_reading_everything() {
        let text: &[u8] = b"Even if I could be Shakespeare, I think I should still choose to be Faraday. - A. Huxley";
        for split in 0..=text.len() {
            let (a, b) = text.split_at(split);
            let combined = Combiner::new().combine(crc64(a), crc64(b), b.len() as u64);
            assert_eq!(combined, 8_850_241_425_668_899_847, "split at {split}");
        }
    }

    #[test]
    fn combining_works_beyond_four_gibibytes() {
        let mut combiner = Combiner::new();
        let mebibyte = crc64(&vec![0; 1 << 20]);
        let whole = (0..4096).fold(0, |crc, _| combiner.combine(crc, mebibyte, 1 << 20));
        assert_eq!(whole, 18_055_121_689_221_485_927);
        let half = (0..2048).fold(0, |crc, _| combiner.combine(crc, mebibyte, 1 << 20));
        let quarter_after = combiner.combine(half, half, 2 << 30);
        assert_eq!(quarter_after, whole);
        assert_eq!(Combiner::new().combine(0, whole, 4 << 30), whole);
    }

    #[test]
    fn etags_have_the_shape_of_oss() {
        let sums = Sums::of(b"0123456789", true);
        assert_eq!(sums.etag(true).to_string(), "781E5E245D69B566979B86E28D23F2C7");
        assert_eq!(sums.etag(false).to_string(), format!("{:016X}000000000000000A", sums.crc64));
        assert!(multipart_etag([sums.etag(true); 2].into_iter()).to_string().ends_with("-2"));
    }
}
