//! Sets the stage for a scenario, has an executor act on it, and judges what it says and what has become of the server
//! and the files.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oss_server::{AccessKey, LogEntry, Server};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::common::callback::callback;
use crate::common::proxy::Proxy;
use crate::common::relay::{Gate, Relay};
use crate::common::{BUCKET, ID, PART, SECRET, content, server_with, wait_until};
use crate::executor::{Executor, Order, Response};
use crate::languages::Language;
use crate::shared::SharedTexts;
use crate::table::{
    Expected, FileChange, Finally, HowToStop, LocalFile, Object, Options, Scenario, Special, Step, StreamEnd, Table,
};

/// What each upload that has ended tells, in every language.
pub const RESULT: [&str; 16] = [
    "result.attempts",
    "result.bytes_resumed",
    "result.bytes_sent",
    "result.callback_response_size",
    "result.crc64",
    "result.elapsed_ms",
    "result.etag",
    "result.part_size",
    "result.part_size_raised",
    "result.parts",
    "result.parts_resumed",
    "result.request_id",
    "result.restart_reason",
    "result.size",
    "result.upload_id",
    "result.version_id",
];
pub const PROGRESS: [&str; 10] = [
    "progress.bytes_per_second",
    "progress.done_bytes",
    "progress.eta_known",
    "progress.parts_done",
    "progress.parts_total",
    "progress.phase",
    "progress.resumed_bytes",
    "progress.retries",
    "progress.sent_bytes",
    "progress.total_bytes",
];
pub const ERROR: [&str; 8] =
    ["ec", "http_status", "message", "os_errno", "part_number", "request_id", "retryable", "service_code"];
/// The fields of an event, as they are told, apart from its request id.
pub const EVENT: [&str; 14] = [
    "kind",
    "upload",
    "object_key",
    "operation",
    "part_number",
    "attempt",
    "http_status",
    "service_code",
    "bytes",
    "concurrency",
    "dropped",
    "at_ms",
    "elapsed_ms",
    "message",
];
/// What no output may hold.
const SECRETS: [&str; 2] = [SECRET, "token-secret"];

pub struct Runner<'a> {
    pub table: &'a Table,
    pub language: Language,
}

/// What a scenario is played on.
pub struct Stage<'a> {
    runner: &'a Runner<'a>,
    pub scenario: &'a Scenario,
    pub executor: &'a mut Executor,
    pub server: Server,
    relay: Relay,
    proxy: Option<Proxy>,
    dir: tempfile::TempDir,
    full: Option<FullListener>,
    gate: Option<Gate>,
    file: PathBuf,
    /// The options of the upload that runs, or ran.
    options: Options,
    /// The ids of requests whose log has been forgotten.
    forgotten: BTreeSet<String>,
    /// What shared uploads have given so far.
    pub tokens: Vec<String>,
    pub fragments: Vec<String>,
}

impl Runner<'_> {
    /// Plays `scenario`; what is wrong is a panic.
    pub fn play(&self, scenario: &Scenario, executor: &mut Executor) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ca_file = dir.path().join("ca.pem");
        let server = server_with(|config| {
            let wanted = &scenario.server;
            config.policy = wanted.policy;
            config.quirks = wanted.quirks;
            config.versioned = wanted.versioned;
            config.tls = wanted.tls;
            config.ca_file = wanted.tls.then(|| ca_file.clone());
            config.allow_anonymous = wanted.anonymous;
            config.clock_offset = wanted.clock_offset;
            config.domain = wanted.domain.clone();
            config.cname = wanted.cname.iter().map(|host| (host.clone(), BUCKET.into())).collect();
            let tokens = wanted.tokens.iter().map(|[id, secret, token]| AccessKey::with_token(id, secret, token));
            config.access_keys.extend(tokens);
        });
        let home = dir.path().join("work");
        fs::create_dir_all(home.join("checkpoints")).expect("a directory for checkpoints");
        let relay = Relay::start(server.port());
        let login = scenario.server.proxy.as_deref().filter(|login| login.contains(':'));
        let proxy = scenario.server.proxy.is_some().then(|| Proxy::start(server.port(), login));
        let file = make_file(&home, &scenario.file);
        let mut stage = Stage {
            runner: self,
            scenario,
            executor,
            server,
            relay,
            proxy,
            dir,
            full: scenario.mentions("{full}").then(FullListener::start),
            gate: None,
            file,
            options: Options::new(),
            forgotten: BTreeSet::new(),
            tokens: Vec::new(),
            fragments: Vec::new(),
        };
        stage.make_tree();
        stage.faults(&scenario.faults);
        stage.play();
    }
}

