//! One table of scenarios, which Rust, C, C++, Python and Go each carry out: what they report must be the same, each in
//! its own way. README.md in this folder explains the table.
#![cfg(target_os = "linux")]

mod batch;
#[path = "../common/mod.rs"]
mod common;
mod executor;
#[path = "../c/header_text.rs"]
mod header_text;
mod languages;
mod runner;
mod rust;
mod rust_batch;
mod shared;
mod table;
#[path = "../c/toolchain.rs"]
mod toolchain;

use std::any::Any;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Instant;

use executor::Executor;
use languages::Language;
use runner::Runner;
use table::{Of, Table};
use toolchain::root;

/// Carries out the whole table in one language, by the executor that `command` runs, but for the scenarios in `skips`.
fn carry_out(language: Language, skips: &BTreeSet<String>, command: impl Fn() -> Command) {
    let table = Table::read();
    let only = env::var("SCENARIO").unwrap_or_default();
    let runner = Runner { table: &table, language };
    let start = Instant::now();
    let (mut executor, mut count, mut failures) = (Executor::start(&mut command()), 0, Vec::new());
    let unknown = skips.iter().find(|name| table.scenarios.iter().all(|scenario| scenario.name != **name));
    assert!(unknown.is_none(), "{unknown:?} is to be skipped, and there is no such scenario");
    for scenario in table.scenarios.iter().filter(|scenario| scenario.name.contains(&only)) {
        count += 1;
        if skips.contains(&scenario.name) {
            continue;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runner.play(scenario, &mut executor))) {
            failures.push(format!("{}: {}", scenario.name, words_of(&*panic)));
            // Who knows what it is about.
            executor = Executor::start(&mut command());
        }
    }
    executor.end();
    let (all, seconds) = (table.scenarios.len(), start.elapsed().as_secs_f32());
    let (failed, skipped) = (failures.len(), skips.len());
    println!("{language:?}: {count} of {all} scenarios, {failed} failed, {skipped} skipped, {seconds:.1} s");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count == all || !only.is_empty());
}

