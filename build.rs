//! Generates include/oss_upload.h from the C API in src/capi/, and the copy of it that lies beside the Go package.

use std::env;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 5] =
    ["src/capi/types.rs", "src/capi/client.rs", "src/capi/upload.rs", "src/capi/event.rs", "src/capi/version.rs"];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    for input in SOURCES.iter().chain(&["build.rs", "cbindgen.toml", "Cargo.toml"]) {
        println!("cargo:rerun-if-changed={input}");
    }
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
    format!("{inside}{INLINE_FUNCTIONS}\n\n#endif{guard_end}")
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
/** Version of this header; oss_version() tells that of the library. */
#define OSS_VERSION \"{major}.{minor}.{patch}\"
/** Changes when programs must be compiled anew: see docs/abi.md. */
#define OSS_VERSION_MAJOR {major}
/** Changes when something is added. */
#define OSS_VERSION_MINOR {minor}
/** Changes when defects are corrected. */
#define OSS_VERSION_PATCH {patch}
/** major << 16 | minor << 8 | patch, to compare with oss_version_number(). */
#define OSS_VERSION_NUMBER ((OSS_VERSION_MAJOR << 16) | (OSS_VERSION_MINOR << 8) | OSS_VERSION_PATCH)"
    )
}

/// In the header and not in the library: the initialisers, so that `struct_size` is that of the program which was
/// compiled, and `oss_upload_file`, so that no symbol has that name, which the vendor's C SDK exports for a call of its own.
const INLINE_FUNCTIONS: &str = "#ifdef __cplusplus
extern \"C\" {
#endif

/** Options of a client with every field at its default. */
static inline oss_client_options oss_client_options_default(void)
{
    oss_client_options options;
    unsigned char *bytes = (unsigned char *)&options;
    size_t i;
    for (i = 0; i < sizeof(options); i++) bytes[i] = 0;
    options.struct_size = sizeof(options);
    return options;
}

/** Options of an upload with every field at its default. */
static inline oss_upload_options oss_upload_options_default(void)
{
    oss_upload_options options;
    unsigned char *bytes = (unsigned char *)&options;
    size_t i;
    for (i = 0; i < sizeof(options); i++) bytes[i] = 0;
    options.struct_size = sizeof(options);
    return options;
}

#ifndef OSS_UPLOAD_NO_UPLOAD_FILE
/**
 * The short name of oss_client_upload_file(), which see.
 *
 * The vendor's C SDK has a function of this name too. The libraries can be linked into one program in any order, since
 * this one is not a symbol. A file that includes both headers defines OSS_UPLOAD_NO_UPLOAD_FILE before this one, which
 * hides this name, and calls oss_client_upload_file(); oss_upload_file() is then the vendor's.
 */
static inline oss_status oss_upload_file(oss_client *client, const oss_upload_options *options, oss_result *result,
                                         oss_error *error, oss_progress_fn on_progress, void *user_data)
{
    return oss_client_upload_file(client, options, result, error, on_progress, user_data);
}
#endif

#ifdef __cplusplus
}
#endif";
