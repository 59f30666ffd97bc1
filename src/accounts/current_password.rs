//! Whoever is signed in gives the current password once more, for what a stolen
//! access token must not be enough.

use contract::{Account, AuditEvent, AuditReason, AuditRecord, SessionId, Timestamp, UserId};

use super::{Accounts, AccountsError, Caller, guesses::Counted, passwords::Verdict};

/// Somebody who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn<'a> {
    /// Who it is.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// From where.
    pub caller: &'a Caller,
}

impl SignedIn<'_> {
    /// The record of something that they do to their own account.
    pub(super) fn asked(&self, event: AuditEvent, now: Timestamp) -> AuditRecord {
        self.caller
            .asked_as(self.user, event, now)
            .session(self.session)
    }
}

impl Accounts {
    /// The account, if the password is its own. It is counted as an attempt of
    /// this session, until [`Self::forgive`] is called.
    pub(super) async fn with_password(
        &self,
        who: SignedIn<'_>,
        password: &str,
        event: AuditEvent,
        now: Timestamp,
    ) -> Result<(Account, Counted), AccountsError> {
        let password = self.passwords.present(password);
        let permit = self.passwords.reserve()?;
        let account = self.me(who.user).await?;
        let refused = |reason| {
            self.audit
                .refused(who.asked(event.clone(), now).refused(reason))
        };
        let counted = self.guesses.in_session(&account.username, who.session, now);
        let counted = match counted.await {
            Err(error @ AccountsError::TooManyAttempts { .. }) => {
                refused(AuditReason::TooManyAttempts);
                return Err(error);
            }
            counted => counted?,
        };
        match permit.verify(password, Some(&account.hash)).await? {
            Verdict::Right { .. } => Ok((account, counted)),
            Verdict::Wrong => {
                refused(AuditReason::WrongPassword);
                Err(AccountsError::Credentials)
            }
        }
    }
}
