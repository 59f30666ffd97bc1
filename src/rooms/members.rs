//! Who is in a room, and what they are there. Owners decide, and anybody may
//! leave, as long as there is an owner left.

use contract::{
    Actor, AuditEvent, AuditRecord, ChangeMember, Member, MemberOutcome, Role, RoomName, Timestamp,
    UserId, Username,
};

use super::{Page, Rooms, RoomsError};
use crate::{accounts::Caller, news};

/// Somebody who is in a room now.
#[derive(Debug, Clone)]
pub struct Seated {
    /// Who, and what they are there.
    pub member: Member,
    /// Whether they weren't in it before.
    pub added: bool,
}

impl Rooms {
    /// Who is in a room, in the order of their names, from the one after
    /// `after` on.
    ///
    /// # Errors
    /// `NoSuchRoom`, or a failure.
    pub async fn members(
        &self,
        room: &RoomName,
        asks: UserId,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Page<Member>, RoomsError> {
        self.membership(room, asks).await?;
        let members = self.store.members(room, after, limit + 1).await?;
        Ok(Page::cut(members, limit))
    }

    /// Adds somebody to a room, or makes them something else there. Only owners
    /// learn whether there is an account of that name.
    ///
    /// # Errors
    /// `NoSuchRoom`, `NotOwner`, `NoSuchAccount`, `LastOwner`, `Full`, or a
    /// failure.
    pub async fn put_member(
        &self,
        room: &RoomName,
        by: UserId,
        username: &str,
        role: Role,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Seated, RoomsError> {
        if self.membership(room, by).await?.role != Role::Owner {
            return Err(RoomsError::NotOwner);
        }
        let username = Username::parse(username).map_err(|_| RoomsError::NoSuchAccount)?;
        let account = self.credentials.find_by_name(&username).await?;
        let account = account.ok_or(RoomsError::NoSuchAccount)?;
        let before = self.store.membership(room, account.id).await?;
        self.change(room, by, account.id, Some(role), caller, now)
            .await?;
        Ok(Seated {
            member: Member {
                user: account.id,
                username: account.username,
                role,
            },
            added: before.is_none(),
        })
    }

    /// Removes somebody from a room, or leaves it. Whoever is no owner gets the
    /// same answer for every name but their own.
    ///
    /// # Errors
    /// `NoSuchRoom`, `NotOwner`, `NoSuchMember`, `LastOwner`, or a failure.
    pub async fn remove_member(
        &self,
        room: &RoomName,
        by: UserId,
        username: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), RoomsError> {
        let role = self.membership(room, by).await?.role;
        let account = match Username::parse(username) {
            Ok(username) => self.credentials.find_by_name(&username).await?,
            Err(_) => None,
        };
        match account {
            Some(account) if account.id == by || role == Role::Owner => {
                self.change(room, by, account.id, None, caller, now).await
            }
            _ if role != Role::Owner => Err(RoomsError::NotOwner),
            _ => Err(RoomsError::NoSuchMember),
        }
    }

    async fn change(
        &self,
        room: &RoomName,
        by: UserId,
        user: UserId,
        role: Option<Role>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), RoomsError> {
        let max = self.limits.max_members;
        let change = ChangeMember {
            room: room.clone(),
            by,
            user,
            role,
            max_members: max,
            now,
        };
        match self.store.change_member(&change).await? {
            MemberOutcome::Changed(change) => {
                news::announce_changed(&*self.bus, &[change], now).await;
                let changed = AuditRecord {
                    role,
                    ..caller.asked(AuditEvent::MembershipChange, now)
                };
                let changed = changed.by(Actor::User(by)).to(user).room(room.clone());
                self.audit.done(changed).await;
                Ok(())
            }
            MemberOutcome::Unchanged => Ok(()),
            MemberOutcome::NoSuchRoom => Err(RoomsError::NoSuchRoom),
            MemberOutcome::NotOwner => Err(RoomsError::NotOwner),
            MemberOutcome::NoSuchMember => Err(RoomsError::NoSuchMember),
            MemberOutcome::LastOwner => Err(RoomsError::LastOwner),
            MemberOutcome::Full => Err(RoomsError::Full { max }),
        }
    }
}
