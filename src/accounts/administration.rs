//! What operators do to accounts, from the command line.

use std::{fmt, sync::Arc};

use contract::{
    Account, AccountSummary, AccountsQuery, Actor, AuditEvent, AuditRecord, CreateOutcome,
    CredentialStore, FactorSwap, NameError, SecondFactorStore, Session, SessionId, SessionStore,
    StoreError, Timestamp, UserId, Username,
};

use super::passwords::{HashError, NewPasswordError, PasswordRefused, PasswordService};
use crate::audit::Audit;

/// Why something was not done; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// Not a username.
    #[error(transparent)]
    Username(#[from] NameError),
    /// Nobody has that name.
    #[error("there is no account `{0}`")]
    NoSuchAccount(Username),
    /// Somebody has that name.
    #[error("there is an account `{0}` already")]
    NameTaken(Username),
    /// No such session of that account.
    #[error("there is no session {session} of `{username}`")]
    NoSuchSession {
        /// The account.
        username: Username,
        /// What was to be ended.
        session: SessionId,
    },
    /// Not a password that this service takes.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// Hashing failed.
    #[error("password hashing failed")]
    Hash(#[source] HashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NewPasswordError> for AdministrationError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Refused(refused) => Self::Password(refused),
            NewPasswordError::Hash(error) => Self::Hash(error),
        }
    }
}

/// What an operator works with. Sessions that end are returned, so that they
/// can be announced once they have.
pub struct Administration {
    /// Where accounts are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where second factors keep what they have to.
    pub second_factors: Arc<dyn SecondFactorStore>,
    /// Where what happens is recorded.
    pub audit: Audit,
    /// Who the operator is to the operating system.
    pub operator: String,
}

impl fmt::Debug for Administration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administration")
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

impl Administration {
    /// Makes an account, whose password obeys what a registration's does.
    ///
    /// # Errors
    /// `Username`, `NameTaken`, `Password`, or a failure.
    pub async fn add(
        &self,
        username: &str,
        password: &str,
        passwords: &PasswordService,
        now: Timestamp,
    ) -> Result<Account, AdministrationError> {
        let username = Username::parse(username)?;
        if self.credentials.find_by_name(&username).await?.is_some() {
            return Err(AdministrationError::NameTaken(username));
        }
        let hashing = passwords.reserve().map_err(AdministrationError::Hash)?;
        let hash = hashing.hash_new(password, &[username.as_str()]).await?;
        let account = Account {
            id: UserId::random(),
            username,
            hash,
            created_at: now,
            disabled_at: None,
        };
        match self.credentials.create(&account).await? {
            CreateOutcome::Created => {
                let added = self.did(AuditEvent::AccountAdded, now);
                self.audit.done(added.to(account.id)).await;
                Ok(account)
            }
            CreateOutcome::NameTaken => Err(AdministrationError::NameTaken(account.username)),
        }
    }

    /// So many accounts of another application were made.
    pub async fn imported(&self, accounts: u64, now: Timestamp) {
        if accounts > 0 {
            let imported = self.did(AuditEvent::AccountsImported, now);
            self.audit.done(imported.count(accounts)).await;
        }
    }

    /// Disables an account and ends its sessions; returns which. Disabling twice
    /// is no error.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, or a failure.
    pub async fn disable(
        &self,
        username: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, AdministrationError> {
        let account = self.account(username).await?;
        let ended = self.credentials.disable(account.id, now).await?;
        let ended = ended.ok_or(AdministrationError::NoSuchAccount(account.username))?;
        let disabled = self.did(AuditEvent::AccountDisabled, now).to(account.id);
        self.audit.done(disabled.count(ended.len() as u64)).await;
        Ok(ended)
    }

    /// Lets a disabled account sign in again; enabling twice is no error.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, or a failure.
    pub async fn enable(&self, username: &str, now: Timestamp) -> Result<(), AdministrationError> {
        let account = self.account(username).await?;
        if !self.credentials.enable(account.id).await? {
            return Err(AdministrationError::NoSuchAccount(account.username));
        }
        let enabled = self.did(AuditEvent::AccountEnabled, now).to(account.id);
        self.audit.done(enabled).await;
        Ok(())
    }

    /// Forgets the second factor of an account, whose owner has lost it: the
    /// password alone signs in again. Returns whether there was one.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, or a failure.
    pub async fn forget_factor(
        &self,
        username: &str,
        now: Timestamp,
    ) -> Result<bool, AdministrationError> {
        let user = self.account(username).await?.id;
        while let Some(record) = self.second_factors.find_factor(user).await? {
            let forgotten = self.second_factors.remove_factor(user, record.version);
            if forgotten.await? == FactorSwap::Swapped {
                let removed = self.did(AuditEvent::SecondFactorRemoved, now);
                self.audit.done(removed.to(user)).await;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives an account another password, which obeys what a registration's
    /// does, and ends its sessions; returns which.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, `Password`, or a failure.
    pub async fn set_password(
        &self,
        username: &str,
        password: &str,
        passwords: &PasswordService,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, AdministrationError> {
        let account = self.account(username).await?;
        let hashing = passwords.reserve().map_err(AdministrationError::Hash)?;
        let new = hashing
            .hash_new(password, &[account.username.as_str()])
            .await?;
        let ended = self.credentials.set_password(account.id, &new, now).await?;
        let ended = ended.ok_or(AdministrationError::NoSuchAccount(account.username))?;
        let set = self.did(AuditEvent::PasswordSet, now).to(account.id);
        self.audit.done(set.count(ended.len() as u64)).await;
        Ok(ended)
    }

    /// Ends one session of an account, or all; returns which.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, `NoSuchSession`, or a failure.
    pub async fn revoke(
        &self,
        username: &str,
        session: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, AdministrationError> {
        let account = self.account(username).await?;
        let revoked = self.did(AuditEvent::SessionRevoked, now).to(account.id);
        let Some(session) = session else {
            let ended = self.sessions.revoke_all(account.id, None, now).await?;
            self.audit.done(revoked.count(ended.len() as u64)).await;
            return Ok(ended);
        };
        if !self.sessions.revoke(account.id, session, now).await? {
            return Err(AdministrationError::NoSuchSession {
                username: account.username,
                session,
            });
        }
        self.audit.done(revoked.session(session).count(1)).await;
        Ok(vec![session])
    }

    /// The live sessions of an account, the latest refreshed first, 100 at most.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, or a failure.
    pub async fn sessions(
        &self,
        username: &str,
        now: Timestamp,
    ) -> Result<Vec<Session>, AdministrationError> {
        let account = self.account(username).await?;
        Ok(self.sessions.list(account.id, now).await?)
    }

    /// Some of the accounts, in the order of their names.
    ///
    /// # Errors
    /// A failure.
    pub async fn list(
        &self,
        query: &AccountsQuery,
    ) -> Result<Vec<AccountSummary>, AdministrationError> {
        Ok(self.credentials.accounts(query).await?)
    }

    /// The account of that name.
    ///
    /// # Errors
    /// `Username`, `NoSuchAccount`, or a failure.
    pub async fn account(&self, username: &str) -> Result<Account, AdministrationError> {
        let username = Username::parse(username)?;
        let account = self.credentials.find_by_name(&username).await?;
        account.ok_or(AdministrationError::NoSuchAccount(username))
    }

    /// A record of what the operator did.
    #[must_use]
    pub fn did(&self, event: AuditEvent, now: Timestamp) -> AuditRecord {
        AuditRecord::new(event, now).by(Actor::Operator(self.operator.clone()))
    }
}
