//! Why one attempt of a call did not succeed, and what follows from it.

use std::time::Duration;

use super::signature::Signed;
use crate::credentials::Missing;
use crate::error::{Error, ErrorKind};
use crate::events::Event;
use crate::oss::{Operation, ServiceError};
use crate::transport::Failure;

/// Why one attempt did not succeed.
pub(crate) enum CallError {
    /// The server said no, to a request signed so.
    Service(Box<ServiceError>, Signed),
    /// There is no response, or not a whole one.
    Transport(Failure),
    /// There is a response, but it cannot be right. The error names the operation.
    Response(Error),
    /// There is nothing to sign with.
    Credentials {
        /// It names the operation when nothing more can be tried.
        error: Error,
        /// All has been tried that may help.
        over: bool,
    },
}

impl From<Missing> for CallError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Stopped => CallError::Transport(Failure::Stopped { begun: false }),
            Missing::Failed(error) => CallError::Credentials { error, over: false },
        }
    }
}

impl CallError {
    /// The server may have carried the request out although we did not hear so.
    pub(super) fn may_have_been_done(&self) -> bool {
        match self {
            CallError::Transport(Failure::Connection { begun, .. } | Failure::Stopped { begun }) => *begun,
            CallError::Response(_) => true,
            CallError::Service(error, _) => error.http_status >= 500,
            _ => false,
        }
    }

    /// A sign that fewer requests at a time would do better.
    pub(super) fn is_complaint(&self) -> bool {
        match self {
            CallError::Service(error, _) => matches!(error.http_status, 429 | 503),
            CallError::Transport(Failure::Connection { kind, .. }) => *kind == ErrorKind::Timeout,
            _ => false,
        }
    }

    pub(super) fn is_retryable(&self) -> bool {
        match self {
            CallError::Service(error, _) => error.is_retryable(),
            CallError::Transport(Failure::Connection { .. }) => true,
            CallError::Response(error) => error.is_retryable(),
            CallError::Credentials { error, over } => !over && error.is_retryable(),
            CallError::Transport(_) => false,
        }
    }

    /// How long the server wants us to wait before the next attempt.
    pub(super) fn asked_delay(&self) -> Option<Duration> {
        match self {
            CallError::Service(error, _) => error.delay,
            _ => None,
        }
    }

    pub(super) fn describe(&self, event: &mut Event) {
        match self {
            CallError::Service(error, _) => {
                event.http_status = error.http_status;
                event.service_code.clone_from(&error.code);
                event.request_id.clone_from(&error.request_id);
                event.message.clone_from(&error.message);
            }
            CallError::Transport(failure) => event.message = failure.to_string(),
            CallError::Response(error) | CallError::Credentials { error, .. } => {
                error.message().clone_into(&mut event.message);
            }
        }
    }

    /// The error for the user, after so many attempts.
    pub(super) fn explain(self, operation: Operation, attempts: u32) -> Error {
        let error = match self {
            CallError::Service(error, _) => error.into_error(operation),
            CallError::Transport(Failure::Stopped { .. }) => return stopped(),
            CallError::Transport(Failure::Body(error)) => return error,
            CallError::Transport(Failure::Response(error) | Failure::Permanent(error)) => error.context(operation),
            CallError::Transport(Failure::Connection { kind, message, errno, .. }) => {
                let error = Error::new(kind, format!("{operation}: {message}")).with_retryable(true);
                error.with_errno(errno)
            }
            // They name the operation.
            CallError::Response(error) | CallError::Credentials { error, .. } => error,
        };
        if attempts > 1 { error.hint(format_args!("tried {attempts} times")) } else { error }
    }
}

/// The server's words for credentials that are of no use, or not any more.
pub(super) fn refuses_credentials(code: &str) -> bool {
    matches!(
        code,
        "SecurityTokenExpired" | "InvalidSecurityToken" | "InvalidAccessKeyId" | "AccessKeyIdAndSecurityTokenNotMatch"
    )
}

/// What interrupted work returns. Nobody sees it: who stopped the work knows why.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Paused, "stopped").with_retryable(true)
}
