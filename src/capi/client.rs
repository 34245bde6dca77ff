//! `oss_client`: where the server is and who signs.

use std::ffi::c_char;
use std::time::Duration;

use super::guard::{guard, guard_silently};
use super::opaque::oss_client;
use super::types::{oss_client_options, oss_error, oss_status};
use super::{handle, input, output};
use crate::client::Client;
use crate::credentials::{Credentials, CredentialsSource};
use crate::error::{Error, Result};
use crate::options::{ClientOptions, SignatureVersion};

/// Creates a client. Nothing is sent yet.
///
/// `*out` receives the client, or NULL on failure; free it with oss_client_free(). `error` may be NULL. Returns OSS_OK,
/// OSS_INVALID_ARGUMENT (the message names the option), OSS_CREDENTIALS, OSS_IO (ca_file) or OSS_UNSUPPORTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_client_new(
    options: *const oss_client_options,
    out: *mut *mut oss_client,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: the header asks for pointers that are NULL or valid, here and in all functions below.
    unsafe {
        guard(error, || {
            let out = output::handle(out)?;
            let client = Client::new(client_options(&input::options(options)?)?)?;
            *out = handle::make(client);
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Replaces the client's credentials, including those of running uploads: the next request is signed with the new ones.
///
/// `security_token` is NULL for a permanent key. `error` may be NULL. May be called from any thread at any time.
/// Returns OSS_OK, OSS_INVALID_ARGUMENT or OSS_CREDENTIALS (the ID or the secret is empty).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_client_set_credentials(
    client: *mut oss_client,
    access_key_id: *const c_char,
    access_key_secret: *const c_char,
    security_token: *const c_char,
    error: *mut oss_error,
) -> oss_status {
    // SAFETY: as in oss_client_new().
    unsafe {
        guard(error, || {
            let client = handle::get("client", client)?;
            let id = input::required("access_key_id", access_key_id)?;
            let secret = input::required("access_key_secret", access_key_secret)?;
            let token = input::string("security_token", security_token)?;
            client.set_credentials(Credentials::new(id, secret, token))?;
            Ok(oss_status::OSS_OK)
        })
    }
}

/// Frees a client; NULL is allowed. Its uploads continue: a client and its uploads may be freed in any order.
///
/// Does nothing for a pointer that is not a client of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_client_free(client: *mut oss_client) {
    // SAFETY: as in oss_client_new().
    guard_silently(|| unsafe { handle::free(client) });
}

/// # Safety
/// The pointers in `from` are NULL or strings.
unsafe fn client_options(from: &oss_client_options) -> Result<ClientOptions> {
    let milliseconds = |value: u32| Duration::from_millis(value.into());
    // SAFETY: as the caller promises.
    unsafe {
        Ok(ClientOptions {
            endpoint: input::string("endpoint", from.endpoint)?,
            region: input::string("region", from.region)?,
            credentials: credentials(from)?,
            proxy: input::proxy(from.proxy)?,
            certificate_authorities: input::certificate_authorities(from.ca_file)?,
            user_agent: input::string("user_agent", from.user_agent)?,
            max_bytes_per_second: from.max_bytes_per_second,
            signature_version: signature_version(from.signature_version)?,
            cname: input::switch("cname", from.cname)?,
            path_style: input::switch("path_style", from.path_style)?,
            connect_timeout: milliseconds(from.connect_timeout_ms),
            stall_timeout: milliseconds(from.stall_timeout_ms),
            max_attempts: from.max_attempts,
            insecure_skip_verify: input::switch("insecure_skip_verify", from.insecure_skip_verify)?,
            credentials_wait: milliseconds(from.credentials_wait_ms),
        })
    }
}

fn signature_version(number: u32) -> Result<SignatureVersion> {
    match number {
        0 => Ok(SignatureVersion::Auto),
        1 => Ok(SignatureVersion::V1),
        4 => Ok(SignatureVersion::V4),
        n => Err(Error::invalid(format!("signature_version is {n}; it must be 0, 1 or 4"))),
    }
}

/// # Safety
/// As for [`client_options`].
unsafe fn credentials(from: &oss_client_options) -> Result<CredentialsSource> {
    // SAFETY: as the caller promises.
    let (id, secret, token, provider) = unsafe {
        (
            input::string("access_key_id", from.access_key_id)?,
            input::string("access_key_secret", from.access_key_secret)?,
            input::string("security_token", from.security_token)?,
            input::string("credentials", from.credentials)?,
        )
    };
    match (id, secret, provider) {
        (Some(id), Some(secret), None) => Ok(CredentialsSource::Given(Credentials::new(id, secret, token))),
        (None, None, _) if token.is_some() => {
            Err(Error::invalid("security_token is set without access_key_id and access_key_secret"))
        }
        (None, None, None) => Ok(CredentialsSource::DefaultChain),
        (None, None, Some(name)) => name.parse(),
        (Some(_), Some(_), Some(_)) => Err(Error::invalid("set either access_key_id or credentials, not both")),
        _ => Err(Error::invalid("access_key_id and access_key_secret must be set together")),
    }
}
