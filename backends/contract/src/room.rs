//! Rooms that people manage: who is in them, and what they may do there.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{RoomName, StoreError, UserId, Username};

/// What somebody is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Hears, speaks, and decides who is in the room.
    Owner,
    /// Hears and speaks.
    Member,
    /// Hears.
    Reader,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Reader];

    /// The role's name, as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Reader => "reader",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether it may speak in the room.
    #[must_use]
    pub fn may_speak(self) -> bool {
        self != Self::Reader
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its name on the bus, in URLs and in tokens; never reused.
    pub name: RoomName,
    /// What people call it; 1 to [`Room::MAX_TITLE_CHARS`] characters.
    pub title: String,
    /// Whether it tells who is there.
    pub presence: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Room {
    /// Longest title, in characters.
    pub const MAX_TITLE_CHARS: usize = 100;
}

/// A room, as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The room.
    pub room: Room,
    /// What the member is there.
    pub role: Role,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// The account's name.
    pub username: Username,
    /// What they are there.
    pub role: Role,
}

/// A change of who is in a room, or of what somebody is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipChange {
    /// The room.
    pub room: RoomName,
    /// Whose membership.
    pub user: UserId,
    /// What they are now; `None` is not in the room any more.
    pub role: Option<Role>,
    /// Grows with every change in the room: of two changes of one member, the
    /// one with the larger number holds.
    pub revision: u64,
    /// The `now` of the call that made it.
    pub at: Timestamp,
}

/// Somebody asks for a change of a membership.
#[derive(Debug, Clone)]
pub struct ChangeMember {
    /// The room.
    pub room: RoomName,
    /// Who asks.
    pub by: UserId,
    /// Whose membership; may be `by`.
    pub user: UserId,
    /// What they shall be; `None` removes them.
    pub role: Option<Role>,
    /// Most members that the room may have.
    pub max_members: u32,
    /// The time of the request.
    pub now: Timestamp,
}

/// What became of [`RoomStore::change_member`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOutcome {
    /// It is so now, durably, and was otherwise before.
    Changed(MembershipChange),
    /// It was so already; nothing was written.
    Unchanged,
    /// No such room, or whoever asks is not in it.
    NoSuchRoom,
    /// Whoever asks is in the room and no owner of it, and it is not their own
    /// leaving.
    NotOwner,
    /// There is nobody to remove: the user is not in the room.
    NoSuchMember,
    /// The room would be left without an owner.
    LastOwner,
    /// The room has as many members as it may have.
    Full,
}

/// What became of [`RoomStore::create_room`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomOutcome {
    /// The room exists now, durably, with its owner as its one member.
    Created,
    /// There is a room of that name, or there was one not long ago.
    NameTaken,
    /// The user owns as many rooms as one may.
    TooMany,
}

/// What became of [`RoomStore::delete_room`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The room is gone, durably; everybody who was in it is not any more.
    Deleted(Vec<MembershipChange>),
    /// No such room, or whoever asks is not in it.
    NoSuchRoom,
    /// Whoever asks is in the room and no owner of it.
    NotOwner,
}

/// Keeps rooms and who is in them.
///
/// Everything is decided and written in one step: an owner who is just being
/// made a reader changes nothing after that. A confirmed write is durable: it
/// survives `kill -9` and loss of power.
#[async_trait]
pub trait RoomStore: Send + Sync + 'static {
    /// Makes a room, with `owner` as its owner. `max_owned` is how many rooms
    /// one user may own; the bound holds for concurrent calls too. Fails if
    /// there is no such account.
    async fn create_room(
        &self,
        room: &Room,
        owner: UserId,
        max_owned: u32,
    ) -> Result<RoomOutcome, StoreError>;

    /// The room, if that user is in it.
    async fn membership(
        &self,
        room: &RoomName,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError>;

    /// The rooms that a user is in, in the order of their names, from the one
    /// after `after` on, `limit` at most.
    async fn memberships(
        &self,
        user: UserId,
        after: Option<&RoomName>,
        limit: u32,
    ) -> Result<Vec<Membership>, StoreError>;

    /// Who is in a room, in the order of the usernames' bytes, from the one
    /// after `after` on, `limit` at most.
    async fn members(
        &self,
        room: &RoomName,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError>;

    /// Adds, changes or removes a member. Owners may do so for everybody, and
    /// anybody may leave. Fails if there is no such account.
    async fn change_member(&self, change: &ChangeMember) -> Result<MemberOutcome, StoreError>;

    /// Deletes a room, which its owners may do. Its name stays taken until
    /// nobody can have a token for it any more, see
    /// [`purge_membership_changes`](Self::purge_membership_changes).
    async fn delete_room(
        &self,
        room: &RoomName,
        by: UserId,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError>;

    /// The latest change of each membership that was changed at or after
    /// `since`, unless it is purged already; not the making of a room. A token
    /// is valid by itself, so whoever verifies it has to know.
    async fn membership_changes_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<MembershipChange>, StoreError>;

    /// Forgets removals, and rooms that were deleted, at or before `before`;
    /// returns how many.
    async fn purge_membership_changes(&self, before: Timestamp) -> Result<u64, StoreError>;
}
