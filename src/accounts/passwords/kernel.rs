//! What computes a hash: `argon2`, or `hash-simd` where the setting says so.

use std::slice;

use argon2::Algorithm;
use zeroize::Zeroizing;

use super::{arena::Arena, permit::HashError, phc::Cost, settings::KernelChoice};

/// What a hash is made of.
pub(super) struct Input<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) cost: Cost,
    pub(super) password: &'a [u8],
    pub(super) salt: &'a [u8],
    /// Bytes of the hash.
    pub(super) output_len: usize,
}

/// A hash; wiped when it is dropped.
pub(super) type Output = Zeroizing<Vec<u8>>;

/// What computes hashes. All compute the same ones.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
    Argon2,
    Simd(hash_simd::Hasher),
}

impl Kernel {
    /// What was chosen; where this machine has no instructions for that, or it
    /// computes anything but what it should, `argon2`.
    pub(super) fn new(choice: KernelChoice) -> Self {
        if choice == KernelChoice::Argon2 {
            return Self::Argon2;
        }
        match hash_simd::Hasher::detect() {
            Ok(hasher) => {
                let instructions = hasher.implementation();
                tracing::info!(?instructions, "passwords are hashed by vector instructions");
                Self::Simd(hasher)
            }
            Err(error) => {
                tracing::warn!(%error, "passwords are hashed by argon2 all the same");
                Self::Argon2
            }
        }
    }

    /// How many hashes it computes together on one thread, each in an arena of
    /// its own.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Argon2 => 1,
            Self::Simd(_) => hash_simd::Hasher::WIDTH,
        }
    }

    /// Computes a hash for each of `inputs`, which are as many as `arenas` at
    /// most. Hashes of more than an arena's regular memory are computed one
    /// after the other: together they would take several times what such a
    /// stored hash may take.
    pub(super) fn derive(
        self,
        inputs: &[Input<'_>],
        arenas: &mut [Arena],
    ) -> Vec<Result<Output, HashError>> {
        let is_simple = |input: &Input<'_>| input.algorithm == Algorithm::Argon2id;
        if let Self::Simd(hasher) = self
            && inputs.iter().all(is_simple)
        {
            let regular = arenas.first().map_or(0, Arena::regular_bytes);
            let groups: Vec<&[Input<'_>]> = if inputs.iter().all(|i| i.cost.bytes() <= regular) {
                vec![inputs]
            } else {
                inputs.iter().map(slice::from_ref).collect()
            };
            let hashed: Option<Vec<_>> = groups
                .into_iter()
                .map(|group| by_simd(hasher, group, arenas))
                .collect();
            if let Some(hashed) = hashed {
                return hashed.into_iter().flatten().map(Ok).collect();
            }
        }
        let Some(arena) = arenas.first_mut() else {
            return Vec::new();
        };
        inputs.iter().map(|input| by_argon2(input, arena)).collect()
    }
}

/// `None` if there is no memory for all of them, or it does not take one.
fn by_simd(
    hasher: hash_simd::Hasher,
    inputs: &[Input<'_>],
    arenas: &mut [Arena],
) -> Option<Vec<Output>> {
    let mut outputs: Vec<_> = inputs.iter().map(Input::output).collect();
    let mut jobs = Vec::with_capacity(inputs.len());
    for ((input, output), arena) in inputs.iter().zip(&mut outputs).zip(&mut *arenas) {
        let params = input.cost.simd_params().ok()?;
        jobs.push(hash_simd::Job {
            password: input.password,
            salt: input.salt,
            secret: &[],
            associated_data: &[],
            params,
            output: output.as_mut_slice(),
            memory: arena.blocks(params.blocks()).ok()?,
        });
    }
    hasher.hash_many(&mut jobs).ok()?;
    Some(outputs)
}

fn by_argon2(input: &Input<'_>, arena: &mut Arena) -> Result<Output, HashError> {
    let params = input.cost.params(input.output_len)?;
    let blocks: &mut [argon2::Block] = arena
        .blocks(params.block_count())
        .map_err(HashError::Memory)?;
    let mut output = input.output();
    argon2::Argon2::new(input.algorithm, argon2::Version::V0x13, params)
        .hash_password_into_with_memory(input.password, input.salt, &mut output, blocks)?;
    Ok(output)
}

impl Input<'_> {
    /// Room for the hash.
    fn output(&self) -> Output {
        Zeroizing::new(vec![0; self.output_len])
    }
}
