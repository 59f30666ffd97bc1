//! What waits for the kernel: chunks of whole frames, counted and bounded.

use std::{collections::VecDeque, io::IoSlice, sync::Arc};

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use crate::ws::wire::Batch;

/// How far a reader may fall behind.
#[derive(Debug, Clone, Copy)]
pub struct BacklogLimits {
    /// Messages that wait.
    pub messages: usize,
    /// Bytes that wait.
    pub bytes: usize,
}

impl BacklogLimits {
    pub(super) fn doubled(self) -> Self {
        Self {
            messages: self.messages.saturating_mul(2),
            bytes: self.bytes.saturating_mul(2),
        }
    }
}

/// What waits: the rest of a batch or a control frame.
#[derive(Debug)]
struct Chunk {
    rest: Bytes,
    since: Instant,
    /// Where the batch's frames end, and how much of it is written; empty for
    /// control frames.
    ends: Arc<[u32]>,
    written: usize,
}

impl Chunk {
    /// Messages that are not wholly written; a control frame counts as one.
    fn messages(&self) -> usize {
        if self.ends.is_empty() {
            return usize::from(!self.rest.is_empty());
        }
        self.ends.len()
            - self
                .ends
                .partition_point(|&end| end as usize <= self.written)
    }

    /// Cuts what follows the frame that is half written, if one is.
    fn keep_begun_frame(&mut self) {
        if self.written == 0 {
            self.rest.clear();
            return;
        }
        let end = self
            .ends
            .iter()
            .map(|&end| end as usize)
            .find(|&end| end >= self.written);
        if let Some(end) = end {
            self.rest.truncate(end - self.written);
        }
    }
}

/// What waits, in order.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    chunks: VecDeque<Chunk>,
    messages: usize,
    bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Since when the oldest of it does.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.chunks.front().map(|chunk| chunk.since)
    }

    /// Adds what is left of some bytes of which so many are written.
    pub(super) fn push(&mut self, bytes: &Bytes, ends: &Arc<[u32]>, written: usize) {
        let chunk = Chunk {
            rest: bytes.slice(written..),
            since: Instant::now(),
            ends: Arc::clone(ends),
            written,
        };
        self.messages += chunk.messages();
        self.bytes += chunk.rest.len();
        self.chunks.push_back(chunk);
    }

    /// Whether messages may wait too, or needn't.
    pub(super) fn takes(&self, batch: &Batch, limits: BacklogLimits) -> bool {
        self.chunks.is_empty()
            || (self.messages + batch.ends.len() <= limits.messages
                && self.bytes + batch.bytes.len() <= limits.bytes)
    }

    pub(super) fn exceeds(&self, limits: BacklogLimits) -> bool {
        self.messages > limits.messages || self.bytes > limits.bytes
    }

    pub(super) fn written(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(first) = self.chunks.front_mut() {
            let before = first.messages();
            let taken = n.min(first.rest.len());
            first.rest.advance(taken);
            first.written += taken;
            n -= taken;
            self.messages -= before - first.messages();
            if !first.rest.is_empty() {
                break;
            }
            self.chunks.pop_front();
        }
        if self.chunks.is_empty() {
            // A socket that was slow once must not keep the memory for it.
            self.chunks = VecDeque::new();
        }
    }

    /// Puts its beginning into `slices`; returns how many are used.
    pub(super) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(&chunk.rest);
            used += 1;
        }
        used
    }

    /// Gives up all but the rest of the frame that is half written, without
    /// which the next one could not be understood.
    pub(super) fn keep_begun_frame(&mut self) {
        self.chunks.truncate(1);
        if let Some(first) = self.chunks.front_mut() {
            first.keep_begun_frame();
            if first.rest.is_empty() {
                self.chunks.clear();
            }
        }
        self.messages = self.chunks.iter().map(Chunk::messages).sum();
        self.bytes = self.chunks.iter().map(|chunk| chunk.rest.len()).sum();
    }

    /// Whether no more than half of what may wait does.
    pub(super) fn is_half_empty(&self, limits: BacklogLimits) -> bool {
        self.messages <= limits.messages / 2 && self.bytes <= limits.bytes / 2
    }
}
