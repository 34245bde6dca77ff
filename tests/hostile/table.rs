//! The table: what a server does, and how an upload ends.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use crate::front::{Operation, Trick};

/// How an upload ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Stored,
    /// With an error that can be retried or not, and says this.
    Fails {
        retryable: bool,
        says: &'static str,
    },
}

pub struct Row {
    pub name: &'static str,
    pub operation: Operation,
    pub trick: Trick,
    pub end: End,
}

const fn row(name: &'static str, operation: Operation, trick: Trick, end: End) -> Row {
    Row { name, operation, trick, end }
}

const fn retryable(says: &'static str) -> End {
    End::Fails { retryable: true, says }
}

const fn for_good(says: &'static str) -> End {
    End::Fails { retryable: false, says }
}

use Operation::{CompleteMultipartUpload, InitiateMultipartUpload, ListParts, PutObject, UploadPart};

/// Writes `text` until the client has gone.
fn for_ever(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let much = text.repeat(16 * 1024 / text.len() + 1);
    loop {
        out.write_all(much.as_bytes())?;
    }
}

/// Writes a byte now and then, until the client has gone.
fn drip(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for byte in text.as_bytes().iter().cycle() {
        out.write_all(&[*byte])?;
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A whole response.
fn respond(out: &mut dyn Write, head: &str, body: &str) -> io::Result<()> {
    write!(out, "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A page of parts that goes on after `next`.
fn parts(out: &mut dyn Write, next: &str, parts: &str) -> io::Result<()> {
    let more = !next.is_empty();
    let body = format!(
        "<ListPartsResult><IsTruncated>{more}</IsTruncated><NextPartNumberMarker>{next}</NextPartNumberMarker>{parts}\
         </ListPartsResult>"
    );
    respond(out, "200 OK", &body)
}

fn part(number: &str, size: &str) -> String {
    format!("<Part><PartNumber>{number}</PartNumber><ETag>\"E\"</ETag><Size>{size}</Size></Part>")
}

pub static ROWS: &[Row] = &[
    // Heads.
    row("a status line without end", PutObject, |out, _| for_ever(out, "HTTP/1.1 "), retryable("")),
    row(
        "a header without end",
        PutObject,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nx-long: ")?;
            for_ever(out, "x")
        },
        for_good("too long"),
    ),
    row(
        "headers without end",
        PutObject,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for_ever(out, "x-more: and more\r\n")
        },
        for_good("too long"),
    ),
    row(
        "five thousand headers",
        PutObject,
        |out, _| write!(out, "HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(5000)),
        for_good("too long"),
    ),
    row("a head byte by byte", PutObject, |out, _| drip(out, "HTTP/1.1 200 OK\r\nx: y\r\n"), retryable("in time")),
    row(
        "a body byte by byte",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            drip(out, "<a>")
        },
        retryable("in time"),
    ),
    row(
        "interim responses without end",
        PutObject,
        |out, _| for_ever(out, "HTTP/1.1 100 Continue\r\n\r\n"),
        for_good("does not end"),
    ),
    row(
        "interim responses with headers without end",
        UploadPart,
        |out, _| for_ever(out, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
        for_good("does not end"),
    ),
    row(
        "an interim response now and then",
        PutObject,
        |out, _| {
            loop {
                out.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
                sleep(Duration::from_millis(50));
            }
        },
        retryable("in time"),
    ),
    row(
        "another protocol is switched to",
        PutObject,
        |out, _| respond(out, "101 Switching Protocols", ""),
        for_good("101"),
    ),
    row("NULs", PutObject, |out, _| for_ever(out, "\0"), retryable("does not speak HTTP")),
    row(
        "a header of control characters",
        PutObject,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nx: \x00\x01\x7f\r\n\r\n"),
        retryable("does not speak HTTP"),
    ),
    row("a status of four digits", PutObject, |out, _| respond(out, "2000 OK", ""), retryable("does not speak HTTP")),
    // Lengths.
    row(
        "both lengths",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            )
        },
        retryable(""),
    ),
    row(
        "two lengths that differ",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        retryable(""),
    ),
    row(
        "a negative length",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc"),
        retryable(""),
    ),
    row(
        "a length beyond all numbers",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nabc"),
        retryable(""),
    ),
    row(
        "a length of all numbers, and a body without end",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")?;
            for_ever(out, "<a>")
        },
        retryable("not from OSS"),
    ),
    row(
        "less than the length says",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        retryable(""),
    ),
    row(
        "more than the length says",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"),
        retryable("not from OSS"),
    ),
    row(
        "a chunk that is none",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        retryable(""),
    ),
    row(
        "a chunk beyond all numbers",
        InitiateMultipartUpload,
        |out, _| out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFF\r\nabc"),
        retryable(""),
    ),
    row(
        "a chunk's size without end",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")?;
            for_ever(out, "x")
        },
        retryable(""),
    ),
    row(
        "small chunks without end",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for_ever(out, "10\r\nxxxxxxxxxxxxxxxx\r\n")
        },
        retryable("not from OSS"),
    ),
    row(
        "trailers without end",
        InitiateMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")?;
            for_ever(out, "x: y\r\n")
        },
        for_good("does not end"),
    ),
    row(
        "an encoding that nobody knows",
        InitiateMultipartUpload,
        |out, _| respond(out, "200 OK\r\nTransfer-Encoding: rot13", "abc"),
        retryable(""),
    ),
    // What is not sent is not unpacked either.
    row(
        "gzip of a gibibyte",
        InitiateMultipartUpload,
        |out, _| {
            let body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xec\xc1\x01\x0d".repeat(70_000);
            write!(out, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())?;
            out.write_all(&body)
        },
        retryable("not from OSS"),
    ),
    // XML.
    row(
        "entities of entities",
        InitiateMultipartUpload,
        |out, _| {
            let entities: String =
                (1..30).map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))).collect();
            let body = format!(
                "<!DOCTYPE x [<!ENTITY e0 \"ha\">{entities}]><InitiateMultipartUploadResult><UploadId>&e29;</UploadId>\
                 </InitiateMultipartUploadResult>"
            );
            respond(out, "200 OK", &body)
        },
        retryable("not from OSS"),
    ),
    row(
        "an entity that is a file",
        InitiateMultipartUpload,
        |out, _| {
            let body = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><InitiateMultipartUploadResult>\
                        <UploadId>&e;</UploadId></InitiateMultipartUploadResult>";
            respond(out, "200 OK", body)
        },
        retryable("not from OSS"),
    ),
    row(
        "elements half a million deep",
        InitiateMultipartUpload,
        |out, _| respond(out, "200 OK", &format!("<InitiateMultipartUploadResult>{}", "<a>".repeat(500_000))),
        retryable("not from OSS"),
    ),
    row(
        "an error a hundred thousand deep",
        PutObject,
        |out, _| {
            let (open, close) = ("<a>".repeat(100_000), "</a>".repeat(100_000));
            respond(out, "403 Forbidden", &format!("<Error><X>{open}{close}</X><Code>AccessDenied</Code></Error>"))
        },
        for_good("AccessDenied"),
    ),
    row(
        "an error with a message of a mebibyte",
        PutObject,
        |out, _| {
            respond(
                out,
                "403 Forbidden",
                &format!("<Error><Code>C</Code><Message>{}</Message></Error>", "m".repeat(1 << 20)),
            )
        },
        for_good("C"),
    ),
    row(
        "an upload ID of a mebibyte",
        InitiateMultipartUpload,
        |out, _| {
            let id = "i".repeat(1 << 20);
            let body =
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
            respond(out, "200 OK", &body)
        },
        retryable("not from OSS"),
    ),
    row(
        "a response without end",
        CompleteMultipartUpload,
        |out, _| {
            out.write_all(b"HTTP/1.1 200 OK\r\n\r\n<CompleteMultipartUploadResult>")?;
            for_ever(out, "<a></a>")
        },
        retryable(""),
    ),
    row(
        "an ETag of thirty kibibytes",
        UploadPart,
        |out, _| respond(out, &format!("200 OK\r\nETag: \"{}\"", "E".repeat(30_000)), ""),
        retryable("not from OSS"),
    ),
    // Lists.
    row(
        "parts without end",
        ListParts,
        |out, number| parts(out, &(number + 1).to_string(), &part(&(number + 1).to_string(), "1")),
        for_good("does not end"),
    ),
    row("parts that go round", ListParts, |out, _| parts(out, "1", &part("1", "1")), retryable("not from OSS")),
    row(
        "parts that go back",
        ListParts,
        |out, number| parts(out, &(5 - number.min(5)).to_string(), ""),
        retryable("not from OSS"),
    ),
    row("a part 0", ListParts, |out, _| parts(out, "", &part("0", "102400")), retryable("not from OSS")),
    row("a part beyond all", ListParts, |out, _| parts(out, "", &part("10001", "102400")), retryable("not from OSS")),
    row(
        "a part beyond all numbers",
        ListParts,
        |out, _| parts(out, "", &part("4294967297", "1")),
        retryable("not from OSS"),
    ),
    row("a part of a negative size", ListParts, |out, _| parts(out, "", &part("1", "-1")), retryable("not from OSS")),
    row("a part of another size", ListParts, |out, _| parts(out, "", &part("1", "18446744073709551615")), End::Stored),
    row("a part beyond the file", ListParts, |out, _| parts(out, "", &part("9999", "102400")), End::Stored),
    row("a part with another ETag", ListParts, |out, _| parts(out, "", &part("1", "102400")), End::Stored),
    // Elsewhere, and later.
    row(
        "a redirection",
        PutObject,
        |out, _| respond(out, "307 Temporary Redirect\r\nLocation: http://ELSEWHERE/test-bucket/key", ""),
        for_good(""),
    ),
    row(
        "a redirection to itself",
        InitiateMultipartUpload,
        |out, _| respond(out, "301 Moved Permanently\r\nLocation: /", ""),
        for_good(""),
    ),
    row(
        "a redirection that OSS has",
        PutObject,
        |out, _| {
            let body = "<Error><Code>AccessDenied</Code><Endpoint>ELSEWHERE</Endpoint></Error>";
            write!(out, "HTTP/1.1 403 Forbidden\r\n\r\n{body}")
        },
        for_good("AccessDenied"),
    ),
];
