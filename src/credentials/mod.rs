//! Credentials: one provider in each file, and the cache that keeps and renews their credentials.
//!
//! A provider asks its source again each time. Nothing here reads the environment or speaks HTTP: both are in the
//! `ProviderContext`, which the client creates.

mod assume_role;
mod cache;
mod chain;
mod context;
mod ecs_role;
mod env;
mod key_response;
mod oidc;
mod process;
mod profile;
mod secret;
mod source;
mod sts;
#[cfg(test)]
mod testing;
mod unavailable;
mod uri;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::os::io_error::may_pass;
pub(crate) use cache::{CredentialsCache, Missing, Renewal};
pub(crate) use context::{Clock, Http, ProviderContext, Variables};
use secret::Secret;
pub use source::CredentialsSource;
pub(crate) use unavailable::{Fetched, Unavailable};
use unavailable::{failed, not_configured};

/// An access key, with a security token if it is temporary. The secret parts are wiped from memory on drop, and no
/// formatter shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    access_key_secret: Secret,
    security_token: Option<Secret>,
}

/// Credentials as a provider gives them.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub credentials: Credentials,
    /// `None`: they do not end, as far as is known.
    pub expires: Option<SystemTime>,
    /// Where they come from, for events and the log. Holds no secret.
    pub source: String,
}

impl Issued {
    fn new(credentials: Credentials, expires: Option<SystemTime>) -> Self {
        Issued { credentials, expires, source: String::new() }
    }

    fn from(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }
}

/// A source of credentials.
pub(crate) trait Provider: Send + Sync {
    /// As messages name it.
    fn name(&self) -> String;

    /// What is wrong with it, as far as can be told without asking anybody.
    fn check(&self) -> Fetched<()> {
        Ok(())
    }

    /// Asks for credentials. `stop` ends it early.
    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued>;
}

impl Credentials {
    /// The access key `access_key_id`; an empty `security_token` counts as none.
    pub fn new(
        access_key_id: impl Into<String>,
        access_key_secret: impl Into<String>,
        security_token: Option<String>,
    ) -> Self {
        Self::of(access_key_id.into(), access_key_secret.into().into(), security_token.map(Secret::from))
    }

    fn of(access_key_id: String, access_key_secret: Secret, security_token: Option<Secret>) -> Self {
        let security_token = security_token.filter(|token| !token.is_empty());
        Credentials { access_key_id, access_key_secret, security_token }
    }

    /// The public part of the key.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Both halves of a key must be there, and nothing that would break out of a header.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, text) in [
            ("access_key_id", self.access_key_id.as_str()),
            ("access_key_secret", self.access_key_secret()),
            ("security_token", self.security_token().unwrap_or("-")),
        ] {
            if text.is_empty() {
                return Err(Error::new(
                    ErrorKind::Credentials,
                    format!("{name} is empty; both parts of the key are required"),
                ));
            }
            if !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(Error::invalid(format!("{name} may contain only visible ASCII")));
            }
        }
        Ok(())
    }

    pub(crate) fn access_key_secret(&self) -> &str {
        &self.access_key_secret
    }

    pub(crate) fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The content of a small file, which is wiped after use.
fn read_file(path: &std::path::Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read;
    const MOST: u64 = 1024 * 1024;
    let file = crate::os::descriptor::open(|| std::fs::File::open(path))?;
    // In one piece from the beginning: a buffer that grows leaves copies behind.
    let size = file.metadata()?.len().min(MOST) as usize;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 2));
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// `path` cannot be read; what may pass by itself is retryable.
fn unreadable(what: impl fmt::Display, error: &std::io::Error) -> Error {
    Error::os(ErrorKind::Credentials, what, error).with_retryable(may_pass(error))
}
