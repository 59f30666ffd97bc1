//! The promises of the binary: what an operator sees, and what survives.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

// {% if page %}The page.
#[cfg(feature = "page")]
mod page;

// {% endif %}{% if store != "postgres" %}What a file may have to say.
mod full_disk;
mod sqlite;

// {% endif %}{% if store != "sqlite" %}What a database may have to say.
mod postgres;

// {% endif %}{% if bus != "memory" %}What servers of the bus may have to say.
mod nats;

// {% endif %}{% if store != "postgres" and bus != "nats" %}What needs nothing.
mod from_nothing;

// {% endif %}Whatever it runs on.
mod audit;
mod disable;
mod durability;
mod first_minute;
mod hash_kernels;
mod healthcheck;
mod imports;
mod keys;
mod legacy_users;
#[allow(dead_code, reason = "each pair of a store and a bus uses a part of it")]
mod process;
mod refusals;
mod request_ids;
mod secrets;
mod signals;
mod storm;
mod users;

#[cfg(feature = "otel")]
#[path = "../api/traces/collector.rs"]
#[allow(dead_code, reason = "the tests of the API use another part of it")]
mod collector;
#[cfg(feature = "otel")]
mod traces;
