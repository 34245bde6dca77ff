//! From C's pointers and numbers to checked Rust values.

use std::ffi::{CStr, c_char};
use std::path::PathBuf;

use super::batch_types::oss_batch_options;
use super::types::*;
use crate::error::{Error, ErrorKind, Result};
use crate::options::{CertificateAuthorities, Proxy};
use crate::os;

/// An options struct whose first field is its size in bytes.
///
/// # Safety
/// The type is `repr(C)`, begins with `struct_size: usize`, has no padding, and all bytes zero is a value of it.
pub(super) unsafe trait Options: Copy {
    const NAME: &'static str;
}

// SAFETY: integers and raw pointers only, without padding: tests/abi.rs adds up the fields.
unsafe impl Options for oss_client_options {
    const NAME: &'static str = "oss_client_options";
}
// SAFETY: as above.
unsafe impl Options for oss_upload_options {
    const NAME: &'static str = "oss_upload_options";
}

// SAFETY: as above.
unsafe impl Options for oss_batch_options {
    const NAME: &'static str = "oss_batch_options";
}

/// By how many bytes options of a newer version may be larger than ours.
const ROOM: usize = 4096;

/// Copies the options of a program that may know fewer fields than this library, or more when these are all zero.
///
/// # Safety
/// `from` is null or points to an options struct of the size that its `struct_size` says.
pub(super) unsafe fn options<T: Options>(from: *const T) -> Result<T> {
    if from.is_null() {
        return Err(Error::invalid("options is NULL"));
    }
    // SAFETY: every options struct begins with its size; it may be unaligned in a caller that packs its structs.
    let given = unsafe { from.cast::<usize>().read_unaligned() };
    let (known, name) = (size_of::<T>(), T::NAME);
    // A size that ends within a field, as none of C does, would leave half a pointer.
    if given <= size_of::<usize>() || given > known + ROOM || !given.is_multiple_of(align_of::<T>()) {
        return Err(Error::invalid(format!(
            "struct_size is {given}; create the options with {name}_default(), which sets it to sizeof({name})"
        )));
    }
    // SAFETY: the caller promises `given` bytes.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), given) };
    if bytes[known.min(given)..].iter().any(|byte| *byte != 0) {
        let message = format!(
            "{name} comes from a newer version and sets a field that this library does not know; update the library"
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    // SAFETY: all zero is a value of T, and at most size_of::<T>() bytes are copied into it.
    unsafe {
        let mut copy = std::mem::zeroed::<T>();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut copy).cast::<u8>(), known.min(given));
        Ok(copy)
    }
}

/// Whether `from` may be options of an upload, or is null. The first version's are the smallest that a program can have;
/// what Alibaba Cloud's C SDK passes here begins with the length of a bucket's name.
///
/// # Safety
/// `from` is null, or a byte there may be read: an aligned word does not reach into the next page.
#[cfg(feature = "upload-file-symbol")]
pub(super) unsafe fn is_plausible(from: *const oss_upload_options) -> bool {
    const SMALLEST: usize = std::mem::offset_of!(oss_upload_options, reserved) + size_of::<u32>();
    if from.is_null() {
        return true;
    }
    // SAFETY: as the caller promises, and aligned.
    from.is_aligned()
        && (SMALLEST..=size_of::<oss_upload_options>() + ROOM)
            .contains(&unsafe { from.cast::<usize>().read_volatile() })
}

/// # Safety
/// `text` is null or a NUL-terminated string.
pub(super) unsafe fn string(field: &str, text: *const c_char) -> Result<Option<String>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    match text.to_str() {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(Error::invalid(format!("{field} is not UTF-8"))),
    }
}

/// # Safety
/// As for [`string`].
pub(super) unsafe fn required(field: &str, text: *const c_char) -> Result<String> {
    // SAFETY: as the caller promises.
    unsafe { string(field, text) }?.ok_or_else(|| Error::invalid(format!("{field} is NULL")))
}

/// Strings, each of which must be there.
///
/// # Safety
/// `texts` points to `count` pointers, each null or a NUL-terminated string, or is null when `count` is 0.
pub(super) unsafe fn strings(field: &str, texts: *const *const c_char, count: usize) -> Result<Vec<String>> {
    // SAFETY: as the caller promises.
    unsafe { several(field, texts, count, |name, text| required(name, text)) }
}

/// The same for paths.
///
/// # Safety
/// As for [`strings`].
pub(super) unsafe fn paths(field: &str, texts: *const *const c_char, count: usize) -> Result<Vec<PathBuf>> {
    // SAFETY: as the caller promises.
    unsafe { several(field, texts, count, |name, text| path(name, text)) }
}

/// # Safety
/// As for [`strings`].
unsafe fn several<T>(
    field: &str,
    texts: *const *const c_char,
    count: usize,
    read: impl Fn(&str, *const c_char) -> Result<T>,
) -> Result<Vec<T>> {
    const MOST: usize = 1_000_000;
    if count == 0 {
        return Ok(Vec::new());
    }
    if texts.is_null() || count > MOST {
        return Err(Error::invalid(format!("{field} is NULL, or has more than {MOST} texts")));
    }
    // SAFETY: as the caller promises.
    let texts = unsafe { std::slice::from_raw_parts(texts, count) };
    texts.iter().enumerate().map(|(i, text)| read(&format!("{field}[{i}]"), *text)).collect()
}

