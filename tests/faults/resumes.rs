//! The same faults at the requests of an upload that goes on: ListParts when it is resumed, HeadObject when the response
//! to Complete was lost. Whatever happens there, no part that the server has is sent again, and no wrong object is taken
//! for the file.

use std::fs;

use oss_server::Server;
use oss_upload::{Checkpoint, Client, ErrorKind, Result, Routines, UploadOptions, UploadResult};

use crate::alone;
use crate::common::fixture::refuse_part;
use crate::common::traces::Traces;
use crate::common::*;
use crate::matrix::{Often, in_parallel};
use crate::table::{Cure, End, FAULTS, Fault};

const ATTEMPTS: u32 = 3;
const PARTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    ListParts,
    HeadObject,
}

struct Case {
    fault: &'static Fault,
    request: Request,
    often: Often,
}

#[test]
fn every_fault_of_a_resume_is_overcome_or_leaves_it_resumable() {
    let _alone = alone();
    let traces = Traces::take();
    let cases = FAULTS.iter().filter(|fault| fault.for_ever[1] != End::Unused).flat_map(|fault| {
        [Request::ListParts, Request::HeadObject].into_iter().flat_map(move |request| {
            [Often::Once, Often::EveryThird, Often::ForEver].map(|often| Case { fault, request, often })
        })
    });
    in_parallel(cases.collect(), Case::name, Case::run);
    traces.assert_none();
}

impl Case {
    fn name(&self) -> String {
        format!("{} at {:?}, {:?}", self.fault.name, self.request, self.often)
    }

    fn run(&self) {
        let server = server();
        let client = client_with(&server, |options| {
            options.max_attempts = ATTEMPTS;
            options.stall_timeout = std::time::Duration::from_millis(self.fault.stall_ms.unwrap_or(5000));
        });
        let keys = if self.often == Often::EveryThird { 4 } else { 1 };
        let uploads: Vec<Interrupted> = (0..keys).map(|n| self.interrupted(&server, &client, n)).collect();
        let script = self.script(keys);
        faults(&server, &script);
        let ends: Vec<End> = uploads.iter().map(|upload| self.go_on(&server, &client, upload, &script)).collect();
        let for_ever = self.for_ever();
        match (self.often, self.fault.cure) {
            (Often::ForEver, _) | (Often::Once, Cure::None) => assert_eq!(ends, [for_ever]),
            (_, Cure::Retry) => assert!(ends.iter().all(|end| *end == End::Stored), "{ends:?}"),
            (Often::EveryThird, Cure::None) => {
                assert!(ends.iter().all(|end| *end == End::Stored || *end == for_ever), "{ends:?}");
            }
        }
    }

    /// How an upload ends that meets the fault again and again.
    fn for_ever(&self) -> End {
        match (self.request, self.fault.name) {
            // A policy with oss:PutObject alone: the checkpoint is believed.
            (Request::ListParts, "403") => End::Stored,
            // Nothing proves that the object is there: the file is sent again.
            (Request::HeadObject, "403" | "404" | "200 of a login page") => End::Stored,
            // A response to HEAD has no body that could hold a code.
            (Request::HeadObject, "503 of a gateway in JSON") => End::Refused(503, "BadErrorResponse"),
            _ => self.fault.for_ever[1],
        }
    }

    /// An upload for which the request will be made: of which two parts are sent, or nothing yet.
    fn interrupted(&self, server: &Server, client: &Client, number: usize) -> Interrupted {
        let upload =
            Interrupted { key: format!("key-{number}"), scratch: Scratch::new(PARTS * PART as usize - 30_000) };
        if self.request == Request::ListParts {
            refuse_part(server, PARTS as u32);
            upload.run(client).expect_err("a part is refused");
            server.clear_faults();
        }
        upload
    }

    fn script(&self, keys: usize) -> String {
        let when = match self.often {
            Often::Once => r#","times":1"#,
            Often::EveryThird => r#","every":3"#,
            Often::ForEver => "",
        };
        let mut rules =
            vec![format!(r#"{{"match":{{"operation":"{:?}"{when}}},"action":{}}}"#, self.request, self.fault.action)];
        if self.request == Request::HeadObject {
            rules.extend((0..keys).map(|n| {
                let lost = format!(r#""operation":"CompleteMultipartUpload","key":"key-{n}","times":1"#);
                format!(r#"{{"match":{{{lost}}},"action":{{"type":"close","at":"before_response"}}}}"#)
            }));
        }
        format!("[{}]", rules.join(","))
    }

    /// Runs it, and once more without faults when it fails.
    fn go_on(&self, server: &Server, client: &Client, upload: &Interrupted, script: &str) -> End {
        let error = match upload.run(client) {
            Ok(_) => {
                upload.assert_done(server);
                return End::Stored;
            }
            Err(error) => error,
        };
        assert!(!error.message().is_empty() && !error.message().contains('\n'));
        assert!(upload.checkpoint().exists(), "it cannot be resumed: {error:?}");
        server.clear_faults();
        server.clear_log();
        let again = upload.run(client).expect("nothing is in its way");
        upload.assert_done(server);
        let sent = requests(server, "UploadPart").len();
        assert!(sent <= if self.request == Request::ListParts { 1 } else { 0 }, "{sent} parts were sent: {again:?}");
        faults(server, script);
        match error.kind() {
            ErrorKind::Service => {
                let code = [error.service_code()].into_iter().find_map(known_code);
                End::Refused(error.http_status(), code.unwrap_or_else(|| panic!("{error:?}")))
            }
            kind => End::Fails(kind),
        }
    }
}

fn known_code(code: &str) -> Option<&'static str> {
    FAULTS.iter().flat_map(|fault| fault.for_ever).find_map(|end| match end {
        End::Refused(_, known) if known == code => Some(known),
        _ => None,
    })
}

/// An upload with a checkpoint.
struct Interrupted {
    key: String,
    scratch: Scratch,
}

impl Interrupted {
    fn run(&self, client: &Client) -> Result<UploadResult> {
        let options = UploadOptions {
            routines: Routines::Count(1),
            checkpoint: Checkpoint::BesideFile,
            ..upload_options(&self.key, &self.scratch.file)
        };
        client.upload_file(options, |_, _| ())
    }

    fn checkpoint(&self) -> std::path::PathBuf {
        self.scratch.path("source.bin.cp")
    }

    fn assert_done(&self, server: &Server) {
        let object = server.object(BUCKET, &self.key).expect("the object");
        assert!(object.bytes == fs::read(&self.scratch.file).expect("the file"), "the object is not the file");
        assert!(server.uploads(BUCKET).iter().all(|upload| upload.key != self.key), "an upload is left behind");
        assert!(!self.checkpoint().exists(), "the checkpoint is left behind");
    }
}
