//! One use of the hashing threads: verify, hash, or judge and hash.

use std::{io, time::Duration};

use aws_lc_rs::{error::Unspecified, rand};
use contract::StoredHash;

use super::{
    job::Work,
    kernel::{Input, Output},
    phc::{Cost, OUTPUT_BYTES, Phc, SALT_BYTES, UnreadableHash},
    policy::{Candidate, Password, PasswordRefused, Presented},
    pool::{Crashed, Full, Place},
    service::PasswordService,
};

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
        let stored = stored.map(Phc::parse).transpose()?;
        let work = Verifying {
            cost: service.cost(),
            password: presented.into_password(),
            stored,
        };
        place.run(work).await?
    }

    /// Hashes a password that was accepted before, with a fresh salt: what
    /// [`Verdict::Right`] calls outdated.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(self, password: Password) -> Result<StoredHash, HashError> {
        let Self { place, service } = self;
        place.run(Hashing::new(service.cost(), password)).await?
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
        place.run(work).await.map_err(HashError::from)?
    }
}

/// Verifies a password.
struct Verifying {
    /// How much work a hash made today is.
    cost: Cost,
    /// `None` if what was presented can't be a password.
    password: Option<Password>,
    /// `None` if there is no such account.
    stored: Option<Phc>,
}

impl Work for Verifying {
    type Answer = Result<Verdict, HashError>;

    fn begin(&mut self) -> Result<Input<'_>, Self::Answer> {
        // Nobody's hash to verify with is one made today. Its salt need not be
        // random: nobody sees what comes of it.
        let (cost, salt, output_len) = match &self.stored {
            Some(phc) => (phc.cost(), phc.salt(), phc.output_len()),
            None => (self.cost, [0; SALT_BYTES].as_slice(), OUTPUT_BYTES),
        };
        let password = self.password.as_ref();
        Ok(Input {
            cost,
            password: password.map(Password::as_bytes).unwrap_or_default(),
            salt,
            output_len,
        })
    }

    fn end(self, hashed: Result<Output, HashError>) -> Self::Answer {
        let output = hashed?;
        // An imported hash of nothing does not let in who typed what can't be a
        // password.
        let (Some(stored), Some(password)) = (self.stored, self.password) else {
            return Ok(Verdict::Wrong);
        };
        if !stored.matches(&output) {
            return Ok(Verdict::Wrong);
        }
        let outdated = stored.is_outdated(self.cost).then_some(password);
        Ok(Verdict::Right { outdated })
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

    fn judged(&self) -> Result<&Password, Self::Refusal>;
}

impl Hashable for Password {
    type Refusal = HashError;

    fn judged(&self) -> Result<&Password, HashError> {
        Ok(self)
    }
}

impl Hashable for Candidate {
    type Refusal = NewPasswordError;

    fn judged(&self) -> Result<&Password, NewPasswordError> {
        self.judge()?;
        Ok(self.password())
    }
}

impl<P: Hashable> Work for Hashing<P> {
    type Answer = Result<StoredHash, P::Refusal>;

    fn begin(&mut self) -> Result<Input<'_>, Self::Answer> {
        let password = self.password.judged().map_err(Err)?;
        rand::fill(&mut self.salt).map_err(|error| Err(HashError::from(error).into()))?;
        Ok(Input {
            cost: self.cost,
            password: password.as_bytes(),
            salt: &self.salt,
            output_len: OUTPUT_BYTES,
        })
    }

    fn end(self, hashed: Result<Output, HashError>) -> Self::Answer {
        let phc = Phc::new(self.cost, &self.salt, &hashed?);
        let stored = phc.and_then(Phc::encode).map_err(HashError::Encode)?;
        Ok(stored)
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
