//! What was said in a room, as far as the bus keeps it.

use std::sync::Arc;

use contract::{Envelope, Position, Recovery, RoomName};

use super::{Rooms, RoomsError};
use crate::accounts::tokens::AccessToken;

/// Some of what was said in a room.
#[derive(Debug, Clone)]
pub struct Past {
    /// In the room's order.
    pub messages: Vec<Arc<Envelope>>,
    /// Where to go on from: at the last of `messages`, or where the room stands
    /// if there are none; `None` on a bus without order numbers.
    pub position: Option<Position>,
    /// Whether `messages` begin with the first one after the place that was
    /// asked for; `None` if none was.
    pub recovered: Option<bool>,
}

impl Rooms {
    /// What was said in a room: after `since`, the oldest first, or nothing if
    /// not all of it is kept; without `since`, the newest that is kept.
    /// `limit` messages at most.
    ///
    /// # Errors
    /// `NoSuchRoom`, `AccountInactive`, or a failure.
    pub async fn history(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
        since: Option<Position>,
        limit: u32,
    ) -> Result<Past, RoomsError> {
        let access = self.access(bearer, room).await?;
        let kept = self.bus.history(&access.room, since).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let recovered = match kept.recovery {
            Recovery::NotAsked => None,
            Recovery::Complete => Some(true),
            Recovery::Impossible => Some(false),
        };
        let mut messages = kept.messages;
        if recovered.is_some() {
            messages.truncate(limit);
        } else {
            messages.drain(..messages.len().saturating_sub(limit));
        }
        let last = messages.last().and_then(|last| last.position);
        Ok(Past {
            position: last.or(kept.position),
            messages,
            recovered,
        })
    }
}
