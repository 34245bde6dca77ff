//! After a power cut the real library goes on with the manifest that the disk has, and a server that has no more than it had.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use oss_server::{FaultScript, Server};
use tempfile::TempDir;

use super::{NAME, SECTORS};
use crate::client::tests::{local_oss, refusing};
use crate::os::power_cut::{PowerCut, fast_directory};
use crate::os::trace::{Step, Trace};
use crate::{BatchEnd, BatchMode, BatchOptions, BatchSource, Client, PartSize, Result};

const BUCKET: &str = "test-bucket";
const PART: usize = 102_400;
/// The last one is sent in parts.
const SIZES: [usize; 7] = [0, 1, 700, 3000, 4096, 9000, 2 * PART + 10];
const SAMPLES: usize = 200;
/// So many share a server and files.
const SAMPLES_OF_A_SERVER: usize = 50;

/// What the first batch leaves undone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Stored,
    SomeRefused,
    PartRefused,
}

const ENDS: [End; 3] = [End::Stored, End::SomeRefused, End::PartRefused];

impl End {
    fn faults(self) -> String {
        match self {
            End::Stored => "[]".to_owned(),
            End::SomeRefused => refusing(&format!(r#"{{"key":"{}"}}"#, name(3))),
            End::PartRefused => refusing(r#"{"operation":"UploadPart","part":2}"#),
        }
    }
}

fn name(number: usize) -> String {
    format!("file-{number}")
}

/// What samples share: a server, and files that are not new, since one that is must be read twice.
struct Setting {
    server: Server,
    client: Client,
    files: TempDir,
    contents: Vec<Vec<u8>>,
}

struct Sample<'a> {
    setting: &'a Setting,
    directory: TempDir,
}

impl Setting {
    fn new(rng: &mut Rng) -> Setting {
        let (server, client) = local_oss();
        let files = tempfile::tempdir().unwrap();
        let content = |(number, size): (usize, &usize)| {
            let mut bytes = vec![0; *size];
            rng.fill(&mut bytes);
            fs::write(files.path().join(name(number)), &bytes).unwrap();
            bytes
        };
        let contents = SIZES.iter().enumerate().map(content).collect();
        Setting { server, client, files, contents }
    }
}

impl Sample<'_> {
    fn manifest(&self) -> PathBuf {
        self.directory.path().join(NAME)
    }

    fn run(&self, mode: BatchMode) -> Result<BatchEnd> {
        let options = BatchOptions {
            bucket: BUCKET.into(),
            source: BatchSource::Directory(self.setting.files.path().into()),
            manifest: Some(self.manifest()),
            mode,
            part_size: PartSize::Bytes(PART as u64),
            ..BatchOptions::default()
        };
        Ok(self.setting.client.start_batch(options)?.wait(Duration::from_secs(60)).expect("it hangs"))
    }

    /// Runs until `end`, and cuts the power at some moment. The server loses what was not recorded by then: it had no need to
    /// have it.
    fn cut(&self, end: End, rng: &mut Rng) -> usize {
        let server = &self.setting.server;
        server.set_faults(FaultScript::from_json(&end.faults()).unwrap());
        let trace = Trace::of(self.directory.path());
        let ended = self.run(BatchMode::default()).unwrap();
        server.clear_faults();
        assert_eq!(ended.error.is_none(), end == End::Stored, "{:?}", ended.error);
        let steps = trace.steps();
        let count = rng.usize(..=steps.len());
        let is_recorded = |name: &str| {
            let path = format!(r#""{name}""#);
            steps[..count]
                .iter()
                .any(|step| matches!(step, Step::Write { bytes, .. } if String::from_utf8_lossy(bytes).contains(&path)))
        };
        let lost = (0..SIZES.len()).map(name).filter(|name| !is_recorded(name));
        let lost = lost.filter(|name| server.remove_object(BUCKET, name)).count();
        let disk = PowerCut::after(&steps[..count], SECTORS[rng.usize(..2)]).one(rng);
        let _ = fs::remove_file(self.manifest());
        for (name, content) in disk {
            fs::write(self.directory.path().join(name), content).unwrap();
        }
        lost
    }

    fn assert_whole(&self, what: &str) {
        let server = &self.setting.server;
        for (number, content) in self.setting.contents.iter().enumerate() {
            let object = server.object(BUCKET, &name(number));
            assert!(object.is_some_and(|object| object.bytes == *content), "{}: {what}", name(number));
        }
        assert_eq!(server.objects(BUCKET).len(), SIZES.len(), "{what}");
        assert!(server.uploads(BUCKET).is_empty(), "an upload is left: {what}");
        let left: Vec<_> =
            fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [NAME], "{what}");
    }
}

fn carry_on(setting: &Setting, number: usize, rng: &mut Rng) {
    let end = ENDS[rng.usize(..ENDS.len())];
    let sample = Sample { setting, directory: fast_directory() };
    let lost = sample.cut(end, rng);
    let mode = if rng.bool() { BatchMode::default() } else { BatchMode::Changed };
    let ended = sample.run(mode).unwrap();
    let what = format!("sample {number}, {end:?}, {mode:?}, {lost} lost, {:?}", ended.result);
    assert!(ended.error.is_none(), "{:?}: {what}", ended.error);
    sample.assert_whole(&what);
    // What is stored is known from now on.
    setting.server.clear_log();
    let again = sample.run(BatchMode::Changed).unwrap();
    assert_eq!((again.result.files_unchanged, again.result.files_stored), (SIZES.len() as u64, 0), "{what}");
    assert!(setting.server.log().is_empty(), "{what}");
    setting.server.objects(BUCKET).iter().for_each(|key| assert!(setting.server.remove_object(BUCKET, key)));
}

#[test]
fn after_a_power_cut_a_batch_goes_on_and_leaves_nothing() {
    let mut rng = Rng::with_seed(1);
    for round in 0..SAMPLES / SAMPLES_OF_A_SERVER {
        let setting = Setting::new(&mut rng);
        for number in 0..SAMPLES_OF_A_SERVER {
            carry_on(&setting, round * SAMPLES_OF_A_SERVER + number, &mut rng);
        }
    }
    println!("{SAMPLES} batches of {} files went on", SIZES.len());
}
