//! Interim responses (status 1xx): servers and proxies may send them at any time before the real one, also while the body
//! is still on its way. Nobody asked for them, so they are dropped.

use ureq::unversioned::transport::Buffers;

/// More headers than this are none that an interim response has.
const MOST_HEADERS: usize = 64;

/// What has arrived, without interim responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    /// It may become an interim response.
    Unclear,
    /// The beginning of a response that counts, or of what is none.
    Response,
}

/// Drops whole interim responses at the beginning of the input.
pub(super) fn skip(buffers: &mut dyn Buffers) -> Heard {
    loop {
        let input = buffers.input();
        if input.is_empty() {
            return Heard::Nothing;
        }
        if !may_be_interim(input) {
            return Heard::Response;
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        match httparse::Response::new(&mut headers).parse(input) {
            Ok(httparse::Status::Complete(length)) => buffers.input_consume(length),
            Ok(httparse::Status::Partial) => return Heard::Unclear,
            Err(_) => return Heard::Response,
        }
    }
}

/// Whether `input` is, or may become, the status line of an interim response. 101 ends HTTP on the connection: it counts.
fn may_be_interim(input: &[u8]) -> bool {
    let fits = |at: usize, byte: u8| match at {
        7 | 10 | 11 => byte.is_ascii_digit(),
        _ => b"HTTP/1.x 1"[at] == byte,
    };
    let start = &input[..input.len().min(12)];
    start.iter().enumerate().all(|(at, byte)| fits(at, *byte)) && !start.ends_with(b"101")
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    fn skipped(input: &str) -> (Heard, String) {
        let mut buffers = LazyBuffers::new(1024, 16);
        buffers.input_append_buf()[..input.len()].copy_from_slice(input.as_bytes());
        buffers.input_appended(input.len());
        let heard = skip(&mut buffers);
        (heard, String::from_utf8(buffers.input().to_vec()).unwrap())
    }

    #[test]
    fn interim_responses_are_dropped_and_nothing_else() {
        let (continues, hints) = ("HTTP/1.1 100 Continue\r\nDate: now\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n");
        for (input, heard, left) in [
            (String::new(), Heard::Nothing, ""),
            (continues.into(), Heard::Nothing, ""),
            (format!("{continues}{hints}"), Heard::Nothing, ""),
            (format!("{hints}HTTP/1.1 200 OK\r\n"), Heard::Response, "HTTP/1.1 200 OK\r\n"),
            (format!("{continues}HTTP/1.0 1"), Heard::Unclear, "HTTP/1.0 1"),
            ("HTT".into(), Heard::Unclear, "HTT"),
            ("HTTP/1.1 102 Processing\r\n".into(), Heard::Unclear, "HTTP/1.1 102 Processing\r\n"),
            ("HTTP/1.1 4".into(), Heard::Response, "HTTP/1.1 4"),
            ("HTTP/1.1 101 Switch\r\n\r\n".into(), Heard::Response, "HTTP/1.1 101 Switch\r\n\r\n"),
            ("SSH-2.0".into(), Heard::Response, "SSH-2.0"),
            ("HTTP/1.1 100 \u{1}\r\n\r\n".into(), Heard::Response, "HTTP/1.1 100 \u{1}\r\n\r\n"),
        ] {
            assert_eq!(skipped(&input), (heard, left.to_owned()), "{input:?}");
        }
    }
}
