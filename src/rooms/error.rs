//! Why a use case did not do what was asked. Causes are for the log.

use contract::{BusError, NameError, Room, StoreError};

use super::{message::PayloadError, policy::PolicyError};
use crate::accounts::tokens::IssueError;

/// Why a use case did not do what was asked; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RoomsError {
    /// Not a room's title.
    #[error(
        "a title has 1 to {max} characters, none of them a control character",
        max = Room::MAX_TITLE_CHARS
    )]
    Title,
    /// The account of a valid access token is gone or disabled.
    #[error("the account is not active")]
    AccountInactive,
    /// The session of a valid access token has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// No such room, or whoever asks is not in it: never says which.
    #[error("there is no such room")]
    NoSuchRoom,
    /// Only owners may do that.
    #[error("only an owner may do that")]
    NotOwner,
    /// Whoever asks may hear in the room, and not speak.
    #[error("readers may not speak")]
    NotPermitted,
    /// Nobody has that name.
    #[error("there is no such account")]
    NoSuchAccount,
    /// Nobody of that name is in the room.
    #[error("there is no such member")]
    NoSuchMember,
    /// The room would be left without an owner.
    #[error("the room would have no owner")]
    LastOwner,
    /// The room has as many members as it may have.
    #[error("the room has {max} members, and no more may be added")]
    Full {
        /// How many it may have.
        max: u32,
    },
    /// The user owns as many rooms as one may.
    #[error("one user may own {max} rooms")]
    TooMany {
        /// How many that is.
        max: u32,
    },
    /// The room doesn't tell who is there.
    #[error("the room does not tell who is there")]
    PresenceOff,
    /// Not something that can be said.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// More than may be said at once.
    #[error("a message has at most {max} bytes")]
    TooLarge {
        /// How many it may have.
        max: usize,
    },
    /// The key was used for another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// The request with that key is being done.
    #[error("the request with this key is being done")]
    InProgress,
    /// A name that the service made is none, or taken.
    #[error("a name that the service made can't be used")]
    Name(#[source] Option<NameError>),
    /// The answer that is kept of a request can't be read, or not be written.
    #[error("the kept answer of a request is broken")]
    Answer(#[from] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus failed: what was to be said may not have been heard by anybody.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Who may join a room can't be found out.
    #[error(transparent)]
    Policy(PolicyError),
    /// No access token could be minted.
    #[error(transparent)]
    Issue(IssueError),
}

impl From<IssueError> for RoomsError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => Self::Store(error),
            other => Self::Issue(other),
        }
    }
}

impl From<PolicyError> for RoomsError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Store(error) => Self::Store(error),
            PolicyError::Unavailable(_) => Self::Policy(error),
        }
    }
}

impl From<NameError> for RoomsError {
    fn from(error: NameError) -> Self {
        Self::Name(Some(error))
    }
}
