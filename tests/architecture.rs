//! The house keeps its plan: who may use whom, who may touch what, and how long a file may get.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms that its files may use besides their own. `lib.rs` sees them all.
const ROOMS: &[(&str, &[&str])] = &[
    ("capi", &["batch", "client", "credentials", "error", "events", "options", "os", "upload"]),
    (
        "client",
        &[
            "batch",
            "credentials",
            "error",
            "events",
            "http",
            "options",
            "os",
            "oss",
            "service",
            "source",
            "sync",
            "transfer",
            "transport",
            "upload",
        ],
    ),
    (
        "batch",
        &[
            "crc64", "error", "events", "options", "os", "oss", "service", "source", "sync", "text", "transfer",
            "upload",
        ],
    ),
    (
        "upload",
        &[
            "credentials",
            "crc64",
            "error",
            "events",
            "http",
            "options",
            "os",
            "oss",
            "service",
            "source",
            "sync",
            "text",
            "transfer",
            "transport",
        ],
    ),
    ("transfer", &["error", "options", "os", "source", "sync"]),
    ("service", &["credentials", "error", "events", "http", "oss", "sync", "transport"]),
    ("transport", &["error", "http", "options", "os", "sync", "text"]),
    ("oss", &["credentials", "error", "http", "text"]),
    ("credentials", &["error", "http", "os", "sync", "text"]),
    ("options", &["credentials", "error"]),
    ("crc64", &[]),
    ("error", &[]),
    ("events", &["os", "sync"]),
    ("fuzzing", &["credentials", "oss", "text", "transport", "upload"]),
    ("http", &["error"]),
    ("os", &[]),
    ("source", &["crc64", "error", "os", "sync"]),
    ("sync", &[]),
    ("text", &["os"]),
];

/// Files that may use less than their room.
const LEAVES: &[(&str, &[&str])] =
    &[("transfer/plan", &["error", "options", "source"]), ("service/backoff", &["sync"]), ("transfer/pace", &[])];

/// What tests of schedules replace.
const LOCKS: &[&str] = &["Condvar", "Mutex", "MutexGuard", "RwLock", "atomic"];

const LONGEST_FILE: usize = 600;

#[test]
fn every_file_uses_only_what_the_plan_allows_it() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        offences.extend(check(&path, &text));
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn every_room_of_the_plan_exists_and_no_other() {
    let mut found: Vec<String> = sources().iter().filter_map(|(path, _)| module_of(path).first().cloned()).collect();
    found.sort();
    found.dedup();
    let mut planned: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    planned.sort_unstable();
    assert_eq!(found, planned);
}

#[test]
fn no_file_is_too_long_to_be_read_at_a_sitting() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "src/{path} has {lines} lines; split it by concepts");
    }
}

/// A `mod.rs` says what its folder holds, and hands names on: nothing else is in it.
#[test]
fn faces_only_hand_names_on() {
    for (path, text) in sources().iter().filter(|(path, _)| path.ends_with("mod.rs") && !path.contains("tests")) {
        let tokens = tokens(text);
        let found = tokens.iter().find(|token| is_item(&token.text));
        assert!(found.is_none(), "src/{path} has a {} of its own", found.map_or("", |token| token.text.as_str()));
    }
    assert!(tokens("pub fn f() {}").iter().any(|token| is_item(&token.text)));
}

fn is_item(word: &str) -> bool {
    ["fn", "struct", "enum", "trait", "impl", "const", "static", "type"].contains(&word)
}

/// Inside a room the files use each other one way, too: whoever reads one need not read those that use it.
#[test]
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let circles = circles(&edges(&sources()));
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn circles_are_found() {
    let files = |texts: &[(&str, &str)]| {
        let texts: Vec<_> = texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        circles(&edges(&texts))
    };
    let face = ("a/mod.rs", "mod b; mod c; mod d; pub(crate) use c::{C, See};");
    let (b, c) = ("use super::c::C;", "use super::d::D;");
    assert_eq!(files(&[face, ("a/b.rs", b), ("a/c.rs", c), ("a/d.rs", "use crate::text::T;")]), [""; 0]);
    let circle = ["a: b uses c uses d uses b"];
    for d in ["fn f() { super::b::f() }", "use crate::a::{b::B, c};", "use super::b;"] {
        assert_eq!(files(&[face, ("a/b.rs", b), ("a/c.rs", c), ("a/d.rs", d)]), circle, "{d}");
    }
    // By way of the face, and from a folder inside the room.
    assert_eq!(files(&[face, ("a/c.rs", c), ("a/d/e.rs", "use super::super::See;")]), ["a: c uses d uses c"]);
    assert_eq!(
        files(&[face, ("a/b/x.rs", "use super::y::Y;"), ("a/b/y.rs", "use super::x::X;")]),
        ["a/b: x uses y uses x"]
    );
}

