//! `rooms.v1`: many rooms on one socket, in JSON objects of a known `type`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`command`] | what a client says |
//! | [`event`] | what the service says |
//! | [`error_code`] | what can go wrong: the table of codes |
//! | [`session`] | what a client may do, and when the service acts by itself: bytes in, actions out |
//! | [`seats`] | the rooms that a session sits in, and until when |

pub mod command;
pub mod error_code;
pub mod event;
pub mod seats;
pub mod session;

/// The subprotocol, as it is offered and chosen (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "rooms.v1";

/// Most rooms that one socket may sit in.
pub const MAX_ROOMS: usize = 100;

/// After so many mistakes in a row the socket is closed.
pub const MAX_ERRORS_IN_A_ROW: u32 = 10;

/// Longest `id` of a command, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// Longest `key` of a message, in bytes.
pub const MAX_KEY_BYTES: usize = 64;
