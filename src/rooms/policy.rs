//! Who may join a room: the rule, which can be another.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use contract::{BoxError, RoomName, RoomStore, StoreError};

use crate::accounts::tokens::{AccessToken, Grant};

/// What somebody may do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Hear, or hear and speak.
    pub grant: Grant,
    /// Whether the room tells who is there.
    pub presence: bool,
}

/// Why a policy has no answer.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever else was asked can't answer now: the client is told to try
    /// again.
    #[error("who may join a room can't be found out")]
    Unavailable(#[source] BoxError),
}

/// Decides who may join, read and write which room.
///
/// It is asked each time when somebody
/// - wants a token for a room, which is what opens a seat on a socket, and what
///   renews one: the answer holds for as long as the token, `tokens.access_ttl`
///   at most;
/// - says something over HTTP, or reads there what was said or who is there:
///   the answer holds for that request.
///
/// It isn't asked about
/// - a user's own room, which is theirs whatever it would say, and is nobody
///   else's;
/// - who may see, change or delete a room and its members: that is for those
///   who are in it;
/// - a token that another service made with a key of this one.
///
/// A member who is removed, or made a reader, is held to that at once and until
/// the tokens from before have ended, whatever a policy says meanwhile. Other
/// reasons to say no come into force when the token ends. A token for the very
/// room that allows less allows no more for being asked with.
#[async_trait]
pub trait RoomPolicy: fmt::Debug + Send + Sync {
    /// What the bearer of a valid access token may do in a room that may not
    /// exist. `None` is nothing, and nobody learns whether there is such a room.
    ///
    /// # Errors
    /// [`PolicyError`]: what was asked for is not done.
    async fn permission(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
    ) -> Result<Option<Permission>, PolicyError>;
}

/// The rule unless there is another: members may do what their roles allow.
pub struct MembersOnly(pub Arc<dyn RoomStore>);

impl fmt::Debug for MembersOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MembersOnly").finish()
    }
}

#[async_trait]
impl RoomPolicy for MembersOnly {
    async fn permission(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
    ) -> Result<Option<Permission>, PolicyError> {
        let membership = self.0.membership(room, bearer.user).await?;
        Ok(membership.map(|membership| Permission {
            grant: membership.role.into(),
            presence: membership.room.presence,
        }))
    }
}
