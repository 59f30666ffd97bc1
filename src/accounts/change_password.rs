//! Change the password: whoever else is signed in is signed out.

use contract::{
    AuditEvent, AuditReason, ChangeOutcome, PasswordChange, SessionId, Timestamp, UserId,
};

use super::{
    Accounts, AccountsError, Caller,
    passwords::{NewPasswordError, Verdict},
};
use crate::news::EndReason;

impl Accounts {
    /// Replaces the password of a user who knows the current one, and ends the
    /// user's other sessions.
    ///
    /// # Errors
    /// `Credentials` if the current password is wrong or was changed
    /// meanwhile, `TooManyAttempts`, `Password`, `Busy`, `AccountInactive`, or a failure.
    pub async fn change_password(
        &self,
        user: UserId,
        session: SessionId,
        current: &str,
        new: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let result = self
            .replace_password(user, session, current, new, caller, now)
            .await;
        self.instruments.password_change(&result);
        result
    }

    async fn replace_password(
        &self,
        user: UserId,
        session: SessionId,
        current: &str,
        new: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let current = self.passwords.present(current);
        let permit = self.passwords.reserve()?;
        let account = self.me(user).await?;
        let asked = || {
            caller
                .asked_as(user, AuditEvent::PasswordChange, now)
                .session(session)
        };
        let counted = self.guesses.in_session(&account.username, session, now);
        let counted = match counted.await {
            Err(error @ AccountsError::TooManyAttempts { .. }) => {
                self.audit
                    .refused(asked().refused(AuditReason::TooManyAttempts));
                return Err(error);
            }
            counted => counted?,
        };
        match permit.verify(current, Some(&account.hash)).await? {
            Verdict::Right { .. } => self.forgive(Some(counted), now).await,
            Verdict::Wrong => {
                self.audit
                    .refused(asked().refused(AuditReason::WrongPassword));
                return Err(AccountsError::Credentials);
            }
        }
        let permit = self.passwords.reserve()?;
        let hashed = permit.hash_new(new, &[account.username.as_str()]).await;
        if matches!(hashed, Err(NewPasswordError::Refused(_))) {
            self.audit
                .refused(asked().refused(AuditReason::PasswordPolicy));
        }
        let hash = hashed?;
        let change = PasswordChange {
            user,
            expected: account.hash,
            new: hash,
            keep: session,
            now,
        };
        // Nothing can open a session with the old password from here on.
        let ended = match self.credentials.change_password(&change).await? {
            ChangeOutcome::Changed(ended) => ended,
            ChangeOutcome::Conflict => {
                self.audit
                    .refused(asked().refused(AuditReason::AccountChanged));
                return Err(AccountsError::Credentials);
            }
        };
        self.announce_end(&ended, EndReason::PasswordChanged, now)
            .await;
        self.audit.done(asked().count(ended.len() as u64)).await;
        Ok(())
    }
}
