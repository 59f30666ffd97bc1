//! What a room missed, read from the stream.

use std::sync::Arc;

use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind};
use contract::{BusError, Envelope, History, Message, Position, Recovery, RoomName};
use tokio::sync::SemaphorePermit;

use super::{Archive, unavailable};
use crate::envelope;

/// A kept message and its number; `None` if this version can't read it.
type Kept = (u64, Option<Message>);

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
    /// Everything that was said in a room since a listener left; `None` if not
    /// all of it is kept.
    pub(crate) async fn since(
        &self,
        room: &RoomName,
        since: Position,
    ) -> Result<Option<Vec<Arc<Envelope>>>, BusError> {
        if since.epoch != self.epoch() {
            return Ok(None);
        }
        let missed = self.missed(room, since).await?;
        if !missed.complete {
            return Ok(None);
        }
        let epoch = since.epoch;
        let envelopes = missed.messages.into_iter().map(|(seq, message)| {
            Arc::new(Envelope {
                message,
                position: Some(Position { epoch, seq }),
            })
        });
        Ok(Some(envelopes.collect()))
    }

    /// What is kept of a room, from some place on or all of it.
    pub(crate) async fn history(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<History, BusError> {
        let epoch = self.epoch();
        let from = since.unwrap_or(Position { epoch, seq: 0 });
        let stands = |seq| Some(Position { epoch, seq });
        if from.epoch != epoch {
            return Ok(History {
                recovery: Recovery::Impossible,
                messages: Vec::new(),
                position: Some(self.newest().await?),
            });
        }
        let missed = self.missed(room, from).await?;
        let recovery = match since {
            None => Recovery::NotAsked,
            Some(_) if missed.complete => Recovery::Complete,
            Some(_) => Recovery::Impossible,
        };
        if recovery == Recovery::Impossible {
            return Ok(History {
                recovery,
                messages: Vec::new(),
                position: stands(missed.up_to),
            });
        }
        let messages: Vec<_> = missed
            .messages
            .into_iter()
            .map(|(seq, message)| {
                Arc::new(Envelope {
                    message,
                    position: stands(seq),
                })
            })
            .collect();
        Ok(History {
            recovery,
            messages,
            position: stands(missed.up_to),
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
        Position { epoch, seq: after }: Position,
    ) -> Result<Missed, BusError> {
        let _reader = self.reader().await;
        let subject = self.subjects.inward(room);
        // The stream before the room: what is stored in between is newer than
        // what this says was looked for, and is not taken for heard.
        let info = self.info(epoch).await?;
        let (oldest, newest) = (info.state.first_sequence, info.state.last_sequence);
        let nothing = |complete| Missed {
            complete,
            messages: Vec::new(),
            up_to: newest,
        };
        if newest <= after {
            return Ok(nothing(newest == after));
        }
        let last = match self.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(last) => Some(last.sequence),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
            Err(error) => return Err(unavailable(error)),
        };
        if last.is_some_and(|last| last <= after) {
            // Had anything been said since, that would be the last.
            return Ok(nothing(true));
        }
        let mut kept = match last {
            Some(last) => self.read(&subject, after, last).await?,
            None => Vec::new(),
        };
        // The oldest messages go first, so that whoever still finds the last
        // one it knows finds all that came after.
        let knows = kept.first().is_some_and(|(seq, _)| *seq == after);
        if knows {
            kept.remove(0);
        }
        // Otherwise none of the room's is gone if it has fewer than are kept,
        // and the stream reaches back to that moment.
        let reaches = kept.len() < self.history.messages && oldest <= after.saturating_add(1);
        let up_to = kept.last().map_or(newest, |(seq, _)| newest.max(*seq));
        let readable = kept
            .into_iter()
            .filter_map(|(seq, message)| Some((seq, message?)));
        Ok(Missed {
            complete: knows || reaches,
            messages: readable.collect(),
            up_to,
        })
    }

    /// The kept messages of a room with numbers from `from` to `to`, in order.
    ///
    /// One by one and not by a consumer, which the cluster's leader would have
    /// to make: when that is the server which died, there is none for seconds,
    /// while the stream goes on and runs out of what it keeps.
    async fn read(&self, subject: &str, from: u64, to: u64) -> Result<Vec<Kept>, BusError> {
        let mut kept = Vec::new();
        let mut next = from.max(1);
        while next <= to {
            let found = self
                .stream
                .raw_message_builder()
                .sequence(next)
                .next_by_subject(subject)
                .send()
                .await;
            let found = match found {
                Ok(found) => found,
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => break,
                Err(error) => return Err(unavailable(error)),
            };
            let seq = found.sequence;
            let message = envelope::decode(found.payload).inspect_err(|error| {
                tracing::warn!(subject, seq, %error, "something else than a message is kept");
            });
            kept.push((seq, message.ok()));
            next = seq + 1;
        }
        Ok(kept)
    }

    async fn reader(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, which is all that could go wrong.
        self.readers.acquire().await.ok()
    }
}
