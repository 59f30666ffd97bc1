//! Stored hashes of every scheme. The text alone decides the scheme, and no
//! other one is ever tried: whoever steals a digest of another application
//! must not be able to hand it in as a password.

use argon2::Algorithm;
use contract::StoredHash;

use super::{
    bcrypt::Bcrypt,
    phc::{Cost, Phc, UnreadableHash},
    salted_digest::SaltedDigest,
};

/// A stored hash that can be verified, within bounds. Without `Debug`: it would
/// show the hash.
pub(super) enum Stored {
    /// An Argon2 hash of the password: of this service, or taken over.
    Argon2(Phc),
    /// An Argon2id hash of another application's digest of the password.
    Wrapped(SaltedDigest, Phc),
    /// A bcrypt hash of the password, taken over.
    Bcrypt(Bcrypt),
}

impl Stored {
    /// Reads a stored hash.
    pub(super) fn parse(stored: &StoredHash) -> Result<Self, UnreadableHash> {
        let text = stored.as_str();
        if text.len() > StoredHash::MAX_BYTES {
            return Err(UnreadableHash::TooLong);
        }
        if let Some(wrapped) = SaltedDigest::split(text) {
            let (digest, phc) = wrapped.ok_or(UnreadableHash::Wrapping)?;
            let phc = Phc::parse(phc)?;
            if phc.algorithm() != Algorithm::Argon2id {
                return Err(UnreadableHash::Algorithm);
            }
            return Ok(Self::Wrapped(digest, phc));
        }
        if Bcrypt::is_meant(text) {
            let bcrypt = Bcrypt::parse(text).ok_or(UnreadableHash::Bcrypt)?;
            return Ok(Self::Bcrypt(bcrypt));
        }
        Phc::parse(text).map(Self::Argon2)
    }

    /// Whether a hash of the same password would be made in another way today.
    pub(super) fn is_outdated(&self, today: Cost) -> bool {
        match self {
            Self::Argon2(phc) => phc.is_outdated(today),
            Self::Wrapped(..) | Self::Bcrypt(_) => true,
        }
    }
}
