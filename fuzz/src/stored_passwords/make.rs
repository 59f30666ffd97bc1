//! Stored hashes that are right, and how one is computed.

use std::fmt::Write;

use arbitrary::{Result, Unstructured};
use argon2::{Algorithm, Params, Version};
use aws_lc_rs::digest::{SHA256, SHA512};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::{
    MOST_KIB, MOST_PASSES,
    second_reading::{Argon2, Digest, Hash, Scheme},
};

/// A hash of that password, of any scheme but bcrypt, and of any parameters that
/// take no time.
pub(super) fn hash(input: &mut Unstructured<'_>, password: &str) -> Result<Hash> {
    let parallelism = input.int_in_range(1..=4)?;
    let argon2 = Argon2 {
        is_id: true,
        memory_kib: input.int_in_range(8 * parallelism..=MOST_KIB)?,
        iterations: input.int_in_range(1..=MOST_PASSES)?,
        parallelism,
    };
    let scheme = match input.int_in_range(0..=2)? {
        0 => Scheme::Argon2(argon2),
        1 => Scheme::Argon2(Argon2 {
            is_id: false,
            ..argon2
        }),
        _ => {
            let made = Digest {
                bits: *input.choose(&[256, 512])?,
                salt_first: input.arbitrary()?,
                salt: bytes(input, 0, 64)?,
            };
            Scheme::Wrapped(made, argon2)
        }
    };
    let mut hash = Hash {
        scheme,
        salt: bytes(input, 8, 48)?,
        output: vec![0; input.int_in_range(16..=64)?],
    };
    hash.output = match &hash.scheme {
        Scheme::Wrapped(made, argon2) => compute(*argon2, &digest(made, password), &hash),
        Scheme::Argon2(argon2) => compute(*argon2, password.as_bytes(), &hash),
        Scheme::Bcrypt { .. } => Vec::new(),
    };
    Ok(hash)
}

fn bytes(input: &mut Unstructured<'_>, least: usize, most: usize) -> Result<Vec<u8>> {
    let len = input.int_in_range(least..=most)?;
    (0..len).map(|_| input.arbitrary()).collect()
}

/// The text of it.
pub(super) fn write(hash: &Hash) -> String {
    let mut text = String::new();
    if let Scheme::Wrapped(made, _) = &hash.scheme {
        let order = if made.salt_first {
            "salt-pw"
        } else {
            "pw-salt"
        };
        let salt = STANDARD_NO_PAD.encode(&made.salt);
        write!(
            text,
            "$legacy$alg=sha{},order={order},salt={salt}",
            made.bits
        )
        .unwrap();
    }
    if let Some(argon2) = hash.argon2() {
        write!(
            text,
            "$argon2{}$v=19$m={},t={},p={}${}${}",
            if argon2.is_id { "id" } else { "i" },
            argon2.memory_kib,
            argon2.iterations,
            argon2.parallelism,
            STANDARD_NO_PAD.encode(&hash.salt),
            STANDARD_NO_PAD.encode(&hash.output),
        )
        .unwrap();
    }
    text
}

/// Whether Argon2 makes this hash of that.
pub(super) fn argon2(argon2: Argon2, of: &[u8], hash: &Hash) -> bool {
    compute(argon2, of, hash) == hash.output
}

fn compute(argon2: Argon2, of: &[u8], hash: &Hash) -> Vec<u8> {
    let algorithm = match argon2.is_id {
        true => Algorithm::Argon2id,
        false => Algorithm::Argon2i,
    };
    let mut output = vec![0; hash.output.len()];
    let params = Params::new(
        argon2.memory_kib,
        argon2.iterations,
        argon2.parallelism,
        Some(output.len()),
    );
    argon2::Argon2::new(algorithm, Version::V0x13, params.unwrap())
        .hash_password_into(of, &hash.salt, &mut output)
        .unwrap();
    output
}

/// The digest of another application.
pub(super) fn digest(made: &Digest, password: &str) -> Vec<u8> {
    let salted = match made.salt_first {
        true => [&made.salt, password.as_bytes()].concat(),
        false => [password.as_bytes(), &made.salt].concat(),
    };
    let algorithm = if made.bits == 256 { &SHA256 } else { &SHA512 };
    aws_lc_rs::digest::digest(algorithm, &salted)
        .as_ref()
        .to_vec()
}

/// As those digests are written.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