/// The checks themselves: each must find what it is for, and name the line.
#[test]
fn offences_are_found() {
    for (path, text, offence) in [
        ("oss/api.rs", "use crate::transport::Limits;", "oss may not use transport"),
        ("oss/api.rs", "//\n\nuse crate::{error::Error, upload::plan};", "src/oss/api.rs:3: oss may not use upload"),
        ("transport/mod.rs", "use crate::oss::Operation;", "transport may not use oss"),
        ("oss/api.rs", "fn f() { super::super::client::f() }", "oss may not use client"),
        ("oss/api.rs", "use std::{fmt,\n fs::File};", "src/oss/api.rs:2: oss may not use std::fs"),
        ("oss/api.rs", "use std::net::TcpStream;", "oss may not use std::net"),
        ("oss/api.rs", "fn f() { std::thread::spawn(g) }", "oss may not use std::thread"),
        ("oss/api.rs", "let now = SystemTime::now();", "oss may not read a clock"),
        ("oss/api.rs", "let now = std::time::Instant::now;", "oss may not read a clock"),
        ("oss/api.rs", "use rustix::time;", "only os may name rustix"),
        ("upload/run.rs", "use crate::capi::types;", "upload may not use capi"),
        ("upload/run.rs", "use crate::Client;", "upload may not use the root's Client"),
        ("upload/run.rs", "use ureq::Agent;", "only transport may name ureq"),
        ("upload/run.rs", "let x = unsafe { f() };", "only capi and os may be unsafe"),
        ("upload/run.rs", "#[allow(unsafe_code)]", "only capi and os may be unsafe"),
        ("credentials/env.rs", "use std::env;", "only client may read std::env"),
        ("credentials/env.rs", "use std::os::unix::ffi::OsStrExt;", "only os may name std::os"),
        ("capi/input.rs", "let flag = libc::O_NOFOLLOW;", "only os may name libc"),
        ("transport/tcp.rs", "use rustix::net;", "only os may name rustix"),
        ("transport/tls.rs", "use time::OffsetDateTime;", "only text may name time"),
        ("transfer/queue.rs", "use std::sync::{Arc, Mutex};", "only sync may name std::sync::Mutex"),
        ("transfer/queue.rs", "use std::sync::atomic::Ordering;", "only sync may name std::sync::atomic"),
        ("transfer/plan.rs", "use super::queue::Queue;", "transfer/plan may not use transfer/queue"),
        ("service/backoff.rs", "use crate::error::Result;", "service/backoff may not use error"),
        ("error.rs", "use crate::options::X;", "error may not use options"),
    ] {
        let found = check(path, text);
        assert!(found.iter().any(|found| found.contains(offence)), "{text}: {found:?}");
    }
}

#[test]
fn what_is_allowed_is_no_offence() {
    for (path, text) in [
        ("oss/endpoint.rs", "use std::net::{Ipv4Addr, Ipv6Addr};"),
        ("oss/api.rs", "// use std::fs; unsafe\nlet a = \"std::fs unsafe ureq\"; let b = '\"';"),
        ("oss/api.rs", "/* crate::client */ let life: &'static str = r#\"use \"crate::client\"\"#;"),
        ("oss/api.rs", "fn f() {}\n#[cfg(test)]\npub(super) mod tests {\n use ureq::http; fn g() { unsafe {} }\n}"),
        ("transport/mod.rs", "use ureq::Agent; fn os() -> &'static str { std::env::consts::OS }"),
        ("transport/mod.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");"),
        ("os/unix/file.rs", "use std::os::unix::fs::FileExt; use rustix::fs; const E: i32 = libc::EIO;"),
        ("capi/guard.rs", "unsafe fn f() { crate::client::Client::new() }"),
        ("upload/run.rs", "use super::job::Job; use crate::service::RetryPolicy;"),
        ("lib.rs", "#![deny(unsafe_code)] pub use upload::Upload;"),
    ] {
        assert_eq!(check(path, text), [""; 0], "{text}");
    }
}

/// All files of `src`, by their path in it.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 30, "where is src?");
    let name = |path: &Path| path.strip_prefix(&root).expect("it is below src").to_str().expect("UTF-8").to_owned();
    found.iter().map(|path| (name(path), fs::read_to_string(path).expect("a readable source"))).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module that a file is: empty for the root.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// What is wrong with the file `path`, with lines. Tests may use what they like, except for what is unsafe.
