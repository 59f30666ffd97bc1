//! Argon2id (RFC 9106, version 0x13) at the memory's limit.

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
