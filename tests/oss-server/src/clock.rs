//! The server's idea of now, which can be wrong on purpose.

use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

const RFC1123: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");
const COMPACT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// A clock that is some seconds ahead of the machine's, or behind.
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    pub(crate) fn new(offset: i64) -> Self {
        Self { offset: AtomicI64::new(offset) }
    }

    pub(crate) fn set(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }

    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.checked_add(Duration::seconds(self.offset())).unwrap_or(now)
    }
}

/// `Wed, 28 Dec 2022 10:27:41 GMT`.
pub(crate) fn rfc1123(time: OffsetDateTime) -> String {
    time.format(RFC1123).unwrap_or_default()
}

/// `2022-12-28T10:27:41.000Z`: OSS counts whole seconds here, and Alibaba Cloud's oss2 reads nothing else.
pub(crate) fn iso(time: OffsetDateTime) -> String {
    time.format(ISO).unwrap_or_default()
}

/// `20221228T102741Z`.
pub(crate) fn compact(time: OffsetDateTime) -> String {
    time.format(COMPACT).unwrap_or_default()
}

pub(crate) fn parse_rfc1123(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text.trim(), RFC1123).ok().map(PrimitiveDateTime::assume_utc)
}

pub(crate) fn parse_compact(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text.trim(), COMPACT).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_round_trip() {
        let time = OffsetDateTime::from_unix_timestamp(1_702_743_657).unwrap();
        assert_eq!(rfc1123(time), "Sat, 16 Dec 2023 16:20:57 GMT");
        assert_eq!(iso(time), "2023-12-16T16:20:57.000Z");
        assert_eq!(compact(time), "20231216T162057Z");
        assert_eq!(parse_rfc1123(&rfc1123(time)), Some(time));
        assert_eq!(parse_compact(&compact(time)), Some(time));
        assert_eq!(parse_rfc1123("yesterday"), None);
    }
}
