//! The promises of the binary: what an operator sees, and what survives.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod disable;
mod durability;
mod first_minute;
mod healthcheck;
mod process;
mod refusals;
mod secrets;
mod signals;
mod storm;
