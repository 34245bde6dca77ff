//! OSS's wire protocol: what a request and a response look like.
//!
//! Everything here is a pure function of its arguments: no threads, no files, no sockets, no environment and no clock.
//! [`api`] and [`list_objects`] build the requests and read the responses, [`sign_v1`] and [`sign_v4`] sign, [`Endpoint`]
//! makes the URL, and [`ServiceError`] says what a refusal means. Protocol facts are named by the API of Alibaba Cloud's REST documentation
//! that they come from, such as "OSS: UploadPart".

pub mod api;
mod cloud_host;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod header_rules;
pub mod list_objects;
mod names;
mod object_headers;
mod request;
mod response;
mod service_error;
pub mod sign_v1;
pub mod sign_v4;
mod xml;

pub use api::ObjectRef;
pub use endpoint::Endpoint;
pub use names::{check_bucket, check_key};
pub use object_headers::ObjectHeaders;
pub use request::{ApiRequest, Operation, SignatureHeaders};
pub use response::bare_etag;
pub use service_error::ServiceError;
