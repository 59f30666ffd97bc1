//! A job of the hashing threads: what is before a hash, and what is after.
//!
//! The hash itself is not the job's, so that a thread can compute those of
//! several jobs together.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    kernel::{Input, Output},
    permit::HashError,
    pool::{Crashed, Place},
};

/// One hash, and what it is for.
pub(super) trait Work: Send + 'static {
    /// What comes of it.
    type Answer: Send + 'static;

    /// What is to be hashed; or the answer at once, where nothing is. It is
    /// asked once.
    fn begin(&mut self) -> Result<Input<'_>, Self::Answer>;

    /// The answer, from the hash.
    fn end(self, hashed: Result<Output, HashError>) -> Self::Answer;
}

/// [`Work`] of whatever answer, in the queue.
pub(super) trait Job: Send {
    /// Whether anybody waits for the answer.
    fn is_wanted(&self) -> bool;

    /// What is to be hashed; `None` if nothing is.
    fn begin(&mut self) -> Option<Input<'_>>;

    /// Answers. `None` is that there was nothing to hash, or that hashing
    /// panicked. `shared` is this job's part of the time that hashing took.
    fn end(self: Box<Self>, hashed: Option<Result<Output, HashError>>, shared: Duration);
}

/// Work that waits for its turn, and who waits for it.
pub(super) struct Waiting<W: Work> {
    work: W,
    /// What was answered without a hash.
    early: Option<Result<W::Answer, Crashed>>,
    answer: oneshot::Sender<Result<W::Answer, Crashed>>,
    place: Place,
    since: Instant,
    /// What it took so far, without the hash.
    took: Duration,
    /// What is written for its hash, in blocks.
    blocks: u64,
}

impl<W: Work> Waiting<W> {
    pub(super) fn new(
        work: W,
        answer: oneshot::Sender<Result<W::Answer, Crashed>>,
        place: Place,
    ) -> Self {
        Self {
            work,
            early: None,
            answer,
            place,
            since: Instant::now(),
            took: Duration::ZERO,
            blocks: 0,
        }
    }
}

impl<W: Work> Job for Waiting<W> {
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn begin(&mut self) -> Option<Input<'_>> {
        let begun = Instant::now();
        self.place.job_waited(begun.duration_since(self.since));
        let work = &mut self.work;
        let input = caught(|| work.begin());
        self.took = begun.elapsed();
        match input {
            Ok(Ok(input)) => {
                self.blocks = input.cost.blocks_written();
                Some(input)
            }
            Ok(Err(answer)) => {
                self.early = Some(Ok(answer));
                None
            }
            Err(crashed) => {
                self.early = Some(Err(crashed));
                None
            }
        }
    }

    fn end(self: Box<Self>, hashed: Option<Result<Output, HashError>>, shared: Duration) {
        let Self {
            work,
            early,
            answer,
            place,
            since: _,
            took,
            blocks,
        } = *self;
        let begun = Instant::now();
        let blocks = if matches!(hashed, Some(Ok(_))) {
            blocks
        } else {
            0
        };
        let result = early.unwrap_or_else(|| match hashed {
            Some(hashed) => caught(|| work.end(hashed)),
            None => Err(Crashed),
        });
        place.job_took(took + shared + begun.elapsed(), blocks);
        // Before the answer: who has it may come back for another place.
        drop(place);
        // The caller may have gone meanwhile.
        let _ = answer.send(result);
    }
}

/// What `work` returns, unless it panics.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Crashed> {
    // The panic hook has written where. What it panicked with is not logged:
    // that may have a piece of the password.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        tracing::error!("a job of the hashing threads panicked");
        Crashed
    })
}
