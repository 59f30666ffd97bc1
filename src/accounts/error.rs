//! Why a use case did not do what was asked. Causes are for the log.

use std::time::Duration;

use contract::{NameError, StoreError};

use super::{
    passwords::{HashError, NewPasswordError, PasswordRefused},
    second_factor::{Challenge, SecondFactorError},
    tokens::{IssueError, KeyError},
};
use crate::limits::TooMany;

/// Why a use case did not do what was asked; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Not a username.
    #[error(transparent)]
    Username(#[from] NameError),
    /// Not a password that this service takes.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// Somebody has that name.
    #[error("the name is taken")]
    NameTaken,
    /// No such account, wrong password, or disabled: never says which.
    #[error("the credentials are not valid")]
    Credentials,
    /// The password was right, and is not enough.
    #[error("a second factor is required")]
    SecondFactorRequired(Challenge),
    /// What was sent for the second factor is wrong, or there is none.
    #[error("the second factor is not valid")]
    SecondFactor,
    /// This service takes no second factor.
    #[error("there are no second factors here")]
    SecondFactorOff,
    /// The account has a second factor.
    #[error("the account has a second factor")]
    SecondFactorExists,
    /// Not a refresh token that is good for anything.
    #[error("the refresh token is not valid")]
    RefreshToken,
    /// The account of a valid access token is gone or disabled.
    #[error("the account is not active")]
    AccountInactive,
    /// No such session of this user.
    #[error("there is no such session")]
    NoSuchSession,
    /// More logins wait than the hashing pool can serve soon.
    #[error("too many sign-ins at once")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// Too many wrong passwords for this name lately, whoever has it.
    #[error("too many wrong passwords lately")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// This user asks too often.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed, or a stored hash can't be read.
    #[error("password hashing failed")]
    Hash(#[source] HashError),
    /// Keys or the cryptographic library failed.
    #[error("token cryptography failed")]
    Keys(#[from] KeyError),
    /// The second factor can't be judged.
    #[error(transparent)]
    SecondFactorFailed(SecondFactorError),
    /// No access token could be minted.
    #[error(transparent)]
    Issue(IssueError),
}

impl From<IssueError> for AccountsError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => Self::Store(error),
            other => Self::Issue(other),
        }
    }
}

impl From<SecondFactorError> for AccountsError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Store(error) => Self::Store(error),
            other => Self::SecondFactorFailed(other),
        }
    }
}

impl From<HashError> for AccountsError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy { retry_after } => Self::Busy { retry_after },
            other => Self::Hash(other),
        }
    }
}

impl From<NewPasswordError> for AccountsError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Refused(refused) => Self::Password(refused),
            NewPasswordError::Hash(error) => error.into(),
        }
    }
}
