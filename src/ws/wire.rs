//! Server frames (RFC 6455, section 5.2: unmasked), and batches of them that
//! are encoded once for all the sockets of a room.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use contract::{ConnectionId, Envelope, Kind};

/// Longest header of a server frame: 2 bytes, and 8 for a 64-bit length.
const MAX_HEADER: usize = 10;

/// The opcodes that a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpCode {
    /// A text message.
    Text = 0x1,
    /// A binary message.
    Binary = 0x2,
    /// Close.
    Close = 0x8,
    /// Ping.
    Ping = 0x9,
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

/// Some messages of a room, as the bytes that every raw socket of it is sent.
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

/// Encodes batches, reusing its memory while nobody holds it.
#[derive(Debug, Default)]
pub struct BatchEncoder {
    buffer: BytesMut,
    ends: Vec<u32>,
    origins: Vec<Option<ConnectionId>>,
}

impl BatchEncoder {
    /// Adds a message in the raw format: its payload is the frame's.
    pub fn push(&mut self, envelope: &Envelope) {
        let message = &envelope.message;
        let opcode = match message.kind {
            Kind::Text | Kind::Json => OpCode::Text,
            Kind::Binary => OpCode::Binary,
        };
        self.buffer.reserve(MAX_HEADER + message.data.len());
        put_frame(&mut self.buffer, opcode, &message.data);
        self.ends.push(self.buffer.len() as u32);
        self.origins.push(message.connection);
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing was added since the last [`Self::finish`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The batch, with the sockets that its messages came from; the encoder
    /// starts anew.
    pub fn finish(&mut self) -> (Batch, Vec<Option<ConnectionId>>) {
        let batch = Batch {
            bytes: self.buffer.split().freeze(),
            ends: self.ends.as_slice().into(),
        };
        self.ends.clear();
        if batch.bytes.len() > KEPT_BYTES {
            self.buffer = BytesMut::new();
        }
        (batch, std::mem::take(&mut self.origins))
    }
}

impl Batch {
    /// The same batch without the messages of one socket; `None` if nothing is left.
    #[must_use]
    pub fn without(&self, origins: &[Option<ConnectionId>], own: ConnectionId) -> Option<Self> {
        let mut bytes = BytesMut::with_capacity(self.bytes.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for (&end, &origin) in self.ends.iter().zip(origins) {
            let end_index = end as usize;
            if origin != Some(own) {
                bytes.put_slice(&self.bytes[start..end_index]);
                ends.push(bytes.len() as u32);
            }
            start = end_index;
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

    use contract::{Message, Timestamp};
    use tungstenite::{WebSocket, protocol::Role};

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

    #[test]
    fn a_batch_without_ones_own_is_the_rest_in_its_order() {
        let (ann, bob) = (ConnectionId(1), ConnectionId(2));
        let mut encoder = BatchEncoder::default();
        for (connection, data) in [(ann, "a"), (bob, "b"), (ann, "c"), (bob, "d")] {
            encoder.push(&Envelope {
                message: Message {
                    from: None,
                    connection: Some(connection),
                    at: Timestamp::UNIX_EPOCH,
                    kind: Kind::Text,
                    data: Bytes::from_static(data.as_bytes()),
                    key: None,
                },
                position: None,
            });
        }
        let (batch, origins) = encoder.finish();
        assert!(encoder.is_empty());
        assert_eq!(&batch.bytes[..], b"\x81\x01a\x81\x01b\x81\x01c\x81\x01d");
        let rest = batch.without(&origins, ann).unwrap();
        assert_eq!(&rest.bytes[..], b"\x81\x01b\x81\x01d");
        assert_eq!(&rest.ends[..], [3, 6]);
        assert!(rest.without(&[Some(bob), Some(bob)], bob).is_none());
    }

    #[test]
    fn a_long_batch_leaves_no_memory_behind() {
        let mut encoder = BatchEncoder::default();
        for len in [256 * 1024, 5] {
            encoder.push(&Envelope {
                message: Message {
                    from: None,
                    connection: None,
                    at: Timestamp::UNIX_EPOCH,
                    kind: Kind::Binary,
                    data: vec![0; len].into(),
                    key: None,
                },
                position: None,
            });
            drop(encoder.finish());
        }
        encoder.buffer.reserve(1);
        assert!(encoder.buffer.capacity() <= KEPT_BYTES);
    }
}
