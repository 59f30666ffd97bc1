//! Say something in a room without a socket, once, however often the request
//! has to be repeated.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use contract::{Begin, IdempotentRequest, Kind, Message, Position, RoomName, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Rooms, RoomsError, message::message_key, position::PositionText};
use crate::accounts::tokens::{AccessToken, Grant};

/// After so long without an answer the node that was at it is taken for dead.
const ABANDONED_AFTER: Duration = Duration::from_secs(30);

/// What somebody wants to say.
pub struct Publication {
    /// Where.
    pub room: RoomName,
    /// What it is.
    pub kind: Kind,
    /// It.
    pub data: Bytes,
    /// Tells a repetition of the request from another one; 1 to 255 bytes.
    pub key: Option<String>,
}

/// What was said, to whoever said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Where.
    pub room: RoomName,
    /// Its number in the room's order; absent on a bus without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Its place; absent on a bus without order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionText>,
    /// When the service took it.
    pub at: Timestamp,
}

impl Rooms {
    /// Says something. With a key, a repetition gets the answer of the first
    /// request, and nothing is said twice. A node that dies over a request
    /// leaves it open: half a minute later a repetition says it anew, which a
    /// bus that keeps history says once.
    ///
    /// # Errors
    /// `NoSuchRoom`, `AccountInactive`, `NotPermitted`, `TooLarge`, `KeyReused`,
    /// `InProgress`, or a failure, after which the request can be repeated with its key.
    pub async fn publish(
        &self,
        bearer: &AccessToken,
        publication: Publication,
        now: Timestamp,
    ) -> Result<Said, RoomsError> {
        let max = self.limits.max_message_bytes;
        if publication.data.len() > max {
            return Err(RoomsError::TooLarge { max });
        }
        let access = self.access(bearer, &publication.room).await?;
        if access.grant < Grant::ReadWrite {
            return Err(RoomsError::NotPermitted);
        }
        let user = bearer.user;
        let Some(key) = publication.key.clone() else {
            return self.say(user, publication, now).await;
        };
        let request = IdempotentRequest {
            user,
            key,
            fingerprint: fingerprint(&publication),
            now,
            abandoned_after: ABANDONED_AFTER,
        };
        match self.requests.begin(&request).await? {
            Begin::Begun => {}
            Begin::Finished(answer) => return Ok(serde_json::from_str(&answer)?),
            Begin::InProgress => return Err(RoomsError::InProgress),
            Begin::Differs => return Err(RoomsError::KeyReused),
        }
        let said = self.say(user, publication, now).await;
        let closed = match &said {
            Ok(said) => {
                let answer = serde_json::to_string(said)?;
                self.requests.finish(&request, &answer).await
            }
            Err(_) => self.requests.abandon(&request).await,
        };
        // It has been said, or has not, in any case.
        if let Err(error) = closed {
            tracing::warn!(
                %user,
                error = &error as &dyn std::error::Error,
                "the answer of a request could not be kept"
            );
        }
        said
    }

    async fn say(
        &self,
        user: UserId,
        publication: Publication,
        now: Timestamp,
    ) -> Result<Said, RoomsError> {
        let Publication {
            room,
            kind,
            data,
            key,
        } = publication;
        let message = Message {
            from: Some(user),
            connection: None,
            at: now,
            kind,
            data,
            key: key.map(|key| message_key("http:", user, &room, &key)),
        };
        let published = self.bus.publish(&room, message).await;
        self.instruments.published(published.is_ok());
        let position: Option<Position> = published?.position;
        Ok(Said {
            room,
            seq: position.map(|position| position.seq),
            position: position.map(PositionText),
            at: now,
        })
    }
}

/// Everything in a request but its key.
fn fingerprint(publication: &Publication) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"publish\0");
    context.update(publication.room.as_str().as_bytes());
    context.update(match publication.kind {
        Kind::Text => b"\0text\0",
        Kind::Json => b"\0json\0",
        Kind::Binary => b"\0binary\0",
    });
    context.update(&publication.data);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}
