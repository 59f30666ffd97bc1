//! AVX2: 4 words at once. A block takes twice as many registers as there are,
//! so the rows go through scratch to the columns.
//!
//! Register `8 * i + j` has words `2 * j` and `2 * j + 1` of rows `2 * i` and
//! `2 * i + 1`, as [`Block`] orders them. So registers `8 * i + 0..8` are two
//! rows, and `8 * (0..4) + j` are one column.

use std::arch::x86_64::*;

use super::Kernel;
use crate::block::Block;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

/// The state of BLAKE2b twice: its rows, the first and the second half of each.
type State = [[__m256i; 2]; 4];

impl Kernel for Avx2 {
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
#[target_feature(enable = "avx2")]
fn compress(
    previous: &Block,
    reference: &Block,
    block: &mut Block,
    again: bool,
    scratch: &mut Block,
    first_word: impl FnOnce(u64),
) {
    let both = |at| _mm256_xor_si256(load(previous, at), load(reference, at));
    for i in 0..4 {
        let half = |j: usize| [both(8 * i + j), both(8 * i + j + 1)];
        let state = rows([half(0), half(2), half(4), half(6)]);
        for j in 0..8 {
            store(scratch, 8 * i + j, state[j / 2][j % 2]);
        }
    }
    for j in [0, 2, 4, 6] {
        let pair = |i: usize| [load(scratch, 8 * i + j), load(scratch, 8 * i + j + 1)];
        let state = columns([pair(0), pair(1), pair(2), pair(3)]);
        for (i, pair) in state.iter().enumerate() {
            for (which, &word) in pair.iter().enumerate() {
                let at = 8 * i + j + which;
                let mut word = _mm256_xor_si256(word, both(at));
                if again {
                    word = _mm256_xor_si256(word, load(block, at));
                }
                store(block, at, word);
            }
        }
    }
    first_word(block.0[0]);
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &Block, register: usize) -> __m256i {
    let words: &[u64; 4] = &block.0.as_chunks().0[register];
    // SAFETY: 32 bytes are read, which `words` has; a block is aligned to 64.
    unsafe { _mm256_load_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(block: &mut Block, register: usize, value: __m256i) {
    let words: &mut [u64; 4] = &mut block.0.as_chunks_mut().0[register];
    // SAFETY: 32 bytes are written, which `words` has; a block is aligned to 64.
    unsafe { _mm256_store_si256(words.as_mut_ptr().cast(), value) }
}

/// Two rows: one in the lower halves of the registers, one in the upper.
#[inline]
#[target_feature(enable = "avx2")]
fn rows(mut state: State) -> State {
    mix(&mut state);
    let [a, [b0, b1], [c0, c1], [d0, d1]] = state;
    state = [
        a,
        [between(b0, b1), between(b1, b0)],
        [c1, c0],
        [between(d1, d0), between(d0, d1)],
    ];
    mix(&mut state);
    let [a, [b0, b1], [c0, c1], [d0, d1]] = state;
    [
        a,
        [between(b1, b0), between(b0, b1)],
        [c1, c0],
        [between(d0, d1), between(d1, d0)],
    ]
}

/// The words at a register's end and at the next one's beginning.
#[inline]
#[target_feature(enable = "avx2")]
fn between(x: __m256i, y: __m256i) -> __m256i {
    _mm256_alignr_epi8::<8>(y, x)
}

/// Two columns: one in the first registers, one in the second.
#[inline]
#[target_feature(enable = "avx2")]
fn columns(mut state: State) -> State {
    mix(&mut state);
    let [a, b, c, d] = state;
    state = [
        a,
        [
            _mm256_permute4x64_epi64::<0b00_11_10_01>(b[0]),
            _mm256_permute4x64_epi64::<0b00_11_10_01>(b[1]),
        ],
        [
            _mm256_permute4x64_epi64::<0b01_00_11_10>(c[0]),
            _mm256_permute4x64_epi64::<0b01_00_11_10>(c[1]),
        ],
        [
            _mm256_permute4x64_epi64::<0b10_01_00_11>(d[0]),
            _mm256_permute4x64_epi64::<0b10_01_00_11>(d[1]),
        ],
    ];
    mix(&mut state);
    let [a, b, c, d] = state;
    [
        a,
        [
            _mm256_permute4x64_epi64::<0b10_01_00_11>(b[0]),
            _mm256_permute4x64_epi64::<0b10_01_00_11>(b[1]),
        ],
        [
            _mm256_permute4x64_epi64::<0b01_00_11_10>(c[0]),
            _mm256_permute4x64_epi64::<0b01_00_11_10>(c[1]),
        ],
        [
            _mm256_permute4x64_epi64::<0b00_11_10_01>(d[0]),
            _mm256_permute4x64_epi64::<0b00_11_10_01>(d[1]),
        ],
    ]
}

/// GB of RFC 9106, section 3.6, of 8 columns of the state of BLAKE2b.
#[inline]
#[target_feature(enable = "avx2")]
fn mix([a, b, c, d]: &mut State) {
    // Rotation by whole bytes is a shuffle.
    let by_24 = _mm256_setr_epi8(
        3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, //
        3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,
    );
    let by_16 = _mm256_setr_epi8(
        2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, //
        2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,
    );
    for i in 0..2 {
        a[i] = multiply_add(a[i], b[i]);
        d[i] = _mm256_shuffle_epi32::<0b10_11_00_01>(_mm256_xor_si256(d[i], a[i]));
        c[i] = multiply_add(c[i], d[i]);
        b[i] = _mm256_shuffle_epi8(_mm256_xor_si256(b[i], c[i]), by_24);
    }
    for i in 0..2 {
        a[i] = multiply_add(a[i], b[i]);
        d[i] = _mm256_shuffle_epi8(_mm256_xor_si256(d[i], a[i]), by_16);
        c[i] = multiply_add(c[i], d[i]);
        let x = _mm256_xor_si256(b[i], c[i]);
        b[i] = _mm256_or_si256(_mm256_srli_epi64::<63>(x), _mm256_add_epi64(x, x));
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn multiply_add(x: __m256i, y: __m256i) -> __m256i {
    let product = _mm256_mul_epu32(x, y);
    let sum = _mm256_add_epi64(x, y);
    _mm256_add_epi64(sum, _mm256_add_epi64(product, product))
}