fn check(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let Some(room) = module.first() else { return Vec::new() };
    let mut offences = Vec::new();
    let mut offend = |line: usize, what: String| {
        let code = text.lines().nth(line - 1).unwrap_or_default().trim();
        offences.push(format!("src/{path}:{line}: {what}: {code}"));
    };
    let tokens = tokens(text);
    let tests = tests_begin(&tokens);
    if room != "capi" && room != "os" {
        for token in tokens.iter().filter(|token| token.text == "unsafe" || token.text == "unsafe_code") {
            if token.line < tests || token.text == "unsafe_code" {
                offend(token.line, "only capi and os may be unsafe".into());
            }
        }
    }
    if module.iter().any(|part| part == "tests" || part == "schedules") {
        return offences;
    }
    let tokens: Vec<Token> = tokens.into_iter().take_while(|token| token.line < tests).collect();
    for window in tokens.windows(3) {
        let is_clock = window[0].text == "SystemTime" || window[0].text == "Instant";
        if room == "oss" && is_clock && window[1].text == "::" && window[2].text == "now" {
            offend(window[0].line, "oss may not read a clock".into());
        }
    }
    for (line, used) in paths(&tokens, &module) {
        if let Some(what) = objection(&module, room, &used) {
            offend(line, what);
        }
    }
    offences
}

/// Why `module` may not use the path `used`, which is absolute: `crate`, `std` or another crate first.
fn objection(module: &[String], room: &str, used: &[String]) -> Option<String> {
    let name = |n: usize| used.get(n).map_or("", String::as_str);
    match name(0) {
        "crate" if name(1).starts_with(char::is_uppercase) => {
            Some(format!("{room} may not use the root's {}", name(1)))
        }
        "crate" => {
            let leaf = LEAVES.iter().find(|(leaf, _)| *leaf == module.join("/"));
            let allowed =
                leaf.or_else(|| ROOMS.iter().find(|(known, _)| *known == room)).map_or(&[][..], |(_, may)| may);
            let target = name(1);
            match leaf {
                Some((leaf, _)) if target == room => Some(format!("{leaf} may not use {target}/{}", name(2))),
                Some((leaf, _)) if !allowed.contains(&target) => Some(format!("{leaf} may not use {target}")),
                None if target != room && !allowed.contains(&target) => Some(format!("{room} may not use {target}")),
                _ => None,
            }
        }
        "ureq" if room != "transport" => Some("only transport may name ureq".into()),
        "std" if name(1) == "env" && name(2) != "consts" && room != "client" => {
            Some("only client may read std::env".into())
        }
        "time" if room != "text" => Some("only text may name time".into()),
        "rustix" | "libc" if room != "os" => Some(format!("only os may name {}", name(0))),
        "std" if name(1) == "os" && room != "os" => Some("only os may name std::os".into()),
        "std" if room == "oss" && ["fs", "thread", "process", "sync"].contains(&name(1)) => {
            Some(format!("oss may not use std::{}", name(1)))
        }
        // Addresses are plain values.
        "std" if room == "oss" && name(1) == "net" && !["IpAddr", "Ipv4Addr", "Ipv6Addr"].contains(&name(2)) => {
            Some("oss may not use std::net".into())
        }
        "std" if name(1) == "sync" && LOCKS.contains(&name(2)) && !["sync", "os", "capi"].contains(&room) => {
            Some(format!("only sync may name std::sync::{}", name(2)))
        }
        "crossbeam_channel" if room == "oss" => Some("oss may not use crossbeam_channel".into()),
        _ => None,
    }
}

/// Which files of a room use which, by room (also one inside another), file and file. What the face of a room hands on
/// counts as used from the file that has it; the face itself uses all.
fn edges(sources: &[(String, String)]) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut exports: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (path, text) in sources.iter().filter(|(path, _)| path.ends_with("/mod.rs")) {
        let face = module_of(path);
        for (_, used) in paths(&tokens(text), &face) {
            // `c::C` in the face of a: a::C is in c.
            let inside = used.strip_prefix(&["crate".to_owned()][..]).and_then(|used| used.strip_prefix(&face[..]));
            if let [file, name] = inside.unwrap_or(&used) {
                exports.insert([&face[..], std::slice::from_ref(name)].concat(), file.clone());
            }
        }
    }
    let modules: BTreeSet<Vec<String>> = sources.iter().map(|(path, _)| module_of(path)).collect();
    let mut edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (path, text) in sources
        .iter()
        .filter(|(path, _)| !path.ends_with("/mod.rs") && !path.contains("/tests") && !path.contains("schedules"))
    {
        let module = module_of(path);
        let all = tokens(text);
        let tests = tests_begin(&all);
        let tokens: Vec<Token> = all.into_iter().take_while(|token| token.line < tests).collect();
        for (_, used) in paths(&tokens, &module) {
            let Some(used) = used.strip_prefix(&["crate".to_owned()][..]) else { continue };
            let common = module.iter().zip(used).take_while(|(ours, theirs)| ours == theirs).count();
            let (Some(ours), Some(theirs), true) = (module.get(common), used.get(common), common > 0) else { continue };
            let target = [&module[..common], std::slice::from_ref(theirs)].concat();
            let is_file = modules.iter().any(|module| module.starts_with(&target));
            let theirs = if is_file { Some(theirs) } else { exports.get(&target) };
            if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
                let room = edges.entry(module[..common].join("/")).or_default();
                room.entry(ours.clone()).or_default().insert(theirs.clone());
            }
        }
    }
    edges
}

