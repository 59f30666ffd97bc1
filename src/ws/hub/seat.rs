//! A socket's side of a room.

use std::sync::Arc;

use bytes::Bytes;
use contract::{BusError, ConnectionId, Envelope, History, Message, Position, Published, RoomName};

use super::{
    Hubs,
    member::{Behind, Flow},
    room::{Losses, Members, Room},
};
use crate::{
    accounts::tokens::Grant,
    ws::{
        instruments::Delivered,
        wire::{Batch, Format},
    },
};

/// A socket's place in a room.
pub struct Seat {
    hubs: Arc<Hubs>,
    room: Arc<Room>,
    key: usize,
    connection: ConnectionId,
}

/// What is kept of a room, and since when it was looked for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What is kept.
    pub history: History,
    /// What was lost to the room before is among it.
    pub losses: Losses,
}

/// Whether a seat has caught up with its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catching {
    /// It is live, and has missed nothing.
    Up,
    /// More has been said meanwhile.
    Behind,
}

impl Seat {
    pub(super) fn new(
        hubs: Arc<Hubs>,
        room: Arc<Room>,
        key: usize,
        connection: ConnectionId,
    ) -> Self {
        Self {
            hubs,
            room,
            key,
            connection,
        }
    }

    pub(super) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// The room's name.
    #[must_use]
    pub fn name(&self) -> &RoomName {
        &self.room.name
    }

    /// Whether the socket hears a message: with no echo, not its own.
    #[must_use]
    pub fn hears(&self, envelope: &Envelope) -> bool {
        self.hubs.echo || envelope.message.connection != Some(self.connection)
    }

    /// Says something in the room, waiting while the room's hub is behind.
    ///
    /// # Errors
    /// The bus's: the message may not have been heard by anybody.
    pub async fn publish(&self, message: Message) -> Result<Published, BusError> {
        let keyed = message.key.is_some();
        let under_way = self.room.turn().await;
        let published = self.hubs.bus.publish(&self.room.name, message).await;
        self.room.traffic.published(published.is_ok());
        let published = published?;
        // One with a key may be a repetition, which doesn't come to the hub
        // again.
        if !(keyed && self.room.is_past(published.position)) {
            // The hub gives the permit back when it has the message.
            std::mem::forget(under_way);
        }
        Ok(published)
    }

    /// The client was handed what it had missed.
    pub(in crate::ws) fn count_delivered(&self, batch: &Batch) {
        let delivered = Delivered {
            messages: batch.ends.len(),
            bytes: batch.bytes.len(),
        };
        self.room.traffic.delivered(Format::RoomsV1, delivered);
    }

    /// The client is told that something is missing.
    pub(in crate::ws) fn count_gap(&self) {
        self.room.traffic.gap();
    }

    /// Reads what is kept of what was said in the room after a place.
    ///
    /// # Errors
    /// The bus's.
    pub async fn read(&self, since: Option<Position>) -> Result<Reading, BusError> {
        let reading = async {
            // Before: what is lost meanwhile may not be among it.
            let losses = self.room.members.lock().losses();
            let history = self.hubs.bus.history(&self.room.name, since).await?;
            Ok(Reading { history, losses })
        };
        match since {
            Some(place) => self.room.readings.since(place, reading).await,
            None => reading.await,
        }
    }

    /// From here on the seat is told what is said. `say` gets the place at
    /// which it begins, if there are places; what `say` returns is sent before
    /// anything else.
    pub fn go_live(&self, say: impl FnOnce(Option<Position>) -> Option<Bytes>) {
        self.begin(say, |members, format| {
            let place = members.position;
            let flow = match (place, format) {
                (Some(place), Format::RoomsV1) => onward(members, place, None),
                // It is not told of the place: what was lost before is nothing
                // that it missed.
                (Some(place), Format::Raw) => Flow::After(place),
                (None, _) => Flow::Live,
            };
            (place, flow)
        });
    }

