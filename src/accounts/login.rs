//! Log in: credentials become a session.

use std::fmt;

use contract::{
    Account, AuditEvent, AuditReason, AuditRecord, HashSwap, NewSession, OpenOutcome, Seed,
    Session, SessionId, Timestamp, UserId, Username,
};
use jiff::SignedDuration;
use secrecy::SecretString;

use super::{
    Accounts, AccountsError, Caller, Tokens,
    guesses::Counted,
    passwords::{HashError, Password, Permit, Verdict},
    second_factor::Judgement,
    tokens::KeyError,
};

/// How often a login starts over because the account changed under it. A
/// second time takes a password change and a login in the same instant.
const ATTEMPTS: usize = 3;

/// What somebody sends to sign in.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Who they say they are.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
    /// What else the account asks for.
    pub second_factor: Option<&'a SecretString>,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").finish_non_exhaustive()
    }
}

impl Accounts {
    /// Opens a session for whoever knows the password and has what else the
    /// account asks for; when this returns `Ok`, the session is durable. The work
    /// is the same for a name that nobody has.
    ///
    /// # Errors
    /// `Credentials`, `SecondFactorRequired`, `SecondFactor`, `TooManyAttempts`,
    /// `Busy`, or a failure.
    pub async fn login(
        &self,
        presented: Presented<'_>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Tokens, AccountsError> {
        let result = self.sign_in(presented, caller, now).await;
        self.instruments.login(&result);
        result
    }

    async fn sign_in(
        &self,
        presented: Presented<'_>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Tokens, AccountsError> {
        let username = Username::parse(presented.username).ok();
        let asked = || caller.asked(AuditEvent::Login, now);
        // The place in the queue comes first: a full queue must not cost the
        // database anything.
        let mut permit = self.place(username.as_ref(), caller, now).await?;
        // What is no name is nobody's, and is not worth counting.
        let counted = match &username {
            Some(username) => match self.guesses.login(username, caller, now).await {
                Err(error @ AccountsError::TooManyAttempts { .. }) => {
                    // Whose account it is, if anybody's, is not looked up.
                    self.audit
                        .refused(asked().refused(AuditReason::TooManyAttempts));
                    return Err(error);
                }
                counted => Some(counted?),
            },
            None => None,
        };
        let mut changed = None;
        let mut shown = false;
        for attempt in 1..=ATTEMPTS {
            let account = match &username {
                Some(username) => self.credentials.find_by_name(username).await?,
                None => None,
            };
            let stored = account.as_ref().map(|account| &account.hash);
            let password = self.passwords.present(presented.password);
            let verdict = permit.verify(password, stored).await?;
            // After the hash, whatever the reason: it must not show in time.
            let (outdated, account) = match (verdict, account) {
                (Verdict::Right { outdated }, Some(account)) if account.disabled_at.is_none() => {
                    (outdated, account)
                }
                (verdict, account) => {
                    self.audit.refused(match (verdict, account) {
                        (_, None) => asked().refused(AuditReason::UnknownName),
                        (Verdict::Wrong, Some(account)) => {
                            asked().refused(AuditReason::WrongPassword).to(account.id)
                        }
                        (Verdict::Right { .. }, Some(account)) => {
                            asked().refused(AuditReason::Disabled).to(account.id)
                        }
                    });
                    return Err(AccountsError::Credentials);
                }
            };
            // Once, however often the login starts over: what was right is not
            // right again.
            if !shown {
                let answer = presented.second_factor;
                self.show(account.id, answer, caller, now).await?;
                shown = true;
            }
            let session = self.new_session(&account, caller, now)?;
            let tokens = self.tokens(&session, now).await?;
            let new = NewSession {
                session,
                verified: account.hash.clone(),
            };
            match self.sessions.open(&new).await? {
                OpenOutcome::Opened => {
                    self.instruments.opened();
                    let opened = caller.asked_as(account.id, AuditEvent::Login, now);
                    self.audit.done(opened.session(new.session.id)).await;
                    self.forgive(counted, now).await;
                    if let Some(password) = outdated {
                        self.rehash(account, password, now);
                    }
                    return Ok(tokens);
                }
                OpenOutcome::AccountChanged => {
                    changed = Some(account.id);
                    if attempt == ATTEMPTS {
                        break;
                    }
                    permit = self.passwords.reserve()?;
                }
            }
        }
        let refused = asked().refused(AuditReason::AccountChanged);
        self.audit.refused(match changed {
            Some(user) => refused.to(user),
            None => refused,
        });
        Err(AccountsError::Credentials)
    }

