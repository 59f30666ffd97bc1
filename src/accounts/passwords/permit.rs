//! One use of the hashing threads: verify, hash, or judge and hash.

use std::{io, time::Duration};

use argon2::Algorithm;
use aws_lc_rs::{error::Unspecified, rand};
use contract::StoredHash;
use zeroize::Zeroizing;

use super::{
    job::Work,
    kernel::{Input, Output},
    phc::{Cost, OUTPUT_BYTES, Phc, SALT_BYTES, UnreadableHash},
    policy::{Candidate, Password, PasswordRefused, Presented},
    pool::{Crashed, Full, Place},
    salted_digest::SaltedDigest,
    service::PasswordService,
    stored::Stored,
};
use crate::telemetry::traces;

/// A place in the queue of the hashing threads, for one use. It is taken
/// before anything else is done for a request, and given back when it has been
/// used or dropped. While it is held, the threads live.
#[must_use = "a permit that is not used keeps somebody else waiting"]
pub struct Permit {
    place: Place,
    service: PasswordService,
}

/// What a verification says.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// It is the password of that hash.
    Right {
        /// The password, to be hashed and stored anew, if the stored hash was
        /// not made as one is made today.
        outdated: Option<Password>,
    },
    /// It is not, or there is no such account.
    Wrong,
}

impl Permit {
    pub(super) fn new(place: Place, service: PasswordService) -> Self {
        Self { place, service }
    }

    /// Verifies a presented password. `None` is "no such account": the work is
    /// that of a hash made today, and the verdict is `Wrong`.
    ///
    /// # Errors
    /// [`HashError`]; `Unreadable`, at once and without work, if the stored hash
    /// is malformed or out of bounds.
    pub async fn verify(
        self,
        presented: Presented,
        stored: Option<&StoredHash>,
    ) -> Result<Verdict, HashError> {
        let Self { place, service } = self;
        let stored = stored.map(Stored::parse).transpose()?;
        let work = Verifying {
            cost: service.cost(),
            presented,
            stored,
            digest: Zeroizing::default(),
        };
        traced("password.verify", place.run(work)).await?
    }

    /// Hashes a password that was accepted before, with a fresh salt: what
    /// [`Verdict::Right`] calls outdated.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(self, password: Password) -> Result<StoredHash, HashError> {
        let Self { place, service } = self;
        let work = Hashing::new(service.cost(), password);
        traced("password.hash", place.run(work)).await?
    }

    /// Hashes another application's digest of a password, so that the digest
    /// itself need not be kept. `digest` says how it was made.
    ///
    /// # Errors
    /// [`HashError`]; `Digest` if it has not the length of its algorithm.
    pub async fn wrap(
        self,
        made: SaltedDigest,
        digest: Zeroizing<Vec<u8>>,
    ) -> Result<StoredHash, HashError> {
        let Self { place, service } = self;
        if digest.len() != made.algorithm().output_len() {
            return Err(HashError::Digest);
        }
        let work = Hashing::new(service.cost(), Wrapping { made, digest });
        place.run(work).await?
    }

    /// Judges a new password and hashes it with a fresh salt. `user_inputs` is
    /// what its owner is known by (username, mail address) and words of the
    /// context (the product's name); a password made of them is weak.
    ///
    /// # Errors
    /// [`NewPasswordError::Refused`] with the rule that was broken.
    pub async fn hash_new(
        self,
        typed: &str,
        user_inputs: &[&str],
    ) -> Result<StoredHash, NewPasswordError> {
        let Self { place, service } = self;
        let candidate = Candidate::new(typed, user_inputs, service.settings())?;
        let work = Hashing::new(service.cost(), candidate);
        let hashed = traced("password.hash", place.run(work)).await;
        hashed.map_err(HashError::from)?
    }
}

/// The wait for a thread, and its work.
async fn traced<T>(
    name: &'static str,
    work: impl Future<Output = Result<T, Crashed>>,
) -> Result<T, Crashed> {
    traces::child(name, work, |done| done.is_err().then_some("crashed")).await
}

/// Verifies a password.
struct Verifying {
    /// How much work a hash made today is.
    cost: Cost,
    presented: Presented,
    /// `None` if there is no such account.
    stored: Option<Stored>,
    /// Another application's, where that is what is stored.
    digest: Zeroizing<Vec<u8>>,
}

impl Verifying {
    /// It is the password. What can't be one here stays as it is stored.
    fn right(presented: Presented, is_outdated: bool) -> Verdict {
        Verdict::Right {
            outdated: presented.into_password().filter(|_| is_outdated),
        }
    }
}

impl Work for Verifying {
    type Answer = Result<Verdict, HashError>;

