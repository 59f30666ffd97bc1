//! Who am I, which sessions do I have, and ending them.

use contract::{Account, AuditEvent, Session, SessionId, Timestamp, UserId};

use super::{Accounts, AccountsError, Caller};
use crate::news::EndReason;

impl Accounts {
    /// The account of a user who presented a valid access token.
    ///
    /// # Errors
    /// `AccountInactive`, or a failure.
    pub async fn me(&self, user: UserId) -> Result<Account, AccountsError> {
        match self.credentials.find_by_id(user).await? {
            Some(account) if account.disabled_at.is_none() => Ok(account),
            _ => Err(AccountsError::AccountInactive),
        }
    }

    /// The user's live sessions, the latest refreshed first, 100 at most.
    ///
    /// # Errors
    /// A failure.
    pub async fn list_sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, AccountsError> {
        Ok(self.sessions.list(user, now).await?)
    }

    /// Ends the session that asks for it; ending it twice is no error.
    ///
    /// # Errors
    /// A failure.
    pub async fn logout(
        &self,
        user: UserId,
        session: SessionId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let ended = self.sessions.revoke(user, session, now).await?;
        self.announce_end(&[session], EndReason::Logout, now).await;
        if ended {
            let logout = caller.asked_as(user, AuditEvent::Logout, now);
            self.audit.done(logout.session(session)).await;
        }
        Ok(())
    }

    /// Ends every session of the user.
    ///
    /// # Errors
    /// A failure.
    pub async fn logout_everywhere(
        &self,
        user: UserId,
        session: SessionId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let mut ended = self.sessions.revoke_all(user, None, now).await?;
        let count = ended.len() as u64;
        // The one that asks may have been ended by another a moment ago.
        if !ended.contains(&session) {
            ended.push(session);
        }
        self.announce_end(&ended, EndReason::Logout, now).await;
        if count > 0 {
            let logout = caller.asked_as(user, AuditEvent::LogoutEverywhere, now);
            self.audit.done(logout.session(session).count(count)).await;
        }
        Ok(())
    }

    /// Ends one session of the user.
    ///
    /// # Errors
    /// `NoSuchSession`, also for another user's; or a failure.
    pub async fn revoke_session(
        &self,
        user: UserId,
        session: SessionId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        if !self.sessions.revoke(user, session, now).await? {
            return Err(AccountsError::NoSuchSession);
        }
        self.announce_end(&[session], EndReason::Revoked, now).await;
        let revoked = caller.asked_as(user, AuditEvent::SessionRevoked, now);
        self.audit.done(revoked.session(session)).await;
        Ok(())
    }
}
