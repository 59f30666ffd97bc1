//! Disable an account: whoever is signed in to it is signed out, everywhere.

use contract::{CredentialStore, NameError, SessionId, StoreError, Timestamp, Username};

/// Why an account was not disabled.
#[derive(Debug, thiserror::Error)]
pub enum DisableError {
    /// Not a username.
    #[error(transparent)]
    Username(#[from] NameError),
    /// Nobody has that name.
    #[error("there is no account `{0}`")]
    NoSuchAccount(Username),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Disables the account of that name and ends its sessions; returns which, so
/// that they can be announced. Disabling twice is no error.
///
/// # Errors
/// [`DisableError`]
pub async fn disable(
    credentials: &dyn CredentialStore,
    username: &str,
    now: Timestamp,
) -> Result<Vec<SessionId>, DisableError> {
    let username = Username::parse(username)?;
    let ended = match credentials.find_by_name(&username).await? {
        Some(account) => credentials.disable(account.id, now).await?,
        None => None,
    };
    ended.ok_or(DisableError::NoSuchAccount(username))
}
