//! Dates: in headers, in signatures, in responses, and in messages.

use std::time::{SystemTime, UNIX_EPOCH};

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

/// The form of `Timestamp` in calls of STS, ISO 8601 extended: `2023-12-16T16:20:57Z`.
pub(crate) fn iso_extended(time: SystemTime) -> String {
    let t = utc(time);
    let month = u8::from(t.month());
    format!("{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z", t.year(), t.day(), t.hour(), t.minute(), t.second())
}

/// For messages, to the minute: `2023-12-16 16:20 UTC`. A time before 1970 is shown as it is, one that no calendar has, or
/// `None`, by its second.
pub(crate) fn to_the_minute(time: Option<SystemTime>) -> String {
    let seconds = time.map_or(i64::MAX, seconds_since_1970);
    let text = |at: OffsetDateTime| format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute());
    OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| format!("second {seconds}"), text)
}

/// For descriptions, with all that is known: `2023-12-16T16:20:57.5Z`. The bare number when no calendar has it.
pub(crate) fn rfc3339(nanoseconds: i128) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{nanoseconds} ns since 1970"))
}

/// Reads a `Date` header; `None` when it is none, or is not of this age.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok().and_then(system_time).filter(is_of_this_age)
}

/// Reads an ISO 8601 date of an XML response: `2023-12-16T16:20:57.000Z`; `None` when it is none, or is not of this age.
pub(crate) fn parse_iso(text: &str) -> Option<SystemTime> {
    parse_rfc3339(text).filter(is_of_this_age)
}

/// Reads an RFC 3339 date of any year: `2023-12-17T00:20:57+08:00`, `9999-12-31T23:59:59Z`. `None` when it is none, or the
/// system knows no such time.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok().and_then(system_time)
}

/// A clock that stands before 1970 or beyond the year 9999 is shown as 1970: the server then says that it is wrong.
fn utc(time: SystemTime) -> OffsetDateTime {
    let date = OffsetDateTime::from_unix_timestamp(seconds_since_1970(time).max(0));
    date.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Whole seconds, negative before 1970; what does not fit is cut.
fn seconds_since_1970(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

fn system_time(time: OffsetDateTime) -> Option<SystemTime> {
    let since = time - OffsetDateTime::UNIX_EPOCH;
    let length = since.unsigned_abs();
    if since.is_negative() { UNIX_EPOCH.checked_sub(length) } else { UNIX_EPOCH.checked_add(length) }
}

/// What a server says about now is between 1970 and 2554; anything else is a mistake.
fn is_of_this_age(time: &SystemTime) -> bool {
    time.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_nanos() <= u64::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use proptest::prelude::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_have_the_forms_of_the_protocol() {
        assert_eq!(http_date(at(1_702_743_657)), "Sat, 16 Dec 2023 16:20:57 GMT");
        assert_eq!(iso_basic(at(1_702_743_657)), "20231216T162057Z");
        assert_eq!(iso_extended(at(1_702_743_657) + Duration::from_millis(900)), "2023-12-16T16:20:57Z");
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
        let before = UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(iso_basic(before), "19700101T000000Z");
        for clock in [before, at(1 << 60), at(i64::MAX as u64)] {
            assert_eq!(iso_extended(clock), "1970-01-01T00:00:00Z");
            assert_eq!(http_date(clock), "Thu, 01 Jan 1970 00:00:00 GMT");
        }
    }

    #[test]
    fn a_date_of_any_year_is_read_where_it_may_be_one() {
        assert_eq!(parse_rfc3339(" 2023-12-17T00:20:57.000+08:00"), Some(at(1_702_743_657)));
        assert_eq!(parse_rfc3339("9999-12-31T23:59:59Z"), Some(at(253_402_300_799)));
        let early = UNIX_EPOCH - Duration::from_millis(500);
        assert_eq!(parse_rfc3339("1969-12-31T23:59:59.5Z"), Some(early));
        assert_eq!(parse_iso("1969-12-31T23:59:59.5Z"), None);
        assert_eq!(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT"), None);
        assert_eq!(parse_rfc3339("0000-01-01T00:00:00Z"), UNIX_EPOCH.checked_sub(Duration::from_secs(62_167_219_200)));
        assert_eq!(parse_rfc3339("tomorrow"), None);
    }

    #[test]
    fn any_clock_can_be_told() {
        assert_eq!(to_the_minute(Some(at(1_702_743_657))), "2023-12-16 16:20 UTC");
        assert_eq!(to_the_minute(UNIX_EPOCH.checked_sub(Duration::from_secs(1_000_000_000))), "1938-04-24 22:13 UTC");
        assert_eq!(to_the_minute(None), format!("second {}", i64::MAX));
        assert_eq!(rfc3339(1_702_743_657_500_000_000), "2023-12-16T16:20:57.5Z");
        assert_eq!(rfc3339(-500_000_000), "1969-12-31T23:59:59.5Z");
        assert_eq!(rfc3339(i128::MAX), format!("{} ns since 1970", i128::MAX));
    }

    proptest! {
        #[test]
        fn a_date_is_read_as_it_was_written(seconds in 0u64..4_000_000_000) {
            prop_assert_eq!(parse_http_date(&http_date(at(seconds))), Some(at(seconds)));
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = (parse_http_date(&text), parse_iso(&text), parse_rfc3339(&text));
        }
    }
}
