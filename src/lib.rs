//! Resumable, verified uploads of local files to Alibaba Cloud OSS.
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![deny(unsafe_code)]

pub mod credentials;
pub mod error;
mod oss;

pub use credentials::Credentials;
pub use error::{Error, ErrorKind, Result};
