//! What was said in a room since some place, or all that is kept of it.

use std::{sync::Arc, time::Duration};

use contract::{BusError, Envelope, History, Message, Position, Recovery, RoomName};
use futures_util::future::try_join;
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, sleep},
};

use super::{Archive, read::Kept, unavailable};

/// How long a new leader of the stream may take to know of everything that the
/// stream has. Of several servers one has it all: it takes milliseconds, on a
/// busy machine seconds.
const LEADER_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked meanwhile.
const LEADER_RETRY: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
#[error("the stream does not know of everything that was stored")]
struct StreamBehind;

/// What is kept of a room from some place on.
pub(crate) struct Missed {
    /// Whether nothing after that place is gone.
    pub(crate) complete: bool,
    /// In order.
    pub(crate) messages: Vec<(u64, Message)>,
    /// Every message up to here was said before that place, or is in `messages`.
    pub(crate) up_to: u64,
}

impl Archive {
    /// What is kept of a room, from some place on or all of it.
    pub(crate) async fn history(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<History, BusError> {
        let epoch = self.epoch();
        let place = |seq| Some(Position { epoch, seq });
        let (missed, recovery) = match since {
            Some(since) if since.epoch != epoch => {
                return Ok(History {
                    recovery: Recovery::Impossible,
                    messages: Vec::new(),
                    position: Some(self.newest().await?),
                });
            }
            Some(since) => {
                let mut missed = self.missed(room, since).await?;
                if missed.complete {
                    (missed, Recovery::Complete)
                } else {
                    missed.messages.clear();
                    (missed, Recovery::Impossible)
                }
            }
            None => {
                let beginning = Position { epoch, seq: 0 };
                (self.missed(room, beginning).await?, Recovery::NotAsked)
            }
        };
        let envelopes = missed.messages.into_iter().map(|(seq, message)| {
            Arc::new(Envelope {
                message,
                position: place(seq),
            })
        });
        Ok(History {
            recovery,
            messages: envelopes.collect(),
            position: place(missed.up_to),
        })
    }

    /// What was said in a room after the message at that place, or, if that is
    /// not one of the room's, after that moment.
    ///
    /// # Errors
    /// Also if the stream is not that of the place's epoch any more.
    pub(crate) async fn missed(
        &self,
        room: &RoomName,
        since: Position,
    ) -> Result<Missed, BusError> {
        let deadline = Instant::now() + LEADER_PATIENCE;
        loop {
            if let Some(missed) = self.look(room, since).await? {
                return Ok(missed);
            }
            if Instant::now() >= deadline {
                return Err(unavailable(StreamBehind));
            }
            sleep(LEADER_RETRY).await;
        }
    }

    /// [`Self::missed`], unless the stream does not know of everything that it
    /// gave out: it has a new leader, or begins another order.
    async fn look(
        &self,
        room: &RoomName,
        since @ Position { epoch, seq: after }: Position,
    ) -> Result<Option<Missed>, BusError> {
        let _reader = self.reader().await;
        let subject = self.subjects.inward(room);
        // The stream before the room: what is stored in between is newer than
        // what this says was looked for, and is not taken for heard.
        let newest = self.info(epoch).await?.state.last_sequence;
        let nothing = |complete| Missed {
            complete,
            messages: Vec::new(),
            up_to: newest,
        };
        if newest < after && self.was_given_out(after) {
            // Or one server alone has lost its power, and the number with it:
            // then another order begins, and the loss is told with that.
            self.link.doubt.notify_one();
            return Ok(None);
        }
        if newest <= after {
            return Ok(Some(nothing(newest == after)));
        }
        let last = self.last_of(&subject).await?;
        if last.is_some_and(|last| last <= after) {
            // Had anything been said since, that would be the last.
            return Ok(Some(nothing(true)));
        }
        let mut kept = match last {
            Some(last) => self.read(&subject, after, last).await?,
            None => Vec::new(),
        };
        if last.is_some_and(|last| kept.last().is_none_or(|(seq, _)| *seq < last)) {
            // The last one goes last: it was read from somebody else.
            return Ok(None);
        }
        let knows = kept.first().is_some_and(|(seq, _)| *seq == after);
        let reaches = !knows && {
            let read = last.unwrap_or(after);
            self.reaches_back(&subject, since, read, &mut kept).await?
        };
        let mut complete = reaches;
        if !reaches {
            // While it was read more was said, perhaps, and what is kept ran
            // out. The oldest goes first: from the first that is still there
            // on, nothing is missing.
            let still = self.next_of(&subject, after.max(1)).await?;
            let still = still.map_or(u64::MAX, |first| first.sequence);
            complete = knows && still == after;
            kept.retain(|(seq, _)| *seq >= still && *seq > after);
        }
        let up_to = kept.last().map_or(newest, |(seq, _)| newest.max(*seq));
        let readable = kept
            .into_iter()
            .filter_map(|(seq, message)| Some((seq, message?)));
        Ok(Some(Missed {
            complete,
            messages: readable.collect(),
            up_to,
        }))
    }

    /// Whether `kept` is all that was said since a place that is not one of
    /// the room's. None of it is gone if it is fewer than are kept of a room,
    /// and the stream reaches back to that moment; which is asked when nothing
    /// is left that was not `read`.
    async fn reaches_back(
        &self,
        subject: &str,
        Position { epoch, seq: after }: Position,
        mut read: u64,
        kept: &mut Vec<Kept>,
    ) -> Result<bool, BusError> {
        loop {
            let (last, info) = try_join(self.last_of(subject), self.info(epoch)).await?;
            let oldest = info.state.first_sequence;
            if kept.len() >= self.history.messages || oldest > after.saturating_add(1) {
                return Ok(false);
            }
            match last {
                Some(last) if last > read => {
                    kept.extend(self.read(subject, read + 1, last).await?);
                    read = last;
                }
                _ => return Ok(true),
            }
        }
    }

    async fn reader(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, which is all that could go wrong.
        self.readers.acquire().await.ok()
    }
}
