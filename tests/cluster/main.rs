//! The promises of a cluster, kept by real processes on real servers: what
//! goes from node to node, and what is left when a part of it dies.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod endings;
mod killed_nats;
mod killed_nodes;
mod killed_postgres;
mod memberships;
mod node;
mod partitions;
#[path = "../process/process.rs"]
// Each binary uses a part of it.
#[allow(dead_code)]
mod process;
mod rooms;
mod rooms_v1;
mod socket;
