//! An account gets a second factor, and gives it up.

use contract::{AuditEvent, AuditReason, Timestamp};
use secrecy::SecretString;

use super::totp::{Change, Enrolment};
use crate::accounts::{Accounts, AccountsError, current_password::SignedIn};

impl Accounts {
    /// Makes a secret for an authenticator app. Nothing changes for sign-ins
    /// before [`Self::confirm_totp`].
    ///
    /// # Errors
    /// `SecondFactorOff`, `SecondFactorExists`, `Credentials` if the current
    /// password is wrong, `TooManyAttempts`, `Busy`, `AccountInactive`, or a
    /// failure.
    pub async fn begin_totp(
        &self,
        who: SignedIn<'_>,
        password: &str,
        now: Timestamp,
    ) -> Result<Enrolment, AccountsError> {
        let totp = self.totp.as_ref().ok_or(AccountsError::SecondFactorOff)?;
        let event = AuditEvent::SecondFactorAdded;
        let (account, counted) = self.with_password(who, password, event, now).await?;
        self.forgive(Some(counted), now).await;
        totp.begin(who.user, &account.username)
            .await?
            .ok_or(AccountsError::SecondFactorExists)
    }

    /// Has sign-ins take a code of the app from now on, of which this is one.
    ///
    /// # Errors
    /// `SecondFactorOff`, `SecondFactor` if the code is wrong or nothing was
    /// begun, or a failure.
    pub async fn confirm_totp(
        &self,
        who: SignedIn<'_>,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let totp = self.totp.as_ref().ok_or(AccountsError::SecondFactorOff)?;
        let asked = who.asked(AuditEvent::SecondFactorAdded, now);
        match totp.confirm(who.user, code, now).await? {
            Change::Done => {
                self.audit.done(asked).await;
                Ok(())
            }
            Change::WrongCode => {
                self.audit
                    .refused(asked.refused(AuditReason::WrongSecondFactor));
                Err(AccountsError::SecondFactor)
            }
        }
    }

    /// Has sign-ins take no code any more. It takes both: whoever has the
    /// password alone can't take away what protects from that.
    ///
    /// # Errors
    /// `SecondFactorOff`, `Credentials`, `SecondFactor` if the code is wrong or
    /// there is nothing to remove, `TooManyAttempts`, `Busy`, `AccountInactive`,
    /// or a failure.
    pub async fn remove_totp(
        &self,
        who: SignedIn<'_>,
        password: &str,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let totp = self.totp.as_ref().ok_or(AccountsError::SecondFactorOff)?;
        let event = AuditEvent::SecondFactorRemoved;
        let asked = who.asked(event.clone(), now);
        let (_, counted) = self.with_password(who, password, event, now).await?;
        match totp.remove(who.user, code, now).await? {
            Change::Done => {
                self.forgive(Some(counted), now).await;
                self.audit.done(asked).await;
                Ok(())
            }
            Change::WrongCode => {
                // It stays counted, as a wrong password does.
                self.audit
                    .refused(asked.refused(AuditReason::WrongSecondFactor));
                Err(AccountsError::SecondFactor)
            }
        }
    }
}
