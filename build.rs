//! Generates include/oss_upload.h from the C API in src/capi/, and the copy of it that lies beside the Go package.

use std::env;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 12] = [
    "src/capi/types.rs",
    "src/capi/batch_types.rs",
    "src/capi/opaque.rs",
    "src/capi/client.rs",
    "src/capi/upload_file.rs",
    "src/capi/upload.rs",
    "src/capi/memory.rs",
    "src/capi/stream.rs",
    "src/capi/shared_upload.rs",
    "src/capi/batch.rs",
    "src/capi/event.rs",
    "src/capi/version.rs",
];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    for input in SOURCES.iter().chain(&["build.rs", "cbindgen.toml", "Cargo.toml"]) {
        println!("cargo:rerun-if-changed={input}");
    }
    // Never set: cbindgen alone reads this condition, and makes one on OSS_UPLOAD_NO_UPLOAD_FILE of it.
    println!("cargo:rustc-check-cfg=cfg(oss_upload_no_upload_file, fuzzing)");
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml can be read");
    let mut builder = cbindgen::Builder::new().with_config(config).with_after_include(version_macros());
    for source in SOURCES {
        builder = builder.with_src(root.join(source));
    }
    let bindings = builder.generate().expect("cbindgen understands src/capi");
    let text = header_text(&bindings);
    write(&text, &root.join("include/oss_upload.h"));
    // Go takes nothing from outside of a package into vendor/ or into a module.
    let go = root.join("bindings/go/oss");
    if go.is_dir() {
        write(&text, &go.join("oss_upload.h"));
    }
}

fn header_text(bindings: &cbindgen::Bindings) -> String {
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).expect("the header is UTF-8");
    // cbindgen would put a trailer behind the include guard.
    let (inside, guard_end) = text.rsplit_once("#endif").expect("the header ends with its guard");
    format!("{inside}{}\n\n#endif{guard_end}", initialisers())
}

/// A source tree that cannot be written, such as cargo's registry, already holds the header of this version.
fn write(text: &str, header: &Path) {
    let current = std::fs::read_to_string(header).unwrap_or_default();
    if current != text && std::fs::write(header, text).is_err() {
        println!("cargo:warning={} could not be written: it may be out of date", header.display());
    }
}

fn version_macros() -> String {
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}")).expect("cargo sets the version");
    let (major, minor, patch) = (part("MAJOR"), part("MINOR"), part("PATCH"));
    format!(
        "
/** Version of this header; oss_version() returns the version of the library. */
#define OSS_VERSION \"{major}.{minor}.{patch}\"
/** Changes when programs must be recompiled: see docs/abi.md. */
#define OSS_VERSION_MAJOR {major}
/** Changes when features are added. */
#define OSS_VERSION_MINOR {minor}
/** Changes when bugs are fixed. */
#define OSS_VERSION_PATCH {patch}
/** major << 16 | minor << 8 | patch, to compare with oss_version_number(). */
#define OSS_VERSION_NUMBER ((OSS_VERSION_MAJOR << 16) | (OSS_VERSION_MINOR << 8) | OSS_VERSION_PATCH)"
    )
}

/// In the header and not in the library, so that `struct_size` is that of the program which was compiled. Two functions of C,
/// since a macro could not be called from C++ or documented.
fn initialisers() -> String {
    let functions = [("client", "a client"), ("upload", "an upload"), ("batch", "a batch")].map(|(name, owner)| {
        format!(
            "
/** Options of {owner}, with every field at its default. */
static inline oss_{name}_options oss_{name}_options_default(void)
{{
    oss_{name}_options options;
    unsigned char *bytes = (unsigned char *)&options;
    size_t i;
    for (i = 0; i < sizeof(options); i++) bytes[i] = 0;
    options.struct_size = sizeof(options);
    return options;
}}
"
        )
    });
    let functions = functions.concat();
    format!("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n{functions}\n#ifdef __cplusplus\n}}\n#endif")
}
