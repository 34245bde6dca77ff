//! Steps about many files: the folder they are in, the batch, and whether what it tells is so.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::common::{BUCKET, content};
use crate::executor::{Order, Response};
use crate::runner::{Stage, told};
use crate::table::{BatchStop, Expected, HowToStop, Options, TreeEntry, TreeSpecial};

/// What each batch that has ended tells, in every language.
pub const RESULT: [&str; 11] = [
    "batch.bytes_sent",
    "batch.bytes_stored",
    "batch.elapsed_ms",
    "batch.files_failed",
    "batch.files_planned",
    "batch.files_resumed",
    "batch.files_skipped",
    "batch.files_stored",
    "batch.files_unchanged",
    "batch.manifest_lines_damaged",
    "batch.requests",
];
pub const PROGRESS: [&str; 19] = [
    "batch_progress.bytes_done",
    "batch_progress.bytes_found",
    "batch_progress.bytes_per_second",
    "batch_progress.bytes_sent",
    "batch_progress.current_done",
    "batch_progress.current_path",
    "batch_progress.current_size",
    "batch_progress.ended",
    "batch_progress.eta_known",
    "batch_progress.files_failed",
    "batch_progress.files_found",
    "batch_progress.files_per_second",
    "batch_progress.files_resumed",
    "batch_progress.files_skipped",
    "batch_progress.files_stored",
    "batch_progress.files_unchanged",
    "batch_progress.requests",
    "batch_progress.retries",
    "batch_progress.totals_known",
];
/// The fields of an outcome, as they are told. The error is its status, a colon and its message, or nothing.
pub const OUTCOME: [&str; 12] = [
    "status",
    "resumed",
    "size",
    "crc64",
    "attempts",
    "key",
    "etag",
    "version_id",
    "request_id",
    "path",
    "rule",
    "error",
];

