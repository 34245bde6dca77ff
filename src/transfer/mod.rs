//! What all uploads of a client share to send their bytes: threads, a queue, and a pace.

mod pace;
mod queue;
mod thread_pool;

pub(crate) use queue::{Permit, Queue, Sending, Units};
