//! What nodes tell each other in a room's presence room
//! ([`RoomName::presence`](contract::RoomName::presence)), which is neither
//! numbered nor kept.

use bytes::Bytes;
use contract::{BusError, Kind, Message, RoomBus, RoomName, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most users in one event, so that it stays far below any bus's message bound.
const MAX_USERS: usize = 1000;

/// A node's part in a room, from when somebody comes to when the last one
/// leaves. Random: whoever comes after that is another part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Part(pub Uuid);

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PresenceEvent {
    /// These came or went by a node.
    Changed {
        /// Which node's part.
        part: Part,
        /// The number of this change, one more than of the last.
        revision: u64,
        /// Who came.
        joined: Vec<UserId>,
        /// Who went.
        left: Vec<UserId>,
    },
    /// A node is there.
    Beat {
        /// Which node's part.
        part: Part,
        /// The number of its last change.
        revision: u64,
    },
    /// Who is there? Every node with somebody in the room answers.
    Wanted,
    /// An answer, or a piece of one.
    Roll {
        /// Which node's part.
        part: Part,
        /// The number of its last change.
        revision: u64,
        /// The number of this piece, from 0.
        piece: u32,
        /// Whether it is the last.
        last: bool,
        /// Who is there by that node.
        users: Vec<UserId>,
    },
}

impl PresenceEvent {
    /// The event that a message carries.
    ///
    /// # Errors
    /// What a newer version says may not be understood.
    pub fn from_message(message: &Message) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&message.data)
    }

    /// All who are there by a node, in pieces.
    #[must_use]
    pub fn roll(part: Part, revision: u64, users: &[UserId]) -> Vec<Self> {
        let pieces = users.len().div_ceil(MAX_USERS).max(1);
        (0..pieces)
            .map(|piece| {
                let users = users.iter().skip(piece * MAX_USERS).take(MAX_USERS);
                Self::Roll {
                    part,
                    revision,
                    piece: u32::try_from(piece).unwrap_or(u32::MAX),
                    last: piece + 1 == pieces,
                    users: users.copied().collect(),
                }
            })
            .collect()
    }

    /// Tells every node with somebody in the room.
    ///
    /// # Errors
    /// The bus's: perhaps no node has heard it.
    pub async fn tell(&self, bus: &dyn RoomBus, room: &RoomName) -> Result<(), BusError> {
        let json = serde_json::to_vec(self).map_err(|error| BusError::Failed(error.into()))?;
        let message = Message {
            from: None,
            connection: None,
            at: Timestamp::now(),
            kind: Kind::Text,
            data: Bytes::from(json),
            key: None,
        };
        bus.publish(&room.presence(), message).await.map(drop)
    }
}
