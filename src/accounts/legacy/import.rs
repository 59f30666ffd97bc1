//! Lines of JSON become accounts: of hashes that are verified until their
//! owners sign in, and of digests that Argon2id covers at once.
//!
//! ```json
//! {"username": "ann", "hash": "$2b$12$…"}
//! {"username": "bob", "hash": "$argon2i$v=19$…", "disabled": true}
//! {"username": "eve", "digest": "9f86…", "algorithm": "sha256", "order": "salt-password", "salt": "x7"}
//! ```

use std::fmt;

use contract::{
    Account, CreateOutcome, CredentialStore, NameError, StoreError, StoredHash, Timestamp, UserId,
    Username,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    description::{Encoding, Recipe},
    row::RowRefused,
};
use crate::accounts::passwords::{
    DigestAlgorithm, DigestOrder, HashError, PasswordService, SaltedDigest, UnreadableHash,
};

/// A line, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    username: String,
    hash: Option<SecretString>,
    digest: Option<SecretString>,
    algorithm: Option<DigestAlgorithm>,
    order: Option<DigestOrder>,
    salt: Option<String>,
    #[serde(default)]
    digest_encoding: Encoding,
    salt_encoding: Option<Encoding>,
    created_at: Option<Timestamp>,
    #[serde(default)]
    disabled: bool,
}

/// An account to be imported.
pub struct Import {
    username: Username,
    secret: Secret,
    created_at: Option<Timestamp>,
    disabled: bool,
}

enum Secret {
    Hash(StoredHash),
    Digest(SaltedDigest, Zeroizing<Vec<u8>>),
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Why a line is not imported. None of the texts has a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineRefused {
    /// Not JSON, or not of this form.
    #[error("it is not an object with `username` and `hash` or `digest`")]
    Form,
    /// Not a username.
    #[error("{0}")]
    Username(NameError),
    /// Both a hash and a digest, or neither.
    #[error("it has one of `hash` and `digest`")]
    Secret,
    /// Not a hash that can be verified.
    #[error("its hash can't be verified: {0}")]
    Hash(UnreadableHash),
    /// `algorithm` or `order` is missing beside a digest, or stands beside a hash.
    #[error("`algorithm`, `order` and `salt` go with `digest`, and the first two must")]
    Recipe,
    /// Not a digest of that algorithm in that encoding.
    #[error("its digest is not one of `algorithm` in `digest_encoding`")]
    Digest,
    /// Not a salt in that encoding, or a very long one.
    #[error("its salt is not in `salt_encoding`, or too long")]
    Salt,
}

/// What became of an account to be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The account exists now.
    Made,
    /// An account of that name with that hash was there before.
    There,
    /// Another account has that name; nothing was changed.
    NameTaken,
}

/// Why no more lines are imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Import {
    /// Reads a line.
    ///
    /// # Errors
    /// [`LineRefused`]
    pub fn parse(line: &str) -> Result<Self, LineRefused> {
        let line: Line = serde_json::from_str(line).map_err(|_| LineRefused::Form)?;
        let username = Username::parse(&line.username).map_err(LineRefused::Username)?;
        let is_recipe = line.algorithm.is_some() || line.order.is_some() || line.salt.is_some();
        let secret = match (line.hash, line.digest) {
            (Some(_), None) if is_recipe => return Err(LineRefused::Recipe),
            (Some(hash), None) => {
                let hash = StoredHash::new(hash.expose_secret().to_owned());
                PasswordService::check(&hash).map_err(LineRefused::Hash)?;
                Secret::Hash(hash)
            }
            (None, Some(digest)) => {
                let (Some(algorithm), Some(order)) = (line.algorithm, line.order) else {
                    return Err(LineRefused::Recipe);
                };
                let recipe = Recipe {
                    name: String::new(),
                    algorithm,
                    order,
                    digest_encoding: line.digest_encoding,
                    salt_encoding: line.salt_encoding.unwrap_or(Encoding::Text),
                };
                let salt = line.salt.as_deref().unwrap_or_default();
                let read = recipe.read(digest.expose_secret(), salt);
                let (made, digest) = read.map_err(|refused| match refused {
                    RowRefused::Salt => LineRefused::Salt,
                    _ => LineRefused::Digest,
                })?;
                Secret::Digest(made, digest)
            }
            _ => return Err(LineRefused::Secret),
        };
        Ok(Self {
            username,
            secret,
            created_at: line.created_at,
            disabled: line.disabled,
        })
    }

    /// Makes the account. A line that was imported before is found again by its
    /// hash; one with a digest can't be told from another of the same name.
    ///
    /// # Errors
    /// [`ImportError`]
    pub async fn make(
        self,
        credentials: &dyn CredentialStore,
        passwords: &PasswordService,
        now: Timestamp,
    ) -> Result<Imported, ImportError> {
        if let Some(account) = credentials.find_by_name(&self.username).await? {
            return Ok(match self.secret {
                Secret::Hash(hash) if hash == account.hash => Imported::There,
                _ => Imported::NameTaken,
            });
        }
        let hash = match self.secret {
            Secret::Hash(hash) => hash,
            Secret::Digest(made, digest) => passwords.reserve()?.wrap(made, digest).await?,
        };
        let account = Account {
            id: UserId::random(),
            username: self.username,
            hash,
            created_at: self.created_at.unwrap_or(now),
            disabled_at: self.disabled.then_some(now),
        };
        Ok(match credentials.create(&account).await? {
            CreateOutcome::Created => Imported::Made,
            CreateOutcome::NameTaken => Imported::NameTaken,
        })
    }
}