    fn begin(&mut self) -> Result<Input<'_>, Self::Answer> {
        let (phc, password) = match &self.stored {
            Some(Stored::Argon2(phc)) if phc.algorithm() == Algorithm::Argon2id => {
                let password = self.presented.password();
                (phc, password.map(Password::as_bytes).unwrap_or_default())
            }
            // Not of this service, so of what was typed, byte for byte.
            Some(Stored::Argon2(phc)) => (phc, self.presented.typed().as_bytes()),
            Some(Stored::Wrapped(made, phc)) => {
                self.digest = made.of(self.presented.typed());
                (phc, self.digest.as_slice())
            }
            Some(Stored::Bcrypt(bcrypt)) => {
                let typed = self.presented.typed();
                // The work first: it must not show that nothing was typed.
                if !bcrypt.matches(typed) || typed.is_empty() {
                    return Err(Ok(Verdict::Wrong));
                }
                let presented = std::mem::take(&mut self.presented);
                return Err(Ok(Self::right(presented, true)));
            }
            // Nobody's hash to verify with is one made today. Its salt need not
            // be random: nobody sees what comes of it.
            None => {
                let password = self.presented.password();
                return Ok(Input {
                    algorithm: Algorithm::Argon2id,
                    cost: self.cost,
                    password: password.map(Password::as_bytes).unwrap_or_default(),
                    salt: [0; SALT_BYTES].as_slice(),
                    output_len: OUTPUT_BYTES,
                });
            }
        };
        Ok(Input {
            algorithm: phc.algorithm(),
            cost: phc.cost(),
            password,
            salt: phc.salt(),
            output_len: phc.output_len(),
        })
    }

    fn end(self, hashed: Result<Output, HashError>) -> Self::Answer {
        let output = hashed?;
        let Some(stored) = self.stored else {
            return Ok(Verdict::Wrong);
        };
        let is_outdated = stored.is_outdated(self.cost);
        let (phc, can_be) = match &stored {
            // An imported hash of nothing does not let in who typed what can't
            // be a password.
            Stored::Argon2(phc) if phc.algorithm() == Algorithm::Argon2id => {
                (phc, self.presented.password().is_some())
            }
            Stored::Argon2(phc) | Stored::Wrapped(_, phc) => {
                (phc, !self.presented.typed().is_empty())
            }
            // Answered before.
            Stored::Bcrypt(_) => return Ok(Verdict::Wrong),
        };
        if can_be && phc.matches(&output) {
            Ok(Self::right(self.presented, is_outdated))
        } else {
            Ok(Verdict::Wrong)
        }
    }
}

/// Hashes a password with a fresh salt.
struct Hashing<P> {
    cost: Cost,
    password: P,
    salt: [u8; SALT_BYTES],
}

impl<P> Hashing<P> {
    fn new(cost: Cost, password: P) -> Self {
        Self {
            cost,
            password,
            salt: [0; SALT_BYTES],
        }
    }
}

/// A password that may have to be judged first.
trait Hashable: Send + 'static {
    type Refusal: From<HashError> + Send + 'static;

    /// The bytes to hash, if they may be hashed.
    fn judged(&self) -> Result<&[u8], Self::Refusal>;

    /// What is stored of the hash.
    fn stored(&self, phc: StoredHash) -> StoredHash;
}

impl Hashable for Password {
    type Refusal = HashError;

    fn judged(&self) -> Result<&[u8], HashError> {
        Ok(self.as_bytes())
    }

    fn stored(&self, phc: StoredHash) -> StoredHash {
        phc
    }
}

impl Hashable for Candidate {
    type Refusal = NewPasswordError;

    fn judged(&self) -> Result<&[u8], NewPasswordError> {
        self.judge()?;
        Ok(self.password().as_bytes())
    }

    fn stored(&self, phc: StoredHash) -> StoredHash {
        phc
    }
}

/// Another application's digest of a password, to be covered.
struct Wrapping {
    made: SaltedDigest,
    digest: Zeroizing<Vec<u8>>,
}

impl Hashable for Wrapping {
    type Refusal = HashError;

    fn judged(&self) -> Result<&[u8], HashError> {
        Ok(&self.digest)
    }

    fn stored(&self, phc: StoredHash) -> StoredHash {
        StoredHash::new(self.made.wrap(phc.as_str()))
    }
}

impl<P: Hashable> Work for Hashing<P> {
    type Answer = Result<StoredHash, P::Refusal>;

    fn begin(&mut self) -> Result<Input<'_>, Self::Answer> {
        let password = self.password.judged().map_err(Err)?;
        rand::fill(&mut self.salt).map_err(|error| Err(HashError::from(error).into()))?;
        Ok(Input {
            algorithm: Algorithm::Argon2id,
            cost: self.cost,
            password,
            salt: &self.salt,
            output_len: OUTPUT_BYTES,
        })
    }

    fn end(self, hashed: Result<Output, HashError>) -> Self::Answer {
        let phc = Phc::new(self.cost, &self.salt, &hashed?);
        let phc = phc.and_then(Phc::encode).map_err(HashError::Encode)?;
        Ok(self.password.stored(phc))
    }
}

/// Why there is no hash and no verdict. It says nothing about the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// More people are signing in than can be served soon.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// When to come back, as things are; less than a second at times.
        retry_after: Duration,
    },
    /// The stored hash is malformed or out of bounds.
    #[error("the stored hash can't be verified")]
    Unreadable(#[from] UnreadableHash),
    /// A digest has not the length of its algorithm.
    #[error("the digest has not the length of its algorithm")]
    Digest,
    /// The system has no memory for a hash.
    #[error("there is no memory for a hash")]
    Memory(#[source] io::Error),
    /// The system has no random bytes for a salt.
    #[error("there are no random bytes for a salt")]
    Random(#[from] Unspecified),
    /// Argon2 refuses what was within bounds.
    #[error("Argon2 failed")]
    Argon2(#[from] argon2::Error),
    /// A hash can't be written as a PHC string.
    #[error("the hash can't be written")]
    Encode(#[source] argon2::password_hash::phc::Error),
    /// The job panicked; the log has where.
    #[error("hashing crashed")]
    Crashed,
}

impl From<Full> for HashError {
    fn from(full: Full) -> Self {
        Self::Busy {
            retry_after: full.retry_after,
        }
    }
}

impl From<Crashed> for HashError {
    fn from(_: Crashed) -> Self {
        Self::Crashed
    }
}

/// Why a new password is not hashed.
#[derive(Debug, thiserror::Error)]
pub enum NewPasswordError {
    /// It is not acceptable; the text is shown to the client.
    #[error(transparent)]
    Refused(#[from] PasswordRefused),
    /// It could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
}
