//! Any bytes as text.

use percent_encoding::percent_decode_str;

use super::{date, lines_without_marks, percent, utf8};

/// What is encoded comes back, and what is read as a date is a date.
pub fn encodings(input: &[u8]) {
    let _ = lines_without_marks(input);
    let Ok(text) = utf8(input) else { return };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).unwrap_or_default();
    let mut path = String::new();
    percent::push_path(&mut path, text);
    assert_eq!(decoded(&path), text);
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#'), "{path}");
    let mut parameter = String::new();
    percent::push_query(&mut parameter, &[(text.to_owned(), Some(text.to_owned()))]);
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    assert_eq!((decoded(name), decoded(value)), (text.to_owned(), text.to_owned()));
    assert!(!parameter.contains(['&', '#', ' ', '+']), "{parameter}");
    for time in [date::parse_http_date(text), date::parse_iso(text), date::parse_rfc3339(text)].into_iter().flatten() {
        let written = date::http_date(time);
        let again = date::parse_http_date(&written).map(date::http_date);
        assert!(again.is_none_or(|again| again == written), "{written}");
    }
}
