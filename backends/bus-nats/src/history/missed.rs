//! What was said in a room since some place, or all that is kept of it.

use std::{sync::Arc, time::Duration};

use contract::{BusError, Envelope, History, Message, Position, Recovery, RoomName};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, sleep},
};

use super::{Archive, unavailable};

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
        // While it was read more was said, perhaps, and what is kept ran out.
        // The oldest goes first: from the first that is still there on, nothing
        // is missing, and if that is not after the place, nothing at all.
        let oldest = self.next_of(&subject, 1).await?;
        let oldest = oldest.map_or(u64::MAX, |oldest| oldest.sequence);
        let complete = oldest <= after || !knows && self.keeps_all_since(&subject, since).await?;
        kept.retain(|(seq, _)| *seq > after && (complete || *seq >= oldest));
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

    /// Whether all that was said in a room since a place is kept: it is if fewer
    /// messages are than may be, and the stream reaches back to that moment.
    async fn keeps_all_since(
        &self,
        subject: &str,
        Position { epoch, seq: after }: Position,
    ) -> Result<bool, BusError> {
        let (info, kept) = self.info_of(epoch, subject).await?;
        let reaches_back = info.state.first_sequence <= after.saturating_add(1);
        Ok(kept < self.history.messages && reaches_back)
    }

    async fn reader(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, which is all that could go wrong.
        self.readers.acquire().await.ok()
    }
}
