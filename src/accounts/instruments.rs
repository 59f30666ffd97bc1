//! What is counted of accounts and sessions.

use contract::Rotation;

use super::AccountsError;
use crate::{
    news::EndReason,
    telemetry::metrics::{Counted, Counter, Registry, label::label},
};

label! {
    /// What came of something that takes a password.
    pub PasswordOutcome, "outcome" {
        /// It was done.
        Succeeded = "succeeded",
        /// What was sent was wrong, or not acceptable.
        Refused = "refused",
        /// It came too soon after too many wrong passwords.
        Throttled = "throttled",
        /// There was no place in the hashing queue.
        Busy = "busy",
        /// The store, or something else that it needs, failed.
        Failed = "failed",
    }
}

label! {
    /// What came of a refresh.
    pub RefreshOutcome, "outcome" {
        /// The token was the current one.
        Rotated = "rotated",
        /// It was the one before, within the grace.
        Repeated = "repeated",
        /// It was an old one: the session has ended.
        Reused = "reused",
        /// It was good for nothing.
        Refused = "refused",
        /// It was one of too many of its user.
        Throttled = "throttled",
        /// The store, or something else that it needs, failed.
        Failed = "failed",
    }
}

impl PasswordOutcome {
    fn of<T>(result: &Result<T, AccountsError>) -> Self {
        match result {
            Ok(_) => Self::Succeeded,
            Err(AccountsError::Busy { .. }) => Self::Busy,
            Err(AccountsError::TooManyAttempts { .. } | AccountsError::TooMany(_)) => {
                Self::Throttled
            }
            Err(
                AccountsError::Username(_)
                | AccountsError::Password(_)
                | AccountsError::NameTaken
                | AccountsError::Credentials
                | AccountsError::SecondFactorRequired(_)
                | AccountsError::SecondFactor
                | AccountsError::SecondFactorOff
                | AccountsError::SecondFactorExists
                | AccountsError::RefreshToken
                | AccountsError::AccountInactive
                | AccountsError::NoSuchSession,
            ) => Self::Refused,
            Err(
                AccountsError::Store(_)
                | AccountsError::Hash(_)
                | AccountsError::Keys(_)
                | AccountsError::SecondFactorFailed(_)
                | AccountsError::Issue(_),
            ) => Self::Failed,
        }
    }
}

impl RefreshOutcome {
    pub(super) fn of(rotation: &Rotation) -> Self {
        match rotation {
            Rotation::Rotated(_) => Self::Rotated,
            Rotation::Repeated(_) => Self::Repeated,
            Rotation::Reused(_) => Self::Reused,
            Rotation::Ended => Self::Refused,
        }
    }
}

/// What is counted of accounts and sessions. A clone counts in the same ones.
#[derive(Debug, Clone, Default)]
pub struct AccountInstruments {
    logins: Counted<PasswordOutcome>,
    registrations: Counted<PasswordOutcome>,
    password_changes: Counted<PasswordOutcome>,
    refreshes: Counted<RefreshOutcome>,
    opened: Counter,
    ended: Counted<EndReason>,
}

impl AccountInstruments {
    /// Makes them known.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "logins",
            "Logins; refused are a wrong password, an unknown name and a disabled account alike, and \
             a second factor that is wrong or not there yet",
            self.logins.clone(),
        );
        registry.register(
            "registrations",
            "Registrations; refused are names that are taken, and names and passwords that are \
             not acceptable",
            self.registrations.clone(),
        );
        registry.register(
            "password_changes",
            "Changes of a password",
            self.password_changes.clone(),
        );
        registry.register(
            "refreshes",
            "Refresh tokens that were presented; reused ones ended their session",
            self.refreshes.clone(),
        );
        registry.register(
            "sessions_opened",
            "Sessions that were opened on this node",
            self.opened.clone(),
        );
        registry.register(
            "sessions_ended",
            "Sessions that were ended on this node before their time, by why",
            self.ended.clone(),
        );
    }

    pub(super) fn login<T>(&self, result: &Result<T, AccountsError>) {
        self.logins.count(PasswordOutcome::of(result));
    }

    pub(super) fn registration<T>(&self, result: &Result<T, AccountsError>) {
        self.registrations.count(PasswordOutcome::of(result));
    }

    pub(super) fn password_change<T>(&self, result: &Result<T, AccountsError>) {
        self.password_changes.count(PasswordOutcome::of(result));
    }

    pub(super) fn refresh(&self, outcome: RefreshOutcome) {
        self.refreshes.count(outcome);
    }

    pub(super) fn opened(&self) {
        self.opened.inc();
    }

    pub(super) fn ended(&self, sessions: usize, reason: EndReason) {
        self.ended.add(reason, sessions as u64);
    }
}
