//! What all uploads need to send their bytes: a plan of parts, threads, a queue, a pace, progress, and a way to stop.

mod control;
mod growth;
mod mailbox;
mod pace;
mod pipe;
mod plan;
mod progress;
mod queue;
mod request_limit;
mod thread_pool;

pub(crate) use control::{Control, StopRequest};
pub(crate) use growth::Growth;
pub(crate) use mailbox::Mailbox;
pub(crate) use pace::MOST_AUTO_ROUTINES;
pub(crate) use pipe::{Pipe, PipeWriter, Written};
pub(crate) use plan::Plan;
pub(crate) use progress::{Meter, PartMeter, Rate, Step, eta};
pub use progress::{Phase, Progress};
pub(crate) use queue::{KeepsTo, Permit, Queue, Sending, Units};
pub(crate) use request_limit::RequestLimit;
