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
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod key;
mod key_response;
mod oidc;
mod process;
mod profile;
mod provider;
mod secret;
mod small_file;
mod source;
mod sts;
#[cfg(test)]
mod testing;
mod unavailable;
mod uri;

pub(crate) use cache::{CredentialsCache, Missing, Renewal};
pub(crate) use context::{Clock, Http, ProviderContext, Variables};
pub use key::Credentials;
pub(crate) use provider::{Issued, Provider};
use secret::Secret;
use small_file::{read_file, unreadable};
pub use source::CredentialsSource;
pub(crate) use unavailable::{Fetched, Unavailable};
use unavailable::{failed, not_configured};
