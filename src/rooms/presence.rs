//! Who is in a room just now.

use contract::{RoomName, UserId};

use super::{Rooms, RoomsError};
use crate::accounts::tokens::AccessToken;

impl Rooms {
    /// Who is in a room by any node, in the order of their ids.
    ///
    /// # Errors
    /// `NoSuchRoom`, `PresenceOff`, or a failure.
    pub async fn present(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
    ) -> Result<Vec<UserId>, RoomsError> {
        let access = self.access(bearer, room).await?;
        if !access.presence {
            return Err(RoomsError::PresenceOff);
        }
        Ok(self.presence.users(&access.room).await?)
    }
}
