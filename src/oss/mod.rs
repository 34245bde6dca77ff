//! OSS's wire protocol: what a request and an answer look like.
//!
//! Everything here is a pure function of its arguments: no threads, no files, no sockets, no environment and no clock.

pub mod date;
mod encode;
mod endpoint;
mod header_rules;
mod names;
mod object_headers;
mod request;
mod response;
pub mod sign_v1;
pub mod sign_v4;
mod vendor_host;

pub use endpoint::Endpoint;
pub use names::{check_bucket, check_key};
pub use object_headers::ObjectHeaders;
pub use request::{Method, Operation, Request};
pub use response::Response;
