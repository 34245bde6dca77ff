//! A run whose calls are batches.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use oss_server::{Policy, Server};

use crate::Count;
use crate::common::fixture::quiet;
use crate::common::{BUCKET, ID, PART, SECRET, content, server_with};
use crate::executor::{Order, Response};
use crate::executors::Executors;
use crate::judge::{lines, with_heard};
use crate::languages::Language;
use crate::{faults, plan};

const CONNECTIONS: usize = 4;
const PREFIX: &str = "p/";
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// The last call may find files that another than the one before has left to it.
const FOLDERS: [&str; 5] = ["", "a/", "a/b/", "a-b/", "z/"];

/// What ends a call, if anything does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    None,
    /// When the server has got so many requests of it, and a little later.
    Kill(usize, Duration),
    Pause(usize),
    Cancel(usize),
}

struct Batches<'a, 'b> {
    server: Server,
    policy: Policy,
    dir: tempfile::TempDir,
    language: Language,
    /// With a list instead of the folder.
    from_list: bool,
    has_manifest: bool,
    /// All that each file has been, the latest last; `None`: it was removed.
    files: BTreeMap<String, Vec<Option<Vec<u8>>>>,
    faults: String,
    /// Calls that did not come to their end.
    interrupted: usize,
    told: Vec<String>,
    rng: &'a mut Rng,
    executors: &'a mut Executors<'b>,
}

pub fn run(rng: &mut Rng, executors: &mut Executors<'_>, count: &mut Count) {
    let mut batches = Batches::new(rng, executors);
    count.add("Batch");
    count.add(batches.language);
    for _ in 0..batches.rng.usize(..4) {
        let ending = batches.ending();
        count.add(ending);
        batches.call(ending);
        batches.change_files();
        if batches.rng.u32(..6) == 0 {
            let offset = [-3600, 1200, 100_000][batches.rng.usize(..3)];
            batches.server.set_clock_offset(offset);
            batches.told.push(format!("clock {offset}"));
        }
    }
    batches.server.clear_faults();
    let last = batches.call(Ending::None);
    let status = last.as_ref().map_or("killed", |response| response.get("status"));
    assert_eq!(status, "OSS_OK", "the last call: {last:?}\n{}", batches.story());
    batches.judge_end();
}

impl<'a, 'b> Batches<'a, 'b> {
    fn new(rng: &'a mut Rng, executors: &'a mut Executors<'b>) -> Batches<'a, 'b> {
        let policy = if rng.u32(..4) == 0 { Policy::PutOnly } else { Policy::All };
        let faults = faults::choose(rng);
        let server = server_with(|config| config.policy = policy);
        crate::common::faults(&server, &faults);
        let languages = executors.languages();
        let mut batches = Batches {
            server,
            policy,
            dir: tempfile::tempdir().expect("a temporary directory"),
            language: languages[rng.usize(..languages.len())],
            from_list: rng.u32(..4) == 0,
            has_manifest: rng.u32(..4) > 0,
            files: BTreeMap::new(),
            faults,
            interrupted: 0,
            told: Vec::new(),
            rng,
            executors,
        };
        fs::create_dir(batches.tree()).expect("a folder");
        for _ in 0..batches.rng.usize(1..40) {
            batches.add_file();
        }
        batches
    }

    fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    fn add_file(&mut self) {
        let name = format!("{}{}", FOLDERS[self.rng.usize(..FOLDERS.len())], self.files.len());
        let is_large = self.rng.u32(..16) == 0;
        let size = if is_large { self.rng.usize(PART as usize + 1..4 * PART as usize) } else { self.rng.usize(..3000) };
        self.write(&name, Some(size));
    }

    /// Another content of this size; `None` removes the file.
    fn write(&mut self, name: &str, size: Option<usize>) {
        let bytes = size.map(|size| content(size, self.rng.u64(..)));
        let path = self.tree().join(name);
        match &bytes {
            Some(bytes) => {
                fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
                fs::write(&path, bytes).expect("the file is written");
            }
            None => fs::remove_file(&path).expect("the file is removed"),
        }
        self.told.push(format!("{name} has {:?}", bytes.as_ref().map(Vec::len)));
        self.files.entry(name.to_owned()).or_default().push(bytes);
    }

    fn ending(&mut self) -> Ending {
        let (requests, outcomes) = (self.rng.usize(..self.files.len() + 6), self.rng.usize(1..self.files.len() + 2));
        match self.rng.u32(..6) {
            0 => Ending::None,
            1 => Ending::Pause(outcomes),
            2 => Ending::Cancel(outcomes),
            _ => Ending::Kill(requests, plan::soon(self.rng)),
        }
    }

