//! Real servers for tests and benchmarks: private processes on free ports of
//! the loopback interface, in folders that go with them.
//!
//! | file | what it holds |
//! |---|---|
//! | [`postgres`] | a PostgreSQL server, and databases on it |
//! | [`nats`] | a NATS server, or a cluster of them |
//! | [`proxy`] | a network that can be slow, or cut |
//! | `authority` | certificates for a server with TLS |
//! | `process` | a server that ends with whoever started it |
//!
//! `TEST_POSTGRES_URL` and `TEST_NATS_URL` name servers to use in place of
//! private ones, where a test doesn't have to kill them. A server that isn't
//! installed is a failure that says how to install it.

// What goes wrong here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod authority;
pub mod nats;
pub mod postgres;
mod process;
pub mod proxy;

pub use nats::{Nats, NatsCluster};
pub use postgres::{Database, Postgres};
pub use proxy::Proxy;
