//! What tests start: a store and a bus of their own; and real servers, private
//! processes on free ports of the loopback interface, in folders that go with
//! them.
//!
//! A server that isn't installed is a failure that says how to install it.

// What goes wrong here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

// {% if bus != "memory" %}A NATS server, or a cluster of them.
pub mod nats;
pub use nats::{Nats, NatsCluster};

// {% endif %}{% if store != "sqlite" %}A PostgreSQL server, databases on it, and certificates.
mod authority;
pub mod postgres;
pub use postgres::{Database, Postgres};

// {% endif %}{% if store != "postgres" %}A database file.
mod sqlite;

// {% endif %}{% if store != "sqlite" or bus != "memory" %}A server that ends with whoever started it, or none at all.
mod closed_port;
mod process;
pub use closed_port::ClosedPort;

// {% endif %}A network between a client and a server, and where a test happens.
mod place;
mod proxy;
pub use place::{Place, keeps_history};
pub use proxy::Proxy;
