//! Register: a name and a password become an account.

use contract::{Account, AuditEvent, AuditReason, CreateOutcome, Timestamp, UserId, Username};

use super::{Accounts, AccountsError, Caller, passwords::NewPasswordError};

impl Accounts {
    /// Makes an account; when this returns `Ok`, it is durable.
    ///
    /// # Errors
    /// `Username`, `Password`, `NameTaken`, `Busy`, or a failure.
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let result = self.make_account(username, password, caller, now).await;
        self.instruments.registration(&result);
        result
    }

    async fn make_account(
        &self,
        username: &str,
        password: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let username = Username::parse(username)?;
        let permit = self.passwords.reserve_for_stranger()?;
        let asked = || caller.asked(AuditEvent::Registration, now);
        // That a name is taken can't be kept secret from somebody who may
        // register it, so no hash is spent on it.
        if let Some(other) = self.credentials.find_by_name(&username).await? {
            let refused = asked().refused(AuditReason::NameTaken);
            self.audit.refused(refused.to(other.id));
            return Err(AccountsError::NameTaken);
        }
        let hashed = permit.hash_new(password, &[username.as_str()]).await;
        if matches!(hashed, Err(NewPasswordError::Refused(_))) {
            let refused = asked().refused(AuditReason::PasswordPolicy);
            self.audit.refused(refused);
        }
        let hash = hashed?;
        let account = Account {
            id: UserId::random(),
            username,
            hash,
            created_at: now,
            disabled_at: None,
        };
        match self.credentials.create(&account).await? {
            CreateOutcome::Created => {
                let made = caller.asked_as(account.id, AuditEvent::Registration, now);
                self.audit.done(made).await;
                Ok(account)
            }
            CreateOutcome::NameTaken => {
                let refused = asked().refused(AuditReason::NameTaken);
                self.audit.refused(refused);
                Err(AccountsError::NameTaken)
            }
        }
    }
}
