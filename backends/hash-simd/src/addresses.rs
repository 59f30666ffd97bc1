//! Which block is written next, and which older one goes into it
//! (RFC 9106, section 3.4).

use crate::params::{Params, SLICES};

/// The block that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) pass: usize,
    pub(crate) slice: usize,
    pub(crate) lane: usize,
    /// Within the segment: the part of a lane in a slice.
    pub(crate) index: usize,
}

/// The shape of a hash's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) lanes: usize,
    pub(crate) passes: usize,
    pub(crate) segment: usize,
    pub(crate) lane_blocks: usize,
}

impl Shape {
    pub(crate) fn new(params: Params) -> Self {
        Self {
            lanes: params.lanes(),
            passes: params.passes(),
            segment: params.segment_blocks(),
            lane_blocks: params.lane_blocks(),
        }
    }

    /// The block that is written first.
    pub(crate) fn first(&self) -> Position {
        self.within(Position {
            pass: 0,
            slice: 0,
            lane: 0,
            index: Self::GIVEN,
        })
    }

    /// The first blocks of each lane, which are not written by compression.
    pub(crate) const GIVEN: usize = 2;

    /// The block that is written after `at`; after the last one, one of a pass
    /// too many.
    pub(crate) fn after(&self, at: Position) -> Position {
        self.within(Position {
            index: at.index + 1,
            ..at
        })
    }

    /// `at`, or where the next segment begins if its own ends before.
    fn within(&self, mut at: Position) -> Position {
        // More than once where segments have no more blocks than are given.
        while at.index >= self.segment {
            at.lane += 1;
            if at.lane == self.lanes {
                at.lane = 0;
                at.slice += 1;
                if at.slice == SLICES {
                    at.slice = 0;
                    at.pass += 1;
                }
            }
            at.index = if at.pass == 0 && at.slice == 0 {
                Self::GIVEN
            } else {
                0
            };
        }
        at
    }

    /// Whether the older block is chosen by the position alone, which tells
    /// nobody who watches memory anything of the password: the first half of
    /// the first pass.
    pub(crate) fn is_independent(&self, at: Position) -> bool {
        at.pass == 0 && at.slice < SLICES / 2
    }

    /// Where the block is in memory.
    pub(crate) fn block(&self, at: Position) -> usize {
        at.lane * self.lane_blocks + at.slice * self.segment + at.index
    }

    /// Where the block before it in its lane is.
    pub(crate) fn previous(&self, at: Position) -> usize {
        let block = self.block(at);
        if at.slice == 0 && at.index == 0 {
            block + self.lane_blocks - 1
        } else {
            block - 1
        }
    }

    /// Where the older block is that `random` chooses. It is neither the block
    /// itself nor the one before it.
    #[inline(always)]
    pub(crate) fn reference(&self, at: Position, random: u64) -> usize {
        let lane = if (at.pass == 0 && at.slice == 0) || self.lanes == 1 {
            at.lane
        } else {
            (random >> 32) as usize % self.lanes
        };
        // Blocks to choose from: what is finished in all lanes, and in its own
        // lane what is written in this segment, without the previous block.
        let finished = if at.pass == 0 {
            at.slice * self.segment
        } else {
            self.lane_blocks - self.segment
        };
        let choice = if lane == at.lane {
            finished + at.index - 1
        } else if at.index == 0 {
            finished - 1
        } else {
            finished
        };
        // Younger blocks are chosen more often.
        let random = random & u64::from(u32::MAX);
        let square = (random * random) >> 32;
        let back = (choice as u64 * square) >> 32;
        let relative = choice - 1 - back as usize;
        // The oldest is the first of the segment after this one.
        let start = if at.pass == 0 || at.slice == SLICES - 1 {
            0
        } else {
            (at.slice + 1) * self.segment
        };
        let within = start + relative;
        let wrapped = if within >= self.lane_blocks {
            within - self.lane_blocks
        } else {
            within
        };
        lane * self.lane_blocks + wrapped
    }
}