    fn change_files(&mut self) {
        for _ in 0..self.rng.usize(..4) {
            let names: Vec<String> = self.files.keys().cloned().collect();
            let name = &names[self.rng.usize(..names.len())];
            let now = self.files[name].last().cloned().flatten();
            match (self.rng.u32(..4), now) {
                (0, _) => self.add_file(),
                (1, Some(_)) => self.write(name, None),
                (_, Some(bytes)) => self.write(name, Some(bytes.len())),
                (_, None) => self.write(name, Some(100)),
            }
        }
    }

    fn call(&mut self, ending: Ending) -> Option<Response> {
        let begun = self.server.log_length();
        let mut executor = self.executors.take(self.language);
        let made = executor.ask(
            Order::new("client")
                .with("endpoint", self.server.endpoint())
                .with("region", "cn-hangzhou")
                .with("access_key_id", ID)
                .with("access_key_secret", SECRET)
                .with("max_attempts", "5"),
        );
        assert_eq!(made.get("status"), "OSS_OK", "{made:?}");
        executor.send(&self.order(ending));
        let start = Instant::now();
        let mut response = None;
        if let Ending::Kill(requests, soon) = ending {
            while response.is_none() && self.server.log_length() < begun + requests {
                response = executor.response(Duration::from_millis(1));
                assert!(start.elapsed() < PATIENCE, "the batch hangs");
            }
            thread::sleep(soon);
        } else {
            response = Some(executor.response(PATIENCE).expect("the batch hangs"));
        }
        match &response {
            Some(_) => {
                executor.ask(Order::new("end"));
                self.executors.give_back(self.language, executor);
            }
            None => executor.kill(),
        }
        quiet(&self.server);
        self.told
            .push(format!("{ending:?}, {:?}", response.as_ref().map(|response| response.get("status").to_owned())));
        self.interrupted += usize::from(response.as_ref().is_none_or(|response| response.get("status") != "OSS_OK"));
        self.judge(ending, response.as_ref());
        response
    }

    fn order(&self, ending: Ending) -> Order {
        let mut order = Order::new("batch")
            .with("bucket", BUCKET)
            .with("key_prefix", PREFIX)
            .with("part_size", PART.to_string())
            .with("connections", CONNECTIONS.to_string())
            .with("outcomes", "1");
        if self.from_list {
            order = order.with("list_path", self.write_list().as_os_str().as_bytes());
        } else {
            order = order.with("directory", self.tree().as_os_str().as_bytes());
        }
        if self.has_manifest {
            // What is stored already is not sent again.
            order = order.with("manifest_path", self.dir.path().join("manifest").as_os_str().as_bytes());
            order = order.with("mode", "changed");
        }
        match ending {
            Ending::Pause(at) => order.with("stop", "pause").with("at_outcomes", at.to_string()),
            Ending::Cancel(at) => order.with("stop", "cancel").with("at_outcomes", at.to_string()),
            Ending::None | Ending::Kill(..) => order,
        }
    }

    fn write_list(&self) -> PathBuf {
        let there = self.files.iter().filter(|(_, versions)| versions.last().is_some_and(Option::is_some));
        let line = |name: &String| format!("{}\t{PREFIX}{name}\n", self.tree().join(name).display());
        let list = self.dir.path().join("list");
        fs::write(&list, there.map(|(name, _)| line(name)).collect::<String>()).expect("the list is written");
        list
    }

    /// Each object is what its file was at a moment, and the outcomes say so.
    fn judge(&self, ending: Ending, response: Option<&Response>) {
        for key in self.server.objects(BUCKET) {
            let versions = key.strip_prefix(PREFIX).and_then(|name| self.files.get(name));
            let object = self.server.object(BUCKET, &key).expect("the object");
            let is_version = versions.is_some_and(|all| all.iter().flatten().any(|version| *version == object.bytes));
            assert!(is_version, "{key} is its file of no moment\n{}", self.story());
        }
        let Some(response) = response else { return };
        let expected = match response.get("status") {
            "OSS_OK" => true,
            "OSS_PAUSED" => matches!(ending, Ending::Pause(_)),
            "OSS_CANCELLED" => matches!(ending, Ending::Cancel(_)),
            "OSS_FILES_FAILED" | "OSS_NETWORK" | "OSS_SERVICE" => self.faults != "[]",
            _ => false,
        };
        assert!(expected, "nothing explains {response:?}\n{}", self.story());
        for outcome in response.all("outcome") {
            let fields: Vec<&str> = outcome.split('|').collect();
            let (status, key) = (fields[0], fields[5]);
            if ["stored", "unchanged"].contains(&status) {
                let now = key.strip_prefix(PREFIX).and_then(|name| self.files[name].last()).cloned().flatten();
                let object = self.server.object(BUCKET, key).map(|object| object.bytes.to_vec());
                assert!(object.is_some() && object == now, "{key} is {status}, but is not its file\n{}", self.story());
            }
        }
    }

