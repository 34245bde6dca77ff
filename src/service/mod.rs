//! The server, as all uploads of a client share it: one signed call, tried again, judged and paused.

mod attempts;
mod backoff;
mod call;
mod call_error;
mod kept_signer;
mod signature;
mod time_limits;

pub(crate) use attempts::{Attempt, Attempted, Attempts, Caller};
pub(crate) use backoff::{RetryBudget, RetryPolicy};
pub(crate) use call::Service;
pub(crate) use call_error::{CallError, stopped};
pub(crate) use signature::Signature;
pub(crate) use time_limits::longest_wait;
