//! Resumable, verified uploads of local files to Alibaba Cloud OSS.
//!
//! One call uploads a big file to a bucket and never leaves a corrupt object, whatever happens on the way: dropped
//! connections, killed processes, power failures, expired tokens, wrong clocks, full disks, changed files. The crate is
//! also a shared library with a C API (`include/oss_upload.h`), which C++, Python and Go use.
//!
//! ```no_run
//! use oss_upload::{Checkpoint, Client, ClientOptions, UploadOptions};
//!
//! # fn main() -> oss_upload::Result<()> {
//! let client = Client::new(ClientOptions {
//!     endpoint: Some("oss-cn-hangzhou.aliyuncs.com".into()),
//!     ..ClientOptions::default()
//! })?;
//! let options = UploadOptions {
//!     bucket: "my-bucket".into(),
//!     object_key: "videos/a.mp4".into(),
//!     file_path: "/data/a.mp4".into(),
//!     checkpoint: Checkpoint::BesideFile,
//!     ..UploadOptions::default()
//! };
//! let result = client.upload_file(options, |_, progress| println!("{} bytes", progress.done_bytes))?;
//! println!("stored, CRC-64 {}", result.crc64);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//!
//! Dependencies point one way: [`capi`] → [`client`] → `batch` → `upload` → `transfer` → `service` → `transport` → `oss`. `oss`
//! is the wire protocol as pure functions; `transport` sends one request and is the only module that uses ureq;
//! `service` signs calls and retries them; `transfer` has the threads and the queue that all uploads of a client share;
//! `source` is a file, a block of memory or a stream; `upload` is one upload, from the source to the verified object.
//! Only `capi` and `os` are unsafe, only `os` names the operating system's interfaces, and only `client` reads the
//! environment.
#![deny(missing_docs, unsafe_op_in_unsafe_fn, unsafe_code)]

mod batch;
pub mod capi;
pub mod client;
mod crc64;
pub mod credentials;
pub mod error;
pub mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
pub mod options;
mod os;
mod oss;
mod service;
mod source;
mod sync;
mod text;
mod transfer;
mod transport;
mod upload;

pub use batch::{
    Batch, BatchEnd, BatchMode, BatchOptions, BatchOutcome, BatchProgress, BatchResult, BatchSource, KeyEncoding,
    NextOutcome, OutcomeStatus, Symlinks, merge_manifests,
};
pub use client::Client;
pub use credentials::{Credentials, CredentialsSource};
pub use error::{Error, ErrorKind, Result};
pub use events::{Event, EventKind};
pub use options::*;
pub use upload::checkpoint::describe as describe_checkpoint;
pub use upload::{Outcome, Phase, Progress, Upload, UploadResult, UploadStream, shared_upload_part_count};
