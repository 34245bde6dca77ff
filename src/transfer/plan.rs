//! Which bytes of a file are which part.

use crate::error::{Error, Result};
use crate::options::{MAX_PART_SIZE, MAX_PARTS, MIN_PART_SIZE};
use crate::source::Part;

/// A raised part size is a multiple of this.
const RAISED_STEP: u64 = 64 * 1024;
/// The part size that the library chooses: large enough that the wait for each response hardly shows on a long link, small
/// enough that the last ones, of which some are on slow connections, do not keep the rest of the link idle for long ...
const AUTO_PART_SIZE: u64 = 1536 * 1024;
/// ... and, for large files, such that there are about this many parts to lose one of.
const AUTO_PARTS: u64 = 5_000;
const AUTO_STEP: u64 = 512 * 1024;
/// Up to this size a file is one part then, and so one request instead of four.
const AUTO_WHOLE: u64 = 4 * 1024 * 1024;

/// How a file of some size is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub size: u64,
    pub part_size: u64,
    /// The wanted part size would have made too many parts.
    pub raised: bool,
}

impl Plan {
    /// Parts of `wanted` bytes, or of a size that suits the file when `wanted` is `None`.
    pub(crate) fn new(size: u64, wanted: Option<u64>) -> Result<Plan> {
        let wanted = wanted.unwrap_or_else(|| auto_part_size(size));
        let least = size.div_ceil(MAX_PARTS);
        if least > MAX_PART_SIZE {
            let most = MAX_PARTS * MAX_PART_SIZE;
            return Err(Error::invalid(format!("the file has {size} bytes; an object may have at most {most}")));
        }
        if least <= wanted {
            return Ok(Plan { size, part_size: wanted, raised: false });
        }
        let part_size = least.next_multiple_of(RAISED_STEP).min(MAX_PART_SIZE);
        Ok(Plan { size, part_size, raised: true })
    }

    /// The plan of a checkpoint.
    pub(crate) fn of_checkpoint(size: u64, part_size: u64) -> Option<Plan> {
        let plan = Plan { size, part_size, raised: false };
        ((MIN_PART_SIZE..=MAX_PART_SIZE).contains(&part_size) && size.div_ceil(part_size) <= MAX_PARTS).then_some(plan)
    }

    /// The file fits one part, and so one PutObject.
    pub(crate) fn is_single(&self) -> bool {
        self.size <= self.part_size
    }

    pub(crate) fn count(&self) -> u32 {
        // At most MAX_PARTS, by construction.
        self.size.div_ceil(self.part_size).max(1) as u32
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let plan = *self;
        (1..=plan.count()).map(move |number| plan.part(number))
    }

    /// Part `number`, from 1 to [`Plan::count`].
    pub(crate) fn part(&self, number: u32) -> Part {
        let offset = u64::from(number - 1) * self.part_size;
        Part { number, offset, size: self.part_size.min(self.size - offset) }
    }
}

fn auto_part_size(size: u64) -> u64 {
    if size <= AUTO_WHOLE {
        return AUTO_WHOLE;
    }
    size.div_ceil(AUTO_PARTS).next_multiple_of(AUTO_STEP).clamp(AUTO_PART_SIZE, MAX_PART_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::DEFAULT_PART_SIZE;
    use proptest::prelude::*;

    fn part_size(size: u64, wanted: u64) -> (u64, bool) {
        let plan = Plan::new(size, Some(wanted)).unwrap();
        (plan.part_size, plan.raised)
    }

    #[test]
    fn small_files_are_one_part() {
        for size in [0, 1, 102_400] {
            let plan = Plan::new(size, Some(DEFAULT_PART_SIZE)).unwrap();
            assert!(plan.is_single());
            assert_eq!(plan.parts().collect::<Vec<_>>(), [Part { number: 1, offset: 0, size }]);
        }
        assert!(!Plan::new(102_401, Some(DEFAULT_PART_SIZE)).unwrap().is_single());
    }

    #[test]
    fn too_many_parts_raise_the_part_size() {
        assert_eq!(part_size(1_024_000_000, 102_400), (102_400, false));
        assert_eq!(part_size(1_024_000_001, 102_400), (131_072, true));
        assert_eq!(part_size(62_914_560_000, 6 << 20), (6 << 20, false));
        assert_eq!(part_size(1 << 40, 102_400), (109_969_408, true));
        assert_eq!(part_size(10_000 * (5 << 30), 102_400), (5 << 30, true));
        assert!(Plan::new(10_000 * (5 << 30) + 1, None).is_err());
        assert!(Plan::new(u64::MAX, Some(102_400)).is_err());
    }

    #[test]
    fn the_library_chooses_sensibly() {
        let auto = |size| Plan::new(size, None).unwrap().part_size;
        assert_eq!(auto(0), 4 << 20);
        assert_eq!(auto(4 << 20), 4 << 20);
        assert_eq!(auto((4 << 20) + 1), 3 << 19);
        assert_eq!(auto(1 << 30), 3 << 19);
        assert_eq!(auto(100 << 30), 41 << 19);
        assert_eq!(auto(48 << 40), 5 << 30);
    }

    proptest! {
        #[test]
        fn parts_cover_the_file(size in 0..10_000 * MAX_PART_SIZE, wanted in prop::option::of(MIN_PART_SIZE..=MAX_PART_SIZE)) {
            let plan = Plan::new(size, wanted).unwrap();
            prop_assert!((MIN_PART_SIZE..=MAX_PART_SIZE).contains(&plan.part_size));
            prop_assert!(plan.count() as u64 <= MAX_PARTS);
            let mut end = 0;
            for (i, part) in plan.parts().enumerate() {
                prop_assert_eq!((part.number as usize, part.offset), (i + 1, end));
                prop_assert!(part.size > 0 || size == 0);
                end += part.size;
            }
            prop_assert_eq!(end, size);
        }
    }
}
