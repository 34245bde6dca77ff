//! The keys that a batch has seen, a few bytes each.

use std::hash::{BuildHasher, RandomState};

/// Drawers for the first 16 bits of a hash. Each holds the other 48, sorted, six bytes each.
const DRAWERS: usize = 1 << 16;
const TAIL: usize = 6;

/// Remembers 64 bits of a hash that nobody can foresee: of ten million keys, two pass for one with a chance of one in
/// 300,000.
pub(crate) struct KeySet {
    hasher: RandomState,
    drawers: Vec<Vec<u8>>,
}

impl KeySet {
    pub(crate) fn new() -> KeySet {
        KeySet { hasher: RandomState::new(), drawers: Vec::new() }
    }

    /// Whether the key is new.
    pub(crate) fn insert(&mut self, key: &str) -> bool {
        if self.drawers.is_empty() {
            self.drawers.resize_with(DRAWERS, Vec::new);
        }
        let [first, second, tail @ ..] = self.hasher.hash_one(key).to_be_bytes();
        let drawer = &mut self.drawers[usize::from(u16::from_be_bytes([first, second]))];
        match drawer.as_chunks::<TAIL>().0.binary_search(&tail) {
            Ok(_) => false,
            Err(at) => {
                if drawer.len() == drawer.capacity() {
                    // Doubling would waste a quarter of the memory of all.
                    drawer.reserve_exact(TAIL * (4 + drawer.len() / TAIL / 8));
                }
                drawer.splice(at * TAIL..at * TAIL, tail);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_new_once() {
        let mut keys = KeySet::new();
        assert!((0..300_000).all(|number| keys.insert(&number.to_string())));
        assert!(!(0..300_000).any(|number| keys.insert(&number.to_string())));
        assert!(keys.insert("another"));
    }
}
