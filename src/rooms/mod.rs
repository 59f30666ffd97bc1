//! The use cases of rooms that people manage. Nothing here knows HTTP, sockets
//! or a concrete store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`policy`] | who may join a room: the rule, which can be another |
//! | [`manage`] | make, list, see and delete rooms |
//! | [`members`] | who is in a room, and what they are there |
//! | [`token`] | a membership becomes a token for the gateway |
//! | [`publish`] | say something without a socket, once |
//! | [`history`] | what was said |
//! | [`presence`] | who is there |
//! | [`message`] | what people say, as JSON carries it |
//! | [`position`] | a place in a room's order, as text |
//! | [`schema`] | how values of the domain look in documents |
//! | [`changes`] | memberships that changed before the tokens do |
//! | [`error`] | `RoomsError` |
//! | [`instruments`] | what is counted |

pub mod changes;
pub mod error;
pub mod history;
pub mod instruments;
pub mod manage;
pub mod members;
pub mod message;
pub mod policy;
pub mod position;
pub mod presence;
pub mod publish;
pub mod schema;
pub mod token;

use std::{fmt, sync::Arc};

use contract::{
    CredentialStore, IdempotencyStore, Membership, RoomBus, RoomName, RoomStore, SessionStore,
    UserId,
};
use uuid::Uuid;

pub use self::{
    changes::MembershipChanges,
    error::RoomsError,
    instruments::RoomInstruments,
    policy::{MembersOnly, Permission, PolicyError, RoomPolicy},
};
use crate::{
    accounts::{
        self,
        tokens::{AccessToken, RoomAccess, TokenIssuer},
    },
    audit::Audit,
    presence::Presence,
};

/// How much there may be of everything.
#[derive(Debug, Clone, Copy)]
pub struct RoomLimits {
    /// Rooms that one user owns.
    pub max_owned: u32,
    /// Members of one room.
    pub max_members: u32,
    /// Bytes of a message.
    pub max_message_bytes: usize,
}

/// What the use cases work with.
pub struct Rooms {
    /// Where rooms are kept.
    pub store: Arc<dyn RoomStore>,
    /// Who may join a room.
    pub policy: Arc<dyn RoomPolicy>,
    /// Where accounts are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where the answers of requests are kept that may be repeated.
    pub requests: Arc<dyn IdempotencyStore>,
    /// What carries messages, and the news of changes.
    pub bus: Arc<dyn RoomBus>,
    /// Who is in which room.
    pub presence: Arc<Presence>,
    /// What mints access tokens.
    pub issuer: TokenIssuer,
    /// Where what happens is recorded.
    pub audit: Audit,
    /// How much there may be.
    pub limits: RoomLimits,
    /// What is counted.
    pub instruments: RoomInstruments,
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Some of a list, and whether there is more.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Whether the list goes on after them.
    pub more: bool,
}

impl<T> Page<T> {
    /// Longest page.
    pub const MAX: u32 = 100;

    /// A page of `limit` out of a list of which one more was asked for.
    fn cut(mut items: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

impl Rooms {
    /// The room, to somebody who is in it. To anybody else it is as absent as
    /// one that never was.
    async fn membership(&self, room: &RoomName, user: UserId) -> Result<Membership, RoomsError> {
        let membership = self.store.membership(room, user).await?;
        membership.ok_or(RoomsError::NoSuchRoom)
    }

    /// A token may be another back end's, about somebody who has no account.
    async fn active(&self, user: UserId) -> Result<(), RoomsError> {
        match self.credentials.find_by_id(user).await? {
            Some(account) if account.disabled_at.is_none() => Ok(()),
            _ => Err(RoomsError::AccountInactive),
        }
    }

    /// What somebody may do in a room: what the policy says, and everybody
    /// everything in their own. A token that is for this very room may allow
    /// less.
    async fn access(
        &self,
        bearer: &AccessToken,
        room: &RoomName,
    ) -> Result<RoomAccess, RoomsError> {
        let own = accounts::own_room(bearer.user)?;
        let mut access = if *room == own.room {
            self.active(bearer.user).await?;
            own
        } else if self.is_anothers_own(room).await? {
            return Err(RoomsError::NoSuchRoom);
        } else {
            let permission = self.policy.permission(bearer, room).await?;
            let Permission { grant, presence } = permission.ok_or(RoomsError::NoSuchRoom)?;
            RoomAccess {
                room: room.clone(),
                grant,
                presence,
            }
        };
        if bearer.room == access.room {
            access.grant = access.grant.min(bearer.grant);
        }
        Ok(access)
    }

    /// Whether a room that isn't one's own is somebody else's own: a policy
    /// must not be able to give it away by mistake. Rooms that people make are
    /// named otherwise, so for them this asks nothing of the store.
    async fn is_anothers_own(&self, room: &RoomName) -> Result<bool, RoomsError> {
        let user = Uuid::try_parse(room.as_str()).map(UserId);
        match user {
            Ok(user) if user.to_string() == room.as_str() => {
                Ok(self.credentials.find_by_id(user).await?.is_some())
            }
            _ => Ok(false),
        }
    }
}
