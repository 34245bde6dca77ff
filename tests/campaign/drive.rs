//! Carries a run out: its calls, and what happens to them.

use std::collections::VecDeque;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use oss_server::{AccessKey, Policy, Server};

use crate::Count;
use crate::common::fixture::quiet;
use crate::common::proxy::Proxy;
use crate::common::{BUCKET, ID, SECRET, content, server_with};
use crate::executor::{Executor, Order, Response};
use crate::executors::Executors;
use crate::judge::{Call, Judge};
use crate::languages::Language;
use crate::plan::{Change, Checkpoint, Event, Life, Loss, Plan, Source, Way};

pub const KEY: &str = "key";
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a call is waited for while something is to happen to it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// The last call may say once that the file has changed since an earlier one, or that a stream must be sent anew.
const MOST_LAST_CALLS: usize = 2;

/// What a run takes place on.
pub struct Stage<'a, 'b> {
    pub plan: &'a Plan,
    pub server: Server,
    proxy: Option<Proxy>,
    dir: tempfile::TempDir,
    file: PathBuf,
    /// All that the file has been, the latest last.
    pub versions: Vec<Vec<u8>>,
    /// How often its content or its times have changed.
    pub changes: usize,
    /// The one that is valid.
    key: AccessKey,
    keys: u32,
    pub policy: Policy,
    rng: &'a mut Rng,
    executors: &'a mut Executors<'b>,
    count: &'a mut Count,
}

pub fn run(plan: &Plan, rng: &mut Rng, executors: &mut Executors<'_>, count: &mut Count) {
    count.add(plan.language);
    count.add(plan.source);
    let mut stage = Stage::new(plan, rng, executors, count);
    let mut judge = Judge::default();
    for life in &plan.lives {
        let call = stage.live(life);
        judge.judge(&stage, &call);
    }
    stage.server.clear_faults();
    for last in 1..=MOST_LAST_CALLS {
        let call = stage.live(&Life::default());
        judge.judge(&stage, &call);
        if call.is_ok() {
            break;
        }
        let may_be = call.has_status("OSS_FILE_CHANGED") || call.has_status("OSS_SERVICE");
        assert!(last < MOST_LAST_CALLS && may_be, "the last call fails: {}", call.told());
    }
    judge.judge_end(&stage);
}