/// The same, by the usual executor of the language.
fn carry_out_in(language: Language) {
    let tools = tempfile::tempdir().expect("a temporary directory");
    if let Some(command) = language.executor(tools.path()) {
        carry_out(language, &BTreeSet::new(), command);
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn rust() {
    carry_out_in(Language::Rust);
}

#[test]
fn c_under_valgrind() {
    let tools = tempfile::tempdir().expect("a temporary directory");
    let command = Language::C.executor(tools.path()).expect("a compiler");
    let under_valgrind = !toolchain::is_left_out("valgrind");
    carry_out(Language::C, &BTreeSet::new(), || if under_valgrind { valgrind(&command()) } else { command() });
}

fn valgrind(program: &Command) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--num-callers=30"]);
    command.arg("--show-leak-kinds=definite,indirect,possible");
    command.arg("--errors-for-leak-kinds=definite,indirect,possible");
    command.arg(format!("--suppressions={}", toolchain::source("valgrind.supp").display()));
    command.arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// On another platform; `OSS_TEST_SKIPS` is the table of what cannot hold there.
#[test]
#[ignore = "scripts/platforms run it"]
fn c_elsewhere() {
    let tools = tempfile::tempdir().expect("a temporary directory");
    let skips = env::var_os("OSS_TEST_SKIPS").map(|path| fs::read(path).expect("the table of skips is read"));
    let skips: serde_json::Value = serde_json::from_slice(skips.as_deref().unwrap_or(b"null")).expect("it is JSON");
    let skips = skips["skips"]["scenarios"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    carry_out(Language::C, &skips, languages::executor_elsewhere(tools.path()));
}

#[test]
fn cpp() {
    carry_out_in(Language::Cpp);
}

#[test]
fn python() {
    carry_out_in(Language::Python);
}

#[test]
fn go() {
    carry_out_in(Language::Go);
}

/// The names between `begin` and `end` in the header that are fields or constants.
fn names_in_header(begin: &str, end: &str, is_one: fn(&str) -> Option<&str>) -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/oss_upload.h")).expect("the header is read");
    let until = header.find(end).unwrap_or_else(|| panic!("{end} is not in the header"));
    let from = header[..until].rfind(begin).unwrap_or_else(|| panic!("{begin} is not in the header"));
    let lines = header[from..until].lines().map(str::trim).filter(|line| !line.starts_with('*'));
    lines.filter_map(is_one).map(str::to_owned).collect()
}

fn fields_of(name: &str) -> BTreeSet<String> {
    names_in_header("typedef struct {", &format!("}} {name};"), |line| {
        let name = line.strip_suffix(';')?.rsplit([' ', '*']).next()?.split('[').next()?;
        (!["struct_size", "header_count"].contains(&name) && !name.starts_with("reserved")).then_some(name)
    })
}

#[test]
fn every_option_is_used() {
    let table = Table::read();
    let structs =
        [("oss_client_options", Of::Client), ("oss_upload_options", Of::Upload), ("oss_batch_options", Of::Batch)];
    for (struct_name, of) in structs {
        let mut used = BTreeSet::new();
        for scenario in &table.scenarios {
            for (_, options) in scenario.options().filter(|(what, _)| *what == of) {
                used.extend(options.keys().cloned());
            }
        }
        // How most languages call headers of their own.
        used.remove("metadata");
        // The runner gives them to every scenario.
        used.extend(match of {
            Of::Client => vec![],
            Of::Upload => vec!["bucket".to_owned(), "file_path".to_owned()],
            Of::Batch => vec!["key_prefix".to_owned(), "directory".to_owned()],
        });
        assert_eq!(used, fields_of(struct_name), "options of scenarios, and fields of {struct_name}");
    }
}

#[test]
fn every_status_is_expected() {
    let table = Table::read();
    let declared =
        names_in_header("typedef enum {", "} oss_status;", |line| line.split_once(" = ").map(|(name, _)| name));
    let expected: BTreeSet<_> = table
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.expectations())
        .filter_map(|expect| expect.get("status")?.as_str())
        .filter(|status| *status != "THROWN")
        .map(str::to_owned)
        .collect();
    let unprovokable = out_of_reach(&table, |name| declared.contains(name));
    assert!(expected.is_disjoint(&unprovokable), "a scenario brings about what is said to be out of reach");
    assert_eq!(expected.union(&unprovokable).cloned().collect::<BTreeSet<_>>(), declared);
    let errors: BTreeSet<_> =
        declared.into_iter().filter(|name| !["OSS_OK", "OSS_PENDING", "OSS_END"].contains(&name.as_str())).collect();
    assert_eq!(table.errors.keys().cloned().collect::<BTreeSet<_>>(), errors);
}

/// What no scenario can bring about, of one sort.
fn out_of_reach(table: &Table, of_sort: impl Fn(&str) -> bool) -> BTreeSet<String> {
    table.unprovokable.keys().filter(|name| of_sort(name)).cloned().collect()
}

#[test]
fn every_event_and_every_phase_is_met() {
    let table = Table::read();
    let events = table.scenarios.iter().flat_map(|scenario| scenario.events()).filter_map(|event| event.get("kind"));
    let outputs = table.scenarios.iter().flat_map(|scenario| scenario.expectations());
    let phases = outputs.flat_map(|expect| [expect.get("progress.phase"), expect.get("progress.phases")]).flatten();
    let phases = phases.flat_map(|phases| phases.as_array().cloned().unwrap_or_else(|| vec![phases.clone()]));
    let of = |prefix: &'static str, names: Vec<serde_json::Value>| -> (&str, BTreeSet<String>) {
        let constant = |name: &str| format!("{prefix}{}", name.to_uppercase().replace(' ', "_"));
        (prefix, names.iter().filter_map(|name| name.as_str()).map(constant).collect())
    };
    let header = fs::read_to_string(root().join("include/oss_upload.h")).expect("the header is read");
    for (prefix, met) in [of("OSS_EVENT_", events.cloned().collect()), of("OSS_PHASE_", phases.collect())] {
        let names = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
        let declared: BTreeSet<_> = names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect();
        let unprovokable = out_of_reach(&table, |name| name.starts_with(prefix));
        assert!(met.is_disjoint(&unprovokable), "a scenario brings about what is said to be out of reach");
        assert_eq!(met.union(&unprovokable).cloned().collect::<BTreeSet<_>>(), declared);
    }
}

