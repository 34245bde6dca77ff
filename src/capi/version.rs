//! Version and names.

use std::ffi::{CStr, c_char};

use super::types::oss_status;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("the version holds a NUL"),
};

/// Version of the library, such as "0.1.0". The string is static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn oss_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Version of the library as one number: major << 16 | minor << 8 | patch.
#[unsafe(no_mangle)]
pub extern "C" fn oss_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        let bytes = text.as_bytes();
        let (mut value, mut i) = (0, 0);
        while i < bytes.len() {
            value = value * 10 + (bytes[i] - b'0') as u32;
            i += 1;
        }
        value
    }
    const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
    const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
    const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));
    MAJOR << 16 | MINOR << 8 | PATCH
}

/// Name of a status, such as "OSS_OK", or "OSS_UNKNOWN" for an unknown number. The string is static: do not free it.
/// Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oss_status_name(status: i32) -> *const c_char {
    name(status).as_ptr()
}

fn name(status: i32) -> &'static CStr {
    const NAMES: [(oss_status, &CStr); 20] = [
        (oss_status::OSS_OK, c"OSS_OK"),
        (oss_status::OSS_PENDING, c"OSS_PENDING"),
        (oss_status::OSS_END, c"OSS_END"),
        (oss_status::OSS_INVALID_ARGUMENT, c"OSS_INVALID_ARGUMENT"),
        (oss_status::OSS_IO, c"OSS_IO"),
        (oss_status::OSS_NETWORK, c"OSS_NETWORK"),
        (oss_status::OSS_TIMEOUT, c"OSS_TIMEOUT"),
        (oss_status::OSS_SERVICE, c"OSS_SERVICE"),
        (oss_status::OSS_CREDENTIALS, c"OSS_CREDENTIALS"),
        (oss_status::OSS_FILE_CHANGED, c"OSS_FILE_CHANGED"),
        (oss_status::OSS_CHECKSUM_MISMATCH, c"OSS_CHECKSUM_MISMATCH"),
        (oss_status::OSS_CHECKPOINT, c"OSS_CHECKPOINT"),
        (oss_status::OSS_CHECKPOINT_BUSY, c"OSS_CHECKPOINT_BUSY"),
        (oss_status::OSS_PAUSED, c"OSS_PAUSED"),
        (oss_status::OSS_CANCELLED, c"OSS_CANCELLED"),
        (oss_status::OSS_CALLBACK_FAILED, c"OSS_CALLBACK_FAILED"),
        (oss_status::OSS_UNSUPPORTED, c"OSS_UNSUPPORTED"),
        (oss_status::OSS_RESOURCES, c"OSS_RESOURCES"),
        (oss_status::OSS_FILES_FAILED, c"OSS_FILES_FAILED"),
        (oss_status::OSS_INTERNAL, c"OSS_INTERNAL"),
    ];
    NAMES.iter().find(|(known, _)| *known as i32 == status).map_or(c"OSS_UNKNOWN", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_crates() {
        let [major, minor, patch] =
            [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")]
                .map(|part| part.parse::<u32>().unwrap());
        assert_eq!(oss_version_number(), (major << 16) + (minor << 8) + patch);
        assert_eq!(VERSION.to_str().unwrap(), format!("{major}.{minor}.{patch}"));
    }

    #[test]
    fn names_are_known_for_every_status_and_no_other() {
        assert_eq!(name(0), c"OSS_OK");
        assert_eq!(name(-14), c"OSS_UNSUPPORTED");
        assert_eq!(name(-15), c"OSS_RESOURCES");
        assert_eq!(name(-99), c"OSS_INTERNAL");
        assert_eq!(name(12345), c"OSS_UNKNOWN");
    }
}
