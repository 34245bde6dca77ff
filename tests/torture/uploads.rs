//! The uploads that are tortured, whole: each from the client to its end.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use oss_server::Server;

use crate::common::proxy::Proxy;
use crate::common::{BUCKET, ID, PART, SECRET, content, faults, server_with};
use crate::executor::{Executor, Order, Response};
use crate::inject::CONTENT;
use crate::languages::Language;

pub const KEY: &str = "key";
const THREE_PARTS: usize = 3 * PART as usize - 500;

/// One upload.
#[derive(Clone, Copy, Debug)]
pub struct Upload {
    pub name: &'static str,
    pub language: Language,
    /// The order: `upload_file`, `upload_memory`, `stream`, `batch`.
    word: &'static str,
    size: usize,
    tls: bool,
    proxy: bool,
    /// Names and values, with {dir}.
    client: &'static [(&'static str, &'static str)],
    options: &'static [(&'static str, &'static str)],
    /// An earlier call has sent a part or two.
    resumes: bool,
    /// How it ends.
    pub status: &'static str,
}

const PLAIN: Upload = Upload {
    name: "a small file",
    language: Language::C,
    word: "upload_file",
    size: 30_000,
    tls: false,
    proxy: false,
    client: &[],
    options: &[],
    resumes: false,
    status: "OSS_OK",
};
const PARTS: Upload = Upload { name: "parts", size: THREE_PARTS, ..PLAIN };
const BATCH: Upload = Upload { name: "a batch", word: "batch", size: 5, ..PLAIN };
const STREAM: Upload = Upload { name: "a stream", word: "stream", size: THREE_PARTS, ..PLAIN };

/// So slow that it can be stopped half way.
const SLOW: &[(&str, &str)] = &[("max_bytes_per_second", "1000000")];

pub const UPLOADS: &[Upload] = &[
    PLAIN,
    Upload { name: "an empty file", size: 0, ..PLAIN },
    PARTS,
    Upload { name: "parts at a time", options: &[("routines", "3")], ..PARTS },
    Upload { name: "parts, the library chooses", options: &[("routines", "auto")], language: Language::Cpp, ..PARTS },
    Upload { name: "a checkpoint beside the file", options: &[("checkpoint", "1")], ..PARTS },
    Upload { name: "a checkpoint elsewhere", options: &[("checkpoint_path", "{dir}/elsewhere.cp")], ..PARTS },
    Upload { name: "a folder of checkpoints", options: &[("checkpoint_dir", "{dir}/checkpoints")], ..PARTS },
    Upload { name: "a resume", options: &[("checkpoint", "1")], resumes: true, ..PARTS },
    Upload {
        name: "a resume that reads all again",
        options: &[("checkpoint", "1"), ("verify_resume", "always"), ("routines", "2")],
        resumes: true,
        ..PARTS
    },
    Upload { name: "MD5s and V1", client: &[("signature_version", "1")], options: &[("content_md5", "1")], ..PARTS },
    Upload { name: "credentials of a program", client: &[("credentials", "process:cat {dir}/key.json")], ..PARTS },
    Upload { name: "TLS", tls: true, options: &[("routines", "2")], ..PARTS },
    Upload { name: "a small file over TLS", tls: true, ..PLAIN },
    Upload { name: "a proxy", proxy: true, ..PARTS },
    Upload { name: "a tunnel through a proxy", proxy: true, tls: true, ..PLAIN },
    Upload { name: "a name", client: &[("endpoint", "{name}"), ("path_style", "1")], ..PLAIN },
    Upload {
        name: "a pause",
        client: SLOW,
        options: &[("checkpoint", "1"), ("stop", "pause"), ("at_parts", "1")],
        status: "OSS_PAUSED",
        size: 5 * PART as usize,
        ..PARTS
    },
    Upload {
        name: "a cancel",
        client: SLOW,
        options: &[("checkpoint", "1"), ("stop", "cancel"), ("at_parts", "1")],
        status: "OSS_CANCELLED",
        size: 5 * PART as usize,
        ..PARTS
    },
    Upload { name: "memory", word: "upload_memory", ..PARTS },
    STREAM,
    Upload { name: "a stream with a checkpoint", options: &[("checkpoint_path", "{dir}/elsewhere.cp")], ..STREAM },
    Upload { name: "a stream with a spool", options: &[("spool_dir", "{dir}"), ("spool_limit", "1000000")], ..STREAM },
    BATCH,
    Upload { name: "a batch with a manifest", options: &[("manifest_path", "{dir}/manifest")], ..BATCH },
    Upload {
        name: "a batch that goes on",
        options: &[("manifest_path", "{dir}/manifest"), ("mode", "changed")],
        resumes: true,
        ..BATCH
    },
    Upload { name: "Rust, a checkpoint", language: Language::Rust, options: &[("checkpoint", "1")], ..PARTS },
    Upload { name: "Python, a small file", language: Language::Python, ..PLAIN },
    Upload { name: "Python, a checkpoint", language: Language::Python, options: &[("checkpoint", "1")], ..PARTS },
    Upload { name: "Go, a checkpoint", language: Language::Go, options: &[("checkpoint", "1")], ..PARTS },
    Upload { name: "Go, a batch", language: Language::Go, options: &[("manifest_path", "{dir}/manifest")], ..BATCH },
];

/// Where one upload takes place.
pub struct Stage {
    upload: Upload,
    pub server: Server,
    proxy: Option<Proxy>,
    dir: tempfile::TempDir,
}

