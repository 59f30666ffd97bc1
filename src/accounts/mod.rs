//! The use cases of accounts and sessions. Nothing here knows HTTP, sockets or
//! a concrete store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`caller`] | who asks: address and user agent |
//! | [`register`] | a name and a password become an account |
//! | [`login`] | credentials become a session |
//! | [`guesses`] | guessing passwords is slow |
//! | [`refresh`] | a refresh token becomes the next one |
//! | [`sessions`] | who am I, my sessions, ending them |
//! | [`change_password`] | a new password ends the other sessions |
//! | [`administration`] | what operators do to accounts |
//! | [`legacy`] | accounts of another application |
//! | [`current_password`] | somebody who is signed in gives the password once more |
//! | [`second_factor`] | what an account has to show besides it |
//! | [`passwords`] | `PasswordService`: policy, hashing pool |
//! | [`tokens`] | access and refresh tokens, keys |
//! | [`error`] | `AccountsError` |
//! | [`instruments`] | what is counted |

pub mod administration;
pub mod caller;
pub mod change_password;
pub mod current_password;
pub mod error;
pub mod guesses;
pub mod instruments;
pub mod legacy;
pub mod login;
pub mod passwords;
pub mod refresh;
pub mod register;
pub mod second_factor;
pub mod sessions;
pub mod tokens;

use std::{fmt, sync::Arc, time::Duration};

use contract::{
    CredentialStore, NameError, RoomBus, RoomName, Session, SessionId, SessionStore, Timestamp,
    UserId,
};

pub use self::{caller::Caller, error::AccountsError};
use self::{
    guesses::Guesses,
    instruments::AccountInstruments,
    passwords::PasswordService,
    second_factor::{SecondFactor, totp::Totp},
    tokens::{EndedSessions, Grant, RefreshTokens, RoomAccess, TokenIssuer},
};
use crate::{
    audit::Audit,
    limits::Limits,
    news::{self, EndReason},
};

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionTimes {
    /// A session ends after so long without a refresh.
    pub idle_ttl: Duration,
    /// A session ends after so long, refreshed or not.
    pub absolute_ttl: Duration,
    /// So long after a refresh, the previous token still gets the same child.
    pub grace: Duration,
}

/// What the use cases work with.
pub struct Accounts {
    /// Where accounts are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where ended sessions are announced.
    pub bus: Arc<dyn RoomBus>,
    /// What hashes and verifies.
    pub passwords: PasswordService,
    /// What counts attempts to give a password.
    pub guesses: Guesses,
    /// What an account has to show besides its password.
    pub second_factor: Arc<dyn SecondFactor>,
    /// Codes of authenticator apps, if accounts may have them.
    pub totp: Option<Totp>,
    /// How often a user may ask.
    pub limits: Arc<Limits>,
    /// What mints access tokens.
    pub issuer: TokenIssuer,
    /// What derives refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// The sessions that ended lately.
    pub ended: Arc<EndedSessions>,
    /// Where what happens is recorded.
    pub audit: Audit,
    /// How long sessions live.
    pub times: SessionTimes,
    /// What is counted.
    pub instruments: AccountInstruments,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// What a client holds to be signed in (RFC 6749, section 5.1).
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// Its life, in seconds.
    pub expires_in: u64,
    /// The refresh token.
    pub refresh_token: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Access to the room that belongs to a user: named by the user's id.
pub(crate) fn own_room(user: UserId) -> Result<RoomAccess, NameError> {
    Ok(RoomAccess {
        room: RoomName::parse(&user.to_string())?,
        grant: Grant::ReadWrite,
        presence: false,
    })
}

impl Accounts {
    async fn tokens(&self, session: &Session, now: Timestamp) -> Result<Tokens, AccountsError> {
        let access = own_room(session.user)?;
        let (access_token, expires_in) = self.issuer.issue(session, &access, now).await?;
        let refresh_token = self.refresh_tokens.current(session)?;
        Ok(Tokens {
            access_token,
            expires_in,
            refresh_token,
        })
    }

    /// Makes the end of sessions known: here at once, elsewhere over the bus.
    async fn announce_end(&self, sessions: &[SessionId], reason: EndReason, now: Timestamp) {
        for &session in sessions {
            self.ended.insert(session, now);
        }
        self.instruments.ended(sessions.len(), reason);
        news::announce_ended(&*self.bus, sessions, reason, now).await;
    }
}
