//! One use of the hashing threads: verify, hash, or judge and hash.

use std::{io, time::Duration};

use aws_lc_rs::{error::Unspecified, rand};
use contract::StoredHash;
use zeroize::Zeroizing;

use super::{
    arena::Arena,
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
        let work = move |arena: &mut Arena| verify(&service, presented, stored, arena);
        place.run(work).await?
    }

    /// Hashes a password that was accepted before, with a fresh salt: what
    /// [`Verdict::Right`] calls outdated.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(self, password: Password) -> Result<StoredHash, HashError> {
        let Self { place, service } = self;
        let work = move |arena: &mut Arena| hash(service.cost(), &password, arena);
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
        let work = move |arena: &mut Arena| -> Result<StoredHash, NewPasswordError> {
            let password = candidate.judge()?;
            Ok(hash(service.cost(), &password, arena)?)
        };
        place.run(work).await.map_err(HashError::from)?
    }
}

fn verify(
    service: &PasswordService,
    presented: Presented,
    stored: Option<Phc>,
    arena: &mut Arena,
) -> Result<Verdict, HashError> {
    // Nobody's hash to verify with is one made today. Its salt need not be
    // random: nobody sees what comes of it.
    let (cost, salt, output_len) = match &stored {
        Some(phc) => (phc.cost(), phc.salt(), phc.output_len()),
        None => (service.cost(), [0; SALT_BYTES].as_slice(), OUTPUT_BYTES),
    };
    let password = presented.into_password();
    let bytes = password
        .as_ref()
        .map(Password::as_bytes)
        .unwrap_or_default();
    let mut output = Zeroizing::new(vec![0; output_len]);
    derive(cost, bytes, salt, &mut output, arena)?;
    // An imported hash of nothing does not let in who typed what can't be a
    // password.
    let (Some(stored), Some(password)) = (stored, password) else {
        return Ok(Verdict::Wrong);
    };
    if !stored.matches(&output) {
        return Ok(Verdict::Wrong);
    }
    let outdated = stored.is_outdated(service.cost()).then_some(password);
    Ok(Verdict::Right { outdated })
}

fn hash(cost: Cost, password: &Password, arena: &mut Arena) -> Result<StoredHash, HashError> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt)?;
    let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
    derive(cost, password.as_bytes(), &salt, output.as_mut(), arena)?;
    Phc::new(cost, &salt, output.as_ref())
        .and_then(Phc::encode)
        .map_err(HashError::Encode)
}

fn derive(
    cost: Cost,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    arena: &mut Arena,
) -> Result<(), HashError> {
    let params = cost.params(output.len())?;
    let blocks = arena
        .blocks(params.block_count())
        .map_err(HashError::Memory)?;
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, output, blocks)?;
    arena.wrote(cost.blocks_written());
    Ok(())
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
