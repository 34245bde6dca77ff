//! include/oss_upload.h, as compilers and readers see it. That it is up to date is checked where it is generated.

#[path = "c/header_text.rs"]
mod header_text;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::process::Command;

use header_text::{Declared, header, parse};
use toolchain::*;

#[test]
fn every_standard_takes_it_in_two_units() {
    let folder = tempfile::tempdir().unwrap();
    let cases = ["c99", "c11", "c17"].map(|standard| ("cc", "c", standard)).into_iter();
    let cases = cases.chain(["c++11", "c++14", "c++17", "c++20"].map(|standard| ("c++", "c++", standard)));
    for (compiler, language, standard) in cases {
        let standard = format!("-std={standard}");
        let flags = ["-x", language, &standard, "-Wshadow", "-Wconversion", "-Wundef"];
        let program = program(folder.path(), compiler, &flags, &["double_include_a.c", "double_include_b.c"]);
        let mut command = Command::new(program);
        with_library(&mut command, folder.path());
        stdout(&mut command);
    }
}

#[test]
fn the_two_units_use_every_function() {
    let units = ["a", "b"].map(|unit| std::fs::read_to_string(source(&format!("double_include_{unit}.c"))).unwrap());
    for Declared { name, .. } in header().functions {
        assert!(units.iter().any(|unit| unit.contains(&format!("{name}("))), "{name} is used by neither unit");
    }
}

#[test]
fn c_and_cpp_units_make_one_program() {
    if is_left_out("c++") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let objects =
        [("cc", "c", "-std=c99", "a"), ("c++", "c++", "-std=c++11", "b")].map(|(compiler, language, std, unit)| {
            let object = folder.path().join(format!("{unit}.o"));
            let source = source(&format!("double_include_{unit}.c"));
            let mut command = Command::new(compiler);
            command.args(["-x", language, std, "-c", "-o"]).arg(&object).arg(source);
            stdout(command.args(STRICT).arg("-I").arg(root().join("include")));
            object
        });
    let program = folder.path().join("mixed");
    let libraries = library_folder(folder.path());
    stdout(Command::new("c++").args(objects).arg("-o").arg(&program).arg("-L").arg(libraries).arg("-loss_upload"));
    let mut command = Command::new(program);
    with_library(&mut command, folder.path());
    stdout(&mut command);
}

#[test]
fn everything_is_documented_right_above() {
    let header = header();
    // A reader of the header that finds nothing would praise any header.
    assert!(header.functions.len() >= 12, "{:?}", header.functions);
    assert!(header.types.len() >= 10, "{:?}", header.types);
    assert!(header.members.len() >= 90, "{} members", header.members.len());
    assert!(header.constants.len() >= 13, "{:?}", header.constants);
    let undocumented: Vec<_> = [header.functions, header.types, header.members, header.constants]
        .into_iter()
        .flatten()
        .filter(|declared| !declared.documented)
        .map(|declared| declared.name)
        .collect();
    assert!(undocumented.is_empty(), "without documentation: {undocumented:?}");
}

#[test]
fn names_have_the_librarys_prefix() {
    let header = header();
    for Declared { name, .. } in header.functions.iter().chain(&header.types) {
        assert!(name.starts_with("oss_"), "{name}");
    }
}

#[test]
fn the_reader_of_the_header_sees_what_lacks_documentation() {
    let text = "/** A. */\nint oss_a(void);\nint oss_b(void);\n/**\n * T.\n */\ntypedef struct {\n  /** X. */\n  int x;\n  \
                char *y;\n} oss_t;\ntypedef struct oss_u oss_u;\n/** C. */\n\n#define OSS_C 1\n";
    let header = parse(text);
    let seen = |declared: &[Declared]| {
        declared.iter().map(|one| format!("{} {}", one.name, one.documented)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(seen(&header.functions), "oss_a true, oss_b false");
    assert_eq!(seen(&header.types), "oss_t true, oss_u false");
    assert_eq!(seen(&header.members), "oss_t.x true, oss_t.y false");
    assert_eq!(seen(&header.constants), "OSS_C false", "an empty line parts them");
}
