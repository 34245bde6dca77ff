//! The table as it stands in scenarios.json. What is misspelt there does not parse.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use oss_server::{Policy, Quirks};
use serde::Deserialize;
use serde_json::Value;

use crate::languages::Language;
use crate::toolchain::root;

/// Names and values; a value that is null takes a default away.
pub type Options = BTreeMap<String, Value>;
/// What must come out, by the name of the output.
pub type Expected = BTreeMap<String, Value>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Each status, and what each language makes of it.
    pub errors: BTreeMap<String, BTreeMap<Language, Vec<String>>>,
    /// What some languages make of the operating system's errors, beside that.
    pub errnos: BTreeMap<i32, BTreeMap<Language, Vec<String>>>,
    /// What an option is called where it is not called as in C.
    pub names: BTreeMap<String, Vec<String>>,
    /// Statuses, events and phases that no scenario can bring about, and why.
    pub unprovokable: BTreeMap<String, String>,
    pub scenarios: Vec<Scenario>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    #[serde(default)]
    pub server: ServerSide,
    #[serde(default)]
    pub faults: Value,
    #[serde(default)]
    pub file: LocalFile,
    /// The files of the folder `{dir}/tree`, by their percent-encoded paths.
    #[serde(default)]
    pub tree: BTreeMap<String, TreeEntry>,
    #[serde(default)]
    pub client: Options,
    #[serde(default)]
    pub upload: Options,
    pub steps: Vec<Step>,
    #[serde(default)]
    pub finally: Finally,
}

/// How the local OSS differs from its usual self.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSide {
    pub policy: Policy,
    pub quirks: Quirks,
    pub versioned: bool,
    pub tls: bool,
    pub anonymous: bool,
    pub clock_offset: i64,
    /// Temporary keys: id, secret and token.
    pub tokens: Vec<[String; 3]>,
    pub domain: Option<String>,
    pub cname: Option<String>,
    /// A proxy stands before it; "down": where nobody listens; else the login that it wants, or nothing.
    pub proxy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalFile {
    /// Percent-encoded: it may have any bytes.
    pub name: String,
    pub size: usize,
    pub seed: u64,
    pub special: Option<Special>,
}

