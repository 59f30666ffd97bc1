//! Register: a name and a password become an account.

use contract::{Account, CreateOutcome, Timestamp, UserId, Username};

use super::{Accounts, AccountsError};

impl Accounts {
    /// Makes an account; when this returns `Ok`, it is durable.
    ///
    /// # Errors
    /// `Username`, `Password`, `NameTaken`, `Busy`, or a failure.
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let result = self.make_account(username, password, now).await;
        self.instruments.registration(&result);
        result
    }

    async fn make_account(
        &self,
        username: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let username = Username::parse(username)?;
        let permit = self.passwords.reserve()?;
        // That a name is taken can't be kept secret from somebody who may
        // register it, so no hash is spent on it.
        if self.credentials.find_by_name(&username).await?.is_some() {
            return Err(AccountsError::NameTaken);
        }
        let hash = permit.hash_new(password, &[username.as_str()]).await?;
        let account = Account {
            id: UserId::random(),
            username,
            hash,
            created_at: now,
            disabled_at: None,
        };
        match self.credentials.create(&account).await? {
            CreateOutcome::Created => {
                tracing::info!(user = %account.id, "account made");
                Ok(account)
            }
            CreateOutcome::NameTaken => Err(AccountsError::NameTaken),
        }
    }
}
