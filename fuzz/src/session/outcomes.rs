//! What comes of the actions of a session.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use contract::{Epoch, Position, RoomName, SessionId, UserId};
use service::accounts::tokens::{AccessToken, ExtraClaims, Grant};
use uuid::Uuid;

use super::{Clock, Wait, commands};

/// A token that a verifier has found valid.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Token {
    /// Whose it is, if not the socket's own user's and session's.
    pub stranger: Option<Stranger>,
    /// The room that it opens.
    pub room: u8,
    /// Whether its bearer may speak there.
    pub speaks: bool,
    /// Whether the room tells who is there.
    pub presence: bool,
    /// How long it lives.
    pub seconds: u16,
}

/// Whose else a token may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Stranger {
    /// Of the same user.
    OtherSession,
    /// In a session of the same name.
    OtherUser,
}

impl Token {
    /// What it says.
    pub fn read(self, clock: Clock) -> AccessToken {
        let id = |other| Uuid::from_u128(u128::from(self.stranger == Some(other)));
        AccessToken {
            user: UserId(id(Stranger::OtherUser)),
            session: SessionId(id(Stranger::OtherSession)),
            room: RoomName::parse(&commands::room(self.room)).unwrap(),
            grant: grant(self.speaks),
            presence: self.presence,
            expires_at: clock.end_in(self.life()).expires_at,
            claims: ExtraClaims::default(),
        }
    }

    /// How long it lives.
    pub fn life(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// What somebody who speaks, or doesn't, may do.
pub fn grant(speaks: bool) -> Grant {
    if speaks {
        Grant::ReadWrite
    } else {
        Grant::Read
    }
}

/// What happens to the actions of a message.
pub enum Brings<'i, 'data> {
    /// Whatever the input says.
    Input(&'i mut Unstructured<'data>),
    /// A seat by this token.
    Seat(Token),
}

/// What came of a seat that was to be taken.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Taken {
    /// The seat is there.
    Seated,
    /// It is there, and its membership is one that only hears.
    SeatedToHear,
    /// The membership ended.
    NotPermitted,
    /// The bus can't be listened to.
    Unavailable,
}

impl Brings<'_, '_> {
    /// How long the outcome takes, if any time.
    ///
    /// # Errors
    /// The input's end.
    pub fn wait(&mut self) -> Result<Option<Wait>> {
        match self {
            Self::Input(input) => Ok(match input.ratio(1, 4)? {
                true => Some(input.arbitrary()?),
                false => None,
            }),
            Self::Seat(_) => Ok(None),
        }
    }

    /// Whether a token is valid.
    ///
    /// # Errors
    /// The input's end.
    pub fn token(&mut self) -> Result<Option<Token>> {
        match self {
            Self::Input(input) => Ok(match input.ratio(1, 8)? {
                true => None,
                false => Some(input.arbitrary()?),
            }),
            Self::Seat(token) => Ok(Some(*token)),
        }
    }

    /// Whether a seat is taken.
    ///
    /// # Errors
    /// The input's end.
    pub fn taken(&mut self) -> Result<Taken> {
        match self {
            Self::Input(input) => input.arbitrary(),
            Self::Seat(_) => Ok(Taken::Seated),
        }
    }

    /// Where a message stands, if it was said.
    ///
    /// # Errors
    /// The input's end.
    pub fn published(&mut self) -> Result<Option<Option<Position>>> {
        let Self::Input(input) = self else {
            return Ok(Some(None));
        };
        let epoch = Epoch(1);
        Ok(match input.arbitrary::<u8>()? {
            0..64 => None,
            64..128 => Some(None),
            seq => Some(Some(Position {
                epoch,
                seq: seq.into(),
            })),
        })
    }
}