/// A path that must be there: any bytes but none; on Windows they are UTF-8.
///
/// # Safety
/// As for [`string`].
pub(super) unsafe fn path(field: &str, text: *const c_char) -> Result<PathBuf> {
    if text.is_null() {
        return Err(Error::invalid(format!("{field} is NULL")));
    }
    // SAFETY: as the caller promises.
    unsafe { optional_path(field, text) }?.ok_or_else(|| Error::invalid(format!("{field} is empty")))
}

/// A path that is not given when it is null or empty, as in Alibaba Cloud's contract.
///
/// # Safety
/// As for [`string`].
pub(super) unsafe fn optional_path(field: &str, text: *const c_char) -> Result<Option<PathBuf>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    if bytes.is_empty() {
        return Ok(None);
    }
    let path = os::path::from_given(bytes);
    path.map(Some).ok_or_else(|| Error::invalid(format!("{field} is not UTF-8")))
}

/// `env`, the URL of a proxy, or null: none.
///
/// # Safety
/// As for [`string`].
pub(super) unsafe fn proxy(text: *const c_char) -> Result<Proxy> {
    // SAFETY: as the caller promises.
    Ok(match unsafe { string("proxy", text) }? {
        None => Proxy::None,
        Some(text) if text == "env" => Proxy::Environment,
        Some(url) => Proxy::Url(url),
    })
}

/// `system`, the path of a file, or null: those that are built in.
///
/// # Safety
/// As for [`string`].
pub(super) unsafe fn certificate_authorities(text: *const c_char) -> Result<CertificateAuthorities> {
    // SAFETY: as the caller promises.
    Ok(match unsafe { optional_path("ca_file", text) }? {
        None => CertificateAuthorities::BuiltIn,
        Some(path) if path.as_os_str() == "system" => CertificateAuthorities::Platform,
        Some(path) => CertificateAuthorities::File(path),
    })
}

pub(super) fn switch(field: &str, value: u32) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        n => Err(Error::invalid(format!("{field} is {n}; it must be 0 or 1"))),
    }
}

/// One of `choices`, numbered from 0.
pub(super) fn choice<T: Copy>(field: &str, value: u32, choices: &[T]) -> Result<T> {
    let found = usize::try_from(value).ok().and_then(|index| choices.get(index)).copied();
    found.ok_or_else(|| Error::invalid(format!("{field} is {value}; it must be 0 to {}", choices.len() - 1)))
}

pub(super) fn zero(field: &str, value: u32) -> Result<()> {
    match value {
        0 => Ok(()),
        n => Err(Error::new(ErrorKind::Unsupported, format!("{field} is {n}; it must be 0"))),
    }
}

/// # Safety
/// `headers` points to `count` headers, or is null when `count` is 0.
pub(super) unsafe fn headers(headers: *const oss_header, count: usize) -> Result<Vec<(String, String)>> {
    const MOST: usize = 1000;
    if count == 0 {
        return Ok(Vec::new());
    }
    if headers.is_null() {
        return Err(Error::invalid(format!("headers is NULL, but header_count is {count}")));
    }
    if count > MOST {
        return Err(Error::invalid(format!("header_count is {count}; it must be at most {MOST}")));
    }
    // SAFETY: as the caller promises.
    let headers = unsafe { std::slice::from_raw_parts(headers, count) };
    let one = |(i, header): (usize, &oss_header)| {
        // SAFETY: as the caller promises: each name and value is null or a string.
        unsafe {
            let name = required(&format!("headers[{i}].name"), header.name)?;
            Ok((name, required(&format!("headers[{i}].value"), header.value)?))
        }
    };
    headers.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_ends_with_a_field() {
        let (known, align) = (size_of::<oss_client_options>(), align_of::<oss_client_options>());
        for size in 0..known + 64 {
            let mut words = vec![0_usize; (known + 64) / size_of::<usize>()];
            words[0] = size;
            // SAFETY: the words have so many bytes.
            let read = unsafe { options::<oss_client_options>(words.as_ptr().cast()) };
            assert_eq!(read.is_ok(), size > size_of::<usize>() && size % align == 0, "{size} bytes");
        }
    }

    #[test]
    fn a_path_has_the_bytes_that_the_system_has() {
        let read = |text: &std::ffi::CStr| {
            // SAFETY: the text ends with a NUL.
            unsafe { optional_path("spool_dir", text.as_ptr()) }
        };
        assert_eq!(read(c"").unwrap(), None);
        assert_eq!(read(c"/\u{76EE}").unwrap(), Some("/\u{76EE}".into()));
        let odd = read(c"m\xe9");
        match cfg!(windows) {
            true => assert_eq!(odd.unwrap_err().message(), "spool_dir is not UTF-8"),
            false => assert_eq!(os::path::bytes(&odd.unwrap().unwrap()), b"m\xe9"),
        }
    }
}