fn make_file(home: &Path, wanted: &LocalFile) -> PathBuf {
    let name: Vec<u8> = percent_decode_str(&wanted.name).collect();
    let path = home.join(OsString::from_vec(name));
    match wanted.special {
        None => fs::write(&path, content(wanted.size, wanted.seed)).expect("the file is written"),
        Some(Special::Missing) => (),
        Some(Special::Directory) => fs::create_dir(&path).expect("a directory in place of the file"),
        Some(Special::Sparse) => {
            let file = File::create(&path).expect("the file is made");
            file.set_len(wanted.size as u64).expect("the file is large");
        }
    }
    path
}

impl Stage<'_> {
    fn play(&mut self) {
        if !matches!(self.scenario.steps.first(), Some(Step::Client { .. })) {
            let order = self.client_order(&Options::new());
            let response = self.executor.ask(order);
            assert_eq!(response.get("status"), "OSS_OK", "{response:?}");
        }
        for (number, step) in self.scenario.steps.iter().enumerate() {
            let step_name = format!("step {}", number + 1);
            guarded(&step_name, || self.step(step));
        }
        self.executor.ask(Order::new("end"));
        guarded("finally", || self.finally(&self.scenario.finally));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Client { options, expect } => {
                let order = self.client_order(options);
                self.short(order, expect);
            }
            Step::SetCredentials { key, expect } => {
                let names = ["access_key_id", "access_key_secret", "security_token"];
                let order = Order::new("set_credentials");
                self.short(names.iter().zip(key).fold(order, |order, (name, value)| order.with(name, value)), expect);
            }
            Step::UploadFile { options, stop, expect } => {
                let mut order = self.upload_order("upload_file", options);
                if let Some(stop) = stop {
                    let how = match stop.how {
                        HowToStop::Pause => "pause",
                        HowToStop::Cancel => "cancel",
                        HowToStop::Throw => "throw",
                    };
                    order = order.with("stop", how).with("at_parts", stop.at_parts.to_string());
                }
                let response = self.executor.ask(order);
                self.ended(&response, expect);
            }
            Step::UploadMemory { options, expect } => {
                let order = self.content_order("upload_memory", options);
                let response = self.executor.ask(order);
                self.ended(&response, expect);
            }
            Step::Stream { options, piece, take, finish, expect } => {
                let mut order = self.content_order("stream", options).with("piece", piece.to_string());
                if let Some(take) = take {
                    order = order.with("take", take.to_string());
                }
                let end = match finish {
                    StreamEnd::Finish => "finish",
                    StreamEnd::Abort => "abort",
                    StreamEnd::Free => "free",
                };
                let order = order.with("finish", end);
                let response = self.executor.ask(order);
                // What failed before the end has no result.
                if response.all("result.size").is_empty() {
                    self.check_error(&response);
                    return self.check(&response, expect);
                }
                self.ended(&response, expect);
            }
            Step::Shared { call, options, token, damaged, parts, fragments, expect } => {
                let order = self.upload_order("shared", options);
                let texts = SharedTexts { token: *token, damaged: *damaged, fragments: fragments.as_deref() };
                self.shared(order, *call, &texts, *parts, expect);
            }
            Step::Batch { options, pairs, stop, expect, outcomes } => {
                self.batch(options, pairs, stop.as_ref(), expect, outcomes);
            }
            Step::MergeManifests { out, manifests, expect } => {
                let order = Order::new("merge_manifests").with("out", self.fill_in(out));
                let order = manifests.iter().fold(order, |order, path| order.with("manifest", self.fill_in(path)));
                self.short(order, expect);
            }
            Step::Write { path, content } => self.write(path, content),
            Step::Remove { path } => fs::remove_file(self.work().join(path)).expect("the file is removed"),
            Step::Start { options, expect } => {
                let order = self.upload_order("start", options);
                self.short(order, expect);
            }
            Step::Wait { expect } => {
                let response = self.executor.ask(Order::new("wait").with("timeout_ms", "60000"));
                self.ended(&response, expect);
            }
            Step::Until { expect } => self.until(expect),
            Step::Pause {} => drop(self.executor.ask(Order::new("pause"))),
            Step::Cancel {} => drop(self.executor.ask(Order::new("cancel"))),
            Step::Free {} => drop(self.executor.ask(Order::new("free"))),
            Step::Events { expect } => self.events(expect),
            Step::Hold { request, response } => {
                let request = request.as_ref().map(|kind| self.relay.hold_request(kind));
                self.gate = request.or(response.as_ref().map(|kind| self.relay.hold_response(kind)));
            }
            Step::Reached {} => self.gate.as_ref().expect("something is held").reached(),
            Step::Release {} => self.gate.take().expect("something is held").release(),
            Step::Cut {} => self.gate.take().expect("something is held").cut(),
            Step::ChangeFile { how: FileChange::Move } => {
                let there = self.file.with_file_name("moved.bin");
                fs::rename(&self.file, &there).expect("the file is moved");
                self.file = there;
            }
            Step::ChangeFile { how } => change_file(&self.file, *how),
            Step::DamageCheckpoint { line } => damage(&self.checkpoint(), *line),
            Step::Faults { rules } => self.faults(rules),
        }
    }

    /// The folder of the source, which options call {dir}.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn checkpoint(&self) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(".cp");
        name.into()
    }

    /// Counts begin anew.
    fn faults(&mut self, rules: &Value) {
        let rules = if rules.is_null() { json!([]) } else { rules.clone() };
        crate::common::faults(&self.server, &rules.to_string());
        self.forgotten = self.request_ids();
        self.server.clear_log();
    }

    /// Of all requests so far.
    pub fn request_ids(&self) -> BTreeSet<String> {
        let ids = self.server.log().into_iter().map(|entry| entry.request_id);
        ids.chain(self.forgotten.iter().cloned()).collect()
    }

    fn client_order(&self, options: &Options) -> Order {
        let mut all = Options::from([
            ("endpoint".to_owned(), json!(if self.server.ca_pem().is_some() { "{server}" } else { "{relay}" })),
            ("region".to_owned(), json!("cn-hangzhou")),
            ("access_key_id".to_owned(), json!(ID)),
            ("access_key_secret".to_owned(), json!(SECRET)),
            ("connect_timeout_ms".to_owned(), json!(10_000)),
            ("stall_timeout_ms".to_owned(), json!(20_000)),
            ("max_attempts".to_owned(), json!(3)),
        ]);
        all.extend(self.scenario.client.clone());
        all.extend(options.clone());
        self.with_options(Order::new("client"), &all)
    }

    fn upload_order(&mut self, word: &str, options: &Options) -> Order {
        let mut all = Options::from([
            ("bucket".to_owned(), json!(BUCKET)),
            ("object_key".to_owned(), json!("key")),
            ("file_path".to_owned(), json!("{file}")),
        ]);
        all.extend(self.scenario.upload.clone());
        all.extend(options.clone());
        self.options = all.clone();
        self.with_options(Order::new(word), &all)
    }

    /// The content of the file, without the file.
    fn content_order(&mut self, word: &str, options: &Options) -> Order {
        let mut options = options.clone();
        options.entry("file_path".to_owned()).or_insert(Value::Null);
        let content = self.file.clone();
        self.upload_order(word, &options).with("content", content.as_os_str().as_bytes())
    }

    pub fn with_options(&self, mut order: Order, options: &Options) -> Order {
        for (name, value) in options {
            order = match value {
                Value::Null => order,
                Value::Bool(on) => order.with(name, u32::from(*on).to_string()),
                Value::String(text) if text == "{file}" => order.with(name, self.file.as_os_str().as_bytes()),
                Value::String(text) => order.with(name, self.fill_in(text)),
                Value::Object(pairs) => pairs.iter().fold(order, |order, (key, value)| {
                    let value = self.fill_in(value.as_str().expect("the value of a header is a text"));
                    let kind = if name == "metadata" { "metadata" } else { "header" };
                    order.with(kind, format!("{key}:{value}"))
                }),
                number => order.with(name, number.to_string()),
            };
        }
        order
    }

    /// Puts in what is different each time.
    pub fn fill_in(&self, text: &str) -> String {
        let proxy = self.proxy.as_ref().map(|proxy| proxy.address().to_string()).unwrap_or_default();
        let callback = |status| if text.contains("{callback") { callback(status) } else { String::new() };
        let dir = self.dir.path().to_str().expect("temporary paths are UTF-8");
        text.replace("{relay}", &self.relay.endpoint())
            .replace("{server}", &self.server.endpoint())
            .replace("{proxy}", &proxy)
            .replace("{nobody}", &nobody())
            .replace("{full}", &self.full.as_ref().map(FullListener::address).unwrap_or_default())
            .replace("{ca_file}", &format!("{dir}/ca.pem"))
            .replace("{dir}", &format!("{dir}/work"))
            .replace("{callback that succeeds}", &callback("200 OK"))
            .replace("{callback that fails}", &callback("500 No"))
    }

    /// A call that does not wait for the end of an upload.
    fn short(&mut self, order: Order, expect: &Expected) {
        let response = self.executor.ask(order);
        self.check_error(&response);
        self.check(&response, expect);
    }

    fn until(&mut self, expect: &Expected) {
        wait_until(&format!("{expect:?}"), || {
            let response = self.executor.ask(Order::new("wait").with("timeout_ms", "5"));
            PROGRESS.iter().for_each(|name| _ = response.get(name));
            expect.iter().all(|(name, value)| told(response.all(name), value))
        });
    }

    /// What is said of an upload that has ended.
    pub fn ended(&self, response: &Response, expect: &Expected) {
        let status = response.get("status");
        self.check_error(response);
        // Options that are refused end it before it begins.
        if response.all("result.size").is_empty()
            && ["OSS_INVALID_ARGUMENT", "OSS_UNSUPPORTED", "THROWN"].contains(&status)
        {
            return self.check(response, expect);
        }
        let names: BTreeSet<_> = response.names().filter(|name| name.starts_with("result.")).collect();
        assert_eq!(names, BTreeSet::from(RESULT), "the fields of a result");
        PROGRESS.iter().for_each(|name| _ = response.get(name));
        if !response.all("progress.runs_forward").is_empty() {
            assert_eq!(response.get("progress.runs_forward"), "1", "progress ran backwards");
            assert!(
                response.all("progress.phases").contains(&"ended".to_owned()),
                "the end was not reported: {response:?}"
            );
        }
        assert_eq!(response.get("progress.phase"), "ended");
        assert!(!response.all("progress.phases").contains(&"unknown".to_owned()), "a phase has no name");
        if ["OSS_OK", "OSS_CALLBACK_FAILED"].contains(&status) {
            self.check_stored(response);
        }
        if !expect.contains_key("result.restart_reason") {
            assert_eq!(response.get("result.restart_reason"), "");
        }
        assert_eq!(response.number("result.bytes_sent"), response.number("progress.sent_bytes"));
        assert_eq!(response.number("result.bytes_resumed"), response.number("progress.resumed_bytes"));
        self.check(response, expect);
    }

    /// The result and the last progress agree with what the server knows.
    fn check_stored(&self, response: &Response) {
        let key = self.options["object_key"].as_str().expect("a key");
        let object = self.server.object(BUCKET, key).unwrap_or_else(|| panic!("{key} is not there"));
        assert_eq!(response.number("result.size"), object.size, "result.size");
        assert_eq!(response.number("result.crc64"), object.crc64, "result.crc64");
        assert_eq!(response.get("result.etag"), object.etag, "result.etag");
        assert_eq!(response.get("result.version_id"), object.version_id.unwrap_or_default(), "result.version_id");
        assert_eq!(response.number("result.parts"), u64::from(object.parts.max(1)), "result.parts");
        assert_eq!(response.number("progress.total_bytes"), object.size, "progress.total_bytes");
        assert_eq!(response.number("progress.done_bytes"), object.size, "progress.done_bytes");
        assert_eq!(response.number("progress.parts_total"), response.number("result.parts"), "progress.parts_total");
        assert_eq!(response.number("progress.parts_done"), response.number("result.parts"), "progress.parts_done");
        let log = self.server.log();
        let uploads: BTreeSet<_> = log.iter().filter_map(|entry| entry.upload_id.as_deref()).collect();
        let upload_id = response.get("result.upload_id");
        assert_eq!(upload_id.is_empty(), object.parts == 0, "result.upload_id is {upload_id:?}");
        assert!(upload_id.is_empty() || uploads.contains(upload_id), "result.upload_id is {upload_id}");
        let request_id = response.get("result.request_id");
        assert!(log.iter().any(|entry| entry.request_id == request_id), "result.request_id is {request_id:?}");
        let sent = response.number("result.bytes_sent") + response.number("result.bytes_resumed");
        assert!(sent >= object.size, "sent {sent} of {} bytes", object.size);
        assert!(response.number("result.attempts") >= 1);
        assert!(response.number("result.part_size") >= PART.min(object.size), "result.part_size");
        response.number("result.elapsed_ms");
    }

    /// An error is whole, is the natural one of its language, and holds no secret; there is none at success.
    pub fn check_error(&self, response: &Response) {
        let status = response.get("status");
        if ["OSS_OK", "OSS_PENDING", "THROWN"].contains(&status) {
            assert!(ERROR.iter().all(|name| response.all(name).is_empty()), "an error at {status}: {response:?}");
            return;
        }
        ERROR.iter().for_each(|name| _ = response.get(name));
        let text = format!("{response:?}");
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "a secret in {text}");
        let message = response.get("message");
        assert!(!message.is_empty() && !message.contains('\n'), "the message is {message:?}");
        let request_id = response.get("request_id");
        let known = self.request_ids();
        assert!(request_id.is_empty() || known.contains(request_id), "no request had the id {request_id}");
        let raised: BTreeSet<_> = response.all("raised").iter().map(String::as_str).collect();
        let errors = &self.runner.table.errors;
        let natural = |status: &str| {
            &errors.get(status).unwrap_or_else(|| panic!("{status} is in no row"))[&self.runner.language]
        };
        for name in natural(status) {
            assert!(raised.contains(name.as_str()), "{status} should be {name}, is {raised:?}");
        }
        for (other, _) in errors.iter().filter(|(other, _)| *other != status) {
            // The first name stands for this status alone.
            assert!(!raised.contains(natural(other)[0].as_str()), "{status} is taken for {other}: {raised:?}");
        }
        let errno = response.get("os_errno").parse().expect("an errno");
        let also = self.runner.table.errnos.get(&errno).and_then(|names| names.get(&self.runner.language));
        if let ("OSS_IO", Some(also)) = (status, also) {
            also.iter()
                .for_each(|name| assert!(raised.contains(name.as_str()), "{status} should be {name}: {raised:?}"));
        }
    }

    pub fn check(&self, response: &Response, expect: &Expected) {
        for (name, value) in expect {
            let ok = match name.as_str() {
                // C has no exceptions, and in Rust they are for defects only: their callbacks pause instead.
                "status"
                    if *value == json!("THROWN") && matches!(self.runner.language, Language::C | Language::Rust) =>
                {
                    response.get(name) == "OSS_PAUSED"
                }
                "names" => self.names(response.get("message"), value.as_str().expect("the name of an option")),
                _ => told(response.all(name), value),
            };
            assert!(ok, "{name} should be {value}, is {:?} in {response:?}", response.all(name));
        }
    }

    /// The message names the option, as it is spelt in its language.
    fn names(&self, message: &str, option: &str) -> bool {
        let plain = |text: &str| text.to_lowercase().replace('_', "");
        let also = self.runner.table.names.get(option).cloned().unwrap_or_default();
        also.iter().chain([&option.to_owned()]).any(|name| plain(message).contains(&plain(name)))
    }

    fn events(&mut self, expect: &[Expected]) {
        let response = self.executor.ask(Order::new("events"));
        let heard: Vec<Response> = response.all("event").iter().map(|event| event_of(event)).collect();
        for event in &heard {
            let part = event.number("part_number");
            assert_eq!(
                event.get("kind").starts_with("part"),
                part > 0 && event.get("operation").is_empty(),
                "{event:?}"
            );
            assert_ne!(event.get("kind"), "unknown", "{event:?}");
            assert!(event.number("at_ms") < HOUR && event.number("elapsed_ms") < HOUR, "{event:?}");
        }
        let known = self.request_ids();
        for id in response.all("event.request_id").iter().filter(|id| !id.is_empty()) {
            assert!(known.contains(id.as_str()), "no request had the id {id}");
        }
        let mut rest = heard.iter();
        for wanted in expect {
            let found = rest.any(|event| wanted.iter().all(|(name, value)| told(event.all(name), value)));
            assert!(found, "{wanted:?} does not come, in this order, in {heard:?}");
        }
    }

    fn finally(&self, wanted: &Finally) {
        wait_until("the server has heard the end", || self.server.uploads(BUCKET).len() == wanted.open_uploads);
        self.check_object(wanted);
        if let Some(keys) = &wanted.keys {
            let keys: BTreeSet<_> = keys.iter().map(|key| self.fill_in(key)).collect();
            assert_eq!(self.server.objects(BUCKET).into_iter().collect::<BTreeSet<_>>(), keys, "the keys");
        }
        let log = self.server.log();
        let of = |operation: &str| -> Vec<&LogEntry> {
            log.iter().filter(|entry| operation == "*" || entry.operation == operation).collect()
        };
        for (operation, count) in &wanted.requests {
            assert_eq!(of(operation).len(), *count, "requests of {operation}: {:#?}", of(operation));
        }
        for (operation, headers) in &wanted.request_headers {
            let entries = of(operation);
            assert!(!entries.is_empty(), "no {operation} came");
            entries.iter().for_each(|entry| self.check_headers(&entry.headers, headers));
        }
        if let Some(signature) = &wanted.signature {
            assert!(log.iter().all(|entry| entry.signature == *signature), "signed with {:?}", log[0].signature);
        }
        if wanted.each_part_once {
            let mut stored = BTreeMap::new();
            for entry in of("UploadPart").iter().filter(|entry| entry.stored) {
                *stored.entry(entry.part_number).or_insert(0) += 1;
            }
            assert!(!stored.is_empty() && stored.values().all(|times| *times == 1), "stored: {stored:?}");
        }
        assert_eq!(self.left(), wanted.left, "files that are left");
    }

    fn check_object(&self, wanted: &Finally) {
        let key = self.options.get("object_key").and_then(Value::as_str).unwrap_or("key");
        let object = self.server.object(BUCKET, key);
        let bytes = object.as_ref().map(|object| object.bytes.to_vec());
        let now = || fs::read(&self.file).expect("the file is read");
        // Not assert_eq: nobody wants to see the bytes.
        match wanted.object {
            Object::Absent => assert!(bytes.is_none(), "the object is there"),
            Object::File => assert!(bytes == Some(now()), "the object is not the file"),
            Object::Theirs => assert!(bytes.as_deref() == Some(b"theirs"), "the object is not theirs"),
            Object::Stale => assert!(bytes.is_some() && bytes != Some(now()), "the object is the file"),
        }
        let Some(object) = object else { return };
        self.check_headers(&object.headers, &wanted.headers);
        if let Some(parts) = wanted.parts {
            assert_eq!(object.parts, parts, "parts of the object");
        }
    }

    fn check_headers(&self, headers: &BTreeMap<String, String>, wanted: &BTreeMap<String, Value>) {
        for (name, value) in wanted {
            let is = headers.get(name).cloned();
            let ok = match value {
                Value::Null => is.is_none(),
                value => is.as_ref().is_some_and(|is| told(std::slice::from_ref(is), value)),
            };
            assert!(ok, "{name} should be {value}, is {is:?}");
        }
    }

    /// The files beside the source, in directories too.
    fn left(&self) -> BTreeSet<String> {
        let work = self.work();
        let mut found = BTreeSet::new();
        for directory in [work.clone(), work.join("checkpoints")] {
            for entry in fs::read_dir(directory).expect("the directory is read").map(|entry| entry.expect("an entry")) {
                let path = entry.path();
                if path != self.file && path.is_file() {
                    found.insert(path.strip_prefix(&work).expect("below it").to_string_lossy().into_owned());
                }
            }
        }
        found
    }
}

