//! A block, and the order of its words in memory.
//!
//! RFC 9106 permutes the 128 words of a block first in 8 rows of 16 words and
//! then in 8 columns of 16. In the order of the RFC a vector register that is
//! filled from memory has what the rows need, and everything has to be shuffled
//! for the columns. In the order here it has what both need: pairs of words
//! from two rows stand beside each other. All that is between the first two
//! blocks and the last is in this order, so nothing is ever brought into the
//! other one.

use zeroize::Zeroize;

/// Words of a block.
pub(crate) const WORDS: usize = 128;

/// 1 KiB of the memory that a hash is computed in. What a hash leaves there is
/// a secret as much as the password is: who gives out the memory wipes it.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Block(pub(crate) [u64; WORDS]);

impl Block {
    /// Bytes of a block.
    pub const SIZE: usize = WORDS * size_of::<u64>();

    /// A block of zeroes.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; WORDS])
    }

    /// Where word `word` of the RFC stands: of pairs of words (the last bit is
    /// which of a pair), those of rows 0 and 1, 2 and 3, and so on alternate.
    pub(crate) const fn place(word: usize) -> usize {
        let (row, pair, which) = (word / 16, word / 2 % 8, word % 2);
        row / 2 * 32 + pair * 4 + row % 2 * 2 + which
    }

    /// The word that is word `word` of the RFC.
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.0[Self::place(word)]
    }

    /// Reads a block as RFC 9106 writes it: words of little endian.
    pub(crate) fn read(&mut self, bytes: &[u8; Self::SIZE]) {
        let (words, _) = bytes.as_chunks();
        for (word, bytes) in words.iter().enumerate() {
            self.0[Self::place(word)] = u64::from_le_bytes(*bytes);
        }
    }

    /// Writes a block as RFC 9106 does.
    pub(crate) fn write(&self, bytes: &mut [u8; Self::SIZE]) {
        let (words, _) = bytes.as_chunks_mut();
        for (word, bytes) in words.iter_mut().enumerate() {
            *bytes = self.word(word).to_le_bytes();
        }
    }
}

impl Default for Block {
    fn default() -> Self {
        Self::new()
    }
}

impl Zeroize for Block {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_place_and_the_first_the_first() {
        let mut places: Vec<_> = (0..WORDS).map(Block::place).collect();
        assert_eq!(places[0], 0);
        places.sort_unstable();
        assert!(places.into_iter().eq(0..WORDS));
    }

    #[test]
    fn what_is_read_is_written() {
        let mut bytes = [0; Block::SIZE];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = (index * 7 % 251) as u8;
        }
        let mut block = Block::new();
        block.read(&bytes);
        let mut written = [0; Block::SIZE];
        block.write(&mut written);
        assert_eq!(written, bytes);
    }
}
