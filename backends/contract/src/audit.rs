//! The audit log: what happened that matters to security, who did it, and to
//! whom.

use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Role, RoomName, SessionId, StoreError, UserId, Username};

/// An enum whose values have names that stay: they are stored, and searched for.
macro_rules! vocabulary {
    (
        $(#[doc = $doc:literal])+ $vocabulary:ident
        $( $(#[doc = $word_doc:literal])+ $word:ident = $name:literal; )+
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $vocabulary {
            $( $(#[doc = $word_doc])+ $word, )+
            /// What another version has written.
            Other(Box<str>),
        }

        impl $vocabulary {
            /// All that this version writes.
            pub const ALL: &'static [Self] = &[$( Self::$word ),+];

            /// The name that is stored and searched for.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$word => $name, )+
                    Self::Other(name) => name,
                }
            }

            /// What has that name.
            #[must_use]
            pub fn parse(name: &str) -> Self {
                match name {
                    $( $name => Self::$word, )+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl fmt::Display for $vocabulary {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// What happened. A name that was once written keeps its meaning.
    AuditEvent
    /// Somebody made an account, or tried to.
    Registration = "registration";
    /// Somebody signed in, or tried to.
    Login = "login";
    /// A refresh token came again that had a successor: the session was ended.
    RefreshReuse = "refresh_reuse";
    /// A user signed out of one session.
    Logout = "logout";
    /// A user signed out of all sessions.
    LogoutEverywhere = "logout_everywhere";
    /// A session was ended from outside of it: by its user or an operator.
    SessionRevoked = "session_revoked";
    /// A user changed the password, or tried to; the other sessions end with it.
    PasswordChange = "password_change";
    /// A password was hashed anew, with the parameters of today.
    PasswordRehash = "password_rehash";
    /// An operator gave an account another password, which ends its sessions.
    PasswordSet = "password_set";
    /// A user added a second factor, or tried to: sign-ins take it from then on.
    SecondFactorAdded = "second_factor_added";
    /// A user gave up the second factor, or tried to.
    SecondFactorRemoved = "second_factor_removed";
    /// An operator made an account.
    AccountAdded = "account_added";
    /// An operator made accounts of those of another application: `count` many.
    AccountsImported = "accounts_imported";
    /// An account may sign in no more, and its sessions have ended.
    AccountDisabled = "account_disabled";
    /// An account may sign in again.
    AccountEnabled = "account_enabled";
    /// A member was added to a room, removed from it, or given another role.
    MembershipChange = "membership_change";
    /// A room was deleted.
    RoomDeleted = "room_deleted";
    /// A signing key was made.
    KeyMade = "key_made";
    /// A key verifies nothing any more.
    KeyRetired = "key_retired";
}

vocabulary! {
    /// Why something was refused. For administrators: no client learns it.
    AuditReason
    /// Nobody has that name, or it can't be one.
    UnknownName = "unknown_name";
    /// The password is not the account's.
    WrongPassword = "wrong_password";
    /// The password is, and nothing was sent for the second factor.
    SecondFactorMissing = "second_factor_missing";
    /// The password is, and what was sent for the second factor is wrong.
    WrongSecondFactor = "wrong_second_factor";
    /// The account is disabled.
    Disabled = "disabled";
    /// The account was changed while the password was being verified.
    AccountChanged = "account_changed";
    /// Somebody has that name.
    NameTaken = "name_taken";
    /// After too many wrong passwords the next attempt came too early.
    TooManyAttempts = "too_many_attempts";
    /// The new password is not one that the service takes.
    PasswordPolicy = "password_policy";
}

/// Whether what was tried was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// It was refused.
    Failure,
}

impl AuditOutcome {
    /// The name that is stored and searched for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Success, Self::Failure]
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has not proved who they are; also the service by itself.
    Anonymous,
    /// A user.
    User(UserId),
    /// Whoever ran a command: the operating system's name of that user, 1 to
    /// [`AuditRecord::MAX_TEXT_BYTES`] bytes.
    Operator(String),
}

/// Something that happened.
///
/// What people type is never part of it: what was meant to be a name may be a
/// password. Whose account it is shows only if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Which record; random.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: AuditEvent,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// Why it was refused.
    pub reason: Option<AuditReason>,
    /// Who did it.
    pub actor: Actor,
    /// The account that it was done to.
    pub user: Option<UserId>,
    /// The session that it was done in, or to.
    pub session: Option<SessionId>,
    /// The room that it was done in, or to.
    pub room: Option<RoomName>,
    /// What the member is there by it; `None`: nothing any more.
    pub role: Option<Role>,
    /// The `kid` of the key that it was done to; 1 to
    /// [`AuditRecord::MAX_TEXT_BYTES`] bytes.
    pub key: Option<String>,
    /// How many: sessions that ended by it, accounts that were made, members of a room that was deleted;
    /// or refusals that came too fast to be recorded one by one, for which this
    /// record stands.
    pub count: Option<u64>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The request's id, as logs have it; 1 to [`AuditRecord::MAX_TEXT_BYTES`]
    /// bytes.
    pub request_id: Option<String>,
}

impl AuditRecord {
    /// Longest text in a record, in bytes.
    pub const MAX_TEXT_BYTES: usize = 255;

    /// Something that was done, by nobody in particular so far.
    #[must_use]
    pub fn new(event: AuditEvent, at: Timestamp) -> Self {
        Self {
            id: Uuid::new_v4(),
            at,
            event,
            outcome: AuditOutcome::Success,
            reason: None,
            actor: Actor::Anonymous,
            user: None,
            session: None,
            room: None,
            role: None,
            key: None,
            count: None,
            address: None,
            request_id: None,
        }
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(self, reason: AuditReason) -> Self {
        Self {
            outcome: AuditOutcome::Failure,
            reason: Some(reason),
            ..self
        }
    }

    /// The same, done by `actor`.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The same, done to the account of `user`.
    #[must_use]
    pub fn to(self, user: UserId) -> Self {
        Self {
            user: Some(user),
            ..self
        }
    }

    /// The same, in or to `session`.
    #[must_use]
    pub fn session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// The same, in or to `room`.
    #[must_use]
    pub fn room(self, room: RoomName) -> Self {
        Self {
            room: Some(room),
            ..self
        }
    }

    /// The same, so many times.
    #[must_use]
    pub fn count(self, count: u64) -> Self {
        Self {
            count: Some(count),
            ..self
        }
    }
}

/// A record as it is read, with the names of those whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// What happened.
    pub record: AuditRecord,
    /// The name of the user who did it.
    pub actor_name: Option<Username>,
    /// The name of the account that it was done to.
    pub username: Option<Username>,
}

/// Which records.
#[derive(Debug, Clone)]
pub struct AuditQuery {
    /// Those that this user did, or that were done to this account.
    pub user: Option<UserId>,
    /// Those of this event.
    pub event: Option<AuditEvent>,
    /// Those that ended so.
    pub outcome: Option<AuditOutcome>,
    /// Those at or after this time.
    pub since: Option<Timestamp>,
    /// Those before this time.
    pub until: Option<Timestamp>,
    /// Those that come after the record of this time and id in the list.
    pub after: Option<(Timestamp, Uuid)>,
    /// How many at most.
    pub limit: u32,
}

impl AuditQuery {
    /// The latest `limit` records.
    #[must_use]
    pub fn latest(limit: u32) -> Self {
        Self {
            user: None,
            event: None,
            outcome: None,
            since: None,
            until: None,
            after: None,
            limit,
        }
    }
}

/// Keeps the audit log.
///
/// A confirmed write is durable: it survives `kill -9` and loss of power.
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Writes records, all of them or none, in one step, however many there
    /// are. One that is there already, by its time and id, is left as it is: a
    /// write whose end is not known can be repeated.
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError>;

    /// The records that `query` asks for, the latest first; of one time, the one
    /// with the greater id first. Whoever is named by a record need not have an
    /// account.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// Removes records at or before `before`; returns how many.
    async fn purge_audit(&self, before: Timestamp) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_has_a_name_of_its_own() {
        let events = AuditEvent::ALL.iter().map(AuditEvent::as_str);
        assert_eq!(events.collect::<BTreeSet<_>>().len(), AuditEvent::ALL.len());
        for event in AuditEvent::ALL {
            assert_eq!(AuditEvent::parse(event.as_str()), *event);
        }
        let reasons = AuditReason::ALL.iter().map(AuditReason::as_str);
        assert_eq!(
            reasons.collect::<BTreeSet<_>>().len(),
            AuditReason::ALL.len()
        );
        for reason in AuditReason::ALL {
            assert_eq!(AuditReason::parse(reason.as_str()), *reason);
        }
    }

    /// What a later version wrote is shown by its name.
    #[test]
    fn a_word_that_is_not_known_is_kept() {
        let other = AuditReason::parse("moon_phase");
        assert_eq!(other, AuditReason::Other("moon_phase".into()));
        assert_eq!(other.as_str(), "moon_phase");
    }
}
