//! Change the password: whoever else is signed in is signed out.

use contract::{AuditEvent, AuditReason, ChangeOutcome, PasswordChange, Timestamp};

use super::{Accounts, AccountsError, current_password::SignedIn, passwords::NewPasswordError};
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
        who: SignedIn<'_>,
        current: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let result = self.replace_password(who, current, new, now).await;
        self.instruments.password_change(&result);
        result
    }

    async fn replace_password(
        &self,
        who: SignedIn<'_>,
        current: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let asked = || who.asked(AuditEvent::PasswordChange, now);
        let (account, counted) = self
            .with_password(who, current, AuditEvent::PasswordChange, now)
            .await?;
        self.forgive(Some(counted), now).await;
        let permit = self.passwords.reserve()?;
        let hashed = permit.hash_new(new, &[account.username.as_str()]).await;
        if matches!(hashed, Err(NewPasswordError::Refused(_))) {
            self.audit
                .refused(asked().refused(AuditReason::PasswordPolicy));
        }
        let hash = hashed?;
        let change = PasswordChange {
            user: who.user,
            expected: account.hash,
            new: hash,
            keep: who.session,
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
