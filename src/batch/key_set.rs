//! The keys that a batch has seen, a few bytes each.

use std::hash::{BuildHasher, RandomState};

/// Drawers for the first 16 bits of a hash. Each holds the other 48, six bytes each.
const DRAWERS: usize = 1 << 16;
const TAIL: usize = 6;
/// Tails in a block: a drawer has room for half as many too many, on average.
const BLOCK: usize = 20;
/// Blocks that get their memory together. Blocks never move: memory that grows by copying is needed twice meanwhile.
const SLAB: usize = 4096;

/// Remembers 64 bits of a hash that nobody can foresee: of ten million keys, two pass for one with a chance of one in
/// 300,000.
pub(crate) struct KeySet {
    hasher: RandomState,
    drawers: Vec<Drawer>,
    slabs: Vec<Vec<Block>>,
}

/// The tails of one drawer are in a chain of blocks, which are full but for the first.
#[derive(Clone, Copy)]
struct Drawer {
    first: Option<BlockNumber>,
    used: u8,
}

struct Block {
    tails: [[u8; TAIL]; BLOCK],
    next: Option<BlockNumber>,
}

/// From 1, so that none needs no room of its own.
type BlockNumber = std::num::NonZeroU32;

impl KeySet {
    pub(crate) fn new() -> KeySet {
        KeySet { hasher: RandomState::new(), drawers: Vec::new(), slabs: Vec::new() }
    }

    /// Whether the key is new.
    pub(crate) fn insert(&mut self, key: &str) -> bool {
        if self.drawers.is_empty() {
            self.drawers.resize(DRAWERS, Drawer { first: None, used: BLOCK as u8 });
        }
        let [first, second, tail @ ..] = self.hasher.hash_one(key).to_be_bytes();
        let drawer = usize::from(u16::from_be_bytes([first, second]));
        if self.holds(drawer, tail) {
            return false;
        }
        self.put(drawer, tail);
        true
    }

    fn holds(&self, drawer: usize, tail: [u8; TAIL]) -> bool {
        let Drawer { first, used } = self.drawers[drawer];
        let (mut next, mut used) = (first, usize::from(used));
        while let Some(number) = next {
            let (slab, at) = place(number);
            let block = &self.slabs[slab][at];
            if block.tails[..used].contains(&tail) {
                return true;
            }
            (next, used) = (block.next, BLOCK);
        }
        false
    }

    fn put(&mut self, drawer: usize, tail: [u8; TAIL]) {
        let Drawer { first, used } = self.drawers[drawer];
        let (number, used) = match first {
            Some(number) if usize::from(used) < BLOCK => (number, used),
            full => (self.add_block(full), 0),
        };
        let (slab, at) = place(number);
        self.slabs[slab][at].tails[usize::from(used)] = tail;
        self.drawers[drawer] = Drawer { first: Some(number), used: used + 1 };
    }

    fn add_block(&mut self, next: Option<BlockNumber>) -> BlockNumber {
        if self.slabs.last().is_none_or(|slab| slab.len() == SLAB) {
            self.slabs.push(Vec::with_capacity(SLAB));
        }
        let full = (self.slabs.len() - 1) * SLAB;
        let slab = &mut self.slabs[full / SLAB];
        slab.push(Block { tails: [[0; TAIL]; BLOCK], next });
        // 80 thousand million keys would be needed for the last number.
        u32::try_from(full + slab.len()).ok().and_then(BlockNumber::new).unwrap_or(BlockNumber::MAX)
    }
}

fn place(number: BlockNumber) -> (usize, usize) {
    let index = number.get() as usize - 1;
    (index / SLAB, index % SLAB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_new_once() {
        let mut keys = KeySet::new();
        // More than a block for each drawer, and more than a slab.
        let all = 0..1_400_000;
        assert!(all.clone().all(|number: u32| keys.insert(&number.to_string())));
        assert!(!all.step_by(101).any(|number| keys.insert(&number.to_string())));
        assert!(keys.insert("another"));
        assert!(keys.slabs.len() > 1 && keys.slabs.iter().all(|slab| slab.capacity() == SLAB));
    }

    #[test]
    fn a_key_takes_little_more_than_six_bytes() {
        assert_eq!((size_of::<Block>(), size_of::<Drawer>()), (BLOCK * TAIL + 4, 8));
    }
}
