//! What the nodes of a service tell each other: which sessions ended, which
//! memberships changed. Tokens are valid by themselves, so whoever verifies
//! them has to hear of it. Spoken in the room [`RoomName::control`], which no
//! client can name.

use contract::{
    BusError, Kind, MembershipChange, Message, RoomBus, RoomName, SessionId, Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::telemetry::metrics::Label;

/// Most sessions, or changes, in one event: some 60 KiB, far below any bus's
/// message bound.
const MAX_ITEMS: usize = 256;

/// Why sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Their user signed out of them.
    Logout,
    /// Their user ended them from another session, or an operator did.
    Revoked,
    /// The password was changed in another session, or by an operator.
    PasswordChanged,
    /// A refresh token was used again after its successor was given out.
    RefreshReuse,
    /// The account was disabled.
    Disabled,
}

impl Label for EndReason {
    const NAME: &'static str = "reason";
    const ALL: &'static [Self] = &[
        Self::Logout,
        Self::Revoked,
        Self::PasswordChanged,
        Self::RefreshReuse,
        Self::Disabled,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "password_changed",
            Self::RefreshReuse => "refresh_reuse",
            Self::Disabled => "disabled",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// What every node has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Sessions that ended: their sockets close, their access tokens are void.
    #[serde(default)]
    pub sessions: Vec<SessionId>,
    /// Memberships that changed: tokens from before allow no more than the
    /// change does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<MembershipChange>,
}

impl News {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.memberships.is_empty()
    }

    /// The same in parts that events have room for; at least one, perhaps empty.
    fn into_parts(self) -> Vec<Self> {
        let sessions = self.sessions.chunks(MAX_ITEMS).map(|sessions| Self {
            sessions: sessions.to_vec(),
            ..Self::default()
        });
        let memberships = self.memberships.chunks(MAX_ITEMS).map(|changes| Self {
            memberships: changes.to_vec(),
            ..Self::default()
        });
        let mut parts: Vec<Self> = sessions.chain(memberships).collect();
        if parts.is_empty() {
            parts.push(Self::default());
        }
        parts
    }
}

/// An event. Nodes of other versions hear it too: what they don't know they
/// leave out, so a field that is added has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlEvent {
    /// These sessions ended.
    SessionsEnded {
        /// Which, at most 256.
        sessions: Vec<SessionId>,
        /// Why, for the log.
        reason: EndReason,
    },
    /// These memberships changed.
    MembershipsChanged {
        /// How, at most 256.
        memberships: Vec<MembershipChange>,
    },
    /// A node that has no store asks for the news that it couldn't hear; every
    /// node that has one answers. Its name, and the answer's, are those by
    /// which nodes that know of sessions alone ask and answer.
    #[serde(rename = "ended_sessions_wanted")]
    NewsWanted {
        /// Names the question.
        question: Uuid,
        /// What happened from here on.
        since: Timestamp,
    },
    /// An answer, or a part of one.
    #[serde(rename = "ended_sessions")]
    News {
        /// The question.
        question: Uuid,
        /// At most 256 sessions or changes.
        #[serde(flatten)]
        news: News,
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
pub async fn announce_ended(
    bus: &dyn RoomBus,
    sessions: &[SessionId],
    reason: EndReason,
    now: Timestamp,
) {
    for sessions in sessions.chunks(MAX_ITEMS) {
        let event = ControlEvent::SessionsEnded {
            sessions: sessions.to_vec(),
            reason,
        };
        announce(bus, &event, now).await;
    }
}

/// Tells every node that memberships changed, as [`announce_ended`] does of
/// sessions.
pub async fn announce_changed(bus: &dyn RoomBus, memberships: &[MembershipChange], now: Timestamp) {
    for memberships in memberships.chunks(MAX_ITEMS) {
        let event = ControlEvent::MembershipsChanged {
            memberships: memberships.to_vec(),
        };
        announce(bus, &event, now).await;
    }
}

async fn announce(bus: &dyn RoomBus, event: &ControlEvent, now: Timestamp) {
    if let Err(error) = event.tell(bus, now).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "what happened here could not be announced to other nodes"
        );
    }
}

/// Answers a question of [`ControlEvent::NewsWanted`], in parts.
///
/// # Errors
/// The bus's.
pub async fn answer(
    bus: &dyn RoomBus,
    question: Uuid,
    news: News,
    now: Timestamp,
) -> Result<(), BusError> {
    let parts = news.into_parts();
    let whole = parts.len();
    for (at, news) in parts.into_iter().enumerate() {
        let event = ControlEvent::News {
            question,
            news,
            last: at + 1 == whole,
        };
        event.tell(bus, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contract::{Role, UserId};
    use serde_json::json;

    use super::*;

    fn change() -> MembershipChange {
        MembershipChange {
            room: RoomName::parse("lobby").unwrap(),
            user: UserId(Uuid::nil()),
            role: Some(Role::Reader),
            revision: 7,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Nodes that know of sessions alone: what they say, and what they hear.
    #[test]
    fn nodes_that_know_of_sessions_alone_ask_and_answer() {
        let id = Uuid::nil();
        let asked = json!({
            "type": "ended_sessions_wanted",
            "question": id,
            "since": "1970-01-01T00:00:00Z",
        });
        let answered =
            json!({"type": "ended_sessions", "question": id, "sessions": [id], "last": true});
        let asks = ControlEvent::NewsWanted {
            question: id,
            since: Timestamp::UNIX_EPOCH,
        };
        let sessions = vec![SessionId(id)];
        let answers = |memberships| ControlEvent::News {
            question: id,
            news: News {
                sessions: sessions.clone(),
                memberships,
            },
            last: true,
        };
        for (json, event) in [(&asked, asks), (&answered, answers(vec![]))] {
            assert_eq!(serde_json::to_value(&event).unwrap(), *json);
            let parsed: ControlEvent = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(parsed, event);
        }
        // To them it is an answer with a field more.
        let mut more = serde_json::to_value(answers(vec![change()])).unwrap();
        let changes = more.as_object_mut().unwrap().remove("memberships").unwrap();
        assert_eq!(more, answered);
        assert_eq!(changes[0]["role"], "reader");
        // And no part is without sessions, even if there are none in it.
        let none = ControlEvent::News {
            question: id,
            news: News::default(),
            last: true,
        };
        assert_eq!(serde_json::to_value(none).unwrap()["sessions"], json!([]));
    }

    #[test]
    fn an_answer_is_whole_with_its_last_part() {
        let sizes = |sessions, memberships| -> Vec<_> {
            let news = News {
                sessions: vec![SessionId(Uuid::nil()); sessions],
                memberships: vec![change(); memberships],
            };
            let parts = news.into_parts().into_iter();
            parts
                .map(|part| (part.sessions.len(), part.memberships.len()))
                .collect()
        };
        assert_eq!(sizes(0, 0), [(0, 0)]);
        assert_eq!(sizes(1, 1), [(1, 0), (0, 1)]);
        assert_eq!(sizes(257, 256), [(256, 0), (1, 0), (0, 256)]);
    }
}
