//! Make, list, see and delete rooms.

use contract::{
    Actor, AuditEvent, DeleteOutcome, Membership, Role, Room, RoomName, RoomOutcome, Timestamp,
    UserId,
};
use uuid::Uuid;

use super::{Page, Rooms, RoomsError};
use crate::{accounts::Caller, news};

impl Rooms {
    /// Makes a room with its owner as its one member; when this returns `Ok`,
    /// it is durable. Its name is made here: random, so that nobody can guess
    /// it, take it first, or learn from a refusal that it exists.
    ///
    /// # Errors
    /// `Title`, `TooMany`, `AccountInactive`, or a failure.
    pub async fn create(
        &self,
        owner: UserId,
        title: &str,
        presence: bool,
        now: Timestamp,
    ) -> Result<Membership, RoomsError> {
        let room = Room {
            name: RoomName::parse(&Uuid::new_v4().simple().to_string())?,
            title: title_of(title)?,
            presence,
            created_at: now,
        };
        self.active(owner).await?;
        let max = self.limits.max_owned;
        match self.store.create_room(&room, owner, max).await? {
            RoomOutcome::Created => {
                tracing::info!(user = %owner, room = %room.name, "room made");
                Ok(Membership {
                    room,
                    role: Role::Owner,
                })
            }
            RoomOutcome::TooMany => Err(RoomsError::TooMany { max }),
            RoomOutcome::NameTaken => Err(RoomsError::Name(None)),
        }
    }

    /// Rooms that a user is in, in the order of their names, from the one after
    /// `after` on.
    ///
    /// # Errors
    /// A failure.
    pub async fn list(
        &self,
        user: UserId,
        after: Option<&RoomName>,
        limit: u32,
    ) -> Result<Page<Membership>, RoomsError> {
        let rooms = self.store.memberships(user, after, limit + 1).await?;
        Ok(Page::cut(rooms, limit))
    }

    /// A room, as one of its members sees it.
    ///
    /// # Errors
    /// `NoSuchRoom`, or a failure.
    pub async fn get(&self, room: &RoomName, user: UserId) -> Result<Membership, RoomsError> {
        self.membership(room, user).await
    }

    /// Deletes a room, which its owners may do: whoever was in it isn't any
    /// more, on any node.
    ///
    /// # Errors
    /// `NoSuchRoom`, `NotOwner`, or a failure.
    pub async fn delete(
        &self,
        room: &RoomName,
        by: UserId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), RoomsError> {
        match self.store.delete_room(room, by, now).await? {
            DeleteOutcome::Deleted(changes) => {
                news::announce_changed(&*self.bus, &changes, now).await;
                let deleted = caller.asked(AuditEvent::RoomDeleted, now);
                let deleted = deleted.by(Actor::User(by)).room(room.clone());
                self.audit.done(deleted.count(changes.len() as u64)).await;
                Ok(())
            }
            DeleteOutcome::NoSuchRoom => Err(RoomsError::NoSuchRoom),
            DeleteOutcome::NotOwner => Err(RoomsError::NotOwner),
        }
    }
}

/// What people call a room, without the white space around it.
fn title_of(typed: &str) -> Result<String, RoomsError> {
    let title = typed.trim();
    let chars = title.chars().take(Room::MAX_TITLE_CHARS + 1).count();
    if (1..=Room::MAX_TITLE_CHARS).contains(&chars) && !title.contains(char::is_control) {
        Ok(title.to_owned())
    } else {
        Err(RoomsError::Title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_for_people() {
        for (typed, title) in [
            ("Tea", "Tea"),
            ("  Tea at five\n", "Tea at five"),
            ("\u{3000}茶\u{3000}", "茶"),
        ] {
            assert_eq!(title_of(typed).unwrap(), title);
        }
        let longest = "ü".repeat(100);
        assert_eq!(title_of(&format!(" {longest} ")).unwrap(), longest);
        for typed in ["", " \t\n", "a\nb", "a\0b", "a\u{85}b", "a\u{7f}"] {
            assert!(
                matches!(title_of(typed), Err(RoomsError::Title)),
                "{typed:?}"
            );
        }
        assert!(title_of(&"ü".repeat(101)).is_err());
    }
}