/// Says where a panic comes from.
fn guarded(place: &str, act: impl FnOnce()) {
    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)) {
        panic!("{place}: {}", crate::words_of(&*panic));
    }
}

/// Whether what was told is this: equal, or as an object says: {"has": …}, {"starts": …}, {"is_there": …}, {"at_least": …},
/// {"at_most": …}.
pub fn told(values: &[String], wanted: &Value) -> bool {
    if let Value::Array(all) = wanted {
        return all.iter().all(|wanted| values.iter().any(|value| told(std::slice::from_ref(value), wanted)));
    }
    let [value] = values else { return false };
    match wanted {
        Value::String(text) => value == text,
        Value::Bool(on) => *value == u32::from(*on).to_string(),
        Value::Number(number) => *value == number.to_string(),
        Value::Object(condition) => condition.iter().all(|(how, operand)| match (how.as_str(), operand) {
            ("has", Value::String(words)) => value.to_lowercase().contains(&words.to_lowercase()),
            ("starts", Value::String(words)) => value.starts_with(words.as_str()),
            ("is_there", Value::Bool(there)) => value.is_empty() != *there,
            ("at_least", Value::Number(least)) => value.parse::<u64>().ok() >= least.as_u64(),
            ("at_most", Value::Number(most)) => value.parse::<u64>().is_ok_and(|value| Some(value) <= most.as_u64()),
            _ => panic!("{wanted} is no condition"),
        }),
        _ => panic!("{wanted} is no condition"),
    }
}