impl Stage {
    /// Everything is there that the upload needs; what an earlier call has left, too.
    pub fn prepare(upload: &Upload, executor: &mut Executor) -> Stage {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let server = server_with(|config| {
            config.tls = upload.tls;
            config.ca_file = upload.tls.then(|| dir.path().join("ca.pem"));
        });
        let proxy = upload.proxy.then(|| Proxy::start(server.port(), None));
        let stage = Stage { upload: *upload, server, proxy, dir };
        let key = format!(r#"{{"AccessKeyId":"{ID}","AccessKeySecret":"{SECRET}"}}"#);
        fs::write(stage.path("key.json"), key).expect("the key is written");
        fs::create_dir(stage.path("checkpoints")).expect("a folder for checkpoints");
        if upload.word == "batch" {
            fs::create_dir(stage.path("tree")).expect("a folder");
            (0..upload.size).for_each(|n| stage.write(&format!("tree/{n}"), 500 * n));
            stage.write("tree/large", 2 * PART as usize);
        } else {
            stage.write(stage.source(), upload.size);
        }
        if upload.resumes {
            stage.begin(executor);
        }
        stage
    }

    /// An earlier call, which fails at the second part.
    fn begin(&self, executor: &mut Executor) {
        faults(
            &self.server,
            r#"[{"match":{"operation":"UploadPart","part":2},"action":{"type":"status","status":403,"code":"AccessDenied"}}]"#,
        );
        let response = self.call(executor);
        assert_ne!(response.get("status"), "OSS_OK", "{response:?}");
        self.server.clear_faults();
    }

    /// The library reads the file, or the program does.
    fn source(&self) -> &'static str {
        if self.upload.word == "upload_file" { "source.bin" } else { CONTENT }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, size: usize) {
        fs::write(self.path(name), content(size, 1)).expect("the file is written");
    }

    /// The client, the call, and the end of both; what was told of the first that failed, or of the call.
    pub fn call(&self, executor: &mut Executor) -> Response {
        let made = executor.ask(self.client());
        let response = if made.get("status") == "OSS_OK" { executor.ask(self.order()) } else { made };
        executor.ask(Order::new("end"));
        response
    }

    fn filled(&self, text: &str) -> String {
        let dir = self.dir.path().to_str().expect("temporary paths are UTF-8");
        text.replace("{dir}", dir).replace("{name}", &format!("http://localhost:{}", self.server.port()))
    }

    fn client(&self) -> Order {
        let given = |name: &str| self.upload.client.iter().any(|(given, _)| *given == name);
        let mut order = Order::new("client").with("region", "cn-hangzhou").with("max_attempts", "3");
        order = order.with("connect_timeout_ms", "5000").with("stall_timeout_ms", "5000");
        if !given("endpoint") {
            order = order.with("endpoint", self.server.endpoint());
        }
        if !given("credentials") {
            order = order.with("access_key_id", ID).with("access_key_secret", SECRET);
        }
        if self.upload.tls {
            order = order.with("ca_file", self.path("ca.pem").as_os_str().as_bytes());
        }
        if let Some(proxy) = &self.proxy {
            order = order.with("proxy", format!("http://{}", proxy.address()));
        }
        self.upload.client.iter().fold(order, |order, (name, value)| order.with(name, self.filled(value)))
    }

    fn order(&self) -> Order {
        let mut order = Order::new(self.upload.word).with("bucket", BUCKET).with("part_size", PART.to_string());
        let source = self.path(self.source());
        order = match self.upload.word {
            "batch" => {
                let order = order.with("key_prefix", "p/").with("outcomes", "1").with("connections", "2");
                order.with("directory", self.path("tree").as_os_str().as_bytes())
            }
            "upload_file" => order.with("object_key", KEY).with("file_path", source.as_os_str().as_bytes()),
            "stream" => {
                let order = order.with("object_key", KEY).with("piece", "70000").with("finish", "finish");
                order.with("content", source.as_os_str().as_bytes())
            }
            _ => order.with("object_key", KEY).with("content", source.as_os_str().as_bytes()),
        };
        self.upload.options.iter().fold(order, |order, (name, value)| order.with(name, self.filled(value)))
    }

    /// Keys and the files that they must be.
    fn wanted(&self) -> Vec<(String, PathBuf)> {
        if self.upload.word != "batch" {
            return vec![(KEY.into(), self.path(self.source()))];
        }
        let entries = fs::read_dir(self.path("tree")).expect("the folder").map(|entry| entry.expect("an entry").path());
        entries.map(|path| (format!("p/{}", path.file_name().expect("a name").display()), path)).collect()
    }

    /// The objects are the files, all of them when the call has succeeded.
    pub fn check_objects(&self, succeeded: bool) -> Result<(), String> {
        for (key, path) in self.wanted() {
            let object = self.server.object(BUCKET, &key);
            if succeeded && object.is_none() {
                return Err(format!("{key} is not there"));
            }
            if object.is_some_and(|object| object.bytes != fs::read(&path).expect("the file is read")) {
                return Err(format!("{key} is not the file"));
            }
        }
        Ok(())
    }

    /// Files that the upload has made and left.
    pub fn left(&self) -> Vec<String> {
        let known = ["key.json", "ca.pem", "source.bin", CONTENT, "tree", "checkpoints", "manifest"];
        let names =
            |path: PathBuf| fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let all = names(self.dir.path().to_owned()).chain(names(self.path("checkpoints")));
        let all = all.map(|name| name.to_string_lossy().into_owned());
        all.filter(|name| !known.contains(&name.as_str())).collect()
    }
}
