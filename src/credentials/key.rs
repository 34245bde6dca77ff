//! An access key.

use std::fmt;

use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// An access key, with a security token if it is temporary. The secret parts are wiped from memory on drop, and no
/// formatter shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    access_key_secret: Secret,
    security_token: Option<Secret>,
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

    pub(super) fn of(access_key_id: String, access_key_secret: Secret, security_token: Option<Secret>) -> Self {
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
