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

/// What waits, in order. It takes memory only while something does.
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    messages: usize,
    bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Since when the oldest of it does.
    pub(super) fn oldest(&self) -> Option<Instant> {
        Some(self.0.as_ref()?.chunks.front()?.since)
    }

    /// Adds what is left of some bytes of which so many are written.
    pub(super) fn push(&mut self, bytes: &Bytes, ends: &Arc<[u32]>, written: usize) {
        let chunk = Chunk {
            rest: bytes.slice(written..),
            since: Instant::now(),
            ends: Arc::clone(ends),
            written,
        };
        let waiting = self.0.get_or_insert_default();
        waiting.messages += chunk.messages();
        waiting.bytes += chunk.rest.len();
        waiting.chunks.push_back(chunk);
    }

    /// Whether messages may wait too, or needn't.
    pub(super) fn takes(&self, batch: &Batch, limits: BacklogLimits) -> bool {
        let messages = self.messages().saturating_add(batch.ends.len());
        let bytes = self.bytes().saturating_add(batch.bytes.len());
        self.is_empty() || (messages <= limits.messages && bytes <= limits.bytes)
    }

    pub(super) fn exceeds(&self, limits: BacklogLimits) -> bool {
        self.messages() > limits.messages || self.bytes() > limits.bytes
    }

    /// Whether no more than half of what may wait does.
    pub(super) fn is_half_empty(&self, limits: BacklogLimits) -> bool {
        self.messages() <= limits.messages / 2 && self.bytes() <= limits.bytes / 2
    }

    fn messages(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.messages)
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    pub(super) fn written(&mut self, n: usize) {
        self.0.take_if(|waiting| waiting.written(n));
    }

    /// Puts its beginning into `slices`; returns how many are used.
    pub(super) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let chunks = self.0.iter().flat_map(|waiting| &waiting.chunks);
        let mut used = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = IoSlice::new(&chunk.rest);
            used += 1;
        }
        used
    }

    /// Gives up all but the rest of the frame that is half written, without
    /// which the next one could not be understood.
    pub(super) fn keep_begun_frame(&mut self) {
        self.0.take_if(|waiting| waiting.keep_begun_frame());
    }
}

impl Waiting {
    /// Returns whether nothing waits any more.
    fn written(&mut self, mut n: usize) -> bool {
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
        self.chunks.is_empty()
    }

    /// Returns whether nothing waits any more.
    fn keep_begun_frame(&mut self) -> bool {
        self.chunks.truncate(1);
        if let Some(first) = self.chunks.front_mut() {
            first.keep_begun_frame();
            if first.rest.is_empty() {
                self.chunks.clear();
            }
        }
        self.messages = self.chunks.iter().map(Chunk::messages).sum();
        self.bytes = self.chunks.iter().map(|chunk| chunk.rest.len()).sum();
        self.chunks.is_empty()
    }
}
