//! The binary interface, as docs/abi.md promises it: symbols, layouts and numbers.

#[path = "c/header_text.rs"]
mod header_text;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::collections::BTreeMap;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::process::Command;

use oss_upload::capi::event::*;
use oss_upload::capi::types::*;
use serde_json::Value;
use toolchain::*;

/// Name, size, alignment, and name, offset and size of each field.
type Layout = (&'static str, usize, usize, Vec<(&'static str, usize, usize)>);

/// The layout of a struct as Rust sees it. A field that is not named here does not compile.
macro_rules! layout {
    ($type:ident { $($field:ident),* $(,)? }) => {{
        fn field_size<T>(_: impl Fn(&$type) -> &T) -> usize {
            size_of::<T>()
        }
        // Names every field, or does not compile.
        let _ = |$type { $($field: _),* }: $type| ();
        let fields = vec![$((stringify!($field), offset_of!($type, $field), field_size(|all| &all.$field))),*];
        (stringify!($type), size_of::<$type>(), align_of::<$type>(), fields)
    }};
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(oss_client_options {
            struct_size,
            endpoint,
            region,
            access_key_id,
            access_key_secret,
            security_token,
            credentials,
            proxy,
            ca_file,
            user_agent,
            max_bytes_per_second,
            signature_version,
            cname,
            path_style,
            connect_timeout_ms,
            stall_timeout_ms,
            max_attempts,
            insecure_skip_verify,
            credentials_wait_ms,
        }),
        layout!(oss_header { name, value }),
        layout!(oss_upload_options {
            struct_size,
            bucket,
            object_key,
            file_path,
            checkpoint_path,
            checkpoint_dir,
            headers,
            header_count,
            part_size,
            routines,
            checkpoint,
            on_file_change,
            verify_resume,
            content_md5,
            reserved,
        }),
        layout!(oss_error {
            status,
            http_status,
            os_errno,
            part_number,
            retryable,
            service_code,
            ec,
            request_id,
            message,
            reserved,
        }),
        layout!(oss_result {
            crc64,
            size,
            part_size,
            bytes_sent,
            bytes_resumed,
            elapsed_ms,
            parts,
            parts_resumed,
            attempts,
            part_size_raised,
            etag,
            version_id,
            request_id,
            upload_id,
            restart_reason,
            callback_response_size,
            reserved,
        }),
        layout!(oss_progress {
            phase,
            parts_total,
            parts_done,
            retries,
            total_bytes,
            done_bytes,
            resumed_bytes,
            sent_bytes,
            bytes_per_second,
            eta_ms,
            reserved,
        }),
        layout!(oss_event {
            kind,
            part_number,
            attempt,
            http_status,
            concurrency,
            reserved,
            upload,
            at_ms,
            elapsed_ms,
            bytes,
            dropped,
            operation,
            service_code,
            request_id,
            object_key,
            message,
            reserved2,
        }),
    ]
}

fn numbers() -> BTreeMap<&'static str, i128> {
    macro_rules! numbers {
        ($($name:expr),* $(,)?) => { BTreeMap::from([$((stringify!($name).rsplit(' ').next().unwrap(), $name as i128)),*]) };
    }
    use oss_status::*;
    // Exhaustive: a new status does not compile until it is in both lists.
    let _ = |status: oss_status| match status {
        OSS_OK | OSS_PENDING | OSS_INVALID_ARGUMENT | OSS_IO | OSS_NETWORK | OSS_TIMEOUT | OSS_SERVICE => (),
        OSS_CREDENTIALS | OSS_FILE_CHANGED | OSS_CHECKSUM_MISMATCH | OSS_CHECKPOINT | OSS_CHECKPOINT_BUSY => (),
        OSS_PAUSED | OSS_CANCELLED | OSS_CALLBACK_FAILED | OSS_UNSUPPORTED | OSS_RESOURCES | OSS_INTERNAL => (),
    };
    numbers![
        OSS_OK,
        OSS_PENDING,
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

#[test]
fn rust_and_c_agree_on_layouts_and_numbers() {
    let mut ours = Vec::new();
    for (name, size, _, fields) in layouts() {
        ours.push(serde_json::json!({"struct": name, "size": size}));
        for (field, offset, size) in fields {
            ours.push(serde_json::json!({"struct": name, "field": field, "offset": offset, "size": size}));
        }
    }
    let number = |value: i128| if value < 0 { Value::from(value as i64) } else { Value::from(value as u64) };
    let theirs = according_to_c();
    let (numbers_of_c, structs_of_c): (Vec<_>, Vec<_>) = theirs.into_iter().partition(|row| row.get("name").is_some());
    let by_name = |mut rows: Vec<Value>| {
        rows.sort_by_key(Value::to_string);
        rows
    };
    assert_eq!(by_name(ours), by_name(structs_of_c));
    let ours = numbers().into_iter().map(|(name, value)| serde_json::json!({"name": name, "value": number(value)}));
    assert_eq!(by_name(ours.collect()), by_name(numbers_of_c));
}

#[test]
fn there_is_no_padding() {
    for (name, size, align, fields) in layouts() {
        let mut end = 0;
        for (field, offset, size) in fields {
            assert_eq!(offset, end, "there is a gap before {name}.{field}");
            end = offset + size;
        }
        assert_eq!(end, size, "{name} has padding at its end");
        assert_eq!(size % 8, 0, "{name} could not be followed by a field of any type");
        assert!(align <= 8, "{name}");
    }
}

#[test]
fn outputs_have_the_sizes_of_docs_abi_md() {
    let sizes: BTreeMap<_, _> = layouts().into_iter().map(|(name, size, ..)| (name, size)).collect();
    let text = fs::read_to_string(root().join("docs/abi.md")).expect("docs/abi.md is there");
    for (name, size) in [("oss_error", 1024), ("oss_result", 1024), ("oss_progress", 128), ("oss_event", 1024)] {
        assert_eq!(sizes[name], size, "{name}");
        assert!(text.contains(&format!("`{name}` {size}")), "docs/abi.md does not say that `{name}` has {size} bytes");
    }
}

/// Every field of every struct of the header is in the table of layouts.
#[test]
fn the_table_of_layouts_is_complete() {
    let members = header_text::header().members.into_iter().map(|one| one.name);
    let mut declared: Vec<_> = members.filter(|name| !name.starts_with("oss_status.")).collect();
    let of_struct = |(name, .., fields): Layout| fields.into_iter().map(move |(field, ..)| format!("{name}.{field}"));
    let mut known: Vec<_> = layouts().into_iter().flat_map(of_struct).collect();
    declared.sort();
    known.sort();
    assert_eq!(known, declared, "known (left) and declared (right)");
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