impl Default for LocalFile {
    fn default() -> LocalFile {
        LocalFile { name: "source.bin".into(), size: 350_000, seed: 1, special: None }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Special {
    Missing,
    Directory,
    /// All of it is a hole: large, but not on the disk.
    Sparse,
}

/// Something in a folder.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum TreeEntry {
    /// A file of so many bytes.
    Size(usize),
    /// A file with this text.
    Text(String),
    Special(TreeSpecial),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum TreeSpecial {
    /// A symbolic link to this path.
    Link(String),
    /// A folder with nothing in it.
    Folder {},
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Makes a client in place of the one there was; the first step unless another does.
    Client {
        #[serde(default)]
        options: Options,
        expect: Expected,
    },
    SetCredentials {
        key: Vec<String>,
        #[serde(default = "ok")]
        expect: Expected,
    },
    UploadFile {
        #[serde(default)]
        options: Options,
        /// What the progress callback does once the server has so many parts.
        stop: Option<Stop>,
        expect: Expected,
    },
    /// Uploads the content of the file from memory.
    UploadMemory {
        #[serde(default)]
        options: Options,
        expect: Expected,
    },
    /// Writes the content of the file to a stream.
    Stream {
        #[serde(default)]
        options: Options,
        /// How many bytes each call writes; all when it is 0.
        #[serde(default)]
        piece: usize,
        /// Only so many bytes of it.
        take: Option<usize>,
        #[serde(default)]
        finish: StreamEnd,
        expect: Expected,
    },
    /// A step of a shared upload, to its end. What it gives is kept for the next ones.
    Shared {
        call: SharedCall,
        #[serde(default)]
        options: Options,
        /// Which token, of those that were given so far.
        #[serde(default)]
        token: usize,
        /// The token or the last fragment has a wrong character.
        damaged: Option<SharedText>,
        /// The first and the last part to send.
        #[serde(default)]
        parts: [u32; 2],
        /// Which fragments, of those that were given so far; all of them if this is left out.
        fragments: Option<Vec<usize>>,
        expect: Expected,
    },
    /// Uploads many files: those of the folder unless the options or the pairs say otherwise.
    Batch {
        #[serde(default)]
        options: Options,
        /// Paths and keys that are added; without a key, null.
        #[serde(default)]
        pairs: Vec<(String, Option<String>)>,
        /// What is done once so many outcomes were taken.
        stop: Option<BatchStop>,
        expect: Expected,
        /// All outcomes, by path, if any are named.
        #[serde(default)]
        outcomes: BTreeMap<String, Expected>,
    },
    /// Makes one manifest of those of all shards.
    MergeManifests {
        out: String,
        manifests: Vec<String>,
        expect: Expected,
    },
    /// Writes a file, whose path begins in `{dir}`, anew.
    Write {
        path: String,
        content: TreeEntry,
    },
    Remove {
        path: String,
    },
    Start {
        #[serde(default)]
        options: Options,
        #[serde(default = "ok")]
        expect: Expected,
    },
    /// Waits for the end.
    Wait {
        expect: Expected,
    },
    /// Looks again and again until this is so.
    Until {
        expect: Expected,
    },
    Pause {},
    Cancel {},
    /// Frees the upload that was started.
    Free {},
    /// Takes out all events that wait: these must be among them, in this order.
    Events {
        #[serde(default)]
        expect: Vec<Expected>,
    },
    /// The next request of this kind, or the response to it, is held on its way.
    Hold {
        request: Option<String>,
        response: Option<String>,
    },
    /// Waits until it is.
    Reached {},
    Release {},
    /// Its connection ends.
    Cut {},
    /// Changes the local file.
    ChangeFile {
        how: FileChange,
    },
    /// Changes one character of a line of the checkpoint beside the file.
    DamageCheckpoint {
        line: usize,
    },
    Faults {
        rules: Value,
    },
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum SharedCall {
    Begin,
    SendParts,
    Finish,
    Abort,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SharedText {
    Token,
    Fragment,
}

/// What options are of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Of {
    Client,
    Upload,
    Batch,
}

fn ok() -> Expected {
    [("status".to_owned(), Value::from("OSS_OK"))].into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    pub how: HowToStop,
    pub at_parts: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchStop {
    pub how: HowToStop,
    pub at_outcomes: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum HowToStop {
    Pause,
    Cancel,
    Throw,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum StreamEnd {
    #[default]
    Finish,
    /// It is aborted, and then finished all the same.
    Abort,
    /// It is freed, as when its process dies.
    Free,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// Other content of the same size.
    Rewrite,
    /// Some more bytes at the end.
    Append,
    /// Other content, with the time of modification put back.
    Unseen,
    /// Only the first half of it is left.
    Truncate,
    /// It has another name from now on.
    Move,
}

/// How things must be in the end.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Finally {
    pub object: Object,
    /// The keys of all objects.
    pub keys: Option<BTreeSet<String>>,
    /// Of the object; null: there is none.
    pub headers: BTreeMap<String, Value>,
    /// How many parts the object was made of; 0: PutObject.
    pub parts: Option<u32>,
    /// How many requests of each operation came since the fault script or the log was last replaced.
    pub requests: BTreeMap<String, usize>,
    /// Of every request of an operation: these headers, or null for none. "*" are all operations.
    pub request_headers: BTreeMap<String, BTreeMap<String, Value>>,
    pub signature: Option<String>,
    /// Uploads that are still open.
    pub open_uploads: usize,
    /// Each part was stored once.
    pub each_part_once: bool,
    /// The files that are left beside the source.
    pub left: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// It is the local file.
    File,
    #[default]
    Absent,
    /// It is what somebody else has written.
    Theirs,
    /// It is neither, and that is what was asked for.
    Stale,
}

impl Table {
    pub fn read() -> Table {
        let path = root().join("tests/scenarios/scenarios.json");
        let text = fs::read_to_string(&path).expect("the table is read");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Scenario {
    /// Every set of options, and what it is of.
    pub fn options(&self) -> impl Iterator<Item = (Of, &Options)> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Client { options, .. } => Some((Of::Client, options)),
            Step::Batch { options, .. } => Some((Of::Batch, options)),
            Step::UploadFile { options, .. }
            | Step::UploadMemory { options, .. }
            | Step::Stream { options, .. }
            | Step::Shared { options, .. }
            | Step::Start { options, .. } => Some((Of::Upload, options)),
            _ => None,
        });
        [(Of::Client, &self.client), (Of::Upload, &self.upload)].into_iter().chain(steps)
    }

    /// Whether an option has these words in it.
    pub fn mentions(&self, words: &str) -> bool {
        self.options()
            .any(|(_, options)| options.values().any(|value| value.as_str().is_some_and(|text| text.contains(words))))
    }

    pub fn events(&self) -> impl Iterator<Item = &Expected> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Events { expect } => Some(expect),
            _ => None,
        });
        steps.flatten()
    }

    pub fn outcomes(&self) -> impl Iterator<Item = &Expected> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Batch { outcomes, .. } => Some(outcomes),
            _ => None,
        });
        steps.flat_map(|outcomes| outcomes.values())
    }

    pub fn expectations(&self) -> impl Iterator<Item = &Expected> {
        self.steps.iter().filter_map(|step| match step {
            Step::Client { expect, .. }
            | Step::SetCredentials { expect, .. }
            | Step::UploadFile { expect, .. }
            | Step::UploadMemory { expect, .. }
            | Step::Stream { expect, .. }
            | Step::Shared { expect, .. }
            | Step::MergeManifests { expect, .. }
            | Step::Batch { expect, .. }
            | Step::Start { expect, .. }
            | Step::Wait { expect }
            | Step::Until { expect } => Some(expect),
            _ => None,
        })
    }
}