    /// As [`Self::go_live`], for a seat that is first told what was said after
    /// a place.
    pub fn go_behind(&self, since: Position, say: impl FnOnce(Option<Position>) -> Option<Bytes>) {
        let after = Some(since);
        self.begin(say, |_, _| (after, Flow::Behind(Behind { after })));
    }

    /// As [`Self::go_live`], for a seat that has missed something which is not
    /// kept: it goes on where the bus says that the room stands, unless the
    /// hub knows better.
    pub fn go_on(
        &self,
        missed: Behind,
        reading: &Reading,
        say: impl FnOnce(Option<Position>) -> Option<Bytes>,
    ) {
        let latest = |hub: Option<Position>| match (hub, reading.history.position) {
            (Some(hub), Some(bus)) if hub.epoch == bus.epoch => Some(Position {
                seq: hub.seq.max(bus.seq),
                ..hub
            }),
            // The hub has heard of another order than the one that was left.
            (Some(hub), Some(_)) if missed.after.is_some_and(|left| left.epoch != hub.epoch) => {
                Some(hub)
            }
            (hub, bus) => bus.or(hub),
        };
        self.begin(say, |members, _| {
            let place = latest(members.position);
            let read = Some(reading.losses);
            let flow = place.map_or(Flow::Live, |place| onward(members, place, read));
            (place, flow)
        });
    }

    fn begin(
        &self,
        say: impl FnOnce(Option<Position>) -> Option<Bytes>,
        how: impl FnOnce(&Members, Format) -> (Option<Position>, Flow),
    ) {
        let mut members = self.room.members.lock();
        let Some(format) = members.seats.get(self.key).map(|member| member.format) else {
            return;
        };
        let (place, flow) = how(&members, format);
        let Some(member) = members.seats.get_mut(self.key) else {
            return;
        };
        if let Some(frame) = say(place) {
            member.outbox.reply(frame);
        }
        // Of the end of its membership the client is told after that.
        if member.flow != Flow::Ended {
            member.flow = flow;
        }
        if matches!(flow, Flow::Behind(_)) {
            member.outbox.attend();
        }
    }

    /// The seat has been told everything up to `place`, where what was `read`
    /// last ends: it is live again if that is where the room stands.
    #[must_use]
    pub fn catch_up(&self, place: Position, read: Losses) -> Catching {
        let mut members = self.room.members.lock();
        // Of a room that lost something, only the bus knows where it stands.
        let up = if members.is_unsure() {
            !members.is_unread(Some(read))
        } else {
            members.stands_at(place)
        };
        let Some(member) = members.seats.get_mut(self.key) else {
            return Catching::Up;
        };
        if member.flow == Flow::Ended {
            return Catching::Up;
        }
        if up {
            member.flow = Flow::After(place);
            return Catching::Up;
        }
        member.flow = Flow::Behind(Behind { after: Some(place) });
        Catching::Behind
    }

    /// Whether the seat has fallen behind, and since when.
    #[must_use]
    pub fn behind(&self) -> Option<Behind> {
        let members = self.room.members.lock();
        match members.seats.get(self.key)?.flow {
            Flow::Behind(behind) => Some(behind),
            _ => None,
        }
    }

    /// What the membership has become, if it changed since the last call;
    /// `Some(None)` is the end of it.
    #[must_use]
    pub fn take_granted(&self) -> Option<Option<Grant>> {
        let mut members = self.room.members.lock();
        members.seats.get_mut(self.key)?.granted.take()
    }
}

/// How a seat goes on that was told everything up to a place.
fn onward(members: &Members, place: Position, read: Option<Losses>) -> Flow {
    if members.is_unread(read) {
        Flow::Behind(Behind { after: Some(place) })
    } else {
        Flow::After(place)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut members = self.room.members.lock();
        members.remove(self.key);
        if members.closed {
            drop(members);
            if let Some(hub) = self.room.hub.get() {
                hub.abort();
            }
            self.hubs.forget(&self.room);
        }
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat")
            .field("room", &self.room.name)
            .finish_non_exhaustive()
    }
}
