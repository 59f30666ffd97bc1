//! AVX-512F: 8 words at once, rotation in one instruction, and a whole block in
//! half of the registers.
//!
//! Register `4 * i + j` has words `4 * j` to `4 * j + 3` of rows `2 * i` and
//! `2 * i + 1` as [`Block`] orders them. So registers `4 * i + 0..4` are two
//! rows, and `4 * (0..4) + j` are two columns.

use std::arch::x86_64::*;

use super::Kernel;
use crate::block::Block;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

/// Four rows or columns of the state of BLAKE2b, two after two.
type Quad = [__m512i; 4];

impl Kernel for Avx512 {
    #[inline(always)]
    fn compress(
        self,
        previous: &Block,
        reference: &Block,
        block: &mut Block,
        again: bool,
        scratch: &mut Block,
        first_word: impl FnOnce(u64),
    ) {
        // SAFETY: `self` is made by `detect` alone, on a machine that has it.
        unsafe { compress(previous, reference, block, again, scratch, first_word) }
    }

    fn prefetch(self, block: *const Block) {
        super::prefetch::<_MM_HINT_T0>(block);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn compress(
    previous: &Block,
    reference: &Block,
    block: &mut Block,
    again: bool,
    _: &mut Block,
    first_word: impl FnOnce(u64),
) {
    let both = |i| _mm512_xor_si512(load(previous, i), load(reference, i));
    let row = |i: usize| -> Quad {
        [
            both(4 * i),
            both(4 * i + 1),
            both(4 * i + 2),
            both(4 * i + 3),
        ]
    };
    let [a, b, c, d] = rows([row(0), row(1), row(2), row(3)]);
    let mut write = |j: usize, column: Quad| {
        for (i, word) in column.into_iter().enumerate() {
            let at = 4 * i + j;
            let mut word = xor3(word, load(previous, at), load(reference, at));
            if again {
                word = _mm512_xor_si512(word, load(block, at));
            }
            store(block, at, word);
        }
        block.0[0]
    };
    let [left, right] = columns([[a[0], b[0], c[0], d[0]], [a[1], b[1], c[1], d[1]]]);
    let word = write(0, left);
    write(1, right);
    first_word(word);
    let [left, right] = columns([[a[2], b[2], c[2], d[2]], [a[3], b[3], c[3], d[3]]]);
    write(2, left);
    write(3, right);
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block, register: usize) -> __m512i {
    let words: &[u64; 8] = &block.0.as_chunks().0[register];
    // SAFETY: 64 bytes are read, which `words` has; a block is aligned to 64.
    unsafe { _mm512_load_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(block: &mut Block, register: usize, value: __m512i) {
    let words: &mut [u64; 8] = &mut block.0.as_chunks_mut().0[register];
    // SAFETY: 64 bytes are written, which `words` has; a block is aligned to 64.
    unsafe { _mm512_store_si512(words.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

/// Two pairs of rows at once: there are registers for more than one, and an
/// instruction of one need not wait for the other.
#[inline]
#[target_feature(enable = "avx512f")]
fn rows<const N: usize>(mut quads: [Quad; N]) -> [Quad; N] {
    // The words of one row are the first two and the fifth and sixth; those of
    // the other row are the rest.
    let by_one = _mm512_setr_epi64(1, 4, 3, 6, 5, 0, 7, 2);
    let by_three = _mm512_setr_epi64(5, 0, 7, 2, 1, 4, 3, 6);
    mix(&mut quads);
    for [_, b, c, d] in &mut quads {
        *b = _mm512_permutexvar_epi64(by_one, *b);
        *c = _mm512_shuffle_i64x2::<0b01_00_11_10>(*c, *c);
        *d = _mm512_permutexvar_epi64(by_three, *d);
    }
    mix(&mut quads);
    for [_, b, c, d] in &mut quads {
        *b = _mm512_permutexvar_epi64(by_three, *b);
        *c = _mm512_shuffle_i64x2::<0b01_00_11_10>(*c, *c);
        *d = _mm512_permutexvar_epi64(by_one, *d);
    }
    quads
}

/// Two pairs of columns at once. A column is one half of each register.
#[inline]
#[target_feature(enable = "avx512f")]
fn columns<const N: usize>(mut quads: [Quad; N]) -> [Quad; N] {
    mix(&mut quads);
    for [_, b, c, d] in &mut quads {
        *b = _mm512_permutex_epi64::<0b00_11_10_01>(*b);
        *c = _mm512_permutex_epi64::<0b01_00_11_10>(*c);
        *d = _mm512_permutex_epi64::<0b10_01_00_11>(*d);
    }
    mix(&mut quads);
    for [_, b, c, d] in &mut quads {
        *b = _mm512_permutex_epi64::<0b10_01_00_11>(*b);
        *c = _mm512_permutex_epi64::<0b01_00_11_10>(*c);
        *d = _mm512_permutex_epi64::<0b00_11_10_01>(*d);
    }
    quads
}

/// GB of RFC 9106, section 3.6, of 16 columns of the state of BLAKE2b.
#[inline]
#[target_feature(enable = "avx512f")]
fn mix<const N: usize>(quads: &mut [Quad; N]) {
    for [a, b, c, d] in &mut *quads {
        *a = multiply_add(*a, *b);
        *d = _mm512_ror_epi64::<32>(_mm512_xor_si512(*d, *a));
        *c = multiply_add(*c, *d);
        *b = _mm512_ror_epi64::<24>(_mm512_xor_si512(*b, *c));
    }
    for [a, b, c, d] in &mut *quads {
        *a = multiply_add(*a, *b);
        *d = _mm512_ror_epi64::<16>(_mm512_xor_si512(*d, *a));
        *c = multiply_add(*c, *d);
        *b = _mm512_ror_epi64::<63>(_mm512_xor_si512(*b, *c));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn multiply_add(x: __m512i, y: __m512i) -> __m512i {
    let product = _mm512_mul_epu32(x, y);
    let sum = _mm512_add_epi64(x, y);
    _mm512_add_epi64(sum, _mm512_add_epi64(product, product))
}
