//! One hub per active room on this node: it listens on the bus once, encodes
//! each message once for each wire format, and writes batches straight to its
//! sockets' outboxes.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`Hubs`]: the rooms that sockets of this node sit in |
//! | `room` | a room: who sits in it, and how many publishers may be ahead of it |
//! | `readings` | what a room has missed, read once for all who missed the same |
//! | `member` | what one seat has heard, and hears next |
//! | `seat` | [`Seat`]: a socket's side of it |
//! | `listening` | the hub itself: takes from the bus, encodes, hands out |

mod listening;
mod member;
mod readings;
mod room;
mod seat;

use std::sync::Arc;

use bytes::Bytes;
use contract::{BusError, ConnectionId, RoomBus, RoomName, UserId};
use dashmap::DashMap;
use tokio::runtime::Handle;

pub use self::{
    member::Behind,
    room::Losses,
    seat::{Catching, Reading, Seat},
};
use self::{member::Member, room::Room};
use super::{instruments::Traffic, outbox::Outbox, shards::Spread, wire::Format};
use crate::{accounts::tokens::Grant, telemetry::traces};

/// The rooms that sockets of this node sit in.
pub struct Hubs {
    bus: Arc<dyn RoomBus>,
    echo: bool,
    spread: Spread,
    /// One for each thread.
    traffic: Vec<Arc<Traffic>>,
    rooms: DashMap<RoomName, Arc<Room>>,
}

/// Who takes a seat.
#[derive(Debug, Clone, Copy)]
pub struct Occupant {
    /// The socket.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// What its token allows in the room.
    pub grant: Grant,
    /// How it is told what is said.
    pub format: Format,
    /// Whether it is told who is there.
    pub presence: bool,
}

impl Hubs {
    /// Rooms on `bus`, on the threads of `spread`. With `echo`, a sender hears
    /// its own messages.
    #[must_use]
    pub fn new(bus: Arc<dyn RoomBus>, echo: bool, spread: Spread) -> Arc<Self> {
        let traffic = std::iter::repeat_with(Arc::default);
        Arc::new(Self {
            traffic: traffic.take(spread.threads()).collect(),
            bus,
            echo,
            spread,
            rooms: DashMap::new(),
        })
    }

    /// The thread of a room, which its hub and the sockets are on that came for
    /// it.
    #[must_use]
    pub fn thread_of(&self, room: &RoomName) -> &Handle {
        self.spread.thread_of(room)
    }

    /// How many rooms have a socket of this node in them.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// What goes through the rooms of each thread.
    pub(super) fn traffic(&self) -> &[Arc<Traffic>] {
        &self.traffic
    }

    /// Takes a seat in a room, until it is dropped. What is said there reaches
    /// `outbox` once the seat is live; see [`Seat::go_live`].
    ///
    /// # Errors
    /// The bus's, if this is the first member and the room can't be listened to.
    pub async fn join(
        self: &Arc<Self>,
        name: &RoomName,
        who: Occupant,
        outbox: &Arc<Outbox>,
    ) -> Result<Seat, BusError> {
        let seat = loop {
            let room = Arc::clone(&*self.rooms.entry(name.clone()).or_insert_with(|| {
                let traffic = &self.traffic[self.spread.number_of(name)];
                Arc::new(Room::new(name, Arc::clone(traffic)))
            }));
            let mut members = room.members.lock();
            if members.closed {
                drop(members);
                self.forget(&room);
                continue;
            }
            let key = members.insert(Member::new(who, Arc::clone(outbox)));
            drop(members);
            break Seat::new(Arc::clone(self), room, key, who.connection);
        };
        let room = seat.room();
        room.hub
            .get_or_try_init(|| async {
                let subscribing = self.bus.subscribe(&room.name, None);
                let subscription = traces::child("bus.subscribe", subscribing, |subscribed| {
                    subscribed.as_ref().err().map(BusError::kind)
                })
                .await?;
                room.members.lock().position = subscription.position();
                let hub = listening::run(Arc::clone(room), subscription, self.echo);
                Ok(self.thread_of(name).spawn(hub).abort_handle())
            })
            .await?;
        Ok(seat)
    }

    /// A member may do no more there than `grant`; `None` is nothing at all.
    pub fn set_grant(&self, name: &RoomName, user: UserId, grant: Option<Grant>) {
        let Some(room) = self.rooms.get(name).map(|room| Arc::clone(&room)) else {
            return;
        };
        for (_, member) in &mut room.members.lock().seats {
            if member.user == user {
                member.set_grant(grant);
            }
        }
    }

    /// Tells those in a room who are told who is there.
    pub async fn tell_presence(&self, name: &RoomName, frame: &Bytes) {
        let room = self.rooms.get(name).map(|room| Arc::clone(&room));
        if let Some(room) = room {
            listening::sweep(&room, 1, &mut 0, |member| member.tell_presence(frame)).await;
        }
    }

    fn forget(&self, room: &Arc<Room>) {
        self.rooms
            .remove_if(&room.name, |_, found| Arc::ptr_eq(found, room));
    }
}