fn event_of(text: &str) -> Response {
    let fields: Vec<_> = text.splitn(EVENT.len(), '|').collect();
    assert_eq!(fields.len(), EVENT.len(), "the fields of an event: {text}");
    Response::of(EVENT.iter().copied().zip(fields))
}

const HOUR: u64 = 3_600_000;

/// A file that was changed longer ago is not read again for that alone.
const NOT_YOUNG: Duration = Duration::from_millis(50);

fn change_file(path: &Path, how: FileChange) {
    let metadata = fs::metadata(path).expect("the file is there");
    let size = metadata.len() as usize;
    thread::sleep(NOT_YOUNG);
    let file = File::options().write(true).open(path).expect("the file is opened");
    match how {
        FileChange::Rewrite => file.write_all_at(&content(size, 77), 0).expect("the file is written"),
        FileChange::Append => file.write_all_at(&content(1000, 77), size as u64).expect("the file grows"),
        FileChange::Truncate => file.set_len(size as u64 / 2).expect("the file shrinks"),
        FileChange::Move => panic!("a move changes no content"),
        FileChange::Unseen => {
            file.write_all_at(&content(size, 77), 0).expect("the file is written");
            let modified = metadata.modified().expect("its time");
            file.set_modified(modified).expect("its time is put back");
        }
    }
}

fn damage(checkpoint: &Path, line: usize) {
    let text = fs::read_to_string(checkpoint).expect("the checkpoint is read");
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines[line].replace_range(3..4, "x");
    fs::write(checkpoint, lines.concat()).expect("the checkpoint is written");
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").to_string()
}

/// A listener that takes no further connection: its queue is full.
struct FullListener {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl FullListener {
    fn start() -> FullListener {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        rustix::net::listen(&listener, 0).expect("a short queue");
        let address = listener.local_addr().expect("its address");
        let queued = std::iter::from_fn(|| TcpStream::connect_timeout(&address, NOT_YOUNG).ok()).collect();
        FullListener { listener, _queued: queued }
    }

    fn address(&self) -> String {
        self.listener.local_addr().expect("its address").to_string()
    }
}
