//! The promises of the service, spoken over HTTP and WebSocket to the
//! production bootstrap on a free port. One binary, so that it links once.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

// {% if page %}What only the page promises.
#[cfg(feature = "page")]
mod page;

// {% endif %}{% if store != "postgres" %}What only a file can be asked.
mod sqlite;

// {% endif %}What every pair of a store and a bus keeps.
mod accounts;
mod asyncapi;
mod backpressure;
mod bad_bodies;
mod boundaries;
mod browsers;
mod canaries;
mod crowds;
#[cfg(feature = "docs")]
mod docs;
mod document;
mod endings;
mod far_bus;
mod floods;
mod frames;
mod gate;
mod gateway;
mod handshakes;
mod http_manners;
mod interleavings;
mod key_files;
mod limits;
mod local_bus;
mod metrics;
mod mint;
mod node;
mod previous_secret;
mod refreshing;
mod remote_keys;
mod roles;
mod rooms;
mod rooms_http;
mod rooms_v1;
mod second_factor;
mod service;
mod sessions;
mod shutdown;
mod socket;
mod stuck_bus;
mod tokens;
#[cfg(feature = "otel")]
mod traces;