/// One circle of each room that has some, in words.
fn circles(edges: &BTreeMap<String, BTreeMap<String, BTreeSet<String>>>) -> Vec<String> {
    edges.iter().filter_map(|(room, files)| Some(format!("{room}: {}", circle(files)?.join(" uses ")))).collect()
}

fn circle(files: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    files.keys().find_map(|first| way(files, first, first, &mut BTreeSet::new()))
}

/// A way by which `from` uses `to`, with both its ends.
fn way(
    files: &BTreeMap<String, BTreeSet<String>>,
    from: &str,
    to: &str,
    seen: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    let used = files.get(from)?;
    if used.contains(to) {
        return Some(vec![from.to_owned(), to.to_owned()]);
    }
    let further: Vec<&String> = used.iter().filter(|next| seen.insert((*next).clone())).collect();
    let rest = further.into_iter().find_map(|next| way(files, next, to, seen))?;
    Some([vec![from.to_owned()], rest].concat())
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

/// The line at which the unit tests begin, which stand at the end of a file.
fn tests_begin(tokens: &[Token]) -> usize {
    let sign = ["cfg", "(", "test", ")", "]"];
    let is_sign = |at: usize| tokens[at..].iter().map(|token| token.text.as_str()).take(sign.len()).eq(sign);
    let is_module = |at: usize| tokens[at + sign.len()..].iter().take(5).any(|token| token.text == "mod");
    (0..tokens.len()).find(|at| is_sign(*at) && is_module(*at)).map_or(usize::MAX, |at| tokens[at].line)
}

/// Identifiers, `::` and single signs. Comments are left out; texts and characters become a blank text.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest);
        let token = &rest[..length];
        let is_comment = token.starts_with("//") || token.starts_with("/*");
        if !first.is_whitespace() && !is_comment {
            let is_text = token.len() > 1 && token.ends_with(['"', '\'', '#']);
            tokens.push(Token { text: if is_text { String::new() } else { token.to_owned() }, line });
        }
        line += token.matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn token_length(text: &str) -> usize {
    let until = |sign: &str, from: usize| text[from..].find(sign).map_or(text.len(), |at| from + at + sign.len());
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    for quote in ["r\"", "r#\"", "r##\""] {
        if text.starts_with(quote) {
            let end = format!("\"{}", "#".repeat(quote.len() - 2));
            return until(&end, quote.len());
        }
    }
    if text.starts_with('"') || text.starts_with("b\"") || text.starts_with("c\"") {
        return string_length(text, '"');
    }
    if text.starts_with("'\\") || (text.starts_with('\'') && text.chars().nth(2) == Some('\'')) {
        return string_length(text, '\'');
    }
    if text.starts_with("::") {
        return 2;
    }
    let name = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    if name > 0 { name } else { text.chars().next().map_or(1, char::len_utf8) }
}

fn string_length(text: &str, quote: char) -> usize {
    let start = text.find(quote).expect("it begins with a quote") + 1;
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// All paths that begin at a crate or with `super`, with the trees of `use` spread out, made absolute.
fn paths(tokens: &[Token], module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || tokens[at - 1].text != "::";
        let is_path = tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if begins && is_path && !token.text.is_empty() {
            let mut prefix = Vec::new();
            spread(tokens, at, &mut prefix, &mut found);
        }
    }
    for (_, path) in &mut found {
        *path = absolute(path, module);
    }
    found
}

/// Reads one tree of paths from `at`, and returns where it ends.
fn spread(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let depth = prefix.len();
    let mut line = tokens.get(at).map_or(1, |token| token.line);
    loop {
        let text = tokens.get(at).map_or("", |token| token.text.as_str());
        if text == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                at = spread(tokens, at, prefix, found);
                // A comma, or something that is no tree at all.
                at += usize::from(tokens.get(at).is_some_and(|token| token.text != "}"));
            }
            prefix.truncate(depth);
            return at + 1;
        }
        line = tokens.get(at).map_or(line, |token| token.line);
        prefix.push(text.to_owned());
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    found.push((line, prefix.clone()));
    prefix.truncate(depth);
    at
}

fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    if ups == 0 && path[0] != "self" {
        return path.to_vec();
    }
    let base = &module[..module.len().saturating_sub(ups)];
    let rest = &path[ups.max(1)..];
    [&["crate".to_owned()][..], base, rest].concat()
}
