//! The keys that a node has, by its roles.

use std::sync::Arc;

use contract::Timestamp;

use crate::{
    accounts::tokens::{Exposure, KeyError, KeyRing, VerificationKeys},
    config::{Config, Profile, Role},
    remote_keys::{PATIENCE, RemoteKeys, RemoteKeysError},
};

/// Why a node has no keys.
#[derive(Debug, thiserror::Error)]
pub enum NodeKeysError {
    /// None here.
    #[error(transparent)]
    Local(#[from] KeyError),
    /// None elsewhere.
    #[error(transparent)]
    Remote(#[from] RemoteKeysError),
}

/// The keys that a node has.
#[derive(Debug)]
pub enum NodeKeys {
    /// With the auth role: what signs, and what verifies.
    Signing(Arc<KeyRing>),
    /// A gateway alone, with keys of its own machine.
    Verifying(Arc<VerificationKeys>),
    /// A gateway alone, with the keys of the auth nodes.
    Remote(RemoteKeys),
}

impl NodeKeys {
    /// Loads them, makes them, or fetches them.
    ///
    /// # Errors
    /// [`NodeKeysError`]
    pub async fn load(config: &Config) -> Result<Self, NodeKeysError> {
        let tokens = &config.tokens;
        if config.runs(Role::Auth) {
            return Ok(Self::Signing(Arc::new(signing(config)?)));
        }
        if let Some(secret) = &tokens.secret {
            let keys = VerificationKeys::from_secret(secret)?;
            if let Some(previous) = &tokens.previous_secret {
                keys.also_accept(previous)?;
            }
            return Ok(Self::Verifying(Arc::new(keys)));
        }
        if let Some(url) = &tokens.jwks_url {
            return Ok(Self::Remote(RemoteKeys::start(url, PATIENCE).await?));
        }
        judge_files(config)?;
        let keys = VerificationKeys::from_dir(&tokens.key_dir)?;
        Ok(Self::Verifying(Arc::new(keys)))
    }

    /// What verifies.
    #[must_use]
    pub fn verification(&self) -> &Arc<VerificationKeys> {
        match self {
            Self::Signing(ring) => ring.verification(),
            Self::Verifying(keys) => keys,
            Self::Remote(remote) => remote.keys(),
        }
    }
}

fn signing(config: &Config) -> Result<KeyRing, KeyError> {
    if let Some(secret) = &config.tokens.secret {
        let ring = KeyRing::from_secret(secret)?;
        return match &config.tokens.previous_secret {
            Some(previous) => ring.with_previous(previous),
            None => Ok(ring),
        };
    }
    judge_files(config)?;
    let dir = &config.tokens.key_dir;
    match KeyRing::from_dir(dir) {
        Err(KeyError::NoKey { .. }) if config.profile == Profile::Development => {
            let path = KeyRing::make_in_dir(dir, Timestamp::now())?;
            tracing::info!(path = %path.display(), "no signing key yet: made one, and kept it");
            KeyRing::from_dir(dir)
        }
        keys => keys,
    }
}

/// Production refuses keys that everybody on the machine can read, or that others
/// can change; anything less is a warning.
fn judge_files(config: &Config) -> Result<(), KeyError> {
    for exposure in Exposure::in_dir(&config.tokens.key_dir)? {
        if exposure.is_grave() && config.profile == Profile::Production {
            return Err(KeyError::Exposed(exposure));
        }
        tracing::warn!("{exposure}");
    }
    Ok(())
}
