//! Plain Rust, for every machine, and what the others are compared with.

use super::Kernel;
use crate::block::{Block, WORDS};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

/// Where the 16 words of each row are, and then those of each column.
const ROUNDS: [[usize; 16]; 16] = {
    let mut rounds = [[0; 16]; 16];
    let mut line = 0;
    while line < 8 {
        let mut word = 0;
        while word < 16 {
            rounds[line][word] = Block::place(16 * line + word);
            rounds[8 + line][word] = Block::place(16 * (word / 2) + 2 * line + word % 2);
            word += 1;
        }
        line += 1;
    }
    rounds
};

impl Kernel for Portable {
    fn compress(
        self,
        previous: &Block,
        reference: &Block,
        block: &mut Block,
        again: bool,
        scratch: &mut Block,
        first_word: impl FnOnce(u64),
    ) {
        for word in 0..WORDS {
            scratch.0[word] = previous.0[word] ^ reference.0[word];
        }
        for places in &ROUNDS {
            let mut words = places.map(|place| scratch.0[place]);
            permute(&mut words);
            for (&place, word) in places.iter().zip(words) {
                scratch.0[place] = word;
            }
        }
        for word in 0..WORDS {
            let old = if again { block.0[word] } else { 0 };
            block.0[word] = old ^ scratch.0[word] ^ previous.0[word] ^ reference.0[word];
        }
        first_word(block.0[0]);
    }
}

/// P of RFC 9106, section 3.6.
fn permute(v: &mut [u64; 16]) {
    for column in 0..4 {
        mix(v, [column, 4 + column, 8 + column, 12 + column]);
    }
    for diagonal in 0..4 {
        mix(
            v,
            [
                diagonal,
                4 + (diagonal + 1) % 4,
                8 + (diagonal + 2) % 4,
                12 + (diagonal + 3) % 4,
            ],
        );
    }
}

/// GB of RFC 9106, section 3.6.
#[inline(always)]
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4]) {
    for [first, second] in [[32, 24], [16, 63]] {
        v[a] = multiply_add(v[a], v[b]);
        v[d] = (v[d] ^ v[a]).rotate_right(first);
        v[c] = multiply_add(v[c], v[d]);
        v[b] = (v[b] ^ v[c]).rotate_right(second);
    }
}

#[inline(always)]
fn multiply_add(x: u64, y: u64) -> u64 {
    let product = (x & u64::from(u32::MAX)).wrapping_mul(y & u64::from(u32::MAX));
    x.wrapping_add(y).wrapping_add(product.wrapping_mul(2))
}
