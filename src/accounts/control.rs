//! What the nodes of a service tell each other: sessions that ended. Spoken in
//! the room [`contract::RoomName::control`], which no client can name.

use contract::{Kind, Message, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// Most sessions in one event, so that it stays far below any bus's message bound.
pub const MAX_SESSIONS: usize = 256;

/// Why sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Their user signed out of them.
    Logout,
    /// Their user ended them from another session.
    Revoked,
    /// The password was changed in another session.
    PasswordChanged,
    /// A refresh token was used again after its successor was given out.
    RefreshReuse,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlEvent {
    /// These sessions ended: their sockets close, their access tokens are void.
    SessionsEnded {
        /// Which, at most [`MAX_SESSIONS`].
        sessions: Vec<SessionId>,
        /// Why, for the log.
        reason: EndReason,
    },
}

impl ControlEvent {
    /// The event as the service says it.
    ///
    /// # Errors
    /// serde_json's, which these types don't cause.
    pub fn to_message(&self, now: Timestamp) -> Result<Message, serde_json::Error> {
        Ok(Message {
            from: None,
            connection: None,
            at: now,
            kind: Kind::Text,
            data: serde_json::to_vec(self)?.into(),
        })
    }

    /// The event that a message carries.
    ///
    /// # Errors
    /// What a newer version says may not be understood.
    pub fn from_message(message: &Message) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&message.data)
    }
}
