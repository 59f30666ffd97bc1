//! The memory of one hashing thread, used again for hash after hash.
//!
//! Getting 48 MiB from the kernel and giving it back for each hash costs almost
//! half as much again as hashing in it, in page faults. Huge pages save the
//! rest of them, and most misses of the TLB.
//!
//! What a hash leaves in its arena can be computed back to the first two
//! blocks, and those are a fast hash of the password: with them a guess takes
//! microseconds, not 48 MiB. So it is wiped after each hash, for about a
//! hundredth of what the hash took, and kept out of core dumps.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use memmap2::MmapMut;

/// How much memory all arenas of a pool have.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    bytes: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    pub(super) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }

    fn add(&self, bytes: usize) {
        let now = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        self.peak.fetch_max(now, Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

/// Memory for one hash at a time.
pub(super) struct Arena {
    map: Option<MmapMut>,
    /// How much of it, from its beginning, was given out since it was wiped.
    used_bytes: usize,
    regular_bytes: usize,
    gauge: Arc<Gauge>,
}

/// What an arena's memory can be seen as.
///
/// # Safety
/// Any bytes are a valid value, it has no padding and no destructor, and its
/// alignment is at most a page's.
#[allow(unsafe_code)]
pub(super) unsafe trait Block {}

// SAFETY: both are 128 `u64`s, aligned to 64.
#[allow(unsafe_code)]
unsafe impl Block for argon2::Block {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Block for hash_simd::Block {}

impl Arena {
    /// An arena that has no memory yet and will hold on to `regular_bytes`.
    pub(super) fn new(regular_bytes: usize, gauge: Arc<Gauge>) -> Self {
        Self {
            map: None,
            used_bytes: 0,
            regular_bytes,
            gauge,
        }
    }

    /// What it holds on to, in bytes.
    pub(super) fn regular_bytes(&self) -> usize {
        self.regular_bytes
    }

    /// `count` blocks, whatever is in them.
    ///
    /// # Errors
    /// The kernel has no such memory.
    pub(super) fn blocks<B: Block>(&mut self, count: usize) -> io::Result<&mut [B]> {
        let bytes = count
            .checked_mul(size_of::<B>())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        if self.map.as_ref().is_none_or(|map| map.len() < bytes) {
            // First, so that the old and the new are never held together.
            self.free();
            let bytes = bytes.max(self.regular_bytes);
            let map = map(bytes)?;
            self.gauge.add(bytes);
            self.map = Some(map);
        }
        self.used_bytes = self.used_bytes.max(bytes);
        let map = self.map.as_deref_mut().unwrap_or_default();
        // SAFETY: any bytes are a valid `B`. `align_to_mut` sees to its
        // alignment; a mapping has a page's.
        #[allow(unsafe_code)]
        let (_, blocks, _) = unsafe { map.align_to_mut::<B>() };
        blocks
            .get_mut(..count)
            .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// Wipes what the last hash left, and frees the arena if that hash was of a
    /// greater cost than the regular one.
    pub(super) fn clean(&mut self) {
        let used_bytes = std::mem::take(&mut self.used_bytes);
        if self
            .map
            .as_ref()
            .is_some_and(|map| map.len() > self.regular_bytes)
        {
            self.free();
        } else if let Some(used) = self
            .map
            .as_deref_mut()
            .and_then(|map| map.get_mut(..used_bytes))
        {
            // Not left out by the compiler as a dead store: the mapping came
            // from the kernel, and goes back to it.
            used.fill(0);
        }
    }

    /// Returns all memory to the kernel, which wipes it before it gives it to
    /// anybody.
    pub(super) fn free(&mut self) {
        if let Some(map) = self.map.take() {
            self.gauge.remove(map.len());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_none()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.free();
    }
}

fn map(bytes: usize) -> io::Result<MmapMut> {
    let map = MmapMut::map_anon(bytes)?;
    #[cfg(target_os = "linux")]
    for advice in [memmap2::Advice::HugePage, memmap2::Advice::DontDump] {
        // Before the first touch: a page's size is settled then. A kernel
        // without huge pages refuses; the hash is slower and the same.
        if let Err(error) = map.advise(advice) {
            tracing::debug!(?advice, %error, "the kernel does not take this advice for an arena");
        }
    }
    Ok(map)
}
