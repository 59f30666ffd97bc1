//! Stored hashes: PHC strings, read within bounds and written.
//!
//! A stored hash says how much memory its verification takes. It comes from a
//! database, perhaps from an import, so everything in it is bounded before
//! anything is allocated for it.

use argon2::{
    ARGON2I_IDENT, ARGON2ID_IDENT, Algorithm, Version,
    password_hash::phc::{Error as PhcError, Output, ParamsString, PasswordHash, Salt},
};
use contract::StoredHash;
use subtle::ConstantTimeEq;

/// Length of a new salt, in bytes: 128 bits (RFC 9106, section 3.1).
pub(super) const SALT_BYTES: usize = 16;

/// Length of a new hash's output, in bytes: 256 bits (RFC 9106, section 4).
pub(super) const OUTPUT_BYTES: usize = 32;

/// How much work a hash is. A value of this type is within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

impl Cost {
    const MAX_MEMORY_KIB: u32 = 1024 * 1024;
    const MAX_ITERATIONS: u32 = 20;
    const MAX_PARALLELISM: u32 = 16;
    /// Argon2 divides a lane into four segments of at least two blocks.
    const MIN_MEMORY_KIB_PER_LANE: u32 = 8;

    /// `None` if anything is out of bounds.
    pub(super) fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Option<Self> {
        let within = (1..=Self::MAX_PARALLELISM).contains(&parallelism)
            && (1..=Self::MAX_ITERATIONS).contains(&iterations)
            && (Self::MIN_MEMORY_KIB_PER_LANE * parallelism..=Self::MAX_MEMORY_KIB)
                .contains(&memory_kib);
        within.then_some(Self {
            memory_kib,
            iterations,
            parallelism,
        })
    }

    /// Blocks of 1 KiB that are written, over all passes.
    pub(super) fn blocks_written(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }

    /// Memory of one hash, in bytes.
    pub(super) fn bytes(self) -> usize {
        self.memory_kib as usize * 1024
    }

    /// The parameters, as `hash-simd` has them.
    pub(super) fn simd_params(self) -> Result<hash_simd::Params, hash_simd::Error> {
        hash_simd::Params::new(self.memory_kib, self.iterations, self.parallelism)
    }

    /// The parameters of a hash with `output` bytes of output.
    pub(super) fn params(self, output: usize) -> Result<argon2::Params, argon2::Error> {
        argon2::Params::new(
            self.memory_kib,
            self.iterations,
            self.parallelism,
            Some(output),
        )
    }
}

/// An Argon2id or Argon2i hash of version 0x13, within bounds. Without `Debug`: it would
/// show the hash.
pub(super) struct Phc {
    algorithm: Algorithm,
    cost: Cost,
    salt: Salt,
    output: Output,
}

impl Phc {
    /// Shortest output that is verified, in bytes: 128 bits.
    const MIN_OUTPUT_BYTES: usize = 16;

    /// An Argon2id hash, of salts and outputs of the library's lengths.
    pub(super) fn new(cost: Cost, salt: &[u8], output: &[u8]) -> Result<Self, PhcError> {
        Ok(Self {
            algorithm: Algorithm::Argon2id,
            cost,
            salt: Salt::new(salt)?,
            output: Output::new(output)?,
        })
    }

    /// Reads a PHC string.
    pub(super) fn parse(text: &str) -> Result<Self, UnreadableHash> {
        let parsed = PasswordHash::new(text)?;
        let algorithm = match parsed.algorithm {
            ARGON2ID_IDENT => Algorithm::Argon2id,
            ARGON2I_IDENT => Algorithm::Argon2i,
            _ => return Err(UnreadableHash::Algorithm),
        };
        if parsed.version != Some(Version::V0x13.into()) {
            return Err(UnreadableHash::Version);
        }
        let cost = cost(&parsed.params).ok_or(UnreadableHash::Cost)?;
        let salt = parsed.salt.ok_or(UnreadableHash::Incomplete)?;
        let output = parsed.hash.ok_or(UnreadableHash::Incomplete)?;
        if output.len() < Self::MIN_OUTPUT_BYTES {
            return Err(UnreadableHash::Output);
        }
        Ok(Self {
            algorithm,
            cost,
            salt,
            output,
        })
    }

    /// Writes the hash to be stored; at most 175 bytes.
    pub(super) fn encode(self) -> Result<StoredHash, PhcError> {
        let mut params = ParamsString::new();
        params.add_decimal("m", self.cost.memory_kib)?;
        params.add_decimal("t", self.cost.iterations)?;
        params.add_decimal("p", self.cost.parallelism)?;
        let phc = PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(Version::V0x13.into()),
            params,
            salt: Some(self.salt),
            hash: Some(self.output),
        };
        Ok(StoredHash::new(phc.to_string()))
    }

    /// Which Argon2 it is.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How much work it is to verify.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// The salt.
    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The length of the output, in bytes.
    pub(super) fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Whether `output` is this hash's, in a time that does not tell where
    /// they differ.
    pub(super) fn matches(&self, output: &[u8]) -> bool {
        self.output.as_bytes().ct_eq(output).into()
    }

    /// Whether a hash made today would be made in another way.
    pub(super) fn is_outdated(&self, today: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.cost != today
            || self.salt.len() != SALT_BYTES
            || self.output.len() != OUTPUT_BYTES
    }
}

/// `m`, `t` and `p`, each once, and nothing else: the optional `keyid` and
/// `data` name inputs that this service does not have.
fn cost(params: &ParamsString) -> Option<Cost> {
    let (mut memory_kib, mut iterations, mut parallelism) = (None, None, None);
    for (name, value) in params.iter() {
        let field = match name.as_str() {
            "m" => &mut memory_kib,
            "t" => &mut iterations,
            "p" => &mut parallelism,
            _ => return None,
        };
        if field.replace(value.decimal().ok()?).is_some() {
            return None;
        }
    }
    Cost::new(memory_kib?, iterations?, parallelism?)
}

/// Why a stored hash can't be verified. None of the texts has a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableHash {
    /// Longer than any stored hash.
    #[error("it has more than {max} bytes", max = StoredHash::MAX_BYTES)]
    TooLong,
    /// Not a PHC string, or with a salt outside 8 to 48 bytes or an output
    /// outside 10 to 64, the bounds of the PHC string format.
    #[error("it is not a PHC string")]
    Malformed(#[from] PhcError),
    /// A PHC string that ends before its output.
    #[error("it has no salt or no output")]
    Incomplete,
    /// Neither Argon2id nor Argon2i.
    #[error("it is not an Argon2id hash, nor one that can be taken over")]
    Algorithm,
    /// Not version 0x13, which is that of RFC 9106.
    #[error("it is not of Argon2 version 19")]
    Version,
    /// Not exactly `m`, `t` and `p`, or more work than is ever done for a hash.
    #[error(
        "its parameters are not `m` of 8 KiB a lane to 1 GiB, `t` of 1 to 20 and `p` of 1 to 16"
    )]
    Cost,
    /// Not a digest of another application as this service wraps it.
    #[error("it is not a digest with the way it was made, and Argon2id over it")]
    Wrapping,
    /// Not a bcrypt hash, or one of a kind or a cost that is not verified.
    #[error("it is not a bcrypt hash `$2a$`, `$2b$` or `$2y$` of a cost of 4 to 15")]
    Bcrypt,
    /// An output that is too short to be safe.
    #[error("its output has less than 16 bytes")]
    Output,
}
