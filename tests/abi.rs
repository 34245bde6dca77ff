//! The binary interface, as docs/abi.md promises it: symbols, layouts and numbers.

#[path = "c/header_text.rs"]
mod header_text;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::collections::BTreeMap;
use std::fs;
use std::mem::{align_of, size_of};
use std::process::Command;

use oss_upload::capi::batch_types::*;
use oss_upload::capi::event::*;
use oss_upload::capi::types::*;
use serde_json::Value;
use toolchain::*;

/// Name, size, and name, offset and size of each field, as the C compiler has it.
struct Layout {
    name: String,
    size: u64,
    fields: Vec<(String, u64, u64)>,
}

/// Name, size and alignment of each struct as Rust has it.
fn structs() -> BTreeMap<&'static str, (u64, usize)> {
    macro_rules! structs {
        ($($type:ident),*) => { BTreeMap::from([$((stringify!($type), (size_of::<$type>() as u64, align_of::<$type>()))),*]) };
    }
    structs![
        oss_client_options,
        oss_header,
        oss_upload_options,
        oss_error,
        oss_result,
        oss_progress,
        oss_event,
        oss_batch_options,
        oss_batch_progress,
        oss_batch_result,
        oss_outcome
    ]
}

fn numbers() -> BTreeMap<&'static str, i128> {
    macro_rules! numbers {
        ($($name:expr),* $(,)?) => { BTreeMap::from([$((stringify!($name).rsplit(' ').next().unwrap(), $name as i128)),*]) };
    }
    use oss_status::*;
    // Exhaustive: a new status does not compile until it is in both lists.
    let _ = |status: oss_status| match status {
        OSS_OK | OSS_PENDING | OSS_END | OSS_INVALID_ARGUMENT | OSS_IO | OSS_NETWORK | OSS_TIMEOUT | OSS_SERVICE => (),
        OSS_CREDENTIALS | OSS_FILE_CHANGED | OSS_CHECKSUM_MISMATCH | OSS_CHECKPOINT | OSS_CHECKPOINT_BUSY => (),
        OSS_PAUSED | OSS_CANCELLED | OSS_CALLBACK_FAILED | OSS_UNSUPPORTED | OSS_RESOURCES => (),
        OSS_FILES_FAILED | OSS_INTERNAL => (),
    };
    numbers![
        OSS_OK,
        OSS_PENDING,
        OSS_END,
        OSS_INVALID_ARGUMENT,
        OSS_IO,
        OSS_NETWORK,
        OSS_TIMEOUT,
        OSS_SERVICE,
        OSS_CREDENTIALS,
        OSS_FILE_CHANGED,
        OSS_CHECKSUM_MISMATCH,
        OSS_CHECKPOINT,
        OSS_CHECKPOINT_BUSY,
        OSS_PAUSED,
        OSS_CANCELLED,
        OSS_CALLBACK_FAILED,
        OSS_UNSUPPORTED,
        OSS_RESOURCES,
        OSS_FILES_FAILED,
        OSS_INTERNAL,
        OSS_CONTINUE,
        OSS_PAUSE,
        OSS_CANCEL,
        OSS_PART_SIZE_AUTO,
        OSS_ROUTINES_AUTO,
        OSS_PHASE_PREPARING,
        OSS_PHASE_UPLOADING,
        OSS_PHASE_VERIFYING,
        OSS_PHASE_COMPLETING,
        OSS_PHASE_ENDED,
        OSS_PHASE_WAITING,
        OSS_PHASE_HASHING,
        OSS_ETA_UNKNOWN,
        OSS_BATCH_ALL,
        OSS_BATCH_CHANGED,
        OSS_BATCH_RETRY_FAILED,
        OSS_BATCH_VERIFY,
        OSS_BATCH_VERIFY_FULL,
        OSS_SYMLINKS_FOLLOW,
        OSS_SYMLINKS_SKIP,
        OSS_SYMLINKS_REFUSE,
        OSS_KEY_REFUSE,
        OSS_KEY_PERCENT,
        OSS_OUTCOME_STORED,
        OSS_OUTCOME_UNCHANGED,
        OSS_OUTCOME_SKIPPED,
        OSS_OUTCOME_FAILED,
        OSS_OUTCOME_PLANNED,
        OSS_EVENT_REQUEST,
        OSS_EVENT_RETRY,
        OSS_EVENT_PART_DONE,
        OSS_EVENT_PART_RESUMED,
        OSS_EVENT_CONCURRENCY_CHANGED,
        OSS_EVENT_CREDENTIALS_CHANGED,
        OSS_EVENT_CHECKPOINT_WRITTEN,
        OSS_EVENT_RESTARTED,
        OSS_EVENT_ENDED,
    ]
}

/// What the C compiler makes of the header. The numbers that are promised stand in abi.c, which else does not compile.
fn according_to_c() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path(), "cc", &["-std=c99"], &["abi.c"]);
    let mut command = Command::new(program);
    with_library(&mut command, folder.path());
    serde_json::from_str(&stdout(&mut command)).expect("abi.c prints JSON")
}

