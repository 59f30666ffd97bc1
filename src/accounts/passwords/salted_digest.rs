//! Digests of other applications: SHA-2 over a password and a salt. They are
//! too fast to be kept (a stolen one is guessed by the billion a second), so
//! only what Argon2id makes of one is: [`SaltedDigest`] says how the digest was
//! made, and is written before the PHC string that covers it.

use std::fmt;

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA512};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a digest is computed by (FIPS 180-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestAlgorithm {
    /// SHA-256, of 32 bytes.
    Sha256,
    /// SHA-512, of 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    /// Bytes of a digest.
    #[must_use]
    pub fn output_len(self) -> usize {
        self.algorithm().output_len
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// In which order a digest takes in what it is of, with nothing in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestOrder {
    /// The salt, then the password.
    SaltPassword,
    /// The password, then the salt.
    PasswordSalt,
}

impl DigestOrder {
    fn name(self) -> &'static str {
        match self {
            Self::SaltPassword => "salt-pw",
            Self::PasswordSalt => "pw-salt",
        }
    }
}

/// How a digest was made; not the digest.
#[derive(Clone, PartialEq, Eq)]
pub struct SaltedDigest {
    algorithm: DigestAlgorithm,
    order: DigestOrder,
    salt: Vec<u8>,
}

/// What the string begins with that is no PHC string.
const PREFIX: &str = "$legacy$";

impl SaltedDigest {
    /// Longest salt, in bytes: with the longest PHC string that is made over a
    /// digest, a wrapped one is within the 255 bytes of a stored hash.
    pub const MAX_SALT_BYTES: usize = 64;

    /// `None` if the salt is longer than [`MAX_SALT_BYTES`](Self::MAX_SALT_BYTES).
    /// An empty one is that of an application which had none.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm, order: DigestOrder, salt: &[u8]) -> Option<Self> {
        (salt.len() <= Self::MAX_SALT_BYTES).then(|| Self {
            algorithm,
            order,
            salt: salt.to_owned(),
        })
    }

    /// What computes it.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Whether a digest is of what a person typed, in a time that does not tell
    /// where they differ.
    #[must_use]
    pub fn matches(&self, typed: &str, digest: &[u8]) -> bool {
        self.of(typed).ct_eq(digest).into()
    }

    /// The digest of what a person typed, byte for byte as it was typed: the
    /// other application knew no normal form.
    pub(super) fn of(&self, typed: &str) -> Zeroizing<Vec<u8>> {
        let mut context = Context::new(self.algorithm.algorithm());
        let parts = match self.order {
            DigestOrder::SaltPassword => [&self.salt, typed.as_bytes()],
            DigestOrder::PasswordSalt => [typed.as_bytes(), &self.salt],
        };
        for part in parts {
            context.update(part);
        }
        Zeroizing::new(context.finish().as_ref().to_vec())
    }

    /// Splits a wrapped digest into how it was made and the PHC string over
    /// it; `None` if the text is not one, `Some(None)` if it should be one and
    /// is malformed.
    pub(super) fn split(text: &str) -> Option<Option<(Self, &str)>> {
        let rest = text.strip_prefix(PREFIX)?;
        Some(Self::split_rest(rest))
    }

    fn split_rest(rest: &str) -> Option<(Self, &str)> {
        let (params, phc) = rest.split_at_checked(rest.find('$')?)?;
        // Exactly as it is written: another spelling is nobody's.
        let params = params.strip_prefix("alg=")?;
        let (algorithm, params) = params.split_once(",order=")?;
        let (order, salt) = params.split_once(",salt=")?;
        let algorithm = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]
            .into_iter()
            .find(|known| known.name() == algorithm)?;
        let order = [DigestOrder::SaltPassword, DigestOrder::PasswordSalt]
            .into_iter()
            .find(|known| known.name() == order)?;
        let salt = BASE64.decode(salt).ok()?;
        Some((Self::new(algorithm, order, &salt)?, phc))
    }

    /// Writes how it was made before the PHC string over it.
    pub(super) fn wrap(&self, phc: &str) -> String {
        format!(
            "{PREFIX}alg={},order={},salt={}{phc}",
            self.algorithm.name(),
            self.order.name(),
            BASE64.encode(&self.salt),
        )
    }
}

impl fmt::Debug for SaltedDigest {
    /// Without the salt, which is worth something to whoever has the digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaltedDigest")
            .field("algorithm", &self.algorithm)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}
