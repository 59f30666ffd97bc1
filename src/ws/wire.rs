//! Server frames (RFC 6455, section 5.2: unmasked), and batches of them that
//! are encoded once for all the sockets of a room.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use contract::{Envelope, Kind, RoomName};

use super::rooms_v1::event;

/// Longest header of a server frame: 2 bytes, and 8 for a 64-bit length.
const MAX_HEADER: usize = 10;

/// The opcodes (RFC 6455, section 5.2). A server sends all but the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpCode {
    /// More of a message in fragments.
    Continuation = 0x0,
    /// A text message.
    Text = 0x1,
    /// A binary message.
    Binary = 0x2,
    /// Close.
    Close = 0x8,
    /// Ping.
    Ping = 0x9,
    /// Pong.
    Pong = 0xA,
}

impl OpCode {
    /// The opcode of that number; `None` for those that mean nothing yet.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether its frames may stand between the fragments of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// One whole frame.
#[must_use]
pub fn frame(opcode: OpCode, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(MAX_HEADER + payload.len());
    put_frame(&mut out, opcode, payload);
    out.freeze()
}

fn put_frame(out: &mut BytesMut, opcode: OpCode, payload: &[u8]) {
    const FIN: u8 = 0x80;
    out.put_u8(FIN | opcode as u8);
    match payload.len() {
        len @ 0..=125 => out.put_u8(len as u8),
        len @ 126..=0xFFFF => {
            out.put_u8(126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(127);
            out.put_u64(len as u64);
        }
    }
    out.put_slice(payload);
}

/// How a socket is told what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A message is a frame, and nothing else.
    Raw,
    /// A message is a JSON object with its room and place (`rooms.v1`).
    RoomsV1,
}

/// Some messages of a room, as the bytes that every socket of one format is sent.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whole frames, one after another.
    pub bytes: Bytes,
    /// Where each frame ends in `bytes`.
    pub ends: Arc<[u32]>,
}

/// Memory that a room keeps for its next batch; after a longer one it is let
/// go, because a room that was loud once may be silent for days.
const KEPT_BYTES: usize = 16 * 1024;

/// Encodes batches in one format, reusing its memory while nobody holds it.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    buffer: BytesMut,
    json: Vec<u8>,
    ends: Vec<u32>,
}

impl Encoder {
    /// An encoder into `format`.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            buffer: BytesMut::new(),
            json: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Messages of a room, each a frame.
    pub fn encode(&mut self, room: &RoomName, envelopes: &[Arc<Envelope>]) -> Batch {
        for envelope in envelopes {
            self.push(room, envelope);
            self.ends.push(self.buffer.len() as u32);
        }
        let batch = Batch {
            bytes: self.buffer.split().freeze(),
            ends: self.ends.as_slice().into(),
        };
        self.ends.clear();
        if batch.bytes.len() > KEPT_BYTES {
            self.buffer = BytesMut::new();
            self.json = Vec::new();
        }
        batch
    }

    fn push(&mut self, room: &RoomName, envelope: &Envelope) {
        let message = &envelope.message;
        match self.format {
            Format::Raw => {
                let opcode = match message.kind {
                    Kind::Text | Kind::Json => OpCode::Text,
                    Kind::Binary => OpCode::Binary,
                };
                self.buffer.reserve(MAX_HEADER + message.data.len());
                put_frame(&mut self.buffer, opcode, &message.data);
            }
            Format::RoomsV1 => {
                self.json.clear();
                event::write_message(room, envelope, &mut self.json);
                self.buffer.reserve(MAX_HEADER + self.json.len());
                put_frame(&mut self.buffer, OpCode::Text, &self.json);
            }
        }
    }
}

impl Batch {
    /// The frames for which `wanted` holds, by their number; `None` if that is
    /// none of them.
    #[must_use]
    pub fn select(&self, wanted: impl Fn(usize) -> bool) -> Option<Self> {
        let mut bytes = BytesMut::with_capacity(self.bytes.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for (i, &end) in self.ends.iter().enumerate() {
            let end = end as usize;
            if wanted(i) {
                bytes.put_slice(&self.bytes[start..end]);
                ends.push(bytes.len() as u32);
            }
            start = end;
        }
        (!ends.is_empty()).then(|| Self {
            bytes: bytes.freeze(),
            ends: ends.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use contract::{Message, RoomName, Timestamp};
    use tokio_tungstenite::tungstenite::{self, WebSocket, protocol::Role};

    use super::*;

    /// What the library sends for the same message.
    fn theirs(message: tungstenite::Message) -> Vec<u8> {
        let mut socket = WebSocket::from_raw_socket(Cursor::default(), Role::Server, None);
        socket.send(message).unwrap();
        socket.into_inner().into_inner()
    }

    #[test]
    fn frames_are_what_the_library_sends() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let text = "x".repeat(len);
            assert_eq!(
                frame(OpCode::Text, text.as_bytes()),
                theirs(text.as_str().into()),
                "{len}"
            );
            let binary = tungstenite::Message::binary(text.clone());
            assert_eq!(
                frame(OpCode::Binary, text.as_bytes()),
                theirs(binary),
                "{len}"
            );
        }
        assert_eq!(
            frame(OpCode::Ping, b"x"),
            theirs(tungstenite::Message::Ping("x".into()))
        );
    }

    fn text(data: &str) -> Arc<Envelope> {
        Arc::new(Envelope {
            message: Message {
                from: None,
                connection: None,
                at: Timestamp::UNIX_EPOCH,
                kind: Kind::Text,
                data: Bytes::copy_from_slice(data.as_bytes()),
                key: None,
            },
            position: None,
        })
    }

    #[test]
    fn a_part_of_a_batch_is_the_rest_in_its_order() {
        let room = RoomName::parse("lobby").unwrap();
        let batch = Encoder::new(Format::Raw).encode(&room, &["a", "b", "c", "d"].map(text));
        assert_eq!(&batch.bytes[..], b"\x81\x01a\x81\x01b\x81\x01c\x81\x01d");
        let rest = batch.select(|i| i % 2 == 1).unwrap();
        assert_eq!(&rest.bytes[..], b"\x81\x01b\x81\x01d");
        assert_eq!(&rest.ends[..], [3, 6]);
        assert!(batch.select(|_| false).is_none());
    }

    #[test]
    fn a_long_batch_leaves_no_memory_behind() {
        let room = RoomName::parse("lobby").unwrap();
        for format in [Format::Raw, Format::RoomsV1] {
            let mut encoder = Encoder::new(format);
            for len in [256 * 1024, 5] {
                drop(encoder.encode(&room, &[text(&"x".repeat(len))]));
            }
            encoder.buffer.reserve(1);
            assert!(encoder.buffer.capacity() + encoder.json.capacity() <= KEPT_BYTES);
        }
    }
}
