//! After a power cut the real library goes on, with a server that has what it had.

use std::ffi::OsStr;
use std::fs;
use std::sync::Arc;

use fastrand::Rng;
use oss_server::{FaultScript, Server};
use tempfile::{NamedTempFile, TempDir};

use super::life::NAME;
use super::{SECTORS, State, state_of};
use crate::client::tests::{local_oss, refusing};
use crate::os::power_cut::{PowerCut, fast_directory};
use crate::os::trace::{Step, Trace};
use crate::{Checkpoint, Client, PartSize, Result, Routines, UploadOptions};

const BUCKET: &str = "test-bucket";
const PART: usize = 102_400;
/// Two whole parts and the rest.
const PARTS: usize = 3;
const SIZE: usize = 2 * PART + 10;
const SAMPLES: usize = 2000;
/// So many share a server, which keeps their objects in memory.
const SAMPLES_OF_A_SERVER: usize = 100;

/// Where the first upload ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    InitiateRefused,
    PartRefused(usize),
    CompleteRefused,
    Stored,
}

const ENDS: [End; 6] = [
    End::InitiateRefused,
    End::PartRefused(1),
    End::PartRefused(2),
    End::PartRefused(3),
    End::CompleteRefused,
    End::Stored,
];

impl End {
    fn faults(self) -> String {
        match self {
            End::InitiateRefused => refusing(r#"{"operation":"InitiateMultipartUpload"}"#),
            End::PartRefused(number) => refusing(&format!(r#"{{"operation":"UploadPart","part":{number}}}"#)),
            End::CompleteRefused => refusing(r#"{"operation":"CompleteMultipartUpload"}"#),
            End::Stored => "[]".to_owned(),
        }
    }

    /// The first moment of a power cut that leaves the server as it is at this end.
    fn earliest(self, steps: &[Step]) -> usize {
        let synced_after = |text: &str| {
            let is_it = |step: &Step| matches!(step, Step::Write { bytes, .. } if String::from_utf8_lossy(bytes).contains(text));
            let written = steps.iter().position(is_it).unwrap();
            let is_kept = |step: &Step| matches!(step, Step::Sync { since, .. } if *since > written);
            steps.iter().position(is_kept).unwrap() + 1
        };
        match self {
            End::InitiateRefused => 0,
            // Before that, nothing is sent.
            End::PartRefused(1) => steps.iter().position(|step| matches!(step, Step::SyncNames { .. })).unwrap() + 1,
            End::PartRefused(_) => synced_after(r#""type":"upload""#),
            End::CompleteRefused | End::Stored => synced_after(r#""type":"completing""#),
        }
    }
}

/// What samples share: a file that is not new, since one that is must be read twice, and a server.
struct Setting {
    server: Server,
    client: Client,
    bytes: Vec<u8>,
    file: NamedTempFile,
}

struct Sample<'a> {
    setting: &'a Setting,
    directory: TempDir,
    is_stream: bool,
}

impl Setting {
    fn new(rng: &mut Rng) -> Setting {
        let (server, client) = local_oss();
        let mut bytes = vec![0; SIZE];
        rng.fill(&mut bytes);
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), &bytes).unwrap();
        Setting { server, client, bytes, file }
    }
}

impl Sample<'_> {
    /// Tells how many parts were there already.
    fn upload(&self, key: &str) -> Result<usize> {
        let options = UploadOptions {
            bucket: BUCKET.into(),
            object_key: key.into(),
            part_size: PartSize::Bytes(PART as u64),
            routines: Routines::Count(1),
            checkpoint: Checkpoint::File(self.directory.path().join(NAME)),
            ..UploadOptions::default()
        };
        let result = if self.is_stream {
            let stream = self.setting.client.open_stream(options)?;
            let written = stream.write(&self.setting.bytes);
            stream.finish().and_then(|result| written.map(|()| result))
        } else {
            let options = UploadOptions { file_path: self.setting.file.path().into(), ..options };
            let outcome =
                self.setting.client.start(options)?.wait(std::time::Duration::from_secs(60)).expect("it hangs");
            outcome.error.map_or(Ok(outcome.result), Err)
        };
        result.map(|result| result.parts_resumed as usize)
    }

    /// Uploads until `end`, and then cuts the power at some moment that the server cannot tell from it.
    fn cut(&self, key: &str, end: End, rng: &mut Rng) {
        let trace: Arc<Trace> = Trace::of(self.directory.path());
        self.setting.server.set_faults(FaultScript::from_json(&end.faults()).unwrap());
        assert_eq!(self.upload(key).is_ok(), end == End::Stored);
        self.setting.server.clear_faults();
        let steps = trace.steps();
        let count = rng.usize(end.earliest(&steps)..=steps.len());
        let disk = PowerCut::after(&steps[..count], SECTORS[rng.usize(..2)]).one(rng);
        let path = self.directory.path().join(NAME);
        let _ = fs::remove_file(&path);
        if let Some(content) = disk.get(OsStr::new(NAME)) {
            fs::write(&path, content).unwrap();
        }
    }

    /// The parts that the checkpoint knows of.
    fn known(&self) -> usize {
        let content = fs::read(self.directory.path().join(NAME)).ok();
        let state = content.map(|content| state_of(&content));
        state.as_ref().and_then(State::saved).map_or(0, |saved| saved.parts.len())
    }

    fn assert_nothing_left(&self, key: &str, what: &str) {
        assert!(
            self.setting.server.object(BUCKET, key).expect("an object").bytes == self.setting.bytes,
            "another object: {what}"
        );
        assert!(
            self.setting.server.uploads(BUCKET).is_empty(),
            "an upload is left: {what}: {:?}",
            self.setting.server.uploads(BUCKET)
        );
        assert!(!self.directory.path().join(NAME).exists(), "the checkpoint is left: {what}");
    }
}

/// Goes on after a power cut, as the same upload, or now and then as another one that has the same checkpoint.
fn carry_on(setting: &Setting, number: usize, rng: &mut Rng) {
    let (end, is_stream) = (ENDS[rng.usize(..ENDS.len())], rng.u32(..3) == 0);
    let sample = Sample { setting, directory: fast_directory(), is_stream };
    let key = format!("key-{number}");
    sample.cut(&key, end, rng);
    let on_server: usize = setting.server.uploads(BUCKET).iter().map(|upload| upload.parts.len()).sum();
    let known = sample.known();
    let is_other = on_server > 0 && rng.u32(..8) == 0;
    let next = if is_other { format!("other-{number}") } else { key };
    let resumed = sample.upload(&next).unwrap_or_else(|error| panic!("{error} after {end:?}, stream {is_stream}"));
    let what =
        format!("sample {number}, {end:?}, stream {is_stream}, other {is_other}, {known} known, {resumed} resumed");
    sample.assert_nothing_left(&next, &what);
    match end {
        _ if is_other => assert_eq!(resumed, 0, "{what}"),
        End::Stored => {}
        // The server has what the checkpoint has lost.
        _ => assert_eq!(resumed, on_server, "{what}"),
    }
}

#[test]
fn after_a_power_cut_an_upload_goes_on_and_leaves_nothing() {
    let mut rng = Rng::with_seed(1);
    for batch in 0..SAMPLES / SAMPLES_OF_A_SERVER {
        let setting = Setting::new(&mut rng);
        for number in 0..SAMPLES_OF_A_SERVER {
            carry_on(&setting, batch * SAMPLES_OF_A_SERVER + number, &mut rng);
        }
    }
    println!("{SAMPLES} uploads of {PARTS} parts went on");
}