/// The library writes a word, a colon and a sentence.
#[test]
fn every_restart_reason_is_expected() {
    let table = Table::read();
    let expected: BTreeSet<_> = table
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.expectations())
        .filter_map(|expect| expect.get("result.restart_reason")?["starts"].as_str()?.strip_suffix(": "))
        .map(str::to_owned)
        .collect();
    let mut written = BTreeSet::new();
    for file in ["run.rs", "resume.rs", "stream.rs"] {
        let text = fs::read_to_string(root().join("src/upload").join(file)).expect("the source is read");
        for literal in text.split('"').filter(|literal| literal.contains(": ")) {
            let word = literal.split(": ").next().expect("what is before the colon");
            if word.contains('-') && word.bytes().all(|letter| letter.is_ascii_lowercase() || b"-{}".contains(&letter))
            {
                written.insert(word.to_owned());
            }
        }
    }
    assert!(written.remove("other-{what}"), "{written:?}");
    written.extend(["endpoint", "object", "file", "stream"].map(|what| format!("other-{what}")));
    assert_eq!(expected, written);
}

#[test]
fn every_output_is_known() {
    let table = Table::read();
    let outputs = all_outputs();
    let structs = [
        ("oss_result", "result.", runner::RESULT.as_slice()),
        ("oss_progress", "progress.", runner::PROGRESS.as_slice()),
        ("oss_error", "", runner::ERROR.as_slice()),
        ("oss_event", "", runner::EVENT.as_slice()),
        ("oss_batch_result", "batch.", batch::RESULT.as_slice()),
        ("oss_batch_progress", "batch_progress.", batch::PROGRESS.as_slice()),
        ("oss_outcome", "", batch::OUTCOME.as_slice()),
    ];
    for (name, prefix, told) in structs {
        // These are told apart from the others, or as something that does not depend on the time.
        let apart = |field: &String| match (name, field.as_str()) {
            ("oss_error", "status") | ("oss_event", "request_id") => None,
            ("oss_progress" | "oss_batch_progress", "eta_ms") => Some("eta_known".to_owned()),
            _ => Some(field.clone()),
        };
        let fields: BTreeSet<_> = fields_of(name).iter().filter_map(apart).collect();
        let told: BTreeSet<_> = told.iter().map(|name| name[prefix.len()..].to_owned()).collect();
        assert_eq!(told, fields, "what is told of an {name}");
    }
    for scenario in &table.scenarios {
        for name in scenario.expectations().flat_map(|expect| expect.keys()) {
            assert!(outputs.contains(name.as_str()), "{}: {name} is told by nobody", scenario.name);
        }
        for name in scenario.outcomes().flat_map(|expect| expect.keys()) {
            assert!(batch::OUTCOME.contains(&name.as_str()), "{}: {name} is told by nobody", scenario.name);
        }
    }
}

fn all_outputs() -> BTreeSet<&'static str> {
    let told = runner::RESULT.into_iter().chain(runner::PROGRESS).chain(runner::ERROR);
    let told = told.chain(batch::RESULT).chain(batch::PROGRESS);
    told.chain(["status", "names", "callback_response", "progress.phases", "progress.runs_forward", "part_count"])
        .collect()
}

#[test]
fn names_are_told_apart() {
    let table = Table::read();
    let names: BTreeSet<_> = table.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names.len(), table.scenarios.len(), "two scenarios have the same name");
}