fn layouts() -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    for row in according_to_c().iter().filter(|row| row.get("struct").is_some()) {
        let (name, number) = (row["struct"].as_str().unwrap(), |key: &str| row[key].as_u64().unwrap());
        match row.get("field").and_then(Value::as_str) {
            None => layouts.push(Layout { name: name.to_owned(), size: number("size"), fields: Vec::new() }),
            Some(field) => {
                let fields =
                    &mut layouts.last_mut().filter(|of| of.name == name).expect("fields follow their struct").fields;
                fields.push((field.to_owned(), number("offset"), number("size")));
            }
        }
    }
    layouts
}

/// The fields of the header are those of Rust, which cbindgen writes there in their order. So where sizes are the same
/// and there is no padding, offsets are the same too.
#[test]
fn rust_and_c_agree_on_sizes_and_numbers() {
    let sizes: BTreeMap<_, _> = layouts().into_iter().map(|of| (of.name, of.size)).collect();
    assert_eq!(sizes, structs().into_iter().map(|(name, (size, _))| (name.to_owned(), size)).collect());
    let number = |value: i128| if value < 0 { Value::from(value as i64) } else { Value::from(value as u64) };
    let ours: BTreeMap<_, _> = numbers().into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect();
    let rows = according_to_c();
    let of_c = rows.iter().filter_map(|row| Some((row.get("name")?.as_str()?.to_owned(), row["value"].clone())));
    assert_eq!(ours, of_c.collect());
}

#[test]
fn there_is_no_padding() {
    for Layout { name, size, fields } in layouts() {
        let mut end = 0;
        for (field, offset, size) in fields {
            assert_eq!(offset, end, "there is a gap before {name}.{field}");
            end = offset + size;
        }
        assert_eq!(end, size, "{name} has padding at its end");
        assert_eq!(size % 8, 0, "{name} could not be followed by a field of any type");
    }
    for (name, (_, align)) in structs() {
        assert!(align <= 8, "{name}");
    }
}

#[test]
fn outputs_have_the_sizes_of_docs_abi_md() {
    let sizes = structs();
    let text = fs::read_to_string(root().join("docs/abi.md")).expect("docs/abi.md is there");
    for (name, size) in [
        ("oss_error", 1024),
        ("oss_result", 1024),
        ("oss_progress", 128),
        ("oss_event", 1024),
        ("oss_outcome", 8192),
        ("oss_batch_progress", 1024),
        ("oss_batch_result", 256),
    ] {
        assert_eq!(sizes[name].0, size, "{name}");
        assert!(
            text.contains(&format!("`{name}` {size}")) || text.contains(&format!("`{name}` has {size}")),
            "docs/abi.md does not say that `{name}` has {size} bytes"
        );
    }
}

/// Every field of every struct of the header is in the table of abi.c.
#[test]
fn the_table_of_layouts_is_complete() {
    let members = header_text::header().members.into_iter().map(|one| one.name);
    let declared: Vec<_> = members.filter(|name| !name.starts_with("oss_status.")).collect();
    let names = |of: Layout| of.fields.into_iter().map(move |(field, ..)| format!("{}.{field}", of.name));
    let known: Vec<_> = layouts().into_iter().flat_map(names).collect();
    let missing: Vec<_> = declared.iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "tests/c/abi.c does not promise {missing:?}");
}

/// Every constant of the header is in the table, and so are the values of its enum.
#[test]
fn the_table_of_numbers_is_complete() {
    let header = header_text::header();
    let version = |name: &str| name.starts_with("OSS_VERSION");
    let constants = header.constants.into_iter().map(|one| one.name).filter(|name| !version(name));
    let statuses = header.members.iter().filter_map(|one| one.name.strip_prefix("oss_status.").map(str::to_owned));
    let mut names: Vec<_> = constants.chain(statuses).collect();
    names.sort();
    assert_eq!(names, numbers().keys().map(|name| name.to_string()).collect::<Vec<_>>());
}

#[test]
fn exactly_the_functions_of_the_header_are_exported() {
    let listed = stdout(Command::new("nm").args(["-D", "--defined-only"]).arg(library()));
    let mut exported: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    exported.sort_unstable();
    let header = header_text::header();
    let mut declared: Vec<_> = header.functions.iter().map(|function| function.name.as_str()).collect();
    declared.sort_unstable();
    assert_eq!(exported, declared, "exported (left) and declared (right)");

    let ledger = fs::read_to_string(root().join("symbols.txt")).expect("symbols.txt is there");
    let mut promised: Vec<_> = ledger.lines().map(|line| line.split_once(' ').expect("symbol and version")).collect();
    assert!(promised.is_sorted(), "symbols.txt is sorted");
    for (symbol, since) in &promised {
        assert!(version(since) <= version(env!("CARGO_PKG_VERSION")), "{symbol} since {since} is yet to come");
    }
    assert_eq!(declared, promised.drain(..).map(|(symbol, _)| symbol).collect::<Vec<_>>(), "symbols.txt (right)");
}

fn version(text: &str) -> Vec<u32> {
    let parts: Vec<_> = text.split('.').map(|part| part.parse().expect("a version is numbers")).collect();
    assert_eq!(parts.len(), 3, "{text} is no version");
    parts
}
