//! Which file it is, and whether it is still the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::os::identity::{FileId, Status, TimeStamps};

/// What the file system says about a file at one moment. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub device: u64,
    pub inode: u128,
    pub size: u64,
    pub modified_ns: i128,
    pub changed_ns: i128,
}

/// How two looks at a file compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    /// Size and modification time are the same, but the change time differs (a chmod, a link, or a write with the
    /// modification time put back), or the device or inode: many file systems number anew when they are mounted or
    /// after a while, or it is another file. Only its content can tell.
    InDoubt,
    /// Another size or modification time: it is not the file that it was.
    Changed,
}

/// Time stamps come in steps. A write within the same step as an earlier one leaves no trace in them.
///
/// Kernels step by a few milliseconds; file systems that keep whole seconds only (or two of them) show it by a change
/// time without a fraction.
const FINE_STEP: Duration = Duration::from_millis(20);
const COARSE_STEP: Duration = Duration::from_secs(2);

impl Identity {
    pub(crate) fn of(status: &Status) -> Self {
        let FileId { device, inode } = status.id();
        let TimeStamps { modified_ns, changed_ns } = status.times();
        Identity { device, inode, size: status.metadata().len(), modified_ns, changed_ns }
    }

    pub(crate) fn compare(&self, now: &Identity) -> Comparison {
        if *self == *now {
            Comparison::Same
        } else if (self.size, self.modified_ns) == (now.size, now.modified_ns) {
            Comparison::InDoubt
        } else {
            Comparison::Changed
        }
    }

    /// Whether device and inode are the same.
    pub(crate) fn has_numbers_of(&self, other: &Identity) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether a write after `at` could carry the same time stamps as this identity, and so go unseen.
    ///
    /// A program can set the modification time, but not the change time. A change time well ahead of `at` comes from
    /// another clock: what is written now will carry another.
    pub(crate) fn may_hide_a_write_after(&self, at: SystemTime) -> bool {
        let at = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
        let step = self.time_step().as_nanos() as i128;
        (at - self.changed_ns).abs() < step
    }

    /// How long after its last change a file must be left alone before a further one is sure to be seen.
    pub(crate) fn time_step(&self) -> Duration {
        if self.changed_ns % 1_000_000_000 == 0 { COARSE_STEP } else { FINE_STEP }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Identity =
        Identity { device: 1, inode: 2, size: 3, modified_ns: 4_000_000_000, changed_ns: 5_000_000_000 };

    #[test]
    fn numbers_and_change_time_put_it_in_doubt_size_and_modification_time_change_it() {
        assert_eq!(THEN.compare(&THEN), Comparison::Same);
        for other in [
            Identity { changed_ns: 9, ..THEN },
            Identity { device: 9, ..THEN },
            Identity { inode: 9, ..THEN },
            Identity { device: 9, inode: 9, changed_ns: 9, ..THEN },
        ] {
            assert_eq!(THEN.compare(&other), Comparison::InDoubt);
        }
        for other in [
            Identity { size: 9, ..THEN },
            Identity { modified_ns: 9, ..THEN },
            Identity { modified_ns: 9, changed_ns: 9, ..THEN },
            Identity { size: 9, device: 9, ..THEN },
        ] {
            assert_eq!(THEN.compare(&other), Comparison::Changed);
        }
    }

    #[test]
    fn a_young_time_stamp_may_hide_a_write() {
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        assert!(THEN.may_hide_a_write_after(at(5_000)));
        assert!(THEN.may_hide_a_write_after(at(6_000)), "whole seconds: a coarse file system");
        assert!(!THEN.may_hide_a_write_after(at(7_000)));
        let fine = Identity { changed_ns: 5_123_456_789, ..THEN };
        assert!(fine.may_hide_a_write_after(at(5_140)));
        assert!(!fine.may_hide_a_write_after(at(5_150)));
        assert!(!fine.may_hide_a_write_after(at(1_000)), "another clock");
    }
}
