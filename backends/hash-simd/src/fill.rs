//! Filling the memory of one hash, block by block, or of several in turns.
//!
//! A block is computed from the one before it and from an older one, which is
//! anywhere in memory and, after the first half of the first pass, known only
//! when the block before is. Waiting for it takes longer than computing. So
//! several hashes take turns: while the block that one of them wants is on its
//! way, the others compute.

use zeroize::Zeroize;

use crate::{
    addresses::{Position, Shape},
    blake2b::{ARGON2ID, first_hash, long_hash},
    block::{Block, WORDS},
    error::Error,
    job::Job,
    kernel::Kernel,
};

/// How many blocks ahead the older one is asked for where it is known: the time
/// that memory takes is that of a few blocks.
const AHEAD: usize = 6;

/// The memory of one hash while it is filled.
pub(crate) struct Filling<'a, K: Kernel> {
    kernel: K,
    memory: &'a mut [Block],
    shape: Shape,
    at: Position,
    /// Where the older block for the one at `at` is.
    reference: usize,
    /// Random numbers of the data-independent part, and what they are made of.
    addresses: Block,
    input: Block,
    scratch: Block,
}

impl<'a, K: Kernel> Filling<'a, K> {
    /// Writes the first two blocks of each lane.
    pub(crate) fn start(kernel: K, job: &'a mut Job<'_>) -> Result<Self, Error> {
        let shape = Shape::new(job.params);
        let first_hash = first_hash(job)?;
        let memory = &mut job.memory[..job.params.blocks()];
        let mut bytes = [0; Block::SIZE];
        for (lane, blocks) in (0_u32..).zip(memory.chunks_exact_mut(shape.lane_blocks)) {
            for (column, block) in (0_u32..2).zip(blocks) {
                let inputs = [&*first_hash, &column.to_le_bytes()[..], &lane.to_le_bytes()];
                long_hash(&inputs, &mut bytes)?;
                block.read(&bytes);
            }
        }
        bytes.zeroize();
        let mut filling = Self {
            kernel,
            memory,
            shape,
            at: shape.first(),
            reference: 0,
            addresses: Block::new(),
            input: Block::new(),
            scratch: Block::new(),
        };
        filling.choose();
        Ok(filling)
    }

    /// Whether there is a block left to be written.
    pub(crate) fn is_left(&self) -> bool {
        self.at.pass < self.shape.passes
    }

    /// Writes the next block.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        let at = self.at;
        let next = self.shape.after(at);
        let current = self.shape.block(at);
        let previous = self.shape.previous(at);
        // Most often the next block is chosen by this one's first word.
        let chooses = !self.shape.is_independent(next) && self.shape.previous(next) == current;
        let (kernel, shape) = (self.kernel, self.shape);
        let memory = self.memory.as_ptr();
        let mut chosen = self.reference;
        let Ok([block, previous, reference]) =
            self.memory
                .get_disjoint_mut([current, previous, self.reference])
        else {
            unreachable!("a block, the one before and an older one are three blocks in memory");
        };
        let first_word = |word| {
            if chooses {
                chosen = shape.reference(next, word);
                kernel.prefetch(memory.wrapping_add(chosen));
            }
        };
        kernel.compress(
            previous,
            reference,
            block,
            at.pass > 0,
            &mut self.scratch,
            first_word,
        );
        self.at = next;
        self.reference = chosen;
        if !chooses && self.is_left() {
            self.choose();
        }
    }

    /// Chooses the older block where the last one written does not.
    fn choose(&mut self) {
        let at = self.at;
        if !self.shape.is_independent(at) {
            let previous = &self.memory[self.shape.previous(at)];
            self.reference = self.shape.reference(at, previous.0[0]);
            return;
        }
        let index = at.index % WORDS;
        let given = at.slice == 0 && at.index == Shape::GIVEN;
        if index == 0 || given {
            self.next_addresses();
            for ahead in index..(index + AHEAD).min(WORDS) {
                self.prefetch_independent(at.index - index + ahead);
            }
        }
        if index + AHEAD < WORDS {
            self.prefetch_independent(at.index + AHEAD);
        }
        self.reference = self.shape.reference(at, self.addresses.word(index));
    }

    /// Asks for the older block of the one at `index`, which the addresses that
    /// are there choose.
    fn prefetch_independent(&self, index: usize) {
        if index < self.shape.segment {
            let at = Position { index, ..self.at };
            let reference = self.shape.reference(at, self.addresses.word(index % WORDS));
            self.kernel
                .prefetch(self.memory.as_ptr().wrapping_add(reference));
        }
    }

    /// Computes the random numbers of the next 128 blocks of a segment from
    /// where they are (RFC 9106, section 3.4.1.2).
    fn next_addresses(&mut self) {
        let at = self.at;
        let counter = at.index / WORDS + 1;
        let numbers = [
            at.pass,
            at.lane,
            at.slice,
            self.memory.len(),
            self.shape.passes,
            ARGON2ID as usize,
            counter,
        ];
        for (word, number) in numbers.into_iter().enumerate() {
            self.input.0[Block::place(word)] = number as u64;
        }
        let zero = Block::new();
        let mut once = Block::new();
        let (kernel, scratch) = (self.kernel, &mut self.scratch);
        kernel.compress(&zero, &self.input, &mut once, false, scratch, |_| ());
        kernel.compress(&zero, &once, &mut self.addresses, false, scratch, |_| ());
    }

    /// The last blocks of all lanes, as the hash is made of them.
    fn last(&self) -> Block {
        let mut last = Block::new();
        for lane in self.memory.chunks_exact(self.shape.lane_blocks) {
            for (word, other) in last.0.iter_mut().zip(&lane[lane.len() - 1].0) {
                *word ^= other;
            }
        }
        last
    }
}

impl<K: Kernel> Drop for Filling<'_, K> {
    fn drop(&mut self) {
        // The addresses are those of everybody.
        self.scratch.zeroize();
    }
}

/// Computes every hash of `jobs`, in turns.
pub(crate) fn fill_and_finish<K: Kernel>(kernel: K, jobs: &mut [Job<'_>]) -> Result<(), Error> {
    let mut fillings = Vec::with_capacity(jobs.len());
    for job in &mut *jobs {
        fillings.push(Filling::start(kernel, job)?);
    }
    let mut left: Vec<&mut Filling<'_, K>> = fillings.iter_mut().collect();
    while !left.is_empty() {
        for filling in &mut left {
            filling.step();
        }
        left.retain(|filling| filling.is_left());
    }
    let last: Vec<Block> = fillings.iter().map(Filling::last).collect();
    drop(fillings);
    for (job, mut last) in jobs.iter_mut().zip(last) {
        let mut bytes = [0; Block::SIZE];
        last.write(&mut bytes);
        last.zeroize();
        let done = long_hash(&[&bytes], job.output);
        bytes.zeroize();
        done?;
    }
    Ok(())
}
