//! Every fault of the table, at every request, once, for ever and at every third one.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use oss_server::Server;
use oss_upload::{Client, Error, ErrorKind, Routines, UploadResult};

use crate::alone;
use crate::common::traces::Traces;
use crate::common::*;
use crate::table::{Cure, End, FAULTS, Fault, REQUESTS, Request};

const ATTEMPTS: u32 = 3;
/// Most of the time is spent waiting: for back-off, and for servers that do not answer.
const AT_ONCE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    Once,
    EveryThird,
    ForEver,
}

struct Case {
    fault: &'static Fault,
    request: Request,
    often: Often,
    https: bool,
}

#[test]
fn every_fault_is_overcome_or_ends_in_a_clear_error_and_nothing_is_left_behind() {
    let _alone = alone();
    let traces = Traces::take();
    in_parallel(cases(), Case::name, Case::run);
    traces.assert_none();
}

/// Runs all cases, and tells of all that fail.
pub fn in_parallel<C: Send>(cases: VecDeque<C>, name: fn(&C) -> String, run: fn(&C)) {
    let cases = Mutex::new(cases);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = next(&cases) {
                    if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| run(&case))) {
                        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        failures.lock().unwrap().push(format!("{}: {text}", name(&case)));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

fn next<C>(cases: &Mutex<VecDeque<C>>) -> Option<C> {
    cases.lock().unwrap().pop_front()
}

fn cases() -> VecDeque<Case> {
    let mut cases = VecDeque::new();
    for fault in FAULTS {
        for (request, _) in REQUESTS.into_iter().zip(fault.for_ever).filter(|(_, end)| *end != End::Unused) {
            for often in [Often::Once, Often::EveryThird, Often::ForEver] {
                cases.push_back(Case { fault, request, often, https: false });
            }
            cases.push_back(Case { fault, request, often: Often::Once, https: true });
        }
    }
    cases
}

impl Case {
    fn name(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{} at {:?}, {:?}, {scheme}", self.fault.name, self.request, self.often)
    }

    fn run(&self) {
        let tls = self.https.then(|| TlsServer::start(|_| ()));
        let plain = (!self.https).then(server);
        let server = tls.as_ref().map(|tls| &tls.server).or(plain.as_ref()).unwrap();
        let client = client_with(server, |options| {
            if let Some(tls) = &tls {
                options.certificate_authorities = tls.authorities();
            }
            options.max_attempts = ATTEMPTS;
            options.stall_timeout = Duration::from_millis(self.fault.stall_ms.unwrap_or(5000));
        });
        faults(server, &self.script());
        let ends: Vec<End> = match self.often {
            Often::EveryThird => (0..4).map(|n| self.upload(server, &client, &format!("key-{n}"), 2)).collect(),
            _ => vec![self.upload(server, &client, "key", 3)],
        };
        let for_ever = self.fault.for_ever[self.request as usize];
        match (self.often, self.fault.cure) {
            (Often::ForEver, _) | (Often::Once, Cure::None) => assert_eq!(ends, [for_ever]),
            (_, Cure::Retry) => assert!(ends.iter().all(|end| *end == End::Stored), "{ends:?}"),
            (Often::EveryThird, Cure::None) => {
                assert!(ends.iter().all(|end| *end == End::Stored || *end == for_ever), "{ends:?}");
                assert!(ends.contains(&End::Stored) && ends.contains(&for_ever), "{ends:?}");
            }
        }
        if self.often == Often::ForEver {
            self.assert_tried_often_enough(server, for_ever);
        }
    }

    fn script(&self) -> String {
        let when = match self.often {
            Often::Once => r#","times":1"#,
            Often::EveryThird => r#","every":3"#,
            Often::ForEver => "",
        };
        let (request, action) = (self.request, self.fault.action);
        format!(r#"[{{"match":{{"operation":"{request:?}"{when}}},"action":{action}}}]"#)
    }

    /// Uploads a file and looks at what is there then.
    fn upload(&self, server: &Server, client: &Client, key: &str, parts: usize) -> End {
        let size = if self.request == Request::PutObject { 50_000 } else { parts * PART as usize - 30_000 };
        let scratch = Scratch::new(size);
        let mut options = upload_options(key, &scratch.file);
        if self.often == Often::EveryThird {
            // Side by side, one part might be the third each time.
            options.routines = Routines::Count(1);
        }
        match client.upload_file(options, |_, _| ()) {
            Ok(result) => {
                assert_stored(server, key, &scratch.file);
                assert_right(&result, &scratch);
                End::Stored
            }
            Err(error) => {
                self.assert_nothing_wrong(server, key, &scratch);
                self.end_of(&error)
            }
        }
    }

    fn assert_nothing_wrong(&self, server: &Server, key: &str, scratch: &Scratch) {
        if let Some(object) = server.object(BUCKET, key) {
            assert!(object.bytes == scratch.bytes(), "a wrong object");
        }
        let uploads = server.uploads(BUCKET);
        let nameless = self.request == Request::InitiateMultipartUpload;
        // Of an upload whose id was lost on its way there can be no parts.
        assert!(uploads.iter().all(|upload| nameless && upload.parts.is_empty()), "left behind: {uploads:?}");
    }

    fn end_of(&self, error: &Error) -> End {
        assert!(!error.message().is_empty() && !error.message().contains('\n'));
        assert_says_each_operation_once(error);
        assert_eq!(error.is_retryable(), self.may_pass_by_itself(error), "{error:?}");
        match error.kind() {
            ErrorKind::Service => {
                let codes = FAULTS.iter().flat_map(|fault| fault.for_ever);
                let mut known = codes.filter_map(|end| match end {
                    End::Refused(_, code) if code == error.service_code() => Some(code),
                    _ => None,
                });
                End::Refused(error.http_status(), known.next().unwrap_or_else(|| panic!("{error:?}")))
            }
            kind => End::Fails(kind),
        }
    }

    fn may_pass_by_itself(&self, error: &Error) -> bool {
        self.fault.cure == Cure::Retry && !["NoSuchUpload", "InvalidPart"].contains(&error.service_code())
    }

    /// As often as was allowed, and no more: connections that were kept from other requests may break for free.
    fn assert_tried_often_enough(&self, server: &Server, end: End) {
        let (most, least) = match (self.fault.cure, end) {
            (_, End::Stored) | (_, End::Refused(400 | 404, "InvalidPart" | "NoSuchUpload")) => (50, 1),
            (Cure::None, _) => (if self.request == Request::UploadPart { 3 } else { 1 }, 1),
            (Cure::Retry, _) if self.request == Request::UploadPart => (3 * ATTEMPTS as usize + 3, ATTEMPTS as usize),
            (Cure::Retry, _) => (ATTEMPTS as usize + 3, ATTEMPTS as usize),
        };
        let times = || requests(server, &format!("{:?}", self.request)).len();
        // The server writes its log when it has noticed that the client has left.
        wait_until("it is tried as often as is allowed", || times() >= least);
        assert!(times() <= most, "tried {} times, not {least} to {most}", times());
    }
}

fn assert_says_each_operation_once(error: &Error) {
    let operations = ["PutObject", "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "HeadObject"];
    for word in operations.iter().copied().chain(["AbortMultipartUpload", "ListParts", "ListMultipartUploads"]) {
        assert!(error.message().matches(&format!("{word}:")).count() <= 1, "{word} is said twice: {error}");
    }
}

fn assert_right(result: &UploadResult, scratch: &Scratch) {
    assert_eq!((result.crc64, result.size), (oss_server::crc64(&scratch.bytes()), scratch.bytes().len() as u64));
}
