//! What a socket's peer may do and when the service acts by itself: decisions
//! without sockets or clocks, so that each can be tested by itself. That of
//! `rooms.v1` is in [`rooms_v1::session`](super::rooms_v1::session).
//!
//! | file | what it holds |
//! |---|---|
//! | [`pulse`] | whether the peer is there, and sends no faster than it may |
//! | [`raw`] | a socket in raw mode |

pub mod pulse;
pub mod raw;

use bytes::Bytes;
use contract::Kind;

pub use self::pulse::{Beat, Pulse, SessionLimits};

/// A frame of the peer's.
#[derive(Debug)]
pub enum Frame {
    /// A whole message.
    Message {
        /// Text or binary.
        kind: Kind,
        /// The payload.
        data: Bytes,
    },
    /// A ping or pong.
    Control,
}
