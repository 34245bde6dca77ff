//! Nobody cancels a thread here: TerminateThread() asks nobody.

/// What is held while a thread is not to be cancelled.
pub(crate) struct Deferred;

impl Deferred {
    pub(crate) fn new() -> Self {
        Deferred
    }
}
