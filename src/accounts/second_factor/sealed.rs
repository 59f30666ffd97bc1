//! What a second factor keeps of an account, sealed: a stolen database shows no
//! secret, and a record that is moved to another account opens no more.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf,
};
use contract::{FactorRecord, FactorSwap, SecondFactorStore, UserId};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::SecondFactorError;
use crate::accounts::tokens::KeyError;

/// Records of second factors, sealed with AES-256-GCM for one account each.
#[derive(Clone)]
pub struct SealedFactors {
    store: Arc<dyn SecondFactorStore>,
    key: Arc<RandomizedNonceKey>,
}

/// A record, opened.
pub struct Opened {
    /// Its version, by which it is replaced.
    pub version: Uuid,
    /// What was sealed.
    pub data: Zeroizing<Vec<u8>>,
}

impl SealedFactors {
    /// Keeps them in `store`, sealed with a key that is made of `secret`.
    ///
    /// # Errors
    /// [`KeyError::Crypto`]
    pub fn new(store: Arc<dyn SecondFactorStore>, secret: &SecretString) -> Result<Self, KeyError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"second factors");
        let mut key = Zeroizing::new([0; 32]);
        salt.extract(secret.expose_secret().as_bytes())
            .expand(&[b"seal"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut()))
            .map_err(|_| KeyError::Crypto)?;
        let key =
            RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| KeyError::Crypto)?;
        Ok(Self {
            store,
            key: Arc::new(key),
        })
    }

    /// What is kept of an account.
    ///
    /// # Errors
    /// `Store`, or `Sealed`.
    pub async fn find(&self, user: UserId) -> Result<Option<Opened>, SecondFactorError> {
        let Some(FactorRecord { version, data }) = self.store.find_factor(user).await? else {
            return Ok(None);
        };
        let data = self.open(user, data).ok_or(SecondFactorError::Sealed)?;
        Ok(Some(Opened { version, data }))
    }

    /// Keeps `data`, in the place of the record of that version, if there was
    /// one.
    ///
    /// # Errors
    /// `Store`, or `Failed`.
    pub async fn keep(
        &self,
        user: UserId,
        expected: Option<Uuid>,
        data: Vec<u8>,
    ) -> Result<FactorSwap, SecondFactorError> {
        let record = FactorRecord::new(self.seal(user, data)?);
        let kept = match expected {
            Some(expected) => self.store.replace_factor(user, expected, &record).await,
            None => self.store.add_factor(user, &record).await,
        };
        Ok(kept?)
    }

    /// Forgets the record of that version.
    ///
    /// # Errors
    /// `Store`.
    pub async fn forget(
        &self,
        user: UserId,
        expected: Uuid,
    ) -> Result<FactorSwap, SecondFactorError> {
        Ok(self.store.remove_factor(user, expected).await?)
    }

    fn seal(&self, user: UserId, mut data: Vec<u8>) -> Result<Vec<u8>, SecondFactorError> {
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(user.0.as_bytes()), &mut data)
            .map_err(|_| SecondFactorError::Failed(KeyError::Crypto.into()))?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut data);
        Ok(sealed)
    }

    fn open(&self, user: UserId, mut sealed: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, data) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let aad = Aad::from(user.0.as_bytes());
        let data = self.key.open_in_place(nonce, aad, data).ok()?;
        Some(Zeroizing::new(data.to_vec()))
    }
}

impl fmt::Debug for SealedFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFactors").finish_non_exhaustive()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
