//! The jobs that a thread does together, and what it does them with.

use std::time::{Duration, Instant};

use super::{
    arena::Arena,
    job::{Job, caught},
    kernel::{Input, Kernel},
};

/// What a thread owns.
pub(super) struct Workplace {
    kernel: Kernel,
    /// One for each hash that is computed at a time.
    arenas: Vec<Arena>,
}

impl Workplace {
    pub(super) fn new(kernel: Kernel, arenas: Vec<Arena>) -> Self {
        Self { kernel, arenas }
    }

    /// How many jobs it does together.
    pub(super) fn width(&self) -> usize {
        self.arenas.len()
    }

    /// Whether it has no memory.
    pub(super) fn is_empty(&self) -> bool {
        self.arenas.iter().all(Arena::is_empty)
    }

    /// Returns all memory to the kernel.
    pub(super) fn free(&mut self) {
        self.arenas.iter_mut().for_each(Arena::free);
    }

    /// Does the jobs, at most as many as its width, and says how many of them
    /// it skipped because nobody waits for them any more.
    pub(super) fn work_off(&mut self, mut jobs: Vec<Box<dyn Job>>) -> u64 {
        let all = jobs.len();
        jobs.retain(|job| job.is_wanted());
        let skipped = all - jobs.len();

        let mut is_hashed = Vec::with_capacity(jobs.len());
        let mut inputs: Vec<Input<'_>> = Vec::with_capacity(jobs.len());
        for job in &mut jobs {
            let input = job.begin();
            is_hashed.push(input.is_some());
            inputs.extend(input);
        }
        let begun = Instant::now();
        let blocks: Vec<u64> = inputs.iter().map(|i| i.cost.blocks_written()).collect();
        let hashed = caught(|| self.kernel.derive(&inputs, &mut self.arenas));
        self.arenas.iter_mut().for_each(Arena::clean);
        let took = begun.elapsed();

        let mut hashed = hashed.unwrap_or_default().into_iter();
        let all_blocks: u64 = blocks.iter().sum();
        let mut blocks = blocks.into_iter();
        for (job, is_hashed) in jobs.into_iter().zip(is_hashed) {
            if is_hashed {
                let share = part(took, blocks.next().unwrap_or_default(), all_blocks);
                job.end(hashed.next(), share);
            } else {
                job.end(None, Duration::ZERO);
            }
        }
        skipped as u64
    }
}

/// What of a time belongs to so many of all blocks.
fn part(time: Duration, blocks: u64, all: u64) -> Duration {
    let nanoseconds = time.as_nanos() * u128::from(blocks) / u128::from(all.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
