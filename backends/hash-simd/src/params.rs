//! How much work a hash is, within the bounds of RFC 9106, section 3.1.

use crate::{block::Block, error::Error};

/// Passes of a block's memory are synchronised so often.
pub(crate) const SLICES: usize = 4;

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

impl Params {
    /// Most lanes: 2^24 - 1.
    pub const MAX_PARALLELISM: u32 = (1 << 24) - 1;

    /// `memory_kib` KiB, at least 8 for each lane; `iterations` passes, at
    /// least 1; `parallelism` lanes, at least 1, which are filled one after the
    /// other.
    ///
    /// # Errors
    /// [`Error::Params`] if anything is out of bounds.
    pub const fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, Error> {
        if parallelism == 0
            || parallelism > Self::MAX_PARALLELISM
            || iterations == 0
            || memory_kib / 8 < parallelism
        {
            return Err(Error::Params);
        }
        Ok(Self {
            memory_kib,
            iterations,
            parallelism,
        })
    }

    /// Blocks that a hash is computed in.
    #[must_use]
    pub const fn blocks(self) -> usize {
        self.lanes() * self.lane_blocks()
    }

    /// Bytes of those blocks.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.blocks() * Block::SIZE
    }

    pub(crate) const fn lanes(self) -> usize {
        self.parallelism as usize
    }

    pub(crate) const fn passes(self) -> usize {
        self.iterations as usize
    }

    /// Blocks of a lane between two synchronisations.
    pub(crate) const fn segment_blocks(self) -> usize {
        self.memory_kib as usize / (SLICES * self.lanes())
    }

    pub(crate) const fn lane_blocks(self) -> usize {
        self.segment_blocks() * SLICES
    }

    pub(crate) const fn as_given(self) -> [u32; 3] {
        [self.parallelism, self.memory_kib, self.iterations]
    }
}