    /// What the account asks for besides the password. Until it is right the
    /// attempt counts as one that failed.
    async fn show(
        &self,
        user: UserId,
        answer: Option<&SecretString>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let (reason, error) = match self.second_factor.judge(user, answer, now).await? {
            Judgement::NotNeeded | Judgement::Right => return Ok(()),
            Judgement::Wrong => (AuditReason::WrongSecondFactor, AccountsError::SecondFactor),
            Judgement::Required(challenge) => (
                AuditReason::SecondFactorMissing,
                AccountsError::SecondFactorRequired(challenge),
            ),
        };
        let asked = caller.asked(AuditEvent::Login, now);
        self.audit.refused(asked.refused(reason).to(user));
        Err(error)
    }

    /// A place in the queue for hashing: of those for strangers, or, where these
    /// are taken, of those for accounts at addresses that they know.
    async fn place(
        &self,
        username: Option<&Username>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Permit, AccountsError> {
        let permit = self.passwords.reserve_for_stranger();
        if let (Err(HashError::Busy { .. }), Some(username)) = (&permit, username)
            && self.guesses.knows(username, caller, now).await?
        {
            return Ok(self.passwords.reserve()?);
        }
        Ok(permit?)
    }

    /// The attempt was right. Where that can't be stored it counts as another
    /// failure, which is no reason to refuse what was right.
    pub(super) async fn forgive(&self, counted: Option<Counted>, now: Timestamp) {
        let Some(counted) = counted else { return };
        if let Err(error) = self.guesses.succeeded(counted, now).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a right password could not be counted as one"
            );
        }
    }

    fn new_session(
        &self,
        account: &Account,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Session, AccountsError> {
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| KeyError::Crypto)?;
        let after = |ttl| {
            SignedDuration::try_from(ttl)
                .ok()
                .and_then(|ttl| now.checked_add(ttl).ok())
                .unwrap_or(Timestamp::MAX)
        };
        let expires_at = after(self.times.absolute_ttl);
        Ok(Session {
            id: SessionId::random(),
            user: account.id,
            seed: Seed::new(seed),
            counter: 0,
            user_agent: caller.user_agent.clone(),
            created_at: now,
            rotated_at: now,
            idle_expires_at: after(self.times.idle_ttl).min(expires_at),
            expires_at,
        })
    }

    /// Stores the password under the current parameters, without making the
    /// user wait. Lost if the process ends: the next login does it again.
    fn rehash(&self, account: Account, password: Password, now: Timestamp) {
        let passwords = self.passwords.clone();
        let credentials = self.credentials.clone();
        let audit = self.audit.clone();
        tokio::spawn(async move {
            let hashed = match passwords.reserve() {
                Ok(permit) => permit.hash(password).await,
                Err(error) => Err(error),
            };
            let user = account.id;
            match hashed {
                Ok(new) => match credentials.replace_hash(user, &account.hash, &new).await {
                    Ok(HashSwap::Replaced) => {
                        let rehashed = AuditRecord::new(AuditEvent::PasswordRehash, now);
                        audit.done(rehashed.to(user)).await;
                    }
                    Ok(HashSwap::Changed) => {}
                    Err(error) => tracing::warn!(
                        %user,
                        error = &error as &dyn std::error::Error,
                        "a rehashed password could not be stored"
                    ),
                },
                Err(error) => tracing::debug!(
                    %user,
                    error = &error as &dyn std::error::Error,
                    "no rehash now"
                ),
            }
        });
    }
}
