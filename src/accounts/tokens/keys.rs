//! What signs access tokens, what verifies them, and what refresh tokens are
//! derived from.

use std::{collections::HashMap, fmt, io, path::PathBuf};

use aws_lc_rs::hkdf;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Why there are no keys to work with. Names files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file or its folder can't be read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was tried: "read", "write", "make".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A key file holds something else than an Ed25519 private key.
    #[error("`{path}` is not an Ed25519 private key (PKCS#8 version 1, PEM)")]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
    /// `refresh.key` is not 32 bytes in URL-safe base64.
    #[error("`{path}` does not hold 32 bytes in base64")]
    NotASecret {
        /// The file.
        path: PathBuf,
    },
    /// The folder has no key, and keys may not be made by themselves here.
    #[error(
        "no signing key: set JWT_SECRET (32 random bytes or more), or make a key in `{path}` with `keys new`"
    )]
    NoKey {
        /// The key folder.
        path: PathBuf,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

pub(super) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of a deployment: one that signs, all that verify.
pub struct KeyRing {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) signing: EncodingKey,
    pub(super) verification: HashMap<String, VerificationKey>,
    jwks: JwkSet,
    pub(super) refresh: RefreshSecret,
}

/// The server's half of every refresh token; the other is in the session's row.
pub(super) struct RefreshSecret(hkdf::Prk);

impl RefreshSecret {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, b"refresh tokens").extract(secret))
    }

    pub(super) fn expand(&self, seed: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        self.0
            .expand(&[b"refresh token", seed], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut()))
            .map_err(|_| KeyError::Crypto)?;
        Ok(key)
    }
}

impl KeyRing {
    /// One shared secret: HS256, nothing published. Whoever has the secret can
    /// mint tokens, so it is for deployments whose parts trust each other.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn from_secret(secret: &SecretString) -> Result<Self, KeyError> {
        let bytes = secret.expose_secret().as_bytes();
        // A key's id must not help to guess the key: derived, not hashed.
        let mut id = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"key id")
            .extract(bytes)
            .expand(&[b"kid"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut id))
            .map_err(|_| KeyError::Crypto)?;
        let kid = URL_SAFE_NO_PAD.encode(&id[..9]);
        let key = VerificationKey {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(bytes),
        };
        Ok(Self {
            kid: kid.clone(),
            algorithm: Algorithm::HS256,
            signing: EncodingKey::from_secret(bytes),
            verification: HashMap::from([(kid, key)]),
            jwks: JwkSet { keys: Vec::new() },
            refresh: RefreshSecret::new(bytes),
        })
    }

    /// Ed25519 keys in PEM, the signing one last; the rest only verify.
    pub(super) fn from_ed25519(
        pems: Vec<(PathBuf, Vec<u8>)>,
        refresh: RefreshSecret,
    ) -> Result<Option<Self>, KeyError> {
        let mut newest = None;
        let mut verification = HashMap::new();
        let mut jwks = JwkSet { keys: Vec::new() };
        for (path, pem) in pems {
            let bad = |source| KeyError::NotAKey {
                path: path.clone(),
                source,
            };
            let signing = EncodingKey::from_ed_pem(&pem).map_err(bad)?;
            let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).map_err(bad)?;
            let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(bad)?;
            jwk.common.key_id = Some(kid.clone());
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            let key = DecodingKey::from_jwk(&jwk).map_err(bad)?;
            verification.insert(
                kid.clone(),
                VerificationKey {
                    algorithm: Algorithm::EdDSA,
                    key,
                },
            );
            jwks.keys.push(jwk);
            newest = Some((kid, signing));
        }
        Ok(newest.map(|(kid, signing)| Self {
            kid,
            algorithm: Algorithm::EdDSA,
            signing,
            verification,
            jwks,
            refresh,
        }))
    }

    /// The key that a token names. Without `kid`, the only key if there is one:
    /// a back end that shares the secret need not know its id.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&VerificationKey> {
        match kid {
            Some(kid) => self.verification.get(kid),
            None if self.algorithm == Algorithm::HS256 => self.verification.get(&self.kid),
            None => None,
        }
    }

    /// The public keys (RFC 7517); empty for a shared secret.
    #[must_use]
    pub fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("keys", &self.verification.len())
            .finish_non_exhaustive()
    }
}
