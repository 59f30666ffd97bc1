//! Known answers, before an implementation is trusted with a password.

use crate::{block::Block, hasher::Hasher, job::Job, params::Params};

/// The test vector of RFC 9106, section 5.3: a secret, associated data, four
/// lanes and three passes. Its parameters reach every kind of block.
pub(crate) const RFC_9106: [u8; 32] = [
    0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9,
    0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
];

/// Whether `hasher` computes what RFC 9106 says: alone, and of several in turns.
pub(crate) fn passes(hasher: Hasher) -> bool {
    let Ok(params) = Params::new(32, 3, 4) else {
        return false;
    };
    let mut memory = vec![Block::new(); 3 * params.blocks()];
    let mut outputs = [[0; 32]; 3];
    let mut jobs: Vec<_> = memory
        .chunks_exact_mut(params.blocks())
        .zip(&mut outputs)
        .map(|(memory, output)| Job {
            password: &[1; 32],
            salt: &[2; 16],
            secret: &[3; 8],
            associated_data: &[4; 12],
            params,
            output,
            memory,
        })
        .collect();
    let Some((alone, together)) = jobs.split_first_mut() else {
        return false;
    };
    hasher.hash_many(std::slice::from_mut(alone)).is_ok()
        && hasher.hash_many(together).is_ok()
        && outputs == [RFC_9106; 3]
}
