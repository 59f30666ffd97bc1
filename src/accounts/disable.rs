//! Disable an account: whoever is signed in to it is signed out, everywhere.

use contract::{CredentialStore, NameError, RoomBus, StoreError, Timestamp, Username};

use super::control::{self, EndReason};

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

/// Disables the account of that name, ends its sessions and tells every node.
/// Returns how many sessions ended; disabling twice is no error.
///
/// # Errors
/// [`DisableError`]
pub async fn disable(
    credentials: &dyn CredentialStore,
    bus: &dyn RoomBus,
    username: &str,
    now: Timestamp,
) -> Result<usize, DisableError> {
    let username = Username::parse(username)?;
    let account = credentials.find_by_name(&username).await?;
    let ended = match account {
        Some(account) => credentials.disable(account.id, now).await?,
        None => None,
    };
    let Some(ended) = ended else {
        return Err(DisableError::NoSuchAccount(username));
    };
    control::announce(bus, &ended, EndReason::Disabled, now).await;
    Ok(ended.len())
}
