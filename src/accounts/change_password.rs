//! Change the password: whoever else is signed in is signed out.

use contract::{ChangeOutcome, PasswordChange, SessionId, Timestamp, UserId};

use super::{Accounts, AccountsError, passwords::Verdict};
use crate::news::EndReason;

impl Accounts {
    /// Replaces the password of a user who knows the current one, and ends the
    /// user's other sessions.
    ///
    /// # Errors
    /// `Credentials` if the current password is wrong or was changed
    /// meanwhile, `Password`, `Busy`, `AccountInactive`, or a failure.
    pub async fn change_password(
        &self,
        user: UserId,
        session: SessionId,
        current: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let result = self
            .replace_password(user, session, current, new, now)
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
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let current = self.passwords.present(current);
        let permit = self.passwords.reserve()?;
        let account = self.me(user).await?;
        match permit.verify(current, Some(&account.hash)).await? {
            Verdict::Right { .. } => {}
            Verdict::Wrong => return Err(AccountsError::Credentials),
        }
        let permit = self.passwords.reserve()?;
        let hash = permit.hash_new(new, &[account.username.as_str()]).await?;
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
            ChangeOutcome::Conflict => return Err(AccountsError::Credentials),
        };
        self.announce_end(&ended, EndReason::PasswordChanged, now)
            .await;
        tracing::info!(%user, sessions = ended.len(), "password changed, other sessions ended");
        Ok(())
    }
}
