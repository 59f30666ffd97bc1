//! Argon2id (RFC 9106, version 0x13) at the memory's limit.
//!
//! | file | what it holds |
//! |---|---|
//! | `hasher` | [`Hasher`]: an implementation that has passed its self-test |
//! | `job` | [`Job`]: one hash that is to be computed |
//! | `params` | [`Params`]: how much work it is |
//! | `block` | [`Block`]: 1 KiB of memory, and the order of its words |
//! | `fill` | filling the memory, of several hashes in turns |
//! | `addresses` | which block is next, and which older one goes into it |
//! | `kernel` | the compression function, by the instructions of a machine |
//! | `blake2b` | what is done with BLAKE2b, by the crate `blake2` |
//! | `self_test` | known answers |
//!
//! A hash waits for memory more than for anything else: after the first half of
//! the first pass, which block is wanted shows only when the last one is
//! computed. So a block's first words are computed first, what they choose is
//! asked for at once, and while it is on its way another hash is computed.
//! Three and more at a time are slower again: their memory displaces each
//! other's from the caches.
//!
//! Why not a crate that exists (48 MiB, 3 passes, one lane, on an EPYC with
//! AVX-512; time of a hash as a part of what `argon2` takes in memory that is
//! used again, in huge pages; this crate in another run than the others, with
//! `argon2` in both):
//!
//! | crate | time | |
//! |---|---|---|
//! | `argon2` 0.6 | 1.00 | its AVX2 is what the compiler makes of plain Rust |
//! | `argon2-rust` 1.1 | 0.54 | AVX-512 by hand, one hash at a time, in its own memory, which is not the caller's to bound or wipe; young, 26,000 lines, not reviewed |
//! | `rust-argon2` 3.0 | 2.4 | plain Rust |
//! | this one | 0.37 | AVX-512, two at once; alone 0.43; AVX2, two at once 0.48; plain Rust 1.8 |
//! | `argon2-kdf`, `argonautica` | not measured | the reference's C, one hash at a time |
//!
//! The code is safe but for `kernel`. A kernel can be had on a machine with its
//! instructions alone, and everything that a block is read from or written to
//! is checked for its bounds.

mod addresses;
mod blake2b;
mod block;
mod error;
mod fill;
mod hasher;
mod job;
mod kernel;
mod params;
mod self_test;

pub use block::Block;
pub use error::{Error, Unavailable};
pub use hasher::{Hasher, Implementation};
pub use job::Job;
pub use params::Params;
