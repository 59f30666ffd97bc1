//! The service: accounts that sign in, and rooms in which sockets hear each
//! other.
//!
//! | room | what it holds |
//! |---|---|
//! | [`config`] | what can be set, where it comes from, what is refused |
//! | [`wiring`] | the backends that the configuration chose |
//! | [`server`] | puts it all together; serves, drains |
//! | `door` | lets connections in and serves HTTP/1.1 on them |
//! | [`connection`] | a TCP connection that is closed when it stays without a request |
//! | [`assembly`], [`node_keys`] | the parts and the keys that a node's roles need |
//! | `housekeeping` | removes what no longer matters |
//! | [`readiness`] | whether requests should still come here |
//! | [`app`] | what everything that serves accounts shares |
//! | [`router`] | all routes, and the OpenAPI document, from the same lists |
//! | [`operations`] | a list of routes, and what describes them |
//! | [`http`] | the HTTP API |
//! | [`ws`] | the gateway: sockets and the rooms they sit in |
//! | [`audit`] | what happened that matters to security: a log line, a row |
//! | [`accounts`] | the use cases; passwords, tokens, sessions |
//! | [`rooms`] | the use cases of rooms that people manage |
//! | [`presence`] | who is in a room, on all nodes together |
//! | [`news`] | what nodes tell each other about sessions and memberships |
//! | [`remote_keys`] | the public keys of other nodes, fetched and kept fresh |
//! | [`control`] | what happened on any node holds on this one |
//! | [`clock`] | what time it is |
//! | [`limits`] | how often one address may ask, and one user |
//! | [`problem`] | one API error → `application/problem+json` |
//! | [`request_id`] | what a request is called, everywhere |
//! | [`telemetry`] | logs, metrics and traces |
//!
//! Arrows, and no others: `server → door, router → http | ws → rooms → accounts → news, audit → contract`;
//! `server → wiring → backends → contract`; `accounts → hash-simd`;
//! `server → remote_keys → accounts`; `http | ws | accounts → limits`; whatever counts,
//! or takes time for a request → `telemetry`. `http` and `ws` know nothing of
//! each other, no backend knows anything but the contract.

pub mod accounts;
pub mod app;
pub mod assembly;
pub mod audit;
pub mod clock;
pub mod config;
pub mod connection;
pub mod control;
mod door;
mod housekeeping;
pub mod http;
pub mod limits;
pub mod news;
pub mod node_keys;
pub mod operations;
pub mod presence;
pub mod problem;
pub mod readiness;
pub mod remote_keys;
pub mod request_id;
pub mod rooms;
pub mod router;
pub mod server;
pub mod telemetry;
pub mod wiring;
pub mod ws;
