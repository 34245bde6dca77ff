//! Structs of C of every size and content, through the entry points. What lies behind a struct is not read: the address
//! sanitizer sees it.
#![no_main]

use std::ffi::{CString, c_char, c_void};
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use oss_upload::capi::client::{oss_client_free, oss_client_new, oss_client_set_credentials};
use oss_upload::capi::memory::oss_upload_memory_start;
use oss_upload::capi::stream::{oss_stream_free, oss_stream_open};
use oss_upload::capi::types::{oss_client_options, oss_error, oss_header, oss_upload_options};
use oss_upload::capi::upload::{oss_upload_cancel, oss_upload_free, oss_upload_start};

/// The strings that pointers lead to, as long as the call takes.
#[derive(Default)]
struct Strings(Vec<CString>);

impl Strings {
    /// NULL, one of those that mean something, or any other.
    fn any(&mut self, input: &mut Unstructured<'_>) -> Result<*const c_char> {
        let known =
            ["", "bucket", "key", "/dev/null", "cn-hangzhou", "http://127.0.0.1:1", "env", "auto", "none", "/tmp"];
        let bytes = match input.int_in_range(0..=3)? {
            0 => return Ok(null()),
            1 | 2 => input.choose(&known)?.as_bytes().to_vec(),
            _ => input.arbitrary::<Vec<u8>>()?,
        };
        let bytes = bytes.into_iter().filter(|byte| *byte != 0).collect::<Vec<u8>>();
        self.0.push(CString::new(bytes).expect("no NUL"));
        Ok(self.0[self.0.len() - 1].as_ptr())
    }
}

/// The first bytes of a struct, in memory that ends with them, and not more than the struct says that it has.
fn cut<T: Copy>(whole: &T, input: &mut Unstructured<'_>) -> Result<(Vec<u64>, usize)> {
    let size = match input.int_in_range(0..=3)? {
        0 => input.int_in_range(0..=size_of::<T>() + 64)?,
        _ => size_of::<T>(),
    };
    let mut words = vec![0_u64; size.max(8).div_ceil(8)];
    let count = size.clamp(8, size_of::<T>());
    // SAFETY: both have so many bytes.
    unsafe { std::ptr::copy_nonoverlapping((&raw const *whole).cast::<u8>(), words.as_mut_ptr().cast(), count) };
    words[0] = size as u64;
    Ok((words, size))
}

fn client_options(input: &mut Unstructured<'_>, strings: &mut Strings) -> Result<oss_client_options> {
    let number = |input: &mut Unstructured<'_>| input.int_in_range(0..=3_u32);
    let [signature_version, cname, path_style, insecure_skip_verify, max_attempts] =
        [number(input)?, number(input)?, number(input)?, number(input)?, number(input)?];
    Ok(oss_client_options {
        struct_size: 0,
        endpoint: strings.any(input)?,
        region: strings.any(input)?,
        access_key_id: strings.any(input)?,
        access_key_secret: strings.any(input)?,
        security_token: strings.any(input)?,
        // Others would ask servers, or start programs.
        credentials: null(),
        proxy: strings.any(input)?,
        ca_file: null(),
        user_agent: strings.any(input)?,
        max_bytes_per_second: input.arbitrary()?,
        signature_version,
        cname,
        path_style,
        connect_timeout_ms: input.arbitrary()?,
        stall_timeout_ms: input.arbitrary()?,
        max_attempts,
        insecure_skip_verify,
        credentials_wait_ms: input.arbitrary()?,
    })
}

/// Options of a client that reaches no server, whatever is uploaded: nobody listens there.
fn to_nobody() -> oss_client_options {
    oss_client_options {
        struct_size: size_of::<oss_client_options>(),
        endpoint: c"http://127.0.0.1:1".as_ptr(),
        access_key_id: c"id".as_ptr(),
        access_key_secret: c"secret".as_ptr(),
        proxy: c"none".as_ptr(),
        connect_timeout_ms: 1,
        max_attempts: 1,
        // SAFETY: NULL and 0 are values of all fields.
        ..unsafe { zeroed() }
    }
}

fn upload_options(
    input: &mut Unstructured<'_>,
    strings: &mut Strings,
    headers: &mut Vec<oss_header>,
) -> Result<oss_upload_options> {
    for _ in 0..input.int_in_range(0..=3)? {
        headers.push(oss_header { name: strings.any(input)?, value: strings.any(input)? });
    }
    Ok(oss_upload_options {
        struct_size: 0,
        bucket: strings.any(input)?,
        object_key: strings.any(input)?,
        file_path: strings.any(input)?,
        checkpoint_path: null(),
        checkpoint_dir: null(),
        headers: if headers.is_empty() { null() } else { headers.as_ptr() },
        header_count: headers.len(),
        part_size: input.arbitrary()?,
        routines: input.arbitrary()?,
        checkpoint: 0,
        on_file_change: input.int_in_range(0..=3)?,
        verify_resume: input.int_in_range(0..=3)?,
        content_md5: input.int_in_range(0..=2)?,
        reserved: input.arbitrary()?,
        max_memory: input.int_in_range(0..=1 << 24)?,
        spool_dir: null(),
        spool_limit: input.arbitrary()?,
    })
}

fn call(input: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(input);
    let mut strings = Strings::default();
    // SAFETY: a struct of zeros is one.
    let mut error: oss_error = unsafe { zeroed() };
    let (mut client, mut upload, mut stream) = (null_mut(), null_mut(), null_mut());
    // The upload reads it until it is freed.
    let data = [1_u8, 2, 3];
    let options = client_options(&mut input, &mut strings)?;
    let (client_words, _) = cut(&options, &mut input)?;
    // SAFETY: the structs have so many bytes as they say, and all pointers lead to strings.
    unsafe {
        oss_client_new(client_words.as_ptr().cast(), &mut client, &mut error);
        let (id, secret) = (strings.any(&mut input)?, strings.any(&mut input)?);
        oss_client_set_credentials(client, id, secret, strings.any(&mut input)?, &mut error);
        oss_client_free(client);
        client = null_mut();
        oss_client_new(&to_nobody(), &mut client, &mut error);
        let mut headers = Vec::new();
        let options = upload_options(&mut input, &mut strings, &mut headers)?;
        let (words, size) = cut(&options, &mut input)?;
        match input.int_in_range(0..=2)? {
            0 => drop(oss_upload_start(client, words.as_ptr().cast(), &mut upload, &mut error)),
            1 => {
                let start = data.as_ptr().cast::<c_void>();
                oss_upload_memory_start(client, words.as_ptr().cast(), start, data.len(), &mut upload, &mut error);
            }
            _ => drop(oss_stream_open(client, words.as_ptr().cast(), &mut stream, &mut error)),
        }
        assert!(size >= 8 || (upload.is_null() && stream.is_null()), "a struct without its size was taken");
        oss_upload_cancel(upload);
        oss_upload_free(upload);
        oss_stream_free(stream);
        oss_client_free(client);
    }
    Ok(())
}

fuzz_target!(|input: &[u8]| {
    // Too short an input is no struct.
    let _ = call(input);
});
