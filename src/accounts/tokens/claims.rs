//! The claims of one's own in every access token, beside those that the service
//! needs. There are none until they are named here.

use contract::{CredentialStore, Session, StoreError};

use super::extra_claims;

extra_claims! {}

impl ExtraClaims {
    /// What a token says that is about to be minted: at login, at each refresh,
    /// and for each room token.
    ///
    /// # Errors
    /// The store's: there is no token then.
    pub async fn of(session: &Session, accounts: &dyn CredentialStore) -> Result<Self, StoreError> {
        let _ = (session, accounts);
        Ok(Self {})
    }

    /// Whether what a token says makes sense; no other token is let in. It was
    /// signed by this service, or by one that it trusts.
    #[must_use]
    pub fn are_valid(&self) -> bool {
        true
    }
}
