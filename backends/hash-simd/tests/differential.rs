//! Every implementation that this machine has, against `argon2`.
#![allow(
    clippy::expect_used,
    reason = "what a test calls fails as the test does"
)]

use argon2::{Algorithm, Argon2, Version};
use hash_simd::{Block, Hasher, Implementation, Job, Params, Unavailable};

/// What a hash depends on.
#[derive(Debug, Clone)]
struct Case {
    params: (u32, u32, u32),
    password: Vec<u8>,
    salt: Vec<u8>,
    secret: Vec<u8>,
    associated_data: Vec<u8>,
    output: usize,
}

impl Case {
    fn new(params: (u32, u32, u32)) -> Self {
        Self {
            params,
            password: b"correct horse".to_vec(),
            salt: vec![7; 16],
            secret: Vec::new(),
            associated_data: Vec::new(),
            output: 32,
        }
    }

    fn params(&self) -> Params {
        let (memory, passes, lanes) = self.params;
        Params::new(memory, passes, lanes).expect("the parameters of a case are within bounds")
    }

    fn by_argon2(&self) -> Vec<u8> {
        let (memory, passes, lanes) = self.params;
        let mut params = argon2::ParamsBuilder::new();
        params
            .m_cost(memory)
            .t_cost(passes)
            .p_cost(lanes)
            .output_len(self.output)
            .data(argon2::AssociatedData::new(&self.associated_data).expect("it is short"));
        let params = params.build().expect("argon2 takes these parameters");
        let argon2 =
            Argon2::new_with_secret(&self.secret, Algorithm::Argon2id, Version::V0x13, params)
                .expect("argon2 takes this secret");
        let mut output = vec![0; self.output];
        argon2
            .hash_password_into(&self.password, &self.salt, &mut output)
            .expect("argon2 hashes this");
        output
    }
}

/// What `hasher` makes of `cases`, all at once, in memory that has something
/// in it and in more of it than is needed.
fn by(hasher: Hasher, cases: &[Case]) -> Vec<Vec<u8>> {
    let mut memories: Vec<_> = cases
        .iter()
        .map(|case| vec![garbage(); case.params().blocks() + 3])
        .collect();
    let mut outputs: Vec<_> = cases.iter().map(|case| vec![0; case.output]).collect();
    let mut jobs: Vec<_> = cases
        .iter()
        .zip(&mut memories)
        .zip(&mut outputs)
        .map(|((case, memory), output)| Job {
            password: &case.password,
            salt: &case.salt,
            secret: &case.secret,
            associated_data: &case.associated_data,
            params: case.params(),
            output,
            memory,
        })
        .collect();
    hasher
        .hash_many(&mut jobs)
        .expect("the cases can be hashed");
    outputs
}

/// A block that another hash has left.
fn garbage() -> Block {
    let params = Params::new(8, 1, 1).expect("the least of all parameters");
    let mut memory = vec![Block::new(); params.blocks()];
    let job = Job {
        password: b"before",
        salt: &[1; 8],
        secret: &[],
        associated_data: &[],
        params,
        output: &mut [0; 4],
        memory: &mut memory,
    };
    let hasher = Hasher::with(Implementation::Portable).expect("every machine has it");
    hasher.hash(job).expect("the least of all hashes");
    memory.swap_remove(5)
}

/// All implementations that this machine has; plain Rust always.
fn hashers() -> impl Iterator<Item = Hasher> {
    Implementation::ALL
        .into_iter()
        .filter(|implementation| implementation.is_available())
        .map(|implementation| Hasher::with(implementation).expect("it passes its self-test"))
}

/// Each case alone, and all of them in turns.
#[track_caller]
fn agree(cases: &[Case]) {
    let expected: Vec<_> = cases.iter().map(Case::by_argon2).collect();
    for hasher in hashers() {
        let implementation = hasher.implementation();
        for (case, expected) in cases.iter().zip(&expected) {
            let alone = by(hasher, std::slice::from_ref(case));
            assert_eq!(&alone[0], expected, "{implementation:?}, {case:?}");
        }
        let together = by(hasher, cases);
        assert_eq!(together, expected, "{implementation:?}, in turns");
    }
}

#[test]
fn any_memory_any_passes_and_any_lanes() {
    for lanes in 1..=4 {
        let mut cases = Vec::new();
        // Segments of 2 blocks, of not quite 128, of 128 and more, and memory
        // that the lanes leave a rest of.
        for memory in [8, 9, 15, 16, 31, 64, 127, 509, 512, 513, 1030, 2600] {
            for passes in [1, 2, 3, 5] {
                cases.push(Case::new((memory * lanes, passes, lanes)));
            }
        }
        agree(&cases);
    }
}

#[test]
fn memory_beyond_the_caches() {
    agree(&[
        Case::new((8 * 1024, 2, 1)),
        Case::new((6 * 1024 + 5, 1, 3)),
        Case::new((3 * 1024, 4, 2)),
    ]);
}

#[test]
fn any_length_of_output() {
    let lengths = (4..=128).chain([160, 191, 192, 193, 255, 256, 512, 1024, 1025]);
    let cases: Vec<_> = lengths
        .map(|output| Case {
            output,
            ..Case::new((8, 1, 1))
        })
        .collect();
    agree(&cases);
}

#[test]
fn any_length_of_password_and_salt() {
    let mut cases = Vec::new();
    for length in [0, 1, 8, 63, 64, 127, 128, 129, 1024, 16 * 1024] {
        for salt in [8, 15, 16, 48, 64] {
            cases.push(Case {
                password: (0..length).map(|byte| (byte % 253) as u8).collect(),
                salt: vec![salt as u8; salt],
                ..Case::new((16, 2, 1))
            });
        }
    }
    agree(&cases);
}

#[test]
fn secrets_and_associated_data() {
    let mut cases = Vec::new();
    for secret in [0, 1, 8, 32] {
        for associated_data in [0, 1, 12, 32] {
            cases.push(Case {
                secret: vec![3; secret],
                associated_data: vec![4; associated_data],
                ..Case::new((32, 2, 2))
            });
        }
    }
    agree(&cases);
}

#[test]
fn hashes_of_the_same_cost_in_turns() {
    for width in 1..=8 {
        let cases: Vec<_> = (0..width)
            .map(|number| Case {
                password: vec![number; 12],
                ..Case::new((300, 3, 1))
            })
            .collect();
        agree(&cases);
    }
}

#[test]
fn the_vector_of_rfc_9106() {
    let case = Case {
        password: vec![1; 32],
        salt: vec![2; 16],
        secret: vec![3; 8],
        associated_data: vec![4; 12],
        ..Case::new((32, 3, 4))
    };
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    for hasher in hashers() {
        let hash = by(hasher, std::slice::from_ref(&case)).swap_remove(0);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected, "{:?}", hasher.implementation());
    }
}

#[test]
fn plain_rust_is_always_there_and_never_detected() {
    let all: Vec<_> = hashers().map(Hasher::implementation).collect();
    assert_eq!(all.last(), Some(&Implementation::Portable));
    let detected = Hasher::detect().map(Hasher::implementation);
    match all[0] {
        Implementation::Portable => assert_eq!(detected, Err(Unavailable::Missing)),
        fastest => assert_eq!(detected, Ok(fastest)),
    }
}
