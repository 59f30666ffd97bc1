//! What a session has its socket do.

use bytes::Bytes;
use contract::{Kind, MessageKey, Position, RoomName};

use super::super::seats::End;
use crate::{accounts::tokens::AccessToken, ws::close::Close};

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Send this frame.
    Reply(Bytes),
    /// Send this frame, then close the socket.
    ReplyAndClose(Bytes, Close),
    /// Close the socket.
    Close(Close),
    /// Send a ping.
    Ping,
    /// Say something; [`Session::published`](super::Session::published) wants to know what came of it.
    Publish(Publish),
    /// Verify a token; [`Session::verified`](super::Session::verified) wants to know what came of it.
    Verify(Verify),
    /// Take the seat; [`Session::seated`](super::Session::seated) wants to know what came of it.
    Take(Take),
    /// Give up the seat in a room, and send this frame.
    Leave(RoomName, Bytes),
    /// Say who is in a room, under this name.
    Presence(RoomName, Option<String>),
}

/// Something to say in a room.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish {
    /// The command's name.
    pub id: Option<String>,
    /// The room.
    pub room: RoomName,
    /// What it is.
    pub kind: Kind,
    /// The payload.
    pub data: Bytes,
    /// What tells a repetition from another message.
    pub key: Option<MessageKey>,
}

/// A token to verify.
#[derive(PartialEq, Eq)]
pub struct Verify {
    pub(super) id: Option<String>,
    /// The token as it was presented.
    pub token: String,
    pub(super) purpose: Purpose,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Join { since: Option<Position> },
    Auth,
}

/// A seat to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The command's name.
    pub id: Option<String>,
    /// The token that opens the room.
    pub token: AccessToken,
    pub(super) end: End,
    /// Where the client left the room.
    pub since: Option<Position>,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSeat {
    /// The membership ended while it was being taken.
    NotPermitted,
    /// The bus can't be listened to.
    Unavailable,
}
