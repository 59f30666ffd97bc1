//! What the service says: one JSON object a message.

use std::borrow::Cow;

use bytes::Bytes;
use contract::{Envelope, Position, RoomName, SessionId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

pub use super::error_code::ErrorCode;
use crate::{
    accounts::tokens::Grant,
    rooms::{message::MessageView, position::PositionText, schema::RoomNameSchema},
    ws::wire::{OpCode, frame},
};

/// Everything that the service says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The first frame of every socket.
    Welcome(Welcome),
    /// A command has done what it asked for.
    Ack(Ack<'a>),
    /// Something was said.
    Message(MessageView<'a>),
    /// Messages are missing.
    Gap(Gap<'a>),
    /// Who is in a room, or what changed of it.
    Presence(Presence<'a>),
    /// What the client may do in a room changed.
    Granted(Granted<'a>),
    /// A token ends soon.
    Expiring(Expiring<'a>),
    /// A command had no effect, or a seat has ended.
    Error(Error<'a>),
}

impl Event<'_> {
    /// The event as a frame.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        // Maps with keys that are no strings, and writers that fail, are what
        // it could fail at: there are none.
        frame(OpCode::Text, &serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The first frame of every socket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Welcome {
    /// The user whose socket it is.
    #[schema(value_type = uuid::Uuid)]
    pub user: UserId,
    /// The session that the token was issued in.
    #[schema(value_type = uuid::Uuid)]
    pub session: SessionId,
    /// When the socket ends, unless it is renewed.
    #[schema(value_type = jiff::Timestamp)]
    pub expires_at: Timestamp,
    /// The seat in the token's room.
    pub seat: Seat,
    /// What the client may do.
    pub limits: Limits,
    /// How the service knows that the client is there.
    pub heartbeat: Heartbeat,
}

/// A seat in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Seat {
    /// The room.
    #[schema(value_type = RoomNameSchema)]
    pub room: RoomName,
    /// `rw`: hear and speak; `r`: hear.
    pub grant: Grant,
    /// Whether the room tells who is there.
    pub presence: bool,
    /// When the seat ends, unless it is renewed.
    #[schema(value_type = jiff::Timestamp)]
    pub expires_at: Timestamp,
    /// What follows was said after this place; absent where the bus keeps no
    /// order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionText>,
    /// With `since`, where there was no seat yet: whether everything that was
    /// said since then follows. If not, nothing of it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
}

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Limits {
    /// Rooms that one socket may sit in.
    pub rooms: usize,
    /// Longest message, in bytes.
    pub message_bytes: usize,
    /// Messages a second, on average; as many at once.
    pub messages_per_second: u32,
    /// So many mistakes in a row close the socket; `not_delivered` and
    /// `unavailable` are none.
    pub errors_in_a_row: u32,
}

/// How the service knows that the client is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Heartbeat {
    /// Silence of the client after which it is pinged, in milliseconds.
    pub interval_ms: u64,
    /// Time that it then has to answer, in milliseconds.
    pub timeout_ms: u64,
}

/// A command has done what it asked for.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Ack<'a> {
    /// The command's, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// `publish` and `leave`: the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoomNameSchema>)]
    pub room: Option<&'a RoomName>,
    /// `publish`: the message's number in the room; absent where the bus keeps
    /// no order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// `join`: the seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<Seat>,
    /// `auth`: when the socket ends now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<jiff::Timestamp>)]
    pub expires_at: Option<Timestamp>,
}

/// Messages are missing here. What follows was said after `position`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gap<'a> {
    /// The room.
    #[schema(value_type = RoomNameSchema)]
    pub room: &'a RoomName,
    /// Where the room stands, perhaps in another order than before; absent
    /// where the bus keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionText>,
}

/// Who is in a room: all of them if the client asked, else what changed.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Presence<'a> {
    /// The command's, if it answers one that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The room.
    #[schema(value_type = RoomNameSchema)]
    pub room: Cow<'a, str>,
    /// Everybody, if the client asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    pub users: Option<&'a [UserId]>,
    /// Who came.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub joined: &'a [UserId],
    /// Who went.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub left: &'a [UserId],
}

/// What the client may do in a room has changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Granted<'a> {
    /// The room.
    #[schema(value_type = RoomNameSchema)]
    pub room: &'a RoomName,
    /// `rw`: hear and speak; `r`: hear.
    pub grant: Grant,
}

/// A token ends soon.
#[derive(Debug, Serialize, ToSchema)]
pub struct Expiring<'a> {
    /// With a room its seat ends, which `join` renews; without, the socket,
    /// which `auth` renews.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoomNameSchema>)]
    pub room: Option<&'a RoomName>,
    /// When.
    #[schema(value_type = jiff::Timestamp)]
    pub expires_at: Timestamp,
}

/// A command had no effect, or a seat has ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Error<'a> {
    /// The command's, if it answers one that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// The room, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoomNameSchema>)]
    pub room: Option<&'a RoomName>,
    /// What kind of error; stable.
    pub code: ErrorCode,
    /// More of it, for people.
    pub detail: Cow<'a, str>,
}

/// Writes a message of a room as JSON.
pub fn write_message(room: &RoomName, envelope: &Envelope, json: &mut Vec<u8>) {
    let event = Event::Message(MessageView::new(room, envelope));
    // As in `Event::frame`.
    let _ = serde_json::to_writer(json, &event);
}

/// A place, as it is written.
#[must_use]
pub fn position(place: Option<Position>) -> Option<PositionText> {
    place.map(PositionText)
}
