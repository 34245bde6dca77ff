//! The C API: the only unsafe code of this crate. Every entry point goes through `guard`, which keeps panics inside.
//!
//! The documentation of the functions and types here is written for C: cbindgen carries it into `include/oss_upload.h`.
#![allow(unsafe_code)]
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

pub mod batch;
pub mod batch_types;
mod borrowed;
mod callback;
pub mod client;
pub mod event;
mod guard;
mod handle;
mod input;
pub mod memory;
mod opaque;
mod output;
pub mod shared_upload;
pub mod stream;
pub mod types;
pub mod upload;
pub mod upload_file;
pub mod version;
