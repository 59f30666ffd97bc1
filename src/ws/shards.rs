//! The threads that rooms are spread over: one for each core, each with a
//! runtime of its own.
//!
//! A room and the sockets that came for it are one thread's. What is said there
//! goes from task to task without waking another core or waiting for its locks,
//! and each task's turn comes in the order in which they were woken. A runtime
//! that all cores share moves tasks between them, and with 1,000 rooms that are
//! all loud some wait many times as long as others.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    sync::Arc,
    thread,
};

use contract::RoomName;
use tokio::runtime::{self, Handle};
use tokio_util::sync::CancellationToken;

/// The threads, as long as this is there: what runs on them then is dropped
/// with it.
#[derive(Debug)]
pub struct Shards {
    spread: Spread,
    stop: CancellationToken,
}

/// Which thread a room is on.
#[derive(Debug, Clone)]
pub struct Spread {
    handles: Arc<[Handle]>,
    hasher: RandomState,
}

impl Shards {
    /// So many threads, at least 1.
    ///
    /// # Errors
    /// The system's; those that were started end.
    pub fn start(threads: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        // Dropped on an error: whatever has been started ends.
        let ended = stop.clone().drop_guard();
        let mut handles = Vec::new();
        for shard in 0..threads.max(1) {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            handles.push(runtime.handle().clone());
            let stopped = stop.clone();
            thread::Builder::new()
                .name(format!("rooms-{shard}"))
                .spawn(move || runtime.block_on(stopped.cancelled()))?;
        }
        Ok(Self {
            spread: Spread {
                handles: handles.into(),
                hasher: RandomState::new(),
            },
            stop: ended.disarm(),
        })
    }

    /// Where rooms are to be found.
    #[must_use]
    pub fn spread(&self) -> Spread {
        self.spread.clone()
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        // Nobody waits for them: this may run on one of them.
        self.stop.cancel();
    }
}

impl Spread {
    /// All rooms where this is called.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn here() -> Self {
        Self {
            handles: [Handle::current()].into(),
            hasher: RandomState::new(),
        }
    }

    /// The thread of a room: always the same.
    #[must_use]
    pub fn thread_of(&self, room: &RoomName) -> &Handle {
        &self.handles[self.number_of(room)]
    }

    /// Which of the threads that is, from 0 on.
    #[must_use]
    pub fn number_of(&self, room: &RoomName) -> usize {
        let hash = self.hasher.hash_one(room) as usize;
        hash % self.handles.len()
    }

    /// How many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.handles.len()
    }
}
