//! Why a source gives no credentials: the difference between "there is none" and "it is broken".

use std::fmt;

use crate::error::{Error, ErrorKind};

/// A response of a source.
pub(crate) type Fetched<T> = std::result::Result<T, Unavailable>;

/// Why there is none. An [`Error`] that is handed on by `?` is a failure: that nothing is configured must be said.
#[derive(Clone, Debug)]
pub(crate) enum Unavailable {
    /// Nothing is configured there: the default chain asks the next source.
    NotConfigured(Error),
    /// It is configured, and does not work: nobody else may sign instead.
    Failed(Error),
}

impl Unavailable {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Unavailable::NotConfigured(error) | Unavailable::Failed(error) => error,
        }
    }
}

impl From<Error> for Unavailable {
    fn from(error: Error) -> Self {
        Unavailable::Failed(error)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unavailable::NotConfigured(error) | Unavailable::Failed(error) => error.fmt(f),
        }
    }
}

/// Why a source has nothing, for now and for ever.
pub(super) fn failed(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Credentials, why)
}

pub(super) fn not_configured(why: impl Into<String>) -> Unavailable {
    Unavailable::NotConfigured(failed(why))
}
