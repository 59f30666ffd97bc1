//! The keys that verify access tokens: all that a node without accounts needs.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::hkdf;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;
use secrecy::{ExposeSecret, SecretString};

use super::keys::KeyError;

/// A key and the one algorithm that it is for.
pub(super) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl VerificationKey {
    pub(super) fn ed25519(key: DecodingKey) -> Self {
        Self {
            algorithm: Algorithm::EdDSA,
            key,
        }
    }
}

/// Keys by their ids (`kid`), as they are at one time.
#[derive(Default, Clone)]
pub struct KeySet {
    keys: HashMap<String, Arc<VerificationKey>>,
    /// The shared secrets among them, the current one first.
    secrets: Vec<Arc<VerificationKey>>,
}

impl KeySet {
    pub(super) fn insert(&mut self, kid: String, key: VerificationKey) {
        self.keys.insert(kid, Arc::new(key));
    }

    fn insert_secret(&mut self, secret: &SecretString) -> Result<(), KeyError> {
        let bytes = secret.expose_secret().as_bytes();
        let key = Arc::new(VerificationKey {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(bytes),
        });
        self.keys.insert(secret_id(bytes)?, key.clone());
        self.secrets.push(key);
        Ok(())
    }

    pub(super) fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// Whether it has no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that may have signed a token: the one that it names. Without
    /// `kid`, the shared secrets if those verify: a back end that has one need
    /// not know its id.
    pub(super) fn candidates(&self, kid: Option<&str>) -> &[Arc<VerificationKey>] {
        match kid {
            Some(kid) => self.keys.get(kid).map(std::slice::from_ref),
            None => Some(self.secrets.as_slice()),
        }
        .unwrap_or_default()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// The keys that verify now; they can be replaced while tokens are verified.
#[derive(Debug)]
pub struct VerificationKeys {
    current: RwLock<Arc<KeySet>>,
}

impl VerificationKeys {
    /// These keys, until others are put in their place.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self {
            current: RwLock::new(Arc::new(keys)),
        }
    }

    /// One shared secret, for HS256.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn from_secret(secret: &SecretString) -> Result<Self, KeyError> {
        let mut keys = KeySet::default();
        keys.insert_secret(secret)?;
        Ok(Self::new(keys))
    }

    /// Another shared secret verifies, too.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn also_accept(&self, secret: &SecretString) -> Result<(), KeyError> {
        let mut keys = KeySet::clone(&self.current());
        keys.insert_secret(secret)?;
        self.replace(keys);
        Ok(())
    }

    /// Puts others in their place: a key that is not among them verifies
    /// nothing any more.
    pub fn replace(&self, keys: KeySet) {
        *self.current.write() = Arc::new(keys);
    }

    /// Others verify, too.
    pub(super) fn add(&self, others: &KeySet) {
        let mut keys = self.current.write();
        if others.keys.keys().all(|kid| keys.contains(kid)) {
            return;
        }
        let mut more = KeySet::clone(&keys);
        for (kid, key) in &others.keys {
            more.keys.insert(kid.clone(), key.clone());
        }
        *keys = Arc::new(more);
    }

    /// The keys at this time.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.current.read().clone()
    }
}

/// The id of a shared secret. It must not help to guess it: derived, not hashed.
pub(super) fn secret_id(secret: &[u8]) -> Result<String, KeyError> {
    let mut id = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"key id")
        .extract(secret)
        .expand(&[b"kid"], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut id))
        .map_err(|_| KeyError::Crypto)?;
    Ok(URL_SAFE_NO_PAD.encode(&id[..9]))
}

/// Where [`VerificationKeys`] come from that this node has not been started with.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync {
    /// Looks there for newer keys, unless somebody has just done so. Whoever
    /// comes while it is being done waits for that. What goes wrong is logged,
    /// and leaves the keys as they are.
    async fn refresh(&self);
}
