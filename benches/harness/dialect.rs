//! What the sockets of a server speak.

use serde::{Deserialize, Serialize};

use super::{rooms_v1, socket_io, websocket};

/// How a message is wrapped.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Dialect {
    /// Not at all; the room is in the path.
    RawInPath,
    /// Not at all; the room is in the token.
    Raw,
    /// `rooms.v1`.
    RoomsV1,
    /// Socket.IO.
    SocketIo,
}

impl Dialect {
    /// Where to connect for a room.
    pub(crate) fn path(self, room: &str) -> String {
        match self {
            Self::RawInPath => format!("/ws/{room}"),
            Self::Raw | Self::RoomsV1 => "/ws".to_owned(),
            Self::SocketIo => socket_io::PATH.to_owned(),
        }
    }

    /// What is offered before `bearer`.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::RoomsV1 => rooms_v1::PROTOCOL,
            _ => "",
        }
    }

    /// What is said right after the handshake.
    pub(crate) fn greeting(self, room: &str) -> Option<Vec<u8>> {
        (self == Self::SocketIo).then(|| socket_io::connect(room))
    }

    /// Appends the frame that says a payload in a room.
    pub(crate) fn append(self, room: &str, payload: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::RawInPath | Self::Raw => websocket::append_masked(websocket::TEXT, payload, out),
            Self::RoomsV1 => {
                let command = rooms_v1::publish(room, payload);
                websocket::append_masked(websocket::TEXT, &command, out);
            }
            Self::SocketIo => {
                let event = socket_io::publish(payload);
                websocket::append_masked(websocket::TEXT, &event, out);
            }
        }
    }

    /// The payload of `length` bytes in a text; `None` if it is something else.
    pub(crate) fn payload(self, text: &[u8], length: usize) -> Option<&[u8]> {
        match self {
            Self::RawInPath | Self::Raw => Some(text),
            Self::RoomsV1 => rooms_v1::data(text, length),
            Self::SocketIo => socket_io::data(text),
        }
    }

    /// What a text wants to be answered, apart from pings of WebSocket.
    pub(crate) fn answer(self, text: &[u8]) -> Option<&'static [u8]> {
        (self == Self::SocketIo && text == socket_io::PING).then_some(socket_io::PONG)
    }
}
