//! What signs access tokens, and what refresh tokens are derived from.

use std::{fmt, io, path::PathBuf, sync::Arc};

use aws_lc_rs::{hkdf, hmac};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{
    exposure::Exposure,
    verification::{KeySet, VerificationKey, VerificationKeys, secret_id},
};

/// Why there are no keys to work with. Names files, never their content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file or its folder can't be read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was tried: "read", "write", "make", "remove".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A key file holds something else than an Ed25519 private key.
    #[error(
        "`{path}` is not an Ed25519 private key (PKCS#8 version 1, PEM): put the file back as it \
         was, or remove it; the newest of the others signs then"
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
    /// `refresh.key` is not 32 bytes in URL-safe base64.
    #[error(
        "`{path}` does not hold 32 bytes in base64: put the file back as it was, or remove it and \
         have `keys new` make another, which signs everybody out"
    )]
    NotASecret {
        /// The file.
        path: PathBuf,
    },
    /// There are signing keys, and no `refresh.key` beside them.
    #[error(
        "`{path}` is missing, from which refresh tokens are derived: put it back, or copy it from \
         another node; or have `keys new` make another, which signs everybody out"
    )]
    NoRefreshSecret {
        /// The file.
        path: PathBuf,
    },
    /// Others on this machine can read a key, or change it.
    #[error(transparent)]
    Exposed(Exposure),
    /// The folder has no key, and keys may not be made by themselves here.
    #[error(
        "no signing key: set JWT_SECRET (32 random bytes or more), or make a key in `{path}` with `keys new`"
    )]
    NoKey {
        /// The key folder.
        path: PathBuf,
    },
    /// A gateway alone has nothing to verify tokens with.
    #[error(
        "no key to verify tokens with: set tokens.jwks_url to where an auth node serves its keys, \
         or tokens.secret (JWT_SECRET) to what the auth nodes have, or put their keys into \
         `{path}` (tokens.key_dir)"
    )]
    NoVerificationKey {
        /// The key folder.
        path: PathBuf,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// The keys of a deployment with accounts: one that signs, all that verify.
pub struct KeyRing {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) signing: EncodingKey,
    verification: Arc<VerificationKeys>,
    jwks: JwkSet,
    pub(super) refresh: RefreshSecret,
    /// Verifies refresh tokens, and makes none.
    pub(super) previous_refresh: Option<RefreshSecret>,
}

/// The server's half of every refresh token; the other is in the session's row.
pub(super) struct RefreshSecret(hkdf::Prk);

impl RefreshSecret {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, b"refresh tokens").extract(secret))
    }

    pub(super) fn expand(&self, seed: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        self.derive(&[b"refresh token", seed])
    }

    fn derive(&self, info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        self.0
            .expand(info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut()))
            .map_err(|_| KeyError::Crypto)?;
        Ok(key)
    }
}

/// A file with a private key.
pub(super) struct PemFile {
    pub(super) path: PathBuf,
    pub(super) pem: Zeroizing<Vec<u8>>,
}

/// An Ed25519 key of a file.
pub(super) struct KeyPair {
    pub(super) kid: String,
    pub(super) verification: VerificationKey,
    signing: EncodingKey,
    jwk: Jwk,
}

impl KeyPair {
    pub(super) fn from_pem(file: &PemFile) -> Result<Self, KeyError> {
        let bad = |source| KeyError::NotAKey {
            path: file.path.clone(),
            source,
        };
        let signing = EncodingKey::from_ed_pem(&file.pem).map_err(bad)?;
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).map_err(bad)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(bad)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let key = DecodingKey::from_jwk(&jwk).map_err(bad)?;
        Ok(Self {
            kid,
            signing,
            verification: VerificationKey::ed25519(key),
            jwk,
        })
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
        Ok(Self {
            kid: secret_id(bytes)?,
            algorithm: Algorithm::HS256,
            signing: EncodingKey::from_secret(bytes),
            verification: Arc::new(VerificationKeys::from_secret(secret)?),
            jwks: JwkSet { keys: Vec::new() },
            refresh: RefreshSecret::new(bytes),
            previous_refresh: None,
        })
    }

    /// The same, and access and refresh tokens of another shared secret are
    /// valid, too.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn with_previous(mut self, secret: &SecretString) -> Result<Self, KeyError> {
        self.verification.also_accept(secret)?;
        self.previous_refresh = Some(RefreshSecret::new(secret.expose_secret().as_bytes()));
        Ok(self)
    }

    /// Ed25519 keys in PEM, the signing one last; the rest only verify.
    pub(super) fn from_ed25519(
        pems: Vec<PemFile>,
        refresh: RefreshSecret,
    ) -> Result<Option<Self>, KeyError> {
        let mut newest = None;
        let mut verification = KeySet::default();
        let mut jwks = JwkSet { keys: Vec::new() };
        for file in pems {
            let pair = KeyPair::from_pem(&file)?;
            verification.insert(pair.kid.clone(), pair.verification);
            jwks.keys.push(pair.jwk);
            newest = Some((pair.kid, pair.signing));
        }
        Ok(newest.map(|(kid, signing)| Self {
            kid,
            algorithm: Algorithm::EdDSA,
            signing,
            verification: Arc::new(VerificationKeys::new(verification)),
            jwks,
            refresh,
            previous_refresh: None,
        }))
    }

    /// What verifies: the key that signs, and those that did.
    #[must_use]
    pub fn verification(&self) -> &Arc<VerificationKeys> {
        &self.verification
    }

    /// What makes pseudonyms: another key of every deployment.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn pseudonyms(&self) -> Result<hmac::Key, KeyError> {
        let key = self.refresh.derive(&[b"pseudonyms"])?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
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
            .field("keys", &self.verification.current().len())
            .finish_non_exhaustive()
    }
}
