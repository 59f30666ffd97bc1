//! A use case's error becomes a problem: causes to the log, not to the client.

use std::time::Duration;

use contract::StoreError;

use crate::{
    accounts::AccountsError,
    problem::{Problem, ProblemType},
};

/// When to come back after the store could not be reached.
const UNAVAILABLE_RETRY_AFTER: Duration = Duration::from_secs(2);

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let kind = match &error {
            AccountsError::Username(reason) => {
                return Self::new(ProblemType::InvalidUsername).detail(reason.to_string());
            }
            AccountsError::Password(reason) => {
                return Self::new(ProblemType::InvalidPassword).detail(reason.to_string());
            }
            AccountsError::Busy { retry_after } => {
                return Self::new(ProblemType::Busy).retry_after(*retry_after);
            }
            AccountsError::NameTaken => ProblemType::NameTaken,
            AccountsError::Credentials => ProblemType::InvalidCredentials,
            AccountsError::RefreshToken => ProblemType::InvalidRefreshToken,
            AccountsError::AccountInactive => ProblemType::InvalidToken,
            AccountsError::NoSuchSession => ProblemType::SessionNotFound,
            AccountsError::Store(StoreError::Unavailable(_)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store is unavailable"
                );
                return Self::new(ProblemType::Unavailable).retry_after(UNAVAILABLE_RETRY_AFTER);
            }
            AccountsError::Store(_)
            | AccountsError::Hash(_)
            | AccountsError::Keys(_)
            | AccountsError::Signing(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                ProblemType::Internal
            }
        };
        Self::new(kind)
    }
}
