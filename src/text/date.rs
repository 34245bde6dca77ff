//! The dates of the protocol: in headers, in signatures and in responses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// The form of the `Date` header, RFC 1123: `Sat, 16 Dec 2023 16:20:57 GMT`.
pub(crate) fn http_date(time: SystemTime) -> String {
    let t = utc(time);
    format!(
        "{:.3}, {:02} {:.3} {:04} {:02}:{:02}:{:02} GMT",
        t.weekday().to_string(),
        t.day(),
        t.month().to_string(),
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// The form of `x-oss-date` in a V4 signature, ISO 8601 basic: `20231216T162057Z`.
pub(crate) fn iso_basic(time: SystemTime) -> String {
    let t = utc(time);
    let month = u8::from(t.month());
    format!("{:04}{month:02}{:02}T{:02}{:02}{:02}Z", t.year(), t.day(), t.hour(), t.minute(), t.second())
}

/// Reads a `Date` header; `None` when it is none, or is before 1970.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok().and_then(system_time)
}

/// Reads an ISO 8601 date of an XML response: `2023-12-16T16:20:57.000Z`; `None` when it is none, or is before 1970.
pub(crate) fn parse_iso(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok().and_then(system_time)
}

/// A clock that stands before 1970 or beyond the year 9999 is shown as 1970: the server then says that it is wrong.
fn utc(time: SystemTime) -> OffsetDateTime {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let date = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    date.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn system_time(time: OffsetDateTime) -> Option<SystemTime> {
    let nanos = u64::try_from(time.unix_timestamp_nanos()).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_have_the_forms_of_the_protocol() {
        assert_eq!(http_date(at(1_702_743_657)), "Sat, 16 Dec 2023 16:20:57 GMT");
        assert_eq!(iso_basic(at(1_702_743_657)), "20231216T162057Z");
        assert_eq!(http_date(at(1_132_253_398)), "Thu, 17 Nov 2005 18:49:58 GMT");
    }

    #[test]
    fn dates_of_responses_are_read() {
        assert_eq!(parse_iso("2023-12-16T16:20:57.000Z\n"), Some(at(1_702_743_657)));
        assert_eq!(parse_iso("2023-12-17T00:20:57+08:00"), Some(at(1_702_743_657)));
        assert_eq!(parse_http_date(" Sat, 16 Dec 2023 16:20:57 GMT"), Some(at(1_702_743_657)));
    }

    #[test]
    fn senseless_dates_are_none() {
        for text in ["", "yesterday", "2023-13-40T00:00:00Z", "1601-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(parse_iso(text), None, "{text}");
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_beyond_all_dates_does_no_harm() {
        assert_eq!(iso_basic(at(1 << 60)), "19700101T000000Z");
        assert_eq!(iso_basic(UNIX_EPOCH - Duration::from_secs(5)), "19700101T000000Z");
    }

    proptest! {
        #[test]
        fn a_date_is_read_as_it_was_written(seconds in 0u64..4_000_000_000) {
            prop_assert_eq!(parse_http_date(&http_date(at(seconds))), Some(at(seconds)));
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = (parse_http_date(&text), parse_iso(&text));
        }
    }
}
