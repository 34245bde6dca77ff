//! A piece of a source that lies in memory already, and is sent from there.

use std::sync::Arc;

use super::read::Source;

/// Some bytes of a source. The source stays as long as they are needed.
pub(crate) struct Loan {
    source: Arc<dyn Source>,
    offset: u64,
    size: usize,
}

impl Loan {
    /// The bytes from `offset` on, at most `most`; `None` when they are not in memory.
    pub(crate) fn of(source: &Arc<dyn Source>, offset: u64, most: usize) -> Option<Loan> {
        let size = source.in_memory(offset)?.len().min(most);
        Some(Loan { source: source.clone(), offset, size })
    }
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        self.source.in_memory(self.offset).and_then(|bytes| bytes.get(..self.size)).unwrap_or_default()
    }
}