    fn judge_end(&self) {
        for (name, versions) in &self.files {
            let Some(Some(now)) = versions.last() else { continue };
            let object = self.server.object(BUCKET, &format!("{PREFIX}{name}"));
            assert!(object.is_some_and(|object| object.bytes == *now), "{name} is not stored\n{}", self.story());
        }
        self.judge_left();
        self.judge_again();
    }

    fn judge_left(&self) {
        let uploads = self.server.uploads(BUCKET);
        // What nobody may abort, or, without a manifest, knows of.
        let may_be = self.policy == Policy::PutOnly || !self.has_manifest && self.interrupted > 0;
        // A batch that is cancelled asks once.
        let cancelled = self.told.iter().any(|line| line.starts_with("Cancel"));
        let may_be = may_be || cancelled && self.faults.contains("AbortMultipartUpload");
        // An upload whose id never came is looked for by the time at which it was opened.
        let was_set = self.told.iter().any(|line| line.starts_with("clock"));
        let may_be = may_be || was_set && uploads.iter().all(|upload| upload.parts.is_empty());
        // A large file that has changed or gone since a call was killed has an upload that its checkpoint knew of.
        let may_be = may_be || self.interrupted > 0 && self.files.values().any(|versions| versions.len() > 1);
        assert!(uploads.is_empty() || may_be, "left on the server: {uploads:?}\n{}", self.story());
        let left = fs::read_dir(self.dir.path()).expect("the folder").map(|entry| entry.expect("an entry").file_name());
        let left: BTreeSet<String> = left.map(|name| name.to_string_lossy().into_owned()).collect();
        let known = ["tree", "manifest", "list"];
        let gone = self.files.values().any(|versions| {
            versions.len() > 1 && versions.iter().flatten().any(|version| version.len() > PART as usize)
        });
        let unknown: Vec<_> =
            left.iter().filter(|name| !(known.contains(&name.as_str()) || gone && *name == "manifest.parts")).collect();
        assert!(unknown.is_empty(), "left beside the manifest: {unknown:?}\n{}", self.story());
    }

    /// With a manifest, what was stored goes again only when it was in flight as a call ended early, or has changed.
    fn judge_again(&self) {
        if !self.has_manifest {
            return;
        }
        let log = self.server.log();
        let mut puts = BTreeMap::<&str, usize>::new();
        let mut parts = BTreeMap::<(&str, u32), usize>::new();
        for (entry, _) in with_heard(&log).filter(|(entry, heard)| *heard && entry.status == 200 && entry.stored) {
            match (entry.operation.as_str(), &entry.key, &entry.upload_id, entry.part_number) {
                ("PutObject", Some(key), ..) => *puts.entry(key).or_default() += 1,
                ("UploadPart", _, Some(id), Some(part)) => *parts.entry((id, part)).or_default() += 1,
                _ => {}
            }
        }
        let versions = |key: &str| key.strip_prefix(PREFIX).and_then(|name| self.files.get(name)).map_or(0, Vec::len);
        let puts: usize = puts.iter().map(|(key, count)| count.saturating_sub(versions(key))).sum();
        let parts: usize = parts.values().map(|count| count - 1).sum();
        let may = self.interrupted * CONNECTIONS;
        let parts_may = if self.policy == Policy::All { 0 } else { may };
        assert!(puts <= may, "{puts} files went again, {may} may\n{}", self.story());
        assert!(parts <= parts_may, "{parts} parts went again, {parts_may} may\n{}", self.story());
    }

    fn story(&self) -> String {
        let Batches { policy, language, from_list, has_manifest, faults, told, .. } = self;
        let told = told.join("\n");
        let what = format!("{language:?}, {policy:?}, list {from_list}, manifest {has_manifest}, {faults}");
        format!("{what}\n{told}\n{}", lines(&self.server.log()))
    }
}
