use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{bounds::Bounds, tokens::hide};

/// What accounts may have besides a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// What seals the secrets of authenticator apps in the store; without it
    /// there are none. Serializes as [`HIDDEN`](super::HIDDEN).
    #[serde(serialize_with = "hide")]
    pub totp_key: Option<SecretString>,
}

impl SecondFactor {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.require(
            "second_factor.totp_key",
            self.totp_key
                .as_ref()
                .is_none_or(|key| !key.expose_secret().is_empty()),
            "is empty; leave it out if there are no authenticator apps",
        );
    }
}
