//! Log in: credentials become a session.

use contract::{
    Account, HashSwap, NewSession, OpenOutcome, Seed, Session, SessionId, Timestamp, Username,
};
use jiff::SignedDuration;

use super::{
    Accounts, AccountsError, Caller, Tokens,
    passwords::{Password, Verdict},
    tokens::KeyError,
};

/// How often a login starts over because the account changed under it. A
/// second time takes a password change and a login in the same instant.
const ATTEMPTS: usize = 3;

impl Accounts {
    /// Opens a session for whoever knows the password; when this returns `Ok`,
    /// the session is durable. The work is the same for a name that nobody has.
    ///
    /// # Errors
    /// `Credentials`, `Busy`, or a failure.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Tokens, AccountsError> {
        let result = self.sign_in(username, password, caller, now).await;
        self.instruments.login(&result);
        result
    }

    async fn sign_in(
        &self,
        username: &str,
        password: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Tokens, AccountsError> {
        let username = Username::parse(username).ok();
        for _ in 0..ATTEMPTS {
            // The place in the queue comes first: a full queue must not cost
            // the database anything.
            let permit = self.passwords.reserve()?;
            let account = match &username {
                Some(username) => self.credentials.find_by_name(username).await?,
                None => None,
            };
            let stored = account.as_ref().map(|account| &account.hash);
            let presented = self.passwords.present(password);
            let verdict = permit.verify(presented, stored).await?;
            let (Verdict::Right { outdated }, Some(account)) = (verdict, account) else {
                return Err(AccountsError::Credentials);
            };
            // After the hash, like any other reason: it must not show in time.
            if account.disabled_at.is_some() {
                return Err(AccountsError::Credentials);
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
                    tracing::info!(user = %account.id, session = %new.session.id, "session opened");
                    if let Some(password) = outdated {
                        self.rehash(account, password);
                    }
                    return Ok(tokens);
                }
                OpenOutcome::AccountChanged => {}
            }
        }
        Err(AccountsError::Credentials)
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
    fn rehash(&self, account: Account, password: Password) {
        let passwords = self.passwords.clone();
        let credentials = self.credentials.clone();
        tokio::spawn(async move {
            let hashed = match passwords.reserve() {
                Ok(permit) => permit.hash(password).await,
                Err(error) => Err(error),
            };
            let user = account.id;
            match hashed {
                Ok(new) => match credentials.replace_hash(user, &account.hash, &new).await {
                    Ok(HashSwap::Replaced) => {
                        tracing::info!(%user, "password rehashed with the current parameters");
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
