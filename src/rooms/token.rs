//! A membership becomes a token for the gateway.

use std::fmt;

use contract::{RoomName, Timestamp};

use super::{Rooms, RoomsError};
use crate::accounts::tokens::{AccessToken, RoomAccess};

/// A token for one room.
pub struct RoomToken {
    /// The access token.
    pub access_token: String,
    /// Its life, in seconds.
    pub expires_in: u64,
    /// What it opens.
    pub access: RoomAccess,
}

impl fmt::Debug for RoomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomToken")
            .field("expires_in", &self.expires_in)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Rooms {
    /// A token of the same user and session for a room that the user is in, or
    /// for the user's own. It ends with the session if that is sooner, so an
    /// access token can't be made to outlive it.
    ///
    /// # Errors
    /// `NoSuchRoom`, `SessionEnded`, `AccountInactive`, or a failure.
    pub async fn token(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
        now: Timestamp,
    ) -> Result<RoomToken, RoomsError> {
        let session = self.sessions.find(bearer.session, now).await?;
        let session = session
            .filter(|session| session.user == bearer.user)
            .ok_or(RoomsError::SessionEnded)?;
        let access = self.access(bearer, room).await?;
        let (access_token, expires_in) = self.issuer.issue(&session, &access, now).await?;
        Ok(RoomToken {
            access_token,
            expires_in,
            access,
        })
    }
}