impl<'a, 'b> Stage<'a, 'b> {
    fn new(plan: &'a Plan, rng: &'a mut Rng, executors: &'a mut Executors<'b>, count: &'a mut Count) -> Stage<'a, 'b> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let server = server_with(|config| {
            config.policy = plan.policy;
            config.versioned = plan.versioned;
            config.quirks.no_part_crc = plan.no_part_crc;
            config.tls = plan.way == Way::Tls;
            config.ca_file = config.tls.then(|| dir.path().join("ca.pem"));
        });
        crate::common::faults(&server, &plan.faults);
        let proxy = (plan.way == Way::Proxy).then(|| Proxy::start(server.port(), None));
        let work = dir.path().join("work");
        fs::create_dir_all(work.join("checkpoints")).expect("a directory for checkpoints");
        let file = work.join("source.bin");
        let bytes = content(plan.size, 1);
        fs::write(&file, &bytes).expect("the file is written");
        let key = AccessKey::new(ID, SECRET);
        let stage = Stage {
            plan,
            server,
            proxy,
            dir,
            file,
            versions: vec![bytes],
            changes: 0,
            key,
            keys: 0,
            policy: plan.policy,
            rng,
            executors,
            count,
        };
        stage.write_key();
        stage
    }

    pub fn checkpoint(&self) -> Option<PathBuf> {
        let work = self.work();
        match self.plan.checkpoint {
            Checkpoint::Off => None,
            Checkpoint::BesideFile => Some(work.join("source.bin.cp")),
            Checkpoint::File => Some(work.join("upload.cp")),
            Checkpoint::Directory => {
                let first = fs::read_dir(work.join("checkpoints")).expect("the directory").next();
                first.map(|entry| entry.expect("an entry").path())
            }
        }
        .filter(|path| path.exists())
    }

    /// What is beside the file.
    pub fn beside(&self) -> Vec<PathBuf> {
        let names =
            |folder: PathBuf| fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let work = self.work();
        let all = names(work.clone()).chain(names(work.join("checkpoints")));
        all.filter(|path| path.is_file() && *path != self.file).collect()
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// One call, until it ends, by itself or not.
    fn live(&mut self, life: &Life) -> Call {
        for event in &life.before {
            self.happen(*event);
        }
        let mut call = Call::new(self);
        call.events.extend(&life.before);
        let mut executor = self.executors.take(self.plan.language);
        let made = executor.ask(self.client());
        assert_eq!(made.get("status"), "OSS_OK", "{made:?}");
        let mut pending: VecDeque<_> = life.during.iter().collect();
        let mut second = None;
        let start = Instant::now();
        let mut response = self.begin(&mut executor);
        while response.is_none() {
            assert!(start.elapsed() < PATIENCE, "the call hangs");
            let requests = self.server.log_length() - call.log;
            let Some((_, soon, event)) = pending.front().filter(|(at, ..)| *at <= requests) else {
                response = self.look(&mut executor, if pending.is_empty() { PATIENCE } else { BETWEEN_LOOKS });
                continue;
            };
            pending.pop_front();
            thread::sleep(*soon);
            self.count.add(event);
            call.events.push(*event);
            match event {
                Event::Kill => break,
                Event::Pause => drop(executor.ask(Order::new("pause"))),
                Event::Cancel => drop(executor.ask(Order::new("cancel"))),
                Event::Second if second.is_none() => second = Some(self.begin_second()),
                Event::Rotate if !self.plan.by_program => self.rotate(Some(&mut executor)),
                event => self.happen(*event),
            }
        }
        match &response {
            Some(_) => {
                executor.ask(Order::new("end"));
                self.executors.give_back(self.plan.language, executor);
            }
            None => executor.kill(),
        }
        call.second = second.map(|second| self.end_second(second));
        call.response = response;
        if !call.is_ok() {
            quiet(&self.server);
        }
        call
    }

    /// A file's upload is started and looked at from time to time; the other calls return when they have ended.
    fn begin(&self, executor: &mut Executor) -> Option<Response> {
        match self.plan.source {
            Source::File => {
                let started = executor.ask(self.upload("start").with("file_path", self.file.as_os_str().as_bytes()));
                (started.get("status") != "OSS_OK").then_some(started)
            }
            Source::Memory => {
                executor.send(&self.content("upload_memory"));
                None
            }
            Source::Stream => {
                executor.send(&self.content("stream").with("piece", "70000").with("finish", "finish"));
                None
            }
        }
    }

    fn look(&self, executor: &mut Executor, patience: Duration) -> Option<Response> {
        if self.plan.source != Source::File {
            return executor.response(patience);
        }
        let response = executor.ask(Order::new("wait").with("timeout_ms", patience.as_millis().to_string()));
        (response.get("status") != "OSS_PENDING").then_some(response)
    }

    /// The same call in another process.
    fn begin_second(&mut self) -> Executor {
        let mut second = self.executors.take(Language::C);
        second.ask(self.client());
        let word = match self.plan.source {
            Source::File => self.upload("upload_file").with("file_path", self.file.as_os_str().as_bytes()),
            Source::Memory => self.content("upload_memory"),
            Source::Stream => self.content("stream").with("piece", "70000").with("finish", "finish"),
        };
        second.send(&word);
        second
    }

    fn end_second(&mut self, mut second: Executor) -> Response {
        let response = second.response(PATIENCE).expect("the second process hangs");
        second.ask(Order::new("end"));
        self.executors.give_back(Language::C, second);
        response
    }

    fn client(&self) -> Order {
        let mut order = Order::new("client")
            .with("endpoint", self.server.endpoint())
            .with("region", "cn-hangzhou")
            .with("connect_timeout_ms", "10000")
            .with("stall_timeout_ms", "20000")
            .with("max_attempts", "5");
        if let Some(proxy) = &self.proxy {
            order = order.with("proxy", format!("http://{}", proxy.address()));
        }
        if self.plan.way == Way::Tls {
            order = order.with("ca_file", self.dir.path().join("ca.pem").as_os_str().as_bytes());
        }
        if self.plan.by_program {
            return order.with("credentials", format!("process:cat {}", self.key_file().display()));
        }
        self.with_key(order)
    }

    fn with_key(&self, order: Order) -> Order {
        let order = order.with("access_key_id", &self.key.id).with("access_key_secret", &self.key.secret);
        match &self.key.token {
            Some(token) => order.with("security_token", token),
            None => order,
        }
    }

    fn upload(&self, word: &str) -> Order {
        let plan = self.plan;
        let routines = if plan.routines == 0 { "auto".into() } else { plan.routines.to_string() };
        let mut order = Order::new(word)
            .with("bucket", BUCKET)
            .with("object_key", KEY)
            .with("part_size", plan.part_size.to_string())
            .with("routines", routines)
            .with("content_md5", u32::from(plan.content_md5).to_string());
        if plan.source == Source::File {
            order = order.with("on_file_change", if plan.fail_on_change { "fail" } else { "restart" });
            order = order.with("verify_resume", plan.verify_resume);
        }
        let path = |name: &str| self.work().join(name).into_os_string().into_encoded_bytes();
        match plan.checkpoint {
            Checkpoint::Off => order,
            Checkpoint::BesideFile => order.with("checkpoint", "1"),
            Checkpoint::File => order.with("checkpoint_path", path("upload.cp")),
            Checkpoint::Directory => order.with("checkpoint_dir", path("checkpoints")),
        }
    }

    /// The content of the file, without the file.
    fn content(&self, word: &str) -> Order {
        self.upload(word).with("content", self.file.as_os_str().as_bytes())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Change(change) => self.change(change),
            Event::Clock(offset) => self.server.set_clock_offset(offset),
            Event::Rotate => self.rotate(None),
            Event::Policy(policy) => {
                self.server.set_policy(policy);
                self.policy = policy;
            }
            Event::Lose(loss) => self.lose(loss),
            // They happen to a call only, once.
            Event::Kill | Event::Pause | Event::Cancel | Event::Second => {}
        }
    }

    fn change(&mut self, change: Change) {
        self.changes += usize::from(change != Change::Chmod);
        let open = || File::options().write(true).open(&self.file).expect("the file is opened");
        let mut bytes = self.versions.last().expect("a version").clone();
        let size = bytes.len();
        match change {
            Change::Patch | Change::PatchUnseen if size == 0 => return,
            Change::Patch | Change::PatchUnseen => {
                let file = open();
                let modified = file.metadata().expect("its times").modified().expect("its time");
                let at = self.rng.usize(..size);
                bytes[at] ^= 1 << self.rng.u32(..8);
                file.write_all_at(&bytes[at..=at], at as u64).expect("the file is written");
                if change == Change::PatchUnseen {
                    file.set_modified(modified).expect("its time is put back");
                }
            }
            Change::Append => {
                bytes.extend(content(1000, 77 + self.changes as u64));
                open().write_all_at(&bytes[size..], size as u64).expect("the file grows");
            }
            Change::Truncate => {
                bytes.truncate(size / 2);
                open().set_len(bytes.len() as u64).expect("the file shrinks");
            }
            Change::Replace => {
                bytes = content(size, 1000 + self.changes as u64);
                let other = self.dir.path().join("other");
                fs::write(&other, &bytes).expect("another file");
                fs::rename(&other, &self.file).expect("it takes the place of the file");
            }
            Change::Touch => open().set_modified(SystemTime::now()).expect("its time is set"),
            Change::Chmod => {
                let mode = [0o600, 0o644, 0o640][self.rng.usize(..3)];
                fs::set_permissions(&self.file, Permissions::from_mode(mode)).expect("its mode is set");
            }
        }
        self.versions.push(bytes);
    }

    /// New credentials take the place of the old ones, which end.
    fn rotate(&mut self, executor: Option<&mut Executor>) {
        self.keys += 1;
        let id = format!("STS.{}", self.keys);
        let old = std::mem::replace(&mut self.key, AccessKey::with_token(id, "other-secret", "token-secret"));
        self.server.add_access_key(self.key.clone());
        self.write_key();
        if let Some(executor) = executor {
            let replaced = executor.ask(self.with_key(Order::new("set_credentials")));
            assert_eq!(replaced.get("status"), "OSS_OK", "{replaced:?}");
        }
        self.server.expire_token(&old.id);
    }

    fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.json")
    }

    fn write_key(&self) {
        let AccessKey { id, secret, token, .. } = &self.key;
        let token = token.as_deref().map_or(String::new(), |token| format!(r#","SecurityToken":"{token}""#));
        let text = format!(r#"{{"AccessKeyId":"{id}","AccessKeySecret":"{secret}"{token}}}"#);
        // Whoever reads it at this moment must find one or the other.
        let new = self.dir.path().join("key.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, self.key_file())).expect("the key is written");
    }

    fn lose(&self, loss: Loss) {
        let Some(path) = self.checkpoint() else { return };
        let bytes = fs::read(&path).expect("the checkpoint is read");
        let at = |share: f64| (bytes.len() as f64 * share) as usize;
        match loss {
            Loss::Remove => fs::remove_file(&path).expect("it is removed"),
            // What has no first line is no checkpoint, and is left alone.
            Loss::Truncate(share) => write(&path, &bytes[..at(share).max(FIRST_LINE)]),
            Loss::Flip(share) => {
                let mut bytes = bytes.clone();
                let at = at(share).max(FIRST_LINE).min(bytes.len() - 1);
                bytes[at] ^= 1;
                write(&path, &bytes);
            }
        }
    }
}

const FIRST_LINE: usize = 59;

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the checkpoint is written");
}
