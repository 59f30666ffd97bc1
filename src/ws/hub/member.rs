//! What one seat has heard, and hears next.

use std::sync::Arc;

use bytes::Bytes;
use contract::{ConnectionId, Envelope, Position, UserId};

use super::{
    super::{
        close::Close,
        instruments::Delivered,
        outbox::Outbox,
        wire::{Batch, Format},
    },
    Occupant,
};
use crate::accounts::tokens::Grant;

/// A seat, as its room has it: an [`Occupant`] without the padding, since there
/// are as many as sockets.
pub(super) struct Member {
    connection: ConnectionId,
    pub(super) user: UserId,
    grant: Grant,
    pub(super) format: Format,
    presence: bool,
    pub(super) outbox: Arc<Outbox>,
    pub(super) flow: Flow,
    /// The membership changed to this, and the socket hasn't looked yet.
    pub(super) granted: Option<Option<Grant>>,
}

/// What reaches a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing yet.
    Waiting,
    /// Everything.
    Live,
    /// Everything that was said after a place.
    After(Position),
    /// Nothing, until its socket has caught up.
    Behind(Behind),
    /// Nothing any more: the membership has ended.
    Ended,
}

/// A seat that is not told what is said now, because it has not been told all
/// that was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// It was told everything up to here; `None` if there are no places.
    pub after: Option<Position>,
}

/// What was said, ready to be handed out.
pub(super) struct Said<'a> {
    pub(super) envelopes: &'a [Arc<Envelope>],
    /// Each as bytes, in the formats that somebody wants.
    pub(super) raw: Option<Batch>,
    pub(super) rooms_v1: Option<Batch>,
    /// Where the room stood before.
    pub(super) before: Option<Position>,
    pub(super) echo: bool,
}

impl Said<'_> {
    fn batch(&self, format: Format) -> Option<&Batch> {
        match format {
            Format::Raw => self.raw.as_ref(),
            Format::RoomsV1 => self.rooms_v1.as_ref(),
        }
    }

    /// How many of the messages were said up to a place.
    fn up_to(&self, place: Position) -> usize {
        self.envelopes.partition_point(|envelope| {
            envelope
                .position
                .is_some_and(|at| at.epoch == place.epoch && at.seq <= place.seq)
        })
    }

    /// Whether a message is of another order than that place.
    fn is_of_another_order(&self, i: usize, place: Option<Position>) -> bool {
        let position = self.envelopes[i].position;
        matches!((position, place), (Some(at), Some(place)) if at.epoch != place.epoch)
    }

    fn is_of(&self, i: usize, connection: ConnectionId) -> bool {
        self.envelopes[i].message.connection == Some(connection)
    }
}

impl Member {
    pub(super) fn new(who: Occupant, outbox: Arc<Outbox>) -> Self {
        let Occupant {
            connection,
            user,
            grant,
            format,
            presence,
        } = who;
        Self {
            connection,
            user,
            grant,
            format,
            presence,
            outbox,
            flow: Flow::Waiting,
            granted: None,
        }
    }

    /// Takes what was said; whoever can't is behind from then on, or, where
    /// that can't be told to the client, closed. Returns what was handed on.
    pub(super) fn hear(&mut self, said: &Said<'_>) -> Delivered {
        let (skipped, before) = match self.flow {
            Flow::Live => (0, said.before),
            Flow::After(place) => (said.up_to(place), Some(place)),
            Flow::Waiting | Flow::Behind(_) | Flow::Ended => return Delivered::default(),
        };
        let all = said.envelopes.len();
        if skipped == all {
            return Delivered::default();
        }
        if self.format == Format::RoomsV1 && said.is_of_another_order(skipped, before) {
            // The bus has told this seat of a new order before it told the hub.
            self.fall_behind(before);
            return Delivered::default();
        }
        self.flow = Flow::Live;
        let Some(batch) = said.batch(self.format) else {
            return Delivered::default();
        };
        let own = !said.echo && (skipped..all).any(|i| said.is_of(i, self.connection));
        if skipped == 0 && !own {
            self.send(batch, before)
        } else if let Some(rest) =
            batch.select(|i| i >= skipped && (said.echo || !said.is_of(i, self.connection)))
        {
            self.send(&rest, before)
        } else {
            Delivered::default()
        }
    }

    fn send(&mut self, batch: &Batch, before: Option<Position>) -> Delivered {
        match self.format {
            Format::Raw => self.outbox.send(batch),
            Format::RoomsV1 if self.outbox.offer(batch) => {}
            Format::RoomsV1 => {
                self.fall_behind(before);
                return Delivered::default();
            }
        }
        Delivered {
            messages: batch.ends.len(),
            bytes: batch.bytes.len(),
        }
    }

    /// Messages were lost to the room, which stood at `before`.
    pub(super) fn miss(&mut self, before: Option<Position>) {
        match (self.format, self.flow) {
            // In raw mode nothing can tell a client that messages are missing
            // but the end of the socket.
            (Format::Raw, _) => self.outbox.close(Close::StateLost),
            (Format::RoomsV1, Flow::Live) => self.fall_behind(before),
            (Format::RoomsV1, Flow::After(place)) => self.fall_behind(Some(place)),
            (Format::RoomsV1, Flow::Waiting | Flow::Behind(_) | Flow::Ended) => {}
        }
    }

    fn fall_behind(&mut self, after: Option<Position>) {
        self.flow = Flow::Behind(Behind { after });
        self.outbox.attend();
    }

    /// What changed of who is there.
    pub(super) fn tell_presence(&self, frame: &Bytes) {
        let told = self.presence && self.format == Format::RoomsV1;
        if told && !matches!(self.flow, Flow::Waiting | Flow::Ended) {
            self.outbox.reply(frame.clone());
        }
    }

    /// The membership changed.
    pub(super) fn set_grant(&mut self, grant: Option<Grant>) {
        match self.format {
            Format::Raw => {
                if grant.is_none_or(|grant| grant < self.grant) {
                    self.outbox.close(Close::NotPermitted);
                }
            }
            // Whoever comes back after that takes another seat.
            Format::RoomsV1 if self.flow == Flow::Ended => {}
            Format::RoomsV1 => {
                if grant.is_none() {
                    self.flow = Flow::Ended;
                }
                self.granted = Some(grant);
                self.outbox.attend();
            }
        }
    }
}
