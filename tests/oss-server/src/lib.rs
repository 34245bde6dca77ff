//! A local OSS: it stores objects, checks signatures of both versions, keeps OSS's rules, and fails on demand.
//!
//! It is the peer of tests that upload to OSS, in this process or, as a program, beside any other.
//!
//! ```
//! let server = oss_server::Server::start(oss_server::Config::default())?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! assert_eq!(server.objects("test-bucket").len(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod account_limit;
mod admin;
mod auth;
mod clock;
mod config;
mod connection;
mod control;
mod digest;
mod error;
mod etag;
mod exchange;
mod fault;
mod id;
mod keys;
mod log;
mod made_up;
mod operation;
mod ops;
pub mod percent;
mod request;
mod response;
mod server;
mod service;
mod shared;
pub mod sign;
mod store;
mod tls;
mod wire;
mod xml;

pub use config::{AccessKey, Config, EtagMode, LogTarget, Policy, Quirks, Storage, TlsFlaw};
pub use digest::crc64;
pub use fault::{Action, FaultRule, FaultScript, Match, OneOrMany, ResponseBody, Stage};
pub use log::{FaultNote, LogEntry};
pub use operation::Operation;
pub use server::{PendingPart, PendingUpload, Server, StoredObject};

/// Locks, also after a panic elsewhere: every change under a lock is made in one step.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
