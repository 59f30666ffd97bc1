//! The compression function: two blocks into one (RFC 9106, section 3.5), by
//! the instructions that a machine has.
//!
//! | file | what it holds |
//! |---|---|
//! | `portable` | plain Rust |
//! | `avx2` | 4 words at once |
//! | `avx512` | 8 words at once |

// Vector instructions are not to be had without; each use says why it is right.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::{block::Block, hasher::Implementation};

/// One way to compute the compression function. Who has a value of it is on a
/// machine that has the instructions.
pub(crate) trait Kernel: Copy {
    /// Writes into `block` what `previous` and `reference` make; with `again`
    /// that is added (exclusive or) to what is there. `first_word` is told the
    /// block's first word as early as that is known: it says which block is
    /// wanted next. `scratch` has parts of the secret afterwards.
    fn compress(
        self,
        previous: &Block,
        reference: &Block,
        block: &mut Block,
        again: bool,
        scratch: &mut Block,
        first_word: impl FnOnce(u64),
    );

    /// Asks for a block that will be read soon.
    fn prefetch(self, _block: *const Block) {}
}

/// Lines of 64 bytes of a block.
#[cfg(target_arch = "x86_64")]
const LINES: usize = Block::SIZE / 64;

/// Asks for all lines of a block; any address will do.
#[cfg(target_arch = "x86_64")]
fn prefetch<const HINT: i32>(block: *const Block) {
    for line in 0..LINES {
        let line = block.cast::<i8>().wrapping_add(64 * line);
        // SAFETY: a prefetch is a hint: it reads nothing that the program sees,
        // and does not fault at any address.
        unsafe { std::arch::x86_64::_mm_prefetch::<HINT>(line) };
    }
}

/// The kernel of an [`Implementation`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Any {
    Portable(portable::Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Any {
    /// `None` if this machine does not have the instructions.
    pub(crate) fn of(implementation: Implementation) -> Option<Self> {
        match implementation {
            Implementation::Portable => Some(Self::Portable(portable::Portable)),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx2 => avx2::Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            Implementation::Avx512 => avx512::Avx512::detect().map(Self::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Implementation::Avx2 | Implementation::Avx512 => None,
        }
    }
}
