//! Which hashes a run may hold: a Bloom filter in blocks of one cache line, of which each hash sets
//! one bit in each of eight words. A question costs one read from memory.
//!
//! Our own, because those of libraries touch a line for each bit, and every new key asks every run.

/// Of each key. A key that is not there is taken for one in about 600 cases.
const BITS_A_KEY: u64 = 15;
const BLOCK_BITS: u64 = 512;
/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64;

/// A cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Block([u64; 8]);

#[derive(Debug)]
pub(super) struct Filter(Box<[Block]>);

/// How many blocks a filter for so many keys has.
pub(super) fn blocks(keys: u64) -> u64 {
    (keys.saturating_mul(BITS_A_KEY))
        .div_ceil(BLOCK_BITS)
        .max(1)
}

impl Filter {
    /// An empty one for so many keys.
    pub(super) fn new(keys: u64) -> Self {
        let blocks = usize::try_from(blocks(keys)).unwrap_or(usize::MAX);
        Self(vec![Block::default(); blocks].into())
    }

    /// One from its bytes; a part of a block at their end is left out.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
        let block = |block: &[u8; BLOCK_BYTES]| {
            let mut words = [0; 8];
            let (bytes, _) = block.as_chunks::<8>();
            for (word, bytes) in words.iter_mut().zip(bytes) {
                *word = u64::from_le_bytes(*bytes);
            }
            Block(words)
        };
        Self(blocks.iter().map(block).collect())
    }

    /// Its bytes, a block at a time.
    pub(super) fn blocks(&self) -> impl Iterator<Item = [u8; BLOCK_BYTES]> {
        self.0.iter().map(|block| {
            let mut bytes = [0; BLOCK_BYTES];
            let (words, _) = bytes.as_chunks_mut::<8>();
            for (bytes, word) in words.iter_mut().zip(&block.0) {
                *bytes = word.to_le_bytes();
            }
            bytes
        })
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let place = self.place(hash);
        if let Some(block) = self.0.get_mut(place) {
            for (word, bit) in block.0.iter_mut().zip(bits(hash)) {
                *word |= bit;
            }
        }
    }

    /// True of every hash that was inserted, and of few others.
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.0.get(self.place(hash)).is_some_and(|block| {
            let pairs = block.0.iter().zip(bits(hash));
            // All of them, without a branch for each.
            pairs.fold(0, |missing, (word, bit)| missing | (!word & bit)) == 0
        })
    }

    /// The high bits choose the block.
    fn place(&self, hash: u64) -> usize {
        let place = (u128::from(hash) * self.0.len() as u128) >> 64;
        usize::try_from(place).unwrap_or_default()
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * BLOCK_BYTES
    }
}

/// One bit in each word, by six bits each of the hash, mixed: its high bits are the same in a block.
fn bits(hash: u64) -> impl Iterator<Item = u64> {
    let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
    (0..8).map(move |word| 1 << (mixed >> (6 * word) & 63))
}
