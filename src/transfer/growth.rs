//! How large the parts of a stream are, whose end nobody knows.

use crate::error::{Error, Result};
use crate::options::{MAX_PART_SIZE, MAX_PARTS, MIN_PART_SIZE};

/// The first parts, when the caller names no size.
const FIRST: u64 = 1024 * 1024;
/// After about so many parts they have their full size: early enough that 10,000 parts hold 48.8 TB.
const GROWING_PARTS: u32 = 900;

/// Sizes that double from time to time. They follow from the options alone, so that another call cuts the same stream
/// at the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Growth {
    first: u64,
    largest: u64,
    /// So many parts of a size, before those of twice that size.
    parts_of_a_size: u32,
}

impl Growth {
    /// Parts of `first` bytes in the beginning, of which at least two fit into `max_memory`.
    pub(crate) fn new(first: Option<u64>, max_memory: u64) -> Result<Growth> {
        let first = first.unwrap_or(FIRST);
        let largest = (max_memory / 2).min(MAX_PART_SIZE);
        if largest < first {
            let least = first.saturating_mul(2);
            return Err(Error::invalid(format!(
                "max_memory is {max_memory}; two parts of {first} bytes need {least}: raise it, or choose smaller parts"
            )));
        }
        let doublings = largest.div_ceil(first).next_power_of_two().trailing_zeros();
        Ok(Growth { first, largest, parts_of_a_size: GROWING_PARTS / doublings.max(1) })
    }

    /// That of a checkpoint.
    pub(crate) fn of_checkpoint(first: u64, largest: u64) -> Option<Growth> {
        let is_possible = MIN_PART_SIZE <= first && first <= largest && largest <= MAX_PART_SIZE;
        is_possible.then(|| Growth::new(Some(first), largest * 2).ok()).flatten()
    }

    /// Bytes of part `number`, from 1 on, unless it is the last.
    pub(crate) fn size(&self, number: u32) -> u64 {
        let doublings = number.saturating_sub(1) / self.parts_of_a_size;
        if doublings < self.first.leading_zeros() { (self.first << doublings).min(self.largest) } else { self.largest }
    }

    /// Where part `number` begins. Parts of 5 GiB, 10,000 of them, do not overflow this.
    pub(crate) fn offset(&self, number: u32) -> u64 {
        let (mut before, mut offset) = (number.saturating_sub(1), 0);
        while before > 0 {
            // So many of the parts before it have the size of the last of them.
            let of_a_size = (before - 1) % self.parts_of_a_size + 1;
            offset += u64::from(of_a_size) * self.size(before);
            before -= of_a_size;
        }
        offset
    }

    /// The most bytes that such parts hold.
    pub(crate) fn capacity(&self) -> u64 {
        self.offset(MAX_PARTS as u32 + 1)
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_stream_of_48_8_tb_fits() {
        let growth = Growth::new(None, 2 * MAX_PART_SIZE).unwrap();
        assert!(growth.capacity() >= 48_800_000_000_000, "{}", growth.capacity());
        assert_eq!((growth.size(1), growth.size(10_000)), (MIB, MAX_PART_SIZE));
    }

    #[test]
    fn parts_grow_to_half_of_the_memory() {
        let growth = Growth::new(None, 64 * MIB).unwrap();
        assert_eq!(
            [1, 180, 181, 360, 361, 900, 901, 10_000].map(|n| growth.size(n) / MIB),
            [1, 1, 2, 2, 4, 16, 32, 32]
        );
        let fixed = Growth::new(Some(8 * MIB), 16 * MIB).unwrap();
        assert_eq!([1, 2, 10_000].map(|n| fixed.size(n)), [8 * MIB; 3]);
        let odd = Growth::new(Some(MIB), 3 * MIB).unwrap();
        assert_eq!([1, 10_000].map(|n| odd.size(n)), [MIB, 3 * MIB / 2]);
    }

    #[test]
    fn two_parts_must_fit() {
        let error = Growth::new(Some(8 * MIB), 16 * MIB - 1).unwrap_err();
        assert!(error.message().contains("two parts of 8388608 bytes need 16777216"), "{error}");
        assert!(Growth::new(None, 2 * MIB).is_ok());
        assert!(Growth::new(None, 2 * MIB - 1).is_err());
        assert!(Growth::new(Some(u64::MAX), u64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn sizes_only_grow_and_a_checkpoint_has_the_same(first in MIN_PART_SIZE..=MAX_PART_SIZE, extra in 0..MAX_PART_SIZE) {
            let growth = Growth::new(Some(first), (first + extra).min(MAX_PART_SIZE) * 2).unwrap();
            prop_assert_eq!(growth.size(1), first);
            for number in 1..10_000 {
                prop_assert_eq!(growth.offset(number) + growth.size(number), growth.offset(number + 1));
                prop_assert!(growth.size(number) <= growth.size(number + 1));
                prop_assert!(growth.size(number + 1) <= growth.largest());
            }
            prop_assert_eq!(Growth::of_checkpoint(first, growth.largest()), Some(growth));
        }
    }
}
