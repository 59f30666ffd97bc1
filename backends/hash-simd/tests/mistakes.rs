//! What is refused, before anything is written.
#![allow(
    clippy::expect_used,
    reason = "what a test calls fails as the test does"
)]

use hash_simd::{Block, Error, Hasher, Implementation, Job, Params};

const PARAMS: (u32, u32, u32) = (16, 1, 2);

/// What comes of a hash with a salt, an output and a memory of such lengths,
/// after one that is right; and the output of that one.
fn outcome(salt: usize, output: usize, memory: usize) -> (Result<(), Error>, [u8; 8]) {
    let params = Params::new(PARAMS.0, PARAMS.1, PARAMS.2).expect("they are within bounds");
    let (salt, mut output, mut memory) =
        (vec![1; salt], vec![0; output], vec![Block::new(); memory]);
    let mut right = vec![Block::new(); params.blocks()];
    let mut right_output = [0; 8];
    let hasher = Hasher::with(Implementation::Portable).expect("every machine has it");
    let job = |salt, output, memory| Job {
        password: b"password",
        salt,
        secret: &[],
        associated_data: &[],
        params,
        output,
        memory,
    };
    let outcome = hasher.hash_many(&mut [
        job(&[1; 8], &mut right_output, &mut right),
        job(&salt, &mut output, &mut memory),
    ]);
    (outcome, right_output)
}

#[test]
fn a_short_salt_a_short_output_and_too_little_memory() {
    assert_eq!(outcome(7, 4, 16), (Err(Error::Salt), [0; 8]));
    assert_eq!(outcome(8, 3, 16), (Err(Error::Output), [0; 8]));
    assert_eq!(outcome(8, 4, 15), (Err(Error::Memory), [0; 8]));
    let (right, output) = outcome(8, 4, 16);
    assert_eq!(right, Ok(()));
    assert_ne!(output, [0; 8]);
}

#[test]
fn costs_that_no_hash_has() {
    for (memory, passes, lanes) in [
        (7, 1, 1),
        (8, 0, 1),
        (8, 1, 0),
        (15, 1, 2),
        (0, 1, 1),
        (u32::MAX, 1, 1 << 24),
    ] {
        let params = Params::new(memory, passes, lanes);
        assert_eq!(params, Err(Error::Params), "{memory} {passes} {lanes}");
    }
    let least = Params::new(8, 1, 1).expect("the least of all parameters");
    assert_eq!((least.blocks(), least.bytes()), (8, 8 * 1024));
    // The lanes leave a rest of three blocks.
    let rest = Params::new(35, 1, 4).expect("they are within bounds");
    assert_eq!(rest.blocks(), 32);
}

#[test]
fn no_job_is_no_work() {
    let hasher = Hasher::with(Implementation::Portable).expect("every machine has it");
    assert_eq!(hasher.hash_many(&mut []), Ok(()));
}

#[test]
fn a_job_does_not_show_what_is_secret() {
    let job = Job {
        password: b"open sesame",
        salt: b"salt and pepper",
        secret: b"a secret",
        associated_data: b"data",
        params: Params::new(8, 1, 1).expect("the least of all parameters"),
        output: &mut [3; 4],
        memory: &mut [],
    };
    let shown = format!("{job:?}");
    assert_eq!(
        shown,
        "Job { params: Params { memory_kib: 8, iterations: 1, parallelism: 1 }, .. }"
    );
}
