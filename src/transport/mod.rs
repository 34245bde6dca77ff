//! Sends one request and returns the response. The only module that uses ureq.
//!
//! What ureq lacks for long uploads is in a connector of our own below its TLS ([`tcp`]) and one above ([`early_response`]):
//! interruption within a quarter of a second, timeouts about progress, a bandwidth limit, and responses that come before
//! the body has been sent.

mod absolute_form;
mod addresses;
mod agents;
mod buffers;
mod connections;
mod context;
mod early_response;
mod exchange;
mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod interim;
mod message;
mod no_proxy;
mod no_thread;
pub(crate) mod plain;
pub(crate) mod proxy;
mod resolver;
mod tcp;
mod throttle;
mod tls;
mod tunnel;

pub(crate) use context::Lent;
pub(crate) use exchange::{Body, Transport};
pub(crate) use failure::Failure;
