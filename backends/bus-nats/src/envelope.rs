//! A message as bytes, and back: what others that speak into the same rooms have
//! to write.
//!
//! | bytes | what they hold |
//! |---|---|
//! | 1 | the format: 1 |
//! | 1 | flags: 1 text, 2 has a sender, 4 has a connection, 8 JSON (and text, to those who don't know it) |
//! | 8 | when the service took it: milliseconds since 1970, big-endian |
//! | 16 | the sender, if it has one |
//! | 8 | the connection, if it has one, big-endian |
//! | rest | the payload |
//!
//! A message's key is not among them: it is the id under which it is stored.
//!
//! Not NATS headers: they would be parsed as text for every listener.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use contract::{ConnectionId, Kind, Message, Timestamp, UserId};
use uuid::Uuid;

const FORMAT: u8 = 1;
const TEXT: u8 = 1;
const HAS_SENDER: u8 = 2;
const HAS_CONNECTION: u8 = 4;
const JSON: u8 = 8;
/// The longest that comes before a payload.
const MAX_HEAD: usize = 2 + 8 + 16 + 8;

/// The largest payload that is copied out of what came from the network. A
/// smaller part of a read buffer of 64 KiB keeps all of it in memory, for as
/// long as a listener has not taken the message: a hundred that wait would be
/// some 6 MB.
const COPIED: usize = 4 * 1024;

/// Why bytes are no message. Says nothing of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Of a format that a newer version writes, perhaps.
    #[error("format {0} is not known to this version")]
    Format(u8),
    /// Less than its flags say.
    #[error("cut short")]
    Short,
    /// Before or after all times that there are.
    #[error("not a time")]
    Time,
    /// Text, or JSON, that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
}

/// Writes a message, all but its key; 34 bytes more than its payload at most.
#[must_use]
pub fn encode(message: &Message) -> Bytes {
    let mut bytes = BytesMut::with_capacity(MAX_HEAD + message.data.len());
    let mut flags = match message.kind {
        Kind::Text => TEXT,
        Kind::Json => TEXT | JSON,
        Kind::Binary => 0,
    };
    if message.from.is_some() {
        flags |= HAS_SENDER;
    }
    if message.connection.is_some() {
        flags |= HAS_CONNECTION;
    }
    bytes.put_u8(FORMAT);
    bytes.put_u8(flags);
    bytes.put_i64(message.at.as_millisecond());
    if let Some(UserId(from)) = message.from {
        bytes.put_slice(from.as_bytes());
    }
    if let Some(ConnectionId(connection)) = message.connection {
        bytes.put_u64(connection);
    }
    bytes.put_slice(&message.data);
    bytes.freeze()
}

/// Reads a message. What comes of it shares the memory of `bytes`.
///
/// # Errors
/// [`EnvelopeError`]
pub fn decode(mut bytes: Bytes) -> Result<Message, EnvelopeError> {
    let short = |_| EnvelopeError::Short;
    let format = bytes.try_get_u8().map_err(short)?;
    if format != FORMAT {
        return Err(EnvelopeError::Format(format));
    }
    let flags = bytes.try_get_u8().map_err(short)?;
    let at = bytes.try_get_i64().map_err(short)?;
    let at = Timestamp::from_millisecond(at).map_err(|_| EnvelopeError::Time)?;
    let from = if flags & HAS_SENDER == 0 {
        None
    } else {
        let id = bytes.try_get_u128().map_err(short)?;
        Some(UserId(Uuid::from_u128(id)))
    };
    let connection = if flags & HAS_CONNECTION == 0 {
        None
    } else {
        Some(ConnectionId(bytes.try_get_u64().map_err(short)?))
    };
    let kind = match flags & (TEXT | JSON) {
        0 => Kind::Binary,
        TEXT => Kind::Text,
        _ => Kind::Json,
    };
    if kind != Kind::Binary {
        // Sockets pass text on as it is, and a peer may rely on it.
        std::str::from_utf8(&bytes).map_err(|_| EnvelopeError::Utf8)?;
    }
    let data = if bytes.len() <= COPIED {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes
    };
    Ok(Message {
        from,
        connection,
        at,
        kind,
        data,
        key: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_message_keeps_nothing_else_in_memory() {
        let message = Message {
            from: None,
            connection: None,
            at: Timestamp::UNIX_EPOCH,
            kind: Kind::Text,
            data: Bytes::from_static(b"hello"),
            key: None,
        };
        let read = encode(&message);
        let decoded = decode(read.clone()).unwrap();
        assert!(read.is_unique());
        assert_eq!(decoded.data, message.data);
    }

    #[test]
    fn json_is_text_to_a_version_that_does_not_know_it() {
        let message = Message {
            from: None,
            connection: None,
            at: Timestamp::UNIX_EPOCH,
            kind: Kind::Json,
            data: Bytes::from_static(b"[1]"),
            key: None,
        };
        let bytes = encode(&message);
        assert_eq!(bytes[1] & TEXT, TEXT);
        assert_eq!(decode(bytes), Ok(message));
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        let message = Message {
            from: Some(UserId::random()),
            connection: Some(ConnectionId::random()),
            at: Timestamp::UNIX_EPOCH,
            kind: Kind::Text,
            data: Bytes::from_static("é".as_bytes()),
            key: None,
        };
        let bytes = encode(&message);
        assert_eq!(decode(bytes.clone()), Ok(message));
        for end in 0..MAX_HEAD {
            assert_eq!(
                decode(bytes.slice(..end)),
                Err(EnvelopeError::Short),
                "{end}"
            );
        }
        let cut = bytes.slice(..bytes.len() - 1);
        assert_eq!(decode(cut), Err(EnvelopeError::Utf8));
        let mut newer = bytes.to_vec();
        newer[0] = 2;
        assert_eq!(decode(newer.into()), Err(EnvelopeError::Format(2)));
        let mut timeless = bytes.to_vec();
        timeless[2..10].fill(0x7f);
        assert_eq!(decode(timeless.into()), Err(EnvelopeError::Time));
    }
}
