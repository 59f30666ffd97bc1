//! Refresh: a refresh token becomes the next one.

use contract::{AuditEvent, AuditOutcome, AuditRecord, Rotate, Rotation, Timestamp};

use super::{
    Accounts, AccountsError, Caller, Tokens, instruments::RefreshOutcome, tokens::RefreshToken,
};
use crate::news::EndReason;

impl Accounts {
    /// Gives the next tokens of a session. The same token presented again
    /// within the grace gets the same refresh token, so a lost answer or two
    /// tabs at once log nobody out; any other token that was already used ends
    /// the session, since two parties hold it.
    ///
    /// # Errors
    /// `RefreshToken`, `TooMany`, or a failure.
    pub async fn refresh(
        &self,
        token: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Tokens, AccountsError> {
        let mut outcome = RefreshOutcome::Refused;
        let result = self.rotate(token, caller, now, &mut outcome).await;
        match result {
            Ok(_) | Err(AccountsError::RefreshToken) => {}
            Err(AccountsError::TooMany(_)) => outcome = RefreshOutcome::Throttled,
            Err(_) => outcome = RefreshOutcome::Failed,
        }
        self.instruments.refresh(outcome);
        result
    }

    async fn rotate(
        &self,
        token: &str,
        caller: &Caller,
        now: Timestamp,
        outcome: &mut RefreshOutcome,
    ) -> Result<Tokens, AccountsError> {
        let token = RefreshToken::parse(token).ok_or(AccountsError::RefreshToken)?;
        let session = self
            .sessions
            .find(token.session(), now)
            .await?
            .ok_or(AccountsError::RefreshToken)?;
        // Before the row moves: a session's id is no secret, its tokens are.
        if !self.refresh_tokens.is_authentic(&token, &session)? {
            return Err(AccountsError::RefreshToken);
        }
        // Only whoever has such a token uses this up, and before it costs a write.
        self.limits.refresh_of(session.user)?;
        let rotation = self
            .sessions
            .rotate(Rotate {
                session: session.id,
                presented: token.counter(),
                grace: self.times.grace,
                idle_ttl: self.times.idle_ttl,
                now,
            })
            .await?;
        *outcome = RefreshOutcome::of(&rotation);
        match rotation {
            Rotation::Rotated(session) | Rotation::Repeated(session) => {
                self.tokens(&session, now).await
            }
            Rotation::Reused(session) => {
                tracing::warn!(
                    user = %session.user,
                    session = %session.id,
                    presented = token.counter(),
                    current = session.counter,
                    "refresh token reused: session ended"
                );
                self.announce_end(&[session.id], EndReason::RefreshReuse, now)
                    .await;
                let reused = AuditRecord {
                    outcome: AuditOutcome::Failure,
                    ..caller.asked(AuditEvent::RefreshReuse, now)
                };
                // Who of the two it was is not known.
                let reused = reused.to(session.user).session(session.id);
                self.audit.done(reused).await;
                Err(AccountsError::RefreshToken)
            }
            Rotation::Ended => Err(AccountsError::RefreshToken),
        }
    }
}
