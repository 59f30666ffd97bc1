//! What the nodes of a service tell each other about sessions that ended.
//! Spoken in the room [`RoomName::control`], which no client can name.

use contract::{BusError, Kind, Message, RoomBus, RoomName, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most sessions in one event, so that it stays far below any bus's message bound.
const MAX_SESSIONS: usize = 256;

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
    /// The account was disabled.
    Disabled,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlEvent {
    /// These sessions ended: their sockets close, their access tokens are void.
    SessionsEnded {
        /// Which, at most 256.
        sessions: Vec<SessionId>,
        /// Why, for the log.
        reason: EndReason,
    },
    /// A node that has no store asks which sessions ended while it couldn't
    /// hear; every node that has one answers.
    EndedSessionsWanted {
        /// Names the question.
        question: Uuid,
        /// Those that ended from here on.
        since: Timestamp,
    },
    /// An answer, or a part of one.
    EndedSessions {
        /// The question.
        question: Uuid,
        /// Which, at most 256.
        sessions: Vec<SessionId>,
        /// Whether the answer is whole with this part.
        last: bool,
    },
}

impl ControlEvent {
    /// The event that a message carries.
    ///
    /// # Errors
    /// What a newer version says may not be understood.
    pub fn from_message(message: &Message) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&message.data)
    }

    /// Tells every node.
    ///
    /// # Errors
    /// The bus's: perhaps no node has heard it.
    pub async fn tell(&self, bus: &dyn RoomBus, now: Timestamp) -> Result<(), BusError> {
        let message = Message {
            from: None,
            connection: None,
            at: now,
            kind: Kind::Text,
            data: serde_json::to_vec(self)
                .map_err(|error| BusError::Failed(error.into()))?
                .into(),
            key: None,
        };
        bus.publish(&RoomName::control(), message).await.map(drop)
    }
}

/// Tells every node that sessions ended. They have ended in any case, and
/// nodes that don't hear it find out from the store: a bus that fails is only
/// logged.
pub async fn announce(
    bus: &dyn RoomBus,
    sessions: &[SessionId],
    reason: EndReason,
    now: Timestamp,
) {
    for sessions in sessions.chunks(MAX_SESSIONS) {
        let event = ControlEvent::SessionsEnded {
            sessions: sessions.to_vec(),
            reason,
        };
        if let Err(error) = event.tell(bus, now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                sessions = sessions.len(),
                "the end of sessions could not be announced to other nodes"
            );
        }
    }
}

/// Answers a question of [`ControlEvent::EndedSessionsWanted`], in parts.
///
/// # Errors
/// The bus's.
pub async fn answer(
    bus: &dyn RoomBus,
    question: Uuid,
    sessions: &[SessionId],
    now: Timestamp,
) -> Result<(), BusError> {
    let mut left = sessions;
    loop {
        let (part, rest) = left.split_at(left.len().min(MAX_SESSIONS));
        let event = ControlEvent::EndedSessions {
            question,
            sessions: part.to_vec(),
            last: rest.is_empty(),
        };
        event.tell(bus, now).await?;
        if rest.is_empty() {
            return Ok(());
        }
        left = rest;
    }
}