impl Stage<'_> {
    pub fn make_tree(&self) {
        for (path, entry) in &self.scenario.tree {
            self.write(&format!("tree/{path}"), entry);
        }
    }

    /// Makes what a step or the folder names, with another content than any before.
    pub fn write(&self, path: &str, entry: &TreeEntry) {
        let seed: u64 = path.bytes().map(u64::from).sum();
        let path = self.work().join(decoded(path));
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        match entry {
            TreeEntry::Size(size) => {
                let seed = seed + if path.exists() { 1000 } else { 0 };
                fs::write(&path, content(*size, seed)).expect("the file is written");
            }
            TreeEntry::Text(text) => fs::write(&path, self.fill_in(text)).expect("the file is written"),
            TreeEntry::Special(TreeSpecial::Link(target)) => symlink(target, &path).expect("the link is made"),
            TreeEntry::Special(TreeSpecial::Folder {}) => fs::create_dir(&path).expect("the folder is made"),
        }
    }

    pub fn batch(
        &mut self,
        options: &Options,
        pairs: &[(String, Option<String>)],
        stop: Option<&BatchStop>,
        expect: &Expected,
        outcomes: &BTreeMap<String, Expected>,
    ) {
        let mut all = Options::from([
            ("bucket".to_owned(), json!(BUCKET)),
            ("key_prefix".to_owned(), json!("p/")),
            ("outcomes".to_owned(), json!(true)),
        ]);
        if pairs.is_empty() {
            all.insert("directory".to_owned(), json!("{dir}/tree"));
        }
        all.extend(options.clone());
        let mut order = self.with_options(Order::new("batch"), &all);
        for (path, key) in pairs {
            let path = self.fill_in(path);
            order = order.with("pair", key.as_ref().map_or(path.clone(), |key| format!("{path}\t{key}")));
        }
        if let Some(BatchStop { how, at_outcomes }) = stop {
            let how = if *how == HowToStop::Cancel { "cancel" } else { "pause" };
            order = order.with("stop", how).with("at_outcomes", at_outcomes.to_string());
        }
        let response = self.executor.ask(order);
        self.batch_ended(&response, expect, outcomes);
    }

    fn batch_ended(&self, response: &Response, expect: &Expected, wanted: &BTreeMap<String, Expected>) {
        self.check_error(response);
        self.check(response, expect);
        // Options that are refused end it before it begins.
        if response.names().all(|name| !name.starts_with("batch.")) {
            assert_eq!(response.get("status"), "OSS_INVALID_ARGUMENT");
            return;
        }
        for fields in [RESULT.as_slice(), PROGRESS.as_slice()] {
            let prefix = fields[0].split_once('.').expect("a prefix").0;
            let names: BTreeSet<_> =
                response.names().filter(|name| name.split_once('.').is_some_and(|(of, _)| of == prefix)).collect();
            assert_eq!(names, fields.iter().copied().collect(), "the fields of {prefix}");
        }
        assert_eq!(response.get("batch_progress.ended"), "1");
        for count in ["files_stored", "files_resumed", "files_unchanged", "files_skipped", "files_failed", "bytes_sent"]
        {
            let [result, progress] = ["batch", "batch_progress"].map(|of| response.number(&format!("{of}.{count}")));
            assert_eq!(result, progress, "{count} of the result, and of the last progress");
        }
        let outcomes: Vec<Response> = response.all("outcome").iter().map(|outcome| outcome_of(outcome)).collect();
        outcomes.iter().for_each(|outcome| self.check_outcome(outcome));
        if !outcomes.is_empty() {
            for status in ["stored", "unchanged", "skipped", "failed", "planned"] {
                let count = outcomes.iter().filter(|outcome| outcome.get("status") == status).count();
                assert_eq!(
                    response.number(&format!("batch.files_{status}")),
                    count as u64,
                    "outcomes that are {status}"
                );
            }
        }
        if !wanted.is_empty() {
            let filled = |value: &Value| value.as_str().map_or(value.clone(), |text| json!(self.fill_in(text)));
            let wanted = wanted.iter().map(|(path, expect)| {
                let expect = expect.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
                (self.fill_in(path), expect)
            });
            check_outcomes(&outcomes, &wanted.collect());
        }
    }

    /// What is told of a file that is stored is so on the server, and is the file.
    fn check_outcome(&self, outcome: &Response) {
        let error = outcome.get("error");
        assert_eq!(outcome.get("status") == "failed", !error.is_empty(), "{outcome:?}");
        assert_eq!(outcome.get("status") == "skipped", !outcome.get("rule").is_empty(), "{outcome:?}");
        if !["stored", "unchanged"].contains(&outcome.get("status")) {
            return;
        }
        let key = outcome.get("key");
        let object = self.server.object(BUCKET, key).unwrap_or_else(|| panic!("{key} is not there"));
        assert_eq!(outcome.number("size"), object.size, "the size of {key}");
        assert_eq!(outcome.number("crc64"), object.crc64, "the CRC-64 of {key}");
        assert_eq!(outcome.get("etag"), object.etag, "the ETag of {key}");
        assert_eq!(outcome.get("version_id"), object.version_id.unwrap_or_default(), "the version of {key}");
        let path = self.work().join("tree").join(outcome.get("path"));
        // A name that is not UTF-8 is not told as it is; an empty folder is an empty object.
        if path.is_file() {
            assert!(fs::read(&path).expect("the file is read") == object.bytes.to_vec(), "{key} is not its file");
        }
        let request_id = outcome.get("request_id");
        let is_new = outcome.get("status") == "stored" && outcome.get("resumed") == "0";
        assert_eq!(is_new, self.request_ids().contains(request_id), "the request of {key}: {request_id:?}");
        assert!(!is_new || outcome.number("attempts") > 0, "{outcome:?}");
    }
}

fn check_outcomes(outcomes: &[Response], wanted: &BTreeMap<String, Expected>) {
    let by_path: BTreeMap<_, _> = outcomes.iter().map(|outcome| (outcome.get("path").to_owned(), outcome)).collect();
    assert_eq!(by_path.len(), outcomes.len(), "a path comes twice");
    assert_eq!(by_path.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "the paths of outcomes");
    for (path, expect) in wanted {
        for (name, value) in expect {
            let is = by_path[path].all(name);
            assert!(told(is, value), "{path}: {name} should be {value}, is {is:?}");
        }
    }
}

fn outcome_of(text: &str) -> Response {
    let fields: Vec<_> = text.splitn(OUTCOME.len(), '|').collect();
    assert_eq!(fields.len(), OUTCOME.len(), "the fields of an outcome: {text}");
    Response::of(OUTCOME.iter().copied().zip(fields))
}

fn decoded(path: &str) -> PathBuf {
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    Path::new(&OsString::from_vec(bytes)).to_owned()
}
