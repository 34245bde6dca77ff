//! What every provider of credentials does.

use std::sync::Arc;
use std::time::SystemTime;

use super::key::Credentials;
use super::unavailable::Fetched;
use crate::sync::atomic::AtomicBool;

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
    pub(super) fn new(credentials: Credentials, expires: Option<SystemTime>) -> Self {
        Issued { credentials, expires, source: String::new() }
    }

    pub(super) fn from(mut self, source: impl Into<String>) -> Self {
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
