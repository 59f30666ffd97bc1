//! A use case's error becomes a problem: causes to the log, not to the client.

use std::time::Duration;

use contract::{BusError, StoreError};

use crate::{
    accounts::AccountsError,
    problem::{Problem, ProblemType, SecondFactorChallenge},
    rooms::RoomsError,
};

/// When to come back after the store or the bus could not be reached.
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
            AccountsError::TooManyAttempts { retry_after } => {
                return Self::new(ProblemType::TooManyAttempts).retry_after(*retry_after);
            }
            AccountsError::TooMany(too_many) => return (*too_many).into(),
            AccountsError::SecondFactorRequired(challenge) => {
                return Self::new(ProblemType::SecondFactorRequired).second_factor(
                    SecondFactorChallenge {
                        kind: challenge.kind,
                        data: challenge.data.clone(),
                    },
                );
            }
            AccountsError::SecondFactor => ProblemType::InvalidSecondFactor,
            AccountsError::SecondFactorOff => ProblemType::SecondFactorOff,
            AccountsError::SecondFactorExists => ProblemType::SecondFactorExists,
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
            | AccountsError::SecondFactorFailed(_)
            | AccountsError::Issue(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                ProblemType::Internal
            }
        };
        Self::new(kind)
    }
}

/// When to ask again for the answer of a request that is being done.
const IN_PROGRESS_RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<RoomsError> for Problem {
    fn from(error: RoomsError) -> Self {
        let kind = match &error {
            RoomsError::Title => ProblemType::InvalidTitle,
            RoomsError::AccountInactive | RoomsError::SessionEnded => {
                return Self::new(ProblemType::InvalidToken);
            }
            RoomsError::NoSuchRoom => return Self::new(ProblemType::RoomNotFound),
            RoomsError::NotOwner => return Self::new(ProblemType::NotOwner),
            RoomsError::NotPermitted => ProblemType::NotPermitted,
            RoomsError::NoSuchAccount => return Self::new(ProblemType::NoSuchAccount),
            RoomsError::NoSuchMember => return Self::new(ProblemType::MemberNotFound),
            RoomsError::LastOwner => return Self::new(ProblemType::LastOwner),
            RoomsError::PresenceOff => return Self::new(ProblemType::PresenceOff),
            RoomsError::Full { .. } => ProblemType::RoomFull,
            RoomsError::TooMany { .. } => ProblemType::TooManyRooms,
            RoomsError::Payload(_) => ProblemType::InvalidRequest,
            RoomsError::TooLarge { .. } => ProblemType::BodyTooLarge,
            RoomsError::KeyReused => return Self::new(ProblemType::IdempotencyKeyReused),
            RoomsError::InProgress => {
                return Self::new(ProblemType::RequestInProgress)
                    .retry_after(IN_PROGRESS_RETRY_AFTER);
            }
            RoomsError::Store(StoreError::Unavailable(_))
            | RoomsError::Policy(_)
            | RoomsError::Bus(BusError::Unavailable(_) | BusError::Failed(_)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what the request needs is unavailable"
                );
                return Self::new(ProblemType::Unavailable).retry_after(UNAVAILABLE_RETRY_AFTER);
            }
            RoomsError::Name(_)
            | RoomsError::Answer(_)
            | RoomsError::Store(_)
            | RoomsError::Issue(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                return Self::new(ProblemType::Internal);
            }
        };
        // These say what the bound is, or what is wrong.
        Self::new(kind).detail(error.to_string())
    }
}
