//! There are no signals that a write could raise.

/// Runs `work`.
pub(crate) fn without_signals_of_writes<T>(work: impl FnOnce() -> T) -> T {
    work()
}
