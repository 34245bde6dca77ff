//! One upload: from a source and its options to the verified object.
//!
//! `handle` starts a `job` and waits for it; `run` runs its rounds. A `round` sends the source with one request
//! (`put_object`) or as a `multipart` upload, which begins anew or where `resume` says. `send` sends parts, `verify` makes
//! sure that they are what the file holds, `prove` that the object is. `stream` sends what a program writes. `cleanup`
//! decides what is left on the server and on disk when the upload ends. `shared` is one object from several hosts, `sharing` the
//! texts that these exchange.

pub(crate) mod checkpoint;
mod cleanup;
mod full_path;
mod handle;
mod job;
mod media_type;
mod multipart;
mod orphans;
mod prove;
mod put_object;
mod received;
mod remote;
mod request;
mod result;
mod resume;
mod round;
mod run;
mod send;
mod shared;
mod sharing;
mod state;
mod stream;
mod stream_handle;
mod verify;

pub use crate::transfer::{Phase, Progress};
pub(crate) use cleanup::CANCELLED;
pub(crate) use full_path::in_full;
pub use handle::Upload;
pub(crate) use job::{Job, while_leased};
pub(crate) use request::UploadRequest;
pub(crate) use result::StoredFile;
pub use result::{Outcome, UploadResult};
pub(crate) use sharing::SharedStep;
pub use sharing::shared_upload_part_count;
pub use stream_handle::UploadStream;
