//! What RFC 9106 does with BLAKE2b: the first hash, and that of any length.

use blake2::{
    Blake2b512, Blake2bVarCore, Digest,
    digest::{
        block_api::{UpdateCore, VariableOutputCore},
        block_buffer::LazyBuffer,
    },
};
use zeroize::{Zeroize, Zeroizing};

use crate::{error::Error, job::Job};

/// Argon2id's number among the three (RFC 9106, section 3.2).
pub(crate) const ARGON2ID: u32 = 2;
/// The version of RFC 9106.
const VERSION: u32 = 0x13;

/// Bytes of BLAKE2b's whole output.
const FULL: usize = 64;
/// Of each but the last of them the first half is used (RFC 9106, section 3.3).
const HALF: usize = FULL / 2;

/// H0: everything that is known of a hash before it begins.
pub(crate) fn first_hash(job: &Job<'_>) -> Result<Zeroizing<[u8; FULL]>, Error> {
    let [lanes, memory, passes] = job.params.as_given();
    let mut hasher = Blake2b512::new();
    for number in [
        lanes,
        length(job.output)?,
        memory,
        passes,
        VERSION,
        ARGON2ID,
    ] {
        hasher.update(number.to_le_bytes());
    }
    for input in [job.password, job.salt, job.secret, job.associated_data] {
        hasher.update(length(input)?.to_le_bytes());
        hasher.update(input);
    }
    let mut hash = Zeroizing::new([0; FULL]);
    hasher.finalize_into((&mut *hash).into());
    Ok(hash)
}

/// H': as many bytes as `output` has, from all of `inputs`.
pub(crate) fn long_hash(inputs: &[&[u8]], output: &mut [u8]) -> Result<(), Error> {
    let length = length(output)?.to_le_bytes();
    if output.len() <= FULL {
        return short_hash(&length, inputs, output);
    }
    let mut hasher = Blake2b512::new();
    hasher.update(length);
    for input in inputs {
        hasher.update(input);
    }
    let mut last = Zeroizing::new([0; FULL]);
    hasher.finalize_into((&mut *last).into());
    let mut rest = output;
    loop {
        let (chunk, more) = rest.split_at_mut(HALF);
        chunk.copy_from_slice(&last[..HALF]);
        rest = more;
        if rest.len() <= FULL {
            return short_hash(&*last, &[], rest);
        }
        let mut hasher = Blake2b512::new();
        hasher.update(*last);
        hasher.finalize_into((&mut *last).into());
    }
}

/// BLAKE2b of `first` and `inputs`, of 1 to 64 bytes of output. `blake2` has no
/// such hasher for a length that is known only now, but its core.
fn short_hash(first: &[u8], inputs: &[&[u8]], output: &mut [u8]) -> Result<(), Error> {
    let mut core = Blake2bVarCore::new(output.len()).map_err(|_| Error::Output)?;
    let mut buffer = LazyBuffer::new(&[]);
    for input in std::iter::once(&first).chain(inputs) {
        buffer.digest_blocks(input, |blocks| core.update_blocks(blocks));
    }
    let mut full = Default::default();
    core.finalize_variable_core(&mut buffer, &mut full);
    output.copy_from_slice(&full[..output.len()]);
    full.zeroize();
    Ok(())
}

/// A length as the RFC writes one.
fn length(bytes: &[u8]) -> Result<u32, Error> {
    u32::try_from(bytes.len()).map_err(|_| Error::TooLong)
}
