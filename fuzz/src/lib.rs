//! What is done with an input of each target, and what must hold whatever it
//! is. The fuzzers call it with inputs that they make up, `tests/corpus.rs` of
//! the service with those that are kept.
//!
//! | file | what it holds |
//! |---|---|
//! | [`envelopes`] | what comes over the bus, from whoever speaks there |
//! | [`forwarded`] | whose address a request has, beside a second reading of the rule |
//! | [`frames`] | client frames, beside a second reading of RFC 6455 |
//! | [`handshake`] | the opening handshake, beside a second reading of RFC 6455 |
//! | [`payload`] | what people say, commands and positions: there and back |
//! | [`roster`] | who is in a room, on nodes that hear each other badly |
//! | [`session`] | the sessions of sockets, against what their client is told |
//! | [`stored_passwords`] | stored hashes of all schemes, beside a second reading |
//! | [`tokens`] | access and refresh tokens, beside a second reading of RFC 9068 |
//! | [`waiting`] | waiting for a future |
//! | [`events`] | what the service says, read as strictly as a client may |

pub mod envelopes;
pub mod events;
pub mod forwarded;
pub mod frames;
pub mod handshake;
pub mod payload;
pub mod roster;
pub mod session;
pub mod stored_passwords;
pub mod tokens;
pub mod waiting;

/// What an input is given to.
pub type Target = fn(&[u8]);

/// All of them, by the name of their corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("envelopes", envelopes::run),
    ("forwarded", forwarded::run),
    ("frames", frames::run),
    ("handshake", handshake::run),
    ("payload", payload::run),
    ("roster", roster::run),
    ("session", session::run),
    ("stored_passwords", stored_passwords::run),
    ("tokens", tokens::run),
];
